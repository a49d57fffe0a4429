const total = await data_tools.get_total_pages();
const pages = await Promise.all(
  Array.from({ length: total }, (_, i) => data_tools.get_data_chunk({ page: i + 1 })),
);
const records = pages.flatMap((p) => p.records);

const counts = new Map<string, number>();
for (const r of records) counts.set(r.user_id, (counts.get(r.user_id) ?? 0) + 1);
const most = Math.max(...counts.values());
const seconds = records.reduce((sum, r) => sum + r.metadata.duration_seconds, 0);

return {
  failures: records.filter((r) => !r.metadata.success).length,
  most_active: [...counts.keys()].filter((user) => counts.get(user) === most).sort(),
  average_duration: Math.round((seconds / records.length) * 10) / 10,
};
