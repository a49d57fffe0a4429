// A place to test in: folders of its own, the reference servers upstream, and Outboards with the npm SDK's client on
// each. Leaves no process and no folder behind. What the tests are is not known here.
import { execFileSync, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test as nodeTest } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';

const { OUTBOARD, OUTBOARD_NODE_MODULES, OUTBOARD_CLIENTS_PYTHON, OUTBOARD_CLIENTS_ONLY } = process.env;

// The packages lie in a cache and not beside this file.
const require = createRequire(path.join(OUTBOARD_NODE_MODULES, 'none.js'));
const { Client } = require('@modelcontextprotocol/sdk/client/index.js');
const { StdioClientTransport } = require('@modelcontextprotocol/sdk/client/stdio.js');
// What a client over HTTP is made of, in both versions of the SDK.
export const Elder = Client;
export const { StreamableHTTPClientTransport: ElderHttp } = require('@modelcontextprotocol/sdk/client/streamableHttp.js');
export const { Client: Newer, StreamableHTTPClientTransport: NewerHttp } = require('@modelcontextprotocol/client');
const { Tiktoken } = require('js-tiktoken/lite');

export const tokenizer = new Tiktoken(require('js-tiktoken/ranks/o200k_base'));

/** Registers a test that gets a place of its own; when it fails, its story is told. */
export function test(name, body) {
  if (!name.includes(OUTBOARD_CLIENTS_ONLY ?? '')) return;
  nodeTest(name, { timeout: 60_000 }, async () => {
    const place = new Place();
    try {
      await body(place);
    } catch (error) {
      throw new Error(`${error.stack}\n${place.story()}`);
    } finally {
      await place.clear();
    }
  });
}

