// Calls tools through Outboard, over its socket. Written by `outboard generate`; it needs node and nothing else.
// OUTBOARD_SOCKET names another socket than the one in _outboard.json.

import { spawn } from "node:child_process";
import { lstatSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { dirname } from "node:path";

const VERSION = 1;
/** Longest frame that Outboard takes, in bytes. */
const LONGEST = 32 << 20;
/** Calls under way; further ones wait for their turn. */
const MOST_CALLS = 4_096;
/** Tries to reach an Outboard that is ending just then. */
const TRIES = 3;

export class ToolError extends Error {
  constructor(message = "", { tool = "", code = "tool_error", content = [], cause } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.tool = tool;
    this.code = code;
    this.content = content;
  }
}
Object.defineProperty(ToolError.prototype, "name", { value: "ToolError", writable: true, configurable: true });

/** Nothing serves the socket, or whoever served it left before it said anything: nothing was called. */
class Absent extends Error {}

/** JSON has no NaN and no infinite numbers, and would take them for null. */
function finite(name, value, tool) {
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new ToolError(`not sent: \`${name}\` is ${value}, which JSON cannot say`, { tool, code: "invalid_arguments" });
  }
  return value;
}

/** One connection, which all calls of the process share. */
class Connection {
  constructor(path) {
    this.waiting = new Map();
    this.last = 0;
    this.welcomed = false;
    this.chunks = [];
    this.length = 0;
    this.socket = connect(path);
    this.socket.unref();
    this.socket.on("data", (chunk) => this.read(chunk));
    this.socket.on("error", (error) => this.end(error));
    this.socket.on("close", () => this.end());
    this.send({ hello: { version: VERSION } });
  }

  send(message, tool) {
    const text = JSON.stringify(message);
    if (text.includes("null")) {
      // It may stand for what is no JSON; looking at every value takes its time.
      JSON.stringify(message, (name, value) => finite(name, value, tool));
    }
    const body = Buffer.from(text);
    if (body.length > LONGEST) {
      const text = `not sent: the call has ${body.length} bytes as JSON; up to ${LONGEST} are taken`;
      throw new ToolError(text, { tool, code: "invalid_arguments" });
    }
    const frame = Buffer.allocUnsafe(4 + body.length);
    frame.writeUInt32BE(body.length, 0);
    body.copy(frame, 4);
    this.socket.write(frame);
  }

  call(namespace, tool, input) {
    return new Promise((resolve, reject) => {
      const id = ++this.last;
      // What cannot be sent fails here, before anything waits for it.
      this.send({ call: { id, namespace, tool, arguments: input } }, `${namespace}.${tool}`);
      this.waiting.set(id, { resolve, reject, name: `${namespace}.${tool}` });
      this.socket.ref();
    });
  }

  read(chunk) {
    this.chunks.push(chunk);
    this.length += chunk.length;
    while (this.length >= 4) {
      if (this.chunks[0].length < 4) {
        this.chunks = [Buffer.concat(this.chunks)];
      }
      const end = 4 + this.chunks[0].readUInt32BE(0);
      if (this.length < end) {
        return;
      }
      const all = this.chunks.length === 1 ? this.chunks[0] : Buffer.concat(this.chunks);
      this.chunks = all.length > end ? [all.subarray(end)] : [];
      this.length -= end;
      this.understand(all.subarray(4, end));
    }
  }

