// Reports each test as one line of JSON, as `harness/report.py` reads it. Judges nothing.
import { inspect } from 'node:util';

const line = (name, outcome, details, story = '') =>
  JSON.stringify({ name, outcome, seconds: details.duration_ms / 1000, story }) + '\n';

export default async function* report(events) {
  for await (const { type, data } of events) {
    if (type === 'test:pass') {
      const skipped = data.skip !== undefined;
      yield line(data.name, skipped ? 'skipped' : 'passed', data.details, skipped ? String(data.skip) : '');
    } else if (type === 'test:fail') {
      const { error } = data.details;
      yield line(data.name, 'failed', data.details, error?.cause?.stack ?? inspect(error));
    } else if (type === 'test:stderr' || type === 'test:stdout') {
      yield data.message;
    }
  }
}
