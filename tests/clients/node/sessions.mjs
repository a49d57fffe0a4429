// Cancelling, sharing and ending, as the npm SDK does them.
import assert from 'node:assert/strict';
import fs from 'node:fs';

import { test, until } from './place.mjs';

test('an aborted script stops, and the next one works', async (place) => {
  place.use(['everything', 'filesystem']);
  const session = await place.connect();
  const waiting = 'await everything.trigger_long_running_operation({ duration: 600, steps: 1 })';
  for (const [number, rest] of ['for (;;) {}', waiting].entries()) {
    const sign = place.path('data', `runs-${number}`);
    const abort = new AbortController();
    const code = `await filesystem.write_file({ path: "${sign}", content: "" }); ${rest}`;
    const running = session.execute(code, { signal: abort.signal });
    await until('the script runs', () => fs.existsSync(sign));
    abort.abort('the person changed their mind');
    await assert.rejects(running);
    assert.deepEqual(await session.value("return [await everything.echo({ message: 'next' })]"), ['Echo: next']);
  }
  assert.deepEqual(session.strays, []);
});

test('two clients at once share a state directory and no results', async (place) => {
  place.use(['everything']);
  const [first, second] = await Promise.all([place.connect(), place.connect()]);
  const echo = (session, message) => session.value(`return [await everything.echo({ message: "${message}" })]`);
  assert.deepEqual(await Promise.all([echo(first, 1), echo(second, 2)]), [['Echo: 1'], ['Echo: 2']]);
  const { text } = await first.execute('return Array.from({ length: 20000 }, (_, n) => n)');
  const [, handle] = text.match(/results\.get\("([^"]+)"\)/);
  const read = `try { return (await results.get("${handle}")).length } catch (e) { return e.code }`;
  assert.equal(await first.value(read), 20_000);
  assert.equal((await second.execute(read)).text, 'unknown_handle');
  await first.client.close();
  assert.deepEqual(await echo(second, 3), ['Echo: 3']);
});

test('a client that can be asked and has roots is served as well', async (place) => {
  place.use(['everything']);
  const capabilities = { roots: { listChanged: true }, elicitation: { form: {}, url: {} }, sampling: {} };
  const session = await place.connect({ capabilities });
  assert.deepEqual(await session.value('return [1]'), [1]);
  await session.client.sendRootsListChanged();
  assert.deepEqual(await session.value("return [await everything.echo({ message: 'x' })]"), ['Echo: x']);
  await session.client.ping();
  assert.deepEqual(session.strays, []);
});

test('closing the client leaves no process', async (place) => {
  place.use(['everything', 'filesystem', 'memory', 'git']);
  const session = await place.connect();
  await session.listed('everything', 'filesystem', 'memory', 'git');
  assert.equal(place.upstreams().length, 4);
  // What becomes of the script is told or not, as time allows.
  const running = session.execute('for (;;) {}').catch((error) => error);
  await session.client.close();
  await running;
  await until('all upstreams are gone', () => place.upstreams().length === 0, 5);
});
