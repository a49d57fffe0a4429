import asyncio

chunks = await asyncio.gather(*(bench.chunk(number=number) for number in range(10)))
by_user = {}
count = failures = seconds = 0
for chunk in chunks:
    for record in chunk["records"]:
        count += 1
        if not record["metadata"]["success"]:
            failures += 1
        seconds += record["metadata"]["duration_seconds"]
        user = record["user_id"]
        by_user[user] = by_user.get(user, 0) + 1
{"records": count, "failures": failures, "seconds": seconds, "by_user": by_user}
