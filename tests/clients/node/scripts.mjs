// Scripts that use the upstreams, and what comes back of them.
import assert from 'node:assert/strict';
import fs from 'node:fs';

import { test, tokenizer } from './place.mjs';

test('one script uses four upstreams', async (place) => {
  place.use(['everything', 'filesystem', 'memory', 'git']);
  const session = await place.connect();
  const file = place.path('data', 'sums.json');
  const value = await session.value(`
    const sums: string[] = await Promise.all([1, 2, 3].map((n: number) => everything.get_sum({ a: n, b: n })));
    await filesystem.write_file({ path: "${file}", content: JSON.stringify(sums) });
    const { content } = await filesystem.read_text_file({ path: "${file}" });
    await memory.create_entities({ entities: [{ name: "sums", entityType: "list", observations: JSON.parse(content) }] });
    const { entities } = await memory.read_graph();
    const status = await git.git_status({ repo_path: "${place.path('repository')}" });
    return { observations: entities[0].observations.length, clean: status.includes("nothing to commit") };
  `);
  assert.deepEqual(value, { observations: 3, clean: true });
  assert.equal(JSON.parse(fs.readFileSync(file, 'utf8'))[2], 'The sum of 3 and 3 is 6.');
});

test('a hundred calls run at once', async (place) => {
  place.use(['everything']);
  const session = await place.connect();
  const calls = 'Promise.all(Array.from({ length: 100 }, (_, n) => everything.echo({ message: String(n) })))';
  assert.deepEqual(await session.value(`const all = await ${calls}; return [all.length, all[99]]`), [100, 'Echo: 99']);
});

test('an image arrives as an image', async (place) => {
  place.use(['everything']);
  const session = await place.connect();
  const { content, text } = await session.execute(
    "return (await everything.get_tiny_image()).find(({ type }) => type === 'image')",
  );
  const [image] = content.filter(({ type }) => type === 'image');
  assert.equal(image.mimeType, 'image/png');
  assert.equal(Buffer.from(image.data, 'base64').subarray(1, 4).toString(), 'PNG');
  assert.ok(!text.includes(image.data), 'the bytes cost no tokens');
});

test('structured content is a value', async (place) => {
  place.use(['everything']);
  const session = await place.connect();
  const { temperature, humidity } = await session.value(
    "return await everything.get_structured_content({ location: 'New York' })",
  );
  assert.deepEqual([typeof temperature, typeof humidity], ['number', 'number']);
});

test('a failing tool can be caught, and uncaught it is told with its place', async (place) => {
  place.use(['filesystem']);
  const session = await place.connect();
  const call = `await filesystem.read_text_file({ path: "${place.path('data', 'none')}" })`;
  const caught = await session.value(`try { ${call} } catch (e) { return [e.name, e.tool, e.message.slice(0, 6)] }`);
  assert.deepEqual(caught, ['ToolError', 'filesystem.read_text_file', 'ENOENT']);
  const { isError, text } = await session.execute(`const a = 1;\n${call}`);
  assert.equal(isError, true);
  assert.match(text, /\b2:\d+/);
  assert.match(text, /filesystem\.read_text_file.*ENOENT/s);
});

test('a misspelt tool and wrong arguments are told with what was meant', async (place) => {
  place.use(['everything']);
  const session = await place.connect();
  await session.listed('everything');
  for (const [code, said] of [
    ["await everything.ecko({ message: 'x' })", /did you mean.*echo/s],
    ["await everything.echo({ massage: 'x' })", /message/],
  ]) {
    const { isError, text } = await session.execute(code);
    assert.ok(isError && said.test(text), text);
  }
});

test('a result stays within its budget of tokens and is read back whole', async (place) => {
  const session = await place.connect();
  const make = 'return Array.from({ length: 5000 }, (_, id) => ({ id, text: `Ünïcode ${id} 日本語`, tags: ["a", "b"] }))';
  for (const budget of [undefined, 100, 1_000, 20_000]) {
    const { text } = await session.execute(make, undefined, budget ? { max_tokens: budget } : {});
    const cost = tokenizer.encode(text).length;
    assert.ok(cost <= (budget ?? 6_000), `${cost} tokens of ${budget}`);
    const [, handle] = text.match(/results\.get\("([^"]+)"\)/) ?? assert.fail(text.slice(-500));
    const read = `const all = await results.get("${handle}"); return [all.length, all[4999].text]`;
    assert.deepEqual(await session.value(read), [5_000, 'Ünïcode 4999 日本語']);
  }
});

test('a Python script is one more argument', async (place) => {
  place.use(['everything', 'memory']);
  const session = await place.connect();
  const code = `
import asyncio
said = await asyncio.gather(*(everything.echo(message=str(n)) for n in range(20)))
await memory.create_entities({"entities": [{"name": s, "entityType": "echo", "observations": []} for s in said]})
len((await memory.read_graph())["entities"])`;
  const { text, isError } = await session.execute(code, undefined, { language: 'python' });
  assert.deepEqual([isError ?? false, text], [false, '20']);
});
