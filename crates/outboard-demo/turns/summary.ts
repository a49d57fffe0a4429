const total = await data_tools.get_total_pages();
const pages = await Promise.all(Array.from({ length: total }, (_, i) => data_tools.get_data_chunk({ page: i + 1 })));
const records = pages.flatMap(p => p.records);
const counts: Record<string, number> = {};
for (const r of records) counts[r.user_id] = (counts[r.user_id] ?? 0) + 1;
const most = Math.max(...Object.values(counts));
const seconds = records.reduce((sum, r) => sum + r.metadata.duration_seconds, 0);
return {
  failures: records.filter(r => !r.metadata.success).length,
  most_active: Object.keys(counts).filter(u => counts[u] === most).sort(),
  average_duration: Math.round(seconds / records.length * 10) / 10,
};
