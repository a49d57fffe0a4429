// The clients of the npm SDK over HTTP: version 1, and version 2 in either era.
import assert from 'node:assert/strict';

import { Elder, ElderHttp, Newer, NewerHttp, test, until } from './place.mjs';

const sum = 'return [await everything.get_sum({ a: 1, b: 2 })]';
const textOf = ({ content }) => content.map(({ text }) => text).join('\n');
const execute = async (client, code) => textOf(await client.callTool({ name: 'execute', arguments: { code } }));

async function connected(client, transport, body) {
  await client.connect(transport);
  try {
    await body(client);
  } finally {
    await client.close();
  }
}

test('version 1 of the SDK has a session over HTTP, and ends it', async (place) => {
  place.use(['everything']);
  const url = await place.serve();
  const transport = new ElderHttp(url);
  await connected(new Elder({ name: 'node-http', version: '1' }), transport, async (client) => {
    assert.equal(await execute(client, sum), '["The sum of 1 and 2 is 3."]');
    const slow = "await everything.trigger_long_running_operation({ duration: 1, steps: 1 }); return 'done'";
    assert.equal(await execute(client, slow), 'done');
    assert.ok(transport.sessionId);
    await transport.terminateSession();
    const gone = await fetch(url, { method: 'DELETE', headers: { 'mcp-session-id': transport.sessionId ?? 'gone' } });
    assert.equal(gone.status, 404);
  });
});

test('version 1 of the SDK hears over HTTP when the tools have changed', async (place) => {
  const changes = [];
  const listChanged = { tools: { onChanged: (error, tools) => changes.push({ error, tools }) } };
  place.use(['everything']);
  const url = await place.serve();
  await connected(new Elder({ name: 'node-http', version: '1' }, { listChanged }), new ElderHttp(url), async (client) => {
    await client.listTools();
    place.use(['everything', 'memory']);
    await until('the refreshed list', () => changes.some(({ tools }) => tools));
    assert.deepEqual(changes.filter(({ error }) => error), []);
  });
});

for (const [mode, version] of [['auto', '2026-07-28'], ['legacy', '2025-11-25']]) {
  test(`version 2 of the SDK speaks ${version} over HTTP`, async (place) => {
    place.use(['everything']);
    const url = await place.serve();
    const client = new Newer({ name: 'node-http', version: '1' }, { versionNegotiation: { mode } });
    await connected(client, new NewerHttp(url), async () => {
      assert.equal(client.getNegotiatedProtocolVersion(), version);
      const { tools } = await client.listTools();
      assert.deepEqual(tools.map(({ name }) => name), ['search', 'execute']);
      const answers = await Promise.all(Array.from({ length: 10 }, () => execute(client, sum)));
      assert.deepEqual([...new Set(answers)], ['["The sum of 1 and 2 is 3."]']);
    });
  });
}
