"""The two entries of the guest, and the messages that go out at a standstill."""

import asyncio
import json
import marshal
import random
import struct

import wit_world

from . import absent, console, failure, image, program, rehearsal, tools, values
from .loop import Loop

# Kinds of a delivery's body.
TIMER, JSON, MARSHAL, FAILED = range(4)

# Records that go out; their reader is `wire.rs`.
WAITING, FINISHED, THREW, STUCK, VALUE_TOO_LONG = 10, 15, 12, 13, 14
CONSOLE_DROPPED = 3

# What stands for a request that nobody waits for any more.
GONE = (None, "", (0, 0))

_u32 = struct.Struct("<I").pack
# Before the body of a delivery: its kind, its request, its length.
_delivery = struct.Struct("<BII")
_waiting = struct.Struct("<BBd").pack
_loads = json.loads
_decoded = values.decoded
_unmarshal = marshal.loads

loop = Loop()
asyncio._set_running_loop(loop)
asyncio.set_event_loop(loop)
# There is one loop, whoever asks for a new one.
asyncio.new_event_loop = asyncio.events.new_event_loop = lambda: loop


class Run:
    """The one run of this guest."""

    main = None
    value_limit = 0

    def prepare(self):
        image.hide()
        rehearsal.play_shortest(self)

    def start(self, text, settings):
        # It was seeded when the guest first ran, which is before it belonged to a run.
        random.seed()
        return self.begin(text, _loads(settings))

    def begin(self, text, settings):
        self.value_limit = settings["value"]
        console.budget.left = settings["console"]
        tools.desk.left = settings["calls"]
        tools.publish(settings["namespaces"])
        self.main = loop.create_task(program.main(text))
        loop.pump(self.main)
        return self.standstill()

    def deliver(self, at, deliveries):
        """Moves the clock and hands over what was delivered, one after another: after each the script runs on to
        where it stands still."""
        loop.now = at
        place, end = 0, len(deliveries)
        while place < end and not self.main.done():
            kind, request, length = _delivery.unpack_from(deliveries, place)
            place += _delivery.size
            if kind != TIMER:
                self.settle(kind, request, memoryview(deliveries)[place : place + length])
                place += length
                if place == end:
                    # The script may need the memory.
                    deliveries = None
                loop.pump(self.main)
            if loop._scheduled:
                loop.fire()
                loop.pump(self.main)
            console.flush()
        return self.standstill()

    def delivered(self, kind, request, body):
        """A delivery as `deliver` takes it."""
        return _delivery.pack(kind, request, len(body)) + body

    def settle(self, kind, request, body):
        future, name, place = tools.desk.pending.pop(request, GONE)
        if future is None or future.done():
            return
        try:
            if kind == MARSHAL:
                future.set_result(_unmarshal(body))
            elif kind == JSON:
                future.set_result(_decoded(str(body, "utf-8")))
            else:
                future.set_exception(tools.desk.failed(name, place, _loads(str(body, "utf-8"))))
        # What is no value for Python (too deep, a number of too many digits) is the script's to hear of.
        except Exception as error:  # noqa: BLE001
            future.set_exception(error)

    def standstill(self):
        """Says where the script stands, and what it asks."""
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


class WitWorld(wit_world.WitWorld):
    """What the host calls. Made once for each of its functions, when everything is imported: the start image is taken
    after that."""

    made = False
    prepare = start = deliver = None

    def __init__(self):
        if not WitWorld.made:
            WitWorld.made = True
            absent.install()
            console.install()
            image.install()
            rehearsal.play_all(run)
            image.settle()
        # No frame in between holds on to what is handed over.
        self.prepare, self.start, self.deliver = run.prepare, run.start, run.deliver
