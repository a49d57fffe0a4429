by_user = {}
count = failures = seconds = 0
pages = (await bench.pages())["pages"]
for number in range(pages):
    page = await bench.page(number=number)
    for record in page["records"]:
        count += 1
        if not record["metadata"]["success"]:
            failures += 1
        seconds += record["metadata"]["duration_seconds"]
        user = record["user_id"]
        by_user[user] = by_user.get(user, 0) + 1
{"records": count, "failures": failures, "seconds": seconds, "by_user": by_user}
