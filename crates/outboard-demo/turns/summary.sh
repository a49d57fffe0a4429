cat > summary.py <<'END'
import asyncio, json
from collections import Counter
from mcp_tools.aio.data_tools import get_data_chunk, get_total_pages

async def main():
    total = await get_total_pages()
    pages = await asyncio.gather(*(get_data_chunk(page=n + 1) for n in range(total)))
    records = [r for p in pages for r in p["records"]]
    counts = Counter(r["user_id"] for r in records)
    most = max(counts.values())
    seconds = sum(r["metadata"]["duration_seconds"] for r in records)
    print(json.dumps({
        "failures": sum(not r["metadata"]["success"] for r in records),
        "most_active": sorted(u for u, n in counts.items() if n == most),
        "average_duration": round(seconds / len(records), 1),
    }))

asyncio.run(main())
END
python3 summary.py