/** Waits until `look` gives something true, and gives it. */
export async function until(what, look, seconds = 15) {
  for (const deadline = Date.now() + seconds * 1000; ; ) {
    const seen = await look();
    if (seen) return seen;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${seconds} s`);
    await pause(50);
  }
}

const server = (name, ...args) => ({
  command: 'node',
  args: [path.join(OUTBOARD_NODE_MODULES, '@modelcontextprotocol', `server-${name}`, 'dist', 'index.js'), ...args],
});

export class Place {
  root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'outboard-clients-')));
  sessions = [];
  servers = [];

  constructor() {
    for (const folder of ['config', 'state', 'project', 'data']) fs.mkdirSync(this.path(folder));
  }

  path(...parts) {
    return path.join(this.root, ...parts);
  }

  entry(name) {
    switch (name) {
      case 'everything':
        return server('everything', 'stdio');
      case 'filesystem':
        return server('filesystem', this.path('data'));
      case 'memory':
        return { ...server('memory'), env: { MEMORY_FILE_PATH: this.path('memory.jsonl') } };
      case 'git': {
        const repository = this.path('repository');
        execFileSync('git', ['init', '--quiet', '--initial-branch=main', repository]);
        const command = path.join(path.dirname(OUTBOARD_CLIENTS_PYTHON), 'mcp-server-git');
        return { command, args: ['--repository', repository] };
      }
    }
  }

  /** Configures upstreams by name, or by name and entry, of a user who trusts them and wants to be asked nothing. */
  use(names, settings = {}) {
    const entries = Array.isArray(names) ? Object.fromEntries(names.map((name) => [name, this.entry(name)])) : names;
    const marked = ([name, entry]) => [name, { trust: true, ...entry, env: { ...entry.env, OUTBOARD_TEST_PLACE: this.root } }];
    const mcpServers = Object.fromEntries(Object.entries(entries).map(marked));
    fs.writeFileSync(this.path('config', 'outboard.json'), JSON.stringify({ mcpServers, policy: { otherwise: 'allow' }, ...settings }));
  }

  /** Holds up an upstream before it starts, until it is opened. */
  gate() {
    const pipe = this.path('gate');
    execFileSync('mkfifo', [pipe]);
    return {
      before({ command, args, ...entry }) {
        return { ...entry, command: '/bin/sh', args: ['-c', 'read -r word < "$0"; exec "$@"', pipe, command, ...args] };
      },
      /** Lets an upstream through that waits; tells whether one waited. */
      open() {
        try {
          fs.writeFileSync(pipe, 'open\n', { flag: fs.constants.O_WRONLY | fs.constants.O_NONBLOCK });
          return true;
        } catch {
          return false;
        }
      },
    };
  }

  /** A new Outboard with a client on it. */
  async connect(options = {}) {
    const session = new Session(this, options);
    this.sessions.push(session);
    await session.client.connect(session.transport);
    return session;
  }

  /** A new Outboard that serves over HTTP, and its URL. */
  async serve() {
    const how = { env: this.variables(), cwd: this.path('project'), stdio: ['ignore', 'ignore', 'pipe'] };
    const server = { child: spawn(OUTBOARD, ['serve', '--http', '127.0.0.1:0'], how), stderr: '' };
    server.child.stderr.on('data', (data) => (server.stderr += data));
    this.servers.push(server);
    return new URL(await until('it says where it listens', () => /^serving MCP at (\S+)$/m.exec(server.stderr)?.[1]));
  }

  /** The environment of an Outboard that lives in this place. */
  variables() {
    return {
      PATH: process.env.PATH,
      OUTBOARD_CONFIG_DIR: this.path('config'),
      OUTBOARD_STATE_DIR: this.path('state'),
      OUTBOARD_TEST_PLACE: this.root,
    };
  }

  /** Command lines of the upstream processes that live. */
  upstreams() {
    const mark = `OUTBOARD_TEST_PLACE=${this.root}`;
    return processes(mark).filter(({ command }) => !command.startsWith(OUTBOARD));
  }

  story() {
    const served = this.servers.map(({ stderr }) => `an Outboard that served over HTTP:\n${stderr}`);
    return [...this.sessions.map((session) => session.story()), ...served].join('\n');
  }

  async clear() {
    await Promise.all(this.sessions.map((session) => session.client.close()));
    for (const { pid } of processes(`OUTBOARD_TEST_PLACE=${this.root}`)) process.kill(pid, 'SIGKILL');
    fs.rmSync(this.root, { recursive: true, force: true });
  }
}

class Session {
  stderr = '';
  messages = [];
  strays = [];

  constructor(place, options) {
    this.client = new Client({ name: 'node-suite', version: '1' }, options);
    const how = { command: OUTBOARD, args: ['serve'], env: place.variables(), cwd: place.path('project'), stderr: 'pipe' };
    this.transport = new StdioClientTransport(how);
    this.transport.stderr.on('data', (data) => (this.stderr += data));
    this.client.onerror = (error) => this.strays.push(error);
    this.client.fallbackNotificationHandler = async (notification) => this.#tell(notification);
  }

  async call(name, args, options) {
    const result = await this.client.callTool({ name, arguments: args }, undefined, options);
    const text = result.content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('\n');
    this.#tell({ name, args, text: text.slice(0, 1_500) });
    return { ...result, text };
  }

  execute(code, options, args = {}) {
    return this.call('execute', { code, ...args }, options);
  }

  /** The JSON value that a script returns, when it is all that the answer holds. */
  async value(code) {
    const { text, isError } = await this.execute(code);
    if (isError) throw new Error(text);
    return JSON.parse(text);
  }

  /** Waits until these upstreams have listed their tools. */
  async listed(...names) {
    await until(`the tools of ${names}`, async () => {
      const { text } = await this.call('search', { query: '' });
      return names.every((name) => text.includes(`${name} (`)) && !text.includes('starting');
    });
  }

  /** Keeps a message for the story; one that comes again and again is kept once. */
  #tell(message) {
    const line = JSON.stringify(message);
    if (this.messages.at(-1) !== line) this.messages.push(line);
  }

  story() {
    const told = this.messages.slice(-40).map((line) => `  ${line}`);
    const strays = this.strays.map((error) => `  stray: ${error}`);
    const stderr = this.stderr.split('\n').slice(-60).map((line) => `  ${line}`);
    return ["a client's view:", ...told, ...strays, '  standard error of this Outboard:', ...stderr].join('\n');
  }
}

function processes(mark) {
  return fs.readdirSync('/proc').flatMap((pid) => {
    try {
      const environment = fs.readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
      if (!/^\d+$/.test(pid) || !environment.includes(mark)) return [];
      return [{ pid: Number(pid), command: fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8') }];
    } catch {
      // It is no process, it ended while we looked, or it is another user's.
      return [];
    }
  });
}
