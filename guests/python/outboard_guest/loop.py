"""The event loop: asyncio's own, without a selector. It runs what is ready and then returns to
the host, which moves the clock and brings the answers. It never waits."""

import asyncio
import contextvars
import heapq

_copy_context = contextvars.copy_context

# Timers less than this before their time are due: a moment that went to the host and back is rounded.
RESOLUTION = 1e-6

# What background tasks may still do once the script has come to its end.
LAST_STEPS = 1000


class Ready(asyncio.Handle):
    """A callback that is due. It keeps no traceback of where it was made: this loop never debugs."""

    __slots__ = ()

    def __init__(self, callback, args, loop, context):
        self._context = context if context is not None else _copy_context()
        self._loop = loop
        self._callback = callback
        self._args = args
        self._cancelled = False
        self._repr = self._source_traceback = None


class Loop(asyncio.BaseEventLoop):
    """One loop, always running. What each call of a tool comes through is written for speed."""

    # Always false: every future asks it.
    get_debug = bool

    def __init__(self):
        super().__init__()
        self.now = 0.0
        self.named = 0
        self._clock_resolution = RESOLUTION

    def time(self):
        return self.now

    def call_soon(self, callback, *args, context=None):
        handle = Ready(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def create_task(self, coro, *, name=None, **options):
        if name is None:
            # Counted here, so that a script's first task is the first.
            self.named += 1
            name = f"Task-{self.named}"
        return asyncio.Task(coro, loop=self, name=name, **options)

    def create_future(self):
        return asyncio.Future(loop=self)

    def pump(self, main):
        """Runs until nothing is ready."""
        ready = self._ready
        last_steps = LAST_STEPS
        while ready:
            handle = ready.popleft()
            if not handle._cancelled:
                try:
                    handle._context.run(handle._callback, *handle._args)
                except (SystemExit, KeyboardInterrupt):
                    # It stands in its task as well.
                    pass
                except BaseException as error:  # noqa: BLE001  whoever made the callback is told
                    self.failed(handle, error)
            if main.done():
                last_steps -= 1
                if last_steps < 0:
                    ready.clear()

    def failed(self, handle, error):
        """As `Handle._run` tells of it."""
        callback = asyncio.format_helpers._format_callback_source(handle._callback, handle._args)
        try:
            self.call_exception_handler(
                {"message": f"Exception in callback {callback}", "exception": error, "handle": handle}
            )
        except (SystemExit, KeyboardInterrupt):
            # Of a handler of the script's own, which ends no more than a callback does.
            pass

    def due(self):
        """When the next timer is due."""
        scheduled = self._scheduled
        while scheduled and scheduled[0]._cancelled:
            heapq.heappop(scheduled)._scheduled = False
        return scheduled[0]._when if scheduled else None

    def fire(self):
        """Makes ready what is due."""
        limit = self.now + self._clock_resolution
        while (when := self.due()) is not None and when <= limit:
            handle = heapq.heappop(self._scheduled)
            handle._scheduled = False
            self._ready.append(handle)

    def is_running(self):
        return True

    def is_closed(self):
        return False

    def close(self):
        pass

    def stop(self):
        pass

    def _timer_handle_cancelled(self, handle):
        pass

    def _write_to_self(self):
        pass

    def run_in_executor(self, executor, func, *args):
        """There is one thread: the function runs at once."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001  it belongs to whoever awaits
            future.set_exception(error)
        return future

    def set_default_executor(self, executor):
        pass

    def run_until_complete(self, future):
        _close(future)
        raise RuntimeError(
            "the event loop is running already: await instead, in an `async def` or outside of functions"
        )

    def run_forever(self):
        raise RuntimeError("the event loop is running already: await what the script waits for")


def _close(awaitable):
    if asyncio.iscoroutine(awaitable):
        awaitable.close()
