import asyncio
from collections import Counter

total = await data_tools.get_total_pages()
pages = await asyncio.gather(*(data_tools.get_data_chunk(page=n + 1) for n in range(total)))
records = [r for p in pages for r in p["records"]]
counts = Counter(r["user_id"] for r in records)
most = max(counts.values())
seconds = sum(r["metadata"]["duration_seconds"] for r in records)
{
    "failures": sum(not r["metadata"]["success"] for r in records),
    "most_active": sorted(u for u, n in counts.items() if n == most),
    "average_duration": round(seconds / len(records), 1),
}
