const chunks = await Promise.all(Array.from({ length: 10 }, (_, number) => bench.chunk({ number })));
const by_user: Record<string, number> = {};
let count = 0, failures = 0, seconds = 0;
for (const { records } of chunks) {
  for (const record of records) {
    count++;
    if (!record.metadata.success) failures++;
    seconds += record.metadata.duration_seconds;
    by_user[record.user_id] = (by_user[record.user_id] ?? 0) + 1;
  }
}
return { records: count, failures, seconds, by_user };
