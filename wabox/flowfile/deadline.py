"""A guard or an action that never returns must not stop the server for everybody.

They run in the server's one thread, between two events, and usually take microseconds. While they are being called, a timer
of the operating system rings four times a second and looks whether the same call is still running; one that took too
long is interrupted by an exception, be it in a loop, a sleep, a lock, a read or a regular expression. The engine then takes
the guard as not holding, or the action as failed, and the customer gets a reply and a person. A function that is late
twice within a minute is not tried again for a while, because each try costs everybody a second.

Measured: 0.3 µs a call, because the timer goes on from call to call and stops when none came for a second. One that is set
for each call costs 4 µs; a helper thread that makes the call 10 to 20, and what hangs in a thread cannot be ended; a thread
that only watches never gets its turn while a regular expression runs. What a signal cannot interrupt is one long call
into C that never looks up (``sum(range(10**12))``). Signals are POSIX's and reach the main thread only (Linux gives it the
process's signals first, so no system call of another thread is disturbed): anywhere else a function has no deadline. Where a
bot is loaded says nothing about where it is played: a published bot is loaded in a thread and played in the main one, so each
call looks for itself. Loading has a deadline in any thread; outside the main one a helper thread is waited for.
"""

from __future__ import annotations

import atexit
import ctypes
import functools
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

LONGEST = 1.0
"""s for one call of a guard or an action."""
LOADING = 10.0
"""s for the whole of ``actions.py`` to be loaded."""
LOOK = 0.25
"""s between two looks."""
AGAIN = 60.0
"""s within which a second late call counts."""
REST = 30.0
"""s for which a function that was late twice is not tried."""

T = TypeVar("T")

_ALARM = getattr(signal, "SIGALRM", None)
_MAIN = threading.main_thread().ident or 0


class _Late(BaseException):
    """The call took too long. No Exception, so that a bot's own ``except Exception`` does not stop it."""


class _Watch:
    """Looks after the call that the main thread is in; there is one at a time."""

    def __init__(self) -> None:
        self.call = 0
        """Counts the calls."""
        self.running = False
        self.seconds = LONGEST
        self.file = ""
        self.place = ""
        """Where the late call was."""
        self.ticking = False
        self._idle = self._seen = 0
        self._since = 0.0
        self.ready = False
        """Whether the main thread has set up the signal; only that can."""

    def begin(self) -> bool:
        """Make ready; False where there are no deadlines."""
        if not self.ready and _ALARM is not None and threading.get_ident() == _MAIN:
            signal.signal(_ALARM, self._ring)
            # Python gives signals back their own meaning before it ends, and an alarm's is to end the process.
            atexit.register(signal.setitimer, signal.ITIMER_REAL, 0)
            self.ready = True
        return self.ready

    def tick(self) -> None:
        self.ticking, self._idle, self._seen = True, 0, 0
        every = min(LOOK, self.seconds / 2)
        signal.setitimer(signal.ITIMER_REAL, every, every)

    def _ring(self, number: int, frame: FrameType | None) -> None:
        """In the main thread, wherever it is: a call that returned in time is none of our business."""
        if not self.running:
            self._idle += 1
            if self._idle >= 4:
                self.ticking = False
                signal.setitimer(signal.ITIMER_REAL, 0)
            return
        self._idle = 0
        if self.call != self._seen:
            self._seen, self._since = self.call, time.monotonic()
            return
        if time.monotonic() - self._since < self.seconds:
            return
        while frame is not None and frame.f_code.co_filename != self.file:
            frame = frame.f_back
        self.place = "" if frame is None else f" ({self.file.rpartition('/')[2]}, line {frame.f_lineno})"
        # It goes on ticking, in case a bare `except:` in a loop swallows this one.
        raise _Late


_watch = _Watch()


def within(seconds: float, call: Callable[[], T], file: str) -> T:
    """What the call returns; TimeoutError, with the line of ``file`` that it was in, when that takes longer."""
    if threading.get_ident() != _MAIN:
        return _in_thread(seconds, call)
    if not _watch.begin() or _watch.running:
        return call()
    _watch.call += 1
    _watch.seconds, _watch.file = seconds, file
    try:
        try:
            _watch.running = True
            if not _watch.ticking:
                _watch.tick()
            return call()
        finally:
            _watch.running = False
    except _Late:
        raise TimeoutError(f"it did not return within {seconds:g} s{_watch.place}") from None


def _in_thread(seconds: float, call: Callable[[], T]) -> T:
    """As :func:`within`, where no signal comes: what is late is given up, and ended as soon as it looks up."""
    found: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            found.append(call())
        except BaseException as error:  # noqa: BLE001 - raised again by who waits
            failed.append(error)

    thread = threading.Thread(target=run, name="wabox-loading", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        # What sleeps or waits for a lock stays there: as a daemon it does not keep the process from ending.
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(_Late))
        raise TimeoutError(f"it did not return within {seconds:g} s")
    if failed:
        raise failed[0]
    return found[0]


def bounded(function: Callable[[Any], T]) -> Callable[[Any], T]:
    """The function with a deadline."""
    file = getattr(getattr(function, "__code__", None), "co_filename", "")
    late_at = rests_until = -AGAIN
    watch, here = _watch, threading.get_ident

    @functools.wraps(function)
    def call(given: Any) -> T:
        nonlocal late_at, rests_until
        if rests_until > 0 and time.monotonic() < rests_until:
            raise TimeoutError(f"it was late twice within {AGAIN:g} s and is not tried for {REST:g} s")
        if here() != _MAIN or not (watch.ready or watch.begin()):
            return function(given)
        # As in `within`, written out: this is run for every message.
        watch.call += 1
        watch.seconds, watch.file = LONGEST, file
        try:
            try:
                watch.running = True
                if not watch.ticking:
                    watch.tick()
                return function(given)
            finally:
                watch.running = False
        except _Late:
            now = time.monotonic()
            if now - late_at < AGAIN:
                rests_until = now + REST
            late_at = now
            raise TimeoutError(f"it did not return within {LONGEST:g} s{watch.place}") from None

    return call
