"""The two entries of the guest, and the messages that go out at a standstill."""

import asyncio
import json
import marshal
import struct

import wit_world

from . import absent, console, failure, image, program, tools, values
from .loop import Loop

# Kinds of a delivery's body.
TIMER, JSON, MARSHAL, FAILED = range(4)

# Records that go out; their reader is `wire.rs`.
WAITING, FINISHED, THREW, STUCK, VALUE_TOO_LONG = 10, 15, 12, 13, 14
CONSOLE_DROPPED = 3

_u32 = struct.Struct("<I").pack
_waiting = struct.Struct("<BBd").pack
_loads = json.loads
_unmarshal = marshal.loads

loop = Loop()
asyncio._set_running_loop(loop)
asyncio.set_event_loop(loop)
# There is one loop, whoever asks for a new one.
asyncio.new_event_loop = asyncio.events.new_event_loop = lambda: loop


class WitWorld(wit_world.WitWorld):
    """What the host calls. Made once, when everything is imported: the start image is taken after that."""

    def __init__(self):
        absent.install()
        console.install()
        image.settle()

    def start(self, text, settings):
        image.hide()
        settings = _loads(settings)
        run.value_limit = settings["value"]
        console.budget.left = settings["console"]
        tools.desk.left = settings["calls"]
        tools.publish(settings["namespaces"])
        run.main = loop.create_task(program.main(text))
        return run.standstill()

    def deliver(self, at, kind, request, body):
        loop.now = at
        if kind != TIMER:
            future = tools.desk.pending.pop(request, None)
            if future is not None and not future.done():
                try:
                    if kind == MARSHAL:
                        future.set_result(_unmarshal(body))
                    elif kind == JSON:
                        future.set_result(_loads(body))
                    else:
                        future.set_exception(tools.desk.failed(request, _loads(body)))
                # What is no value for Python (too deep, a number of too many digits) is the script's to hear of.
                except Exception as error:  # noqa: BLE001
                    body = None
                    future.set_exception(error)
            body = None
            loop.pump(run.main)
        loop.fire()
        return run.standstill()


class Run:
    """The one run of this guest."""

    main = None
    value_limit = 0

    def standstill(self):
        """Runs until nothing is ready and says where the script stands."""
        loop.pump(self.main)
        out = tools.desk.take()
        if self.main.done():
            self.end(out)
        elif (due := loop.due()) is not None:
            # In milliseconds, as the other guest counts.
            out.append(_waiting(WAITING, 1, due * 1000.0))
        elif tools.desk.pending:
            out.append(_waiting(WAITING, 0, 0.0))
        else:
            tools.desk.forgotten()
            out.append(bytes((STUCK,)))
        console.flush()
        if dropped := console.budget.take_dropped():
            out.insert(0, struct.pack("<BQ", CONSOLE_DROPPED, dropped))
        return b"".join(out)

    def end(self, out):
        try:
            value = self.main.result()
            text = None if value is None else values.encode(value, self.value_limit)
        except values.TooLong:
            out.append(bytes((VALUE_TOO_LONG,)))
        except BaseException as error:  # noqa: BLE001  whatever left the script is told
            tools.desk.forgotten()
            out.append(bytes((THREW,)))
            out.extend(failure.describe(error))
        else:
            tools.desk.forgotten()
            if text is None:
                out.append(bytes((FINISHED, 0)))
            else:
                out.append(bytes((FINISHED, 1)) + _u32(len(text)))
                out.append(text)


run = Run()
