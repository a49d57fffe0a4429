// An agent that works with everything Outboard has: `node agent.ts --model MODEL "the task"`.
//
// The `openai` package asks the model, `@modelcontextprotocol/sdk` talks to `outboard serve`. What the model does is told on
// standard error, its answer stands on standard output.
import { parseArgs } from 'node:util';

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import OpenAI from 'openai';

const SYSTEM = 'Do the task with your tools. Compute from tool results, never guess. Be brief.';
const MOST_TURNS = 50;
// Outboard finds its configuration by these; a server that is started over MCP gets few variables by itself.
const PASSED = ['HOME', 'PATH', 'OUTBOARD_CONFIG_DIR', 'OUTBOARD_STATE_DIR'];

type Message = OpenAI.Chat.Completions.ChatCompletionMessageParam;
type Call = OpenAI.Chat.Completions.ChatCompletionMessageFunctionToolCall;

const { values, positionals } = parseArgs({ options: { model: { type: 'string' } }, allowPositionals: true });
const [task] = positionals;
if (!values.model || !task) {
  console.error('usage: node agent.ts --model MODEL "the task"');
  process.exit(2);
}

const outboard = new Client({ name: 'outboard-example', version: '0.1.0' });
const known = PASSED.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []));
await outboard.connect(
  new StdioClientTransport({ command: process.env.OUTBOARD ?? 'outboard', args: ['serve'], env: Object.fromEntries(known) }),
);
try {
  const answer = await work(values.model, task);
  if (answer === undefined) console.error(`no answer after ${MOST_TURNS} turns`);
  else console.log(answer);
  process.exitCode = answer === undefined ? 1 : 0;
} finally {
  await outboard.close();
}

/** The loop: a turn of the model, its calls, their answers, until it calls nothing any more. */
async function work(model: string, task: string): Promise<string | undefined> {
  const openai = new OpenAI();
  const tools = (await outboard.listTools()).tools.map((tool) => ({
    type: 'function' as const,
    function: { name: tool.name, description: tool.description ?? '', parameters: tool.inputSchema },
  }));
  // What Outboard says of itself stands beside the system prompt, as other clients put it.
  const system = [SYSTEM, outboard.getInstructions()].filter(Boolean).join('\n\n');
  const messages: Message[] = [
    { role: 'system', content: system },
    { role: 'user', content: task },
  ];
  for (let number = 1; number <= MOST_TURNS; number++) {
    const turn = await openai.chat.completions
      .stream({ model, messages, tools, stream_options: { include_usage: true } })
      .finalChatCompletion();
    const { message } = turn.choices[0];
    console.error(`turn ${number}: ${turn.usage?.prompt_tokens} in, ${turn.usage?.completion_tokens} out`);
    const calls = (message.tool_calls ?? []).filter((call) => call.type === 'function') as Call[];
    if (calls.length === 0) return message.content ?? '';
    messages.push({ role: 'assistant', content: message.content, tool_calls: calls });
    // The calls of one turn are made together.
    messages.push(...(await Promise.all(calls.map(answered))));
  }
  return undefined;
}

async function answered(call: Call): Promise<Message> {
  const { name, arguments: input } = call.function;
  let text: string;
  try {
    const result = await outboard.callTool({ name, arguments: JSON.parse(input || '{}') });
    const blocks = result.content as { type: string; text?: string }[];
    text = blocks.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('\n');
  } catch (error) {
    text = `${name} was not called: ${error instanceof Error ? error.message : error}`;
  }
  console.error(`  ${name}: ${JSON.stringify(text.slice(0, 100))}`);
  return { role: 'tool', tool_call_id: call.id, content: text };
}
