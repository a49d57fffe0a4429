// What the tools cost a client, and what it is told of them.
import assert from 'node:assert/strict';

import { test, tokenizer, until } from './place.mjs';

const tokens = (value) => tokenizer.encode(typeof value === 'string' ? value : JSON.stringify(value)).length;

test('the two tools cost at most 400 tokens whatever is upstream', async (place) => {
  place.use(['everything', 'filesystem', 'memory', 'git']);
  const session = await place.connect();
  await session.listed('everything', 'filesystem', 'memory', 'git');
  const { tools } = await session.client.listTools();
  assert.deepEqual(tools.map(({ name }) => name), ['search', 'execute']);
  const cost = tokens(tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema })));
  assert.ok(cost <= 400, `they cost ${cost} tokens`);
});

test('a small catalogue adds no more than its budget to them', async (place) => {
  place.use(['memory'], { declarations: 0 });
  const alone = await place.connect();
  const cost = async (session) => tokens((await session.client.listTools()).tools[1].description);
  const before = await cost(alone);
  place.use(['memory']);
  const session = await place.connect();
  await session.listed('memory');
  const { tools } = await session.client.listTools();
  assert.match(tools[1].description, /COMPLETE/);
  assert.match(tools[1].description, /read_graph/);
  assert.ok((await cost(session)) - before <= 1_560, `${await cost(session)} tokens, ${before} without`);
});

test('instructions reach the client and name the namespaces', async (place) => {
  place.use(['everything', 'git']);
  const { client } = await place.connect();
  const instructions = client.getInstructions();
  assert.match(instructions.slice(0, 220), /execute/);
  for (const name of ['everything', 'git']) assert.ok(instructions.slice(0, 2_048).includes(name), instructions);
  assert.equal(client.getServerCapabilities().tools.listChanged, true);
});

test('the client refreshes its tools when a slow upstream has come up', async (place) => {
  const changes = [];
  const listChanged = { tools: { onChanged: (error, tools) => changes.push({ error, tools }) } };
  const gate = place.gate();
  place.use({ memory: gate.before(place.entry('memory')) }, { declarations: 6_000 });
  const session = await place.connect({ listChanged });
  const { tools } = await session.client.listTools();
  assert.doesNotMatch(tools[1].description, /read_graph/);
  await until('the upstream waits at its gate', () => gate.open());
  await until('the refreshed list', () => changes.some(({ tools }) => tools?.[1].description.includes('read_graph')));
  assert.deepEqual(changes.filter(({ error }) => error), []);
  assert.deepEqual(session.strays, []);
});

test('search finds the right tools', async (place) => {
  place.use(['everything', 'filesystem', 'memory', 'git']);
  const session = await place.connect();
  await session.listed('everything', 'filesystem', 'memory', 'git');
  for (const [query, tool] of [
    ['add two numbers', 'everything.get_sum('],
    ['read a text file', 'filesystem.read_text_file('],
    ['read the whole knowledge graph', 'memory.read_graph('],
    ['stage files for a commit', 'git.git_add('],
  ]) {
    const { text } = await session.call('search', { query, limit: 3 });
    assert.ok(text.includes(tool), `${query}: ${text}`);
    assert.ok(tokens(text) <= 1_300, `${query}: ${tokens(text)} tokens`);
  }
});