  /** An answer that cannot be read is the failure of its call. */
  understand(body) {
    let message;
    try {
      message = JSON.parse(body.toString());
    } catch (error) {
      const answered = /^\{"(?:value|failed)":\{"id":(\d{1,15})[,}]/.exec(body.toString("latin1", 0, 60));
      if (!answered) {
        this.end(error);
        return;
      }
      const text = `the answer cannot be read: ${error.message}. The call was made: check what it did before you make it again`;
      message = { failed: { id: Number(answered[1]), message: text, tool: "", code: "upstream_error", content: [] } };
    }
    this.take(message);
  }

  take(message) {
    if (message.welcome) {
      this.welcomed = true;
    } else if (message.refused) {
      // Only before it said welcome is it sure that nothing was called.
      const [code, after] = this.welcomed
        ? ["interrupted", "; check what the call did before you make it again"]
        : ["upstream_unavailable", ""];
      this.end(new ToolError(`Outboard refused the program: ${message.refused.message}${after}`, { code }));
    } else if (message.value) {
      this.settle(message.value.id)?.resolve(message.value.value);
    } else if (message.failed) {
      const { id, message: text, tool, code, content } = message.failed;
      const call = this.settle(id);
      call?.reject(new ToolError(text, { tool: tool || call.name, code, content }));
    } else if (message.waiting) {
      const call = this.waiting.get(message.waiting.id);
      if (call) {
        process.stderr.write(`outboard: ${call.name} waits for a person: outboard approve ${message.waiting.question}\n`);
      }
    }
  }

  settle(id) {
    const call = this.waiting.get(id);
    this.waiting.delete(id);
    if (this.waiting.size === 0) {
      this.socket.unref();
    }
    return call;
  }

  end(cause) {
    this.ended = true;
    this.socket.destroy();
    const calls = [...this.waiting.values()];
    this.waiting.clear();
    for (const { reject, name } of calls) {
      if (cause instanceof ToolError) {
        reject(new ToolError(cause.message, { tool: name, code: cause.code }));
      } else if (this.welcomed) {
        reject(
          new ToolError("Outboard ended during the call: check what it did before you make it again", {
            tool: name,
            code: "interrupted",
            cause,
          }),
        );
      } else {
        reject(new Absent("nothing serves the socket", { cause }));
      }
    }
  }
}

let connection;
let starting;
let underWay = 0;
const turns = [];

export async function call(namespace, tool, input = {}) {
  if (underWay < MOST_CALLS) {
    underWay += 1;
  } else {
    await new Promise((turn) => turns.push(turn));
  }
  try {
    return await made(namespace, tool, input);
  } finally {
    const next = turns.shift();
    if (next) {
      next();
    } else {
      underWay -= 1;
    }
  }
}

async function made(namespace, tool, input) {
  const name = `${namespace}.${tool}`;
  for (let tries = 0; ; tries += 1) {
    try {
      if (!connection || connection.ended) {
        connection = new Connection(found(name).socket);
      }
      return await connection.call(namespace, tool, input);
    } catch (error) {
      if (!(error instanceof Absent)) {
        throw error;
      }
      const place = found(name);
      if (tries === TRIES || place.start.length === 0) {
        throw unavailable(name, `nothing serves ${place.socket}`, error);
      }
      starting ??= start(place, name).finally(() => {
        starting = undefined;
      });
      await starting;
    }
  }
}

/** Where the socket is. */
function found(name) {
  if (process.env.OUTBOARD_SOCKET) {
    return { socket: process.env.OUTBOARD_SOCKET, start: [], environment: {} };
  }
  if (process.env.OUTBOARD_INSIDE) {
    throw unavailable(name, "this program was started by an Outboard, whose calls would come back to it");
  }
  let place;
  try {
    place = JSON.parse(readFileSync(new URL("./_outboard.json", import.meta.url), "utf8"));
  } catch (error) {
    throw unavailable(name, "_outboard.json cannot be read; run `outboard generate` again", error);
  }
  if (!place.socket) {
    throw unavailable(name, "set OUTBOARD_SOCKET to the socket of an Outboard");
  }
  const folder = dirname(place.socket);
  let facts;
  try {
    facts = lstatSync(folder);
  } catch {
    // It is made when Outboard starts.
    return place;
  }
  if (!facts.isDirectory()) {
    throw unavailable(name, `${folder} is no folder`);
  }
  if (facts.uid !== process.geteuid?.()) {
    throw unavailable(name, `${folder} belongs to another user`);
  }
  if (facts.mode & 0o077) {
    throw unavailable(name, `others can open ${folder}; make it yours alone (chmod 700)`);
  }
  return place;
}

/** Sees to it that the socket is served. */
function start({ start, environment }, name) {
  const [program, ...words] = start;
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, {
      env: { ...process.env, ...environment },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text) => {
      said = (said + text).slice(-4_000);
    });
    child.on("error", (error) => reject(unavailable(name, `${program} cannot be started`, error)));
    child.on("close", (code) => (code === 0 ? resolve() : reject(unavailable(name, said.trim() || `${program} failed`))));
  });
}

function unavailable(tool, why, cause) {
  return new ToolError(`not sent: Outboard cannot be reached: ${why}`, { tool, code: "upstream_unavailable", cause });
}
