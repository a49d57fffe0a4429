#!/usr/bin/env python3
"""An agent that works with everything Outboard has: `python agent.py --model MODEL "the task"`.

The `anthropic` package asks the model, the `mcp` package of version 2 talks to `outboard serve`. What the model does is told on standard
error, its answer stands on standard output.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys

from anthropic import AsyncAnthropic
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.stdio import stdio_client

SYSTEM = "Do the task with your tools. Compute from tool results, never guess. Be brief."
MOST_TURNS = 50
# Outboard finds its configuration by these; a server that is started over MCP gets few variables by itself.
PASSED = ("HOME", "PATH", "OUTBOARD_CONFIG_DIR", "OUTBOARD_STATE_DIR")


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("task")
    arguments = parser.parse_args()

    environment = {name: os.environ[name] for name in PASSED if name in os.environ}
    server = StdioServerParameters(command=os.environ.get("OUTBOARD", "outboard"), args=["serve"], env=environment)
    async with Client(stdio_client(server)) as outboard:
        # What Outboard says of itself stands beside the system prompt, as other clients put it.
        system = "\n\n".join(filter(None, [SYSTEM, outboard.instructions]))
        answer = await work(AsyncAnthropic(), outboard, arguments.model, system, arguments.task)
    if answer is None:
        print(f"no answer after {MOST_TURNS} turns", file=sys.stderr)
        return 1
    print(answer)
    return 0


async def work(model: AsyncAnthropic, outboard: Client, name: str, system: str, task: str) -> str | None:
    """The loop: a turn of the model, its calls, their answers, until it calls nothing any more."""
    tools = [
        {"name": tool.name, "description": tool.description or "", "input_schema": tool.input_schema}
        for tool in (await outboard.list_tools()).tools
    ]
    messages: list = [{"role": "user", "content": task}]
    for number in range(1, MOST_TURNS + 1):
        async with model.messages.stream(
            model=name, max_tokens=8192, system=system, tools=tools, messages=messages
        ) as stream:
            turn = await stream.get_final_message()
        used = turn.usage
        print(f"turn {number}: {used.input_tokens} in, {used.output_tokens} out", file=sys.stderr)
        calls = [block for block in turn.content if block.type == "tool_use"]
        if not calls:
            return "".join(block.text for block in turn.content if block.type == "text")
        messages.append({"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in turn.content]})
        # The calls of one turn are made together.
        results = await asyncio.gather(*(answered(outboard, call) for call in calls))
        messages.append({"role": "user", "content": list(results)})
    return None


async def answered(outboard: Client, call) -> dict:
    try:
        result = await outboard.call_tool(call.name, call.input)
        text, failed = "\n".join(block.text for block in result.content if block.type == "text"), bool(result.is_error)
    except MCPError as refused:
        # A tool that is not there, for example: the model is told, and goes on.
        text, failed = str(refused), True
    print(f"  {call.name}: {text[:100]!r}", file=sys.stderr)
    return {"type": "tool_result", "tool_use_id": call.id, "content": text, "is_error": failed}


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
