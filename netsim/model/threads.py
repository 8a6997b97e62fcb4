"""What a program's other threads do: their calls, which are no steps of anybody's, with the last one of each thread.

Law: a thread is known from its first call on, by its number; when it has ended nobody says, so its last call stays.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from netsim.model.events import CallSlept, CallStarted

KEPT = 32  # threads of a program, those that have moved last


class ThreadCall(Struct, frozen=True):
    """The last call of another thread than the main one. `result`: as a mark has it, "" while it is in the call."""

    thread: int
    call: int
    name: str
    line: int
    result: str = ""
    asleep: bool = False
    syscall: str | None = None


Threads = Mapping[int, ThreadCall]  # by thread, the one that has moved last is the last


def begin(threads: Threads, event: CallStarted) -> Threads:
    """A thread is in this call from now on."""
    return _with(threads, ThreadCall(event.thread, event.call, event.name, event.line))


def sleep(threads: Threads, event: CallSlept) -> Threads:
    """The kernel has put one of them to sleep; a call that is none of theirs changes nothing."""
    found = call_of(threads, event.call)
    return threads if found is None else _with(threads, replace(found, asleep=True, syscall=event.syscall))


def come_back(threads: Threads, thread: int, call: int, result: str) -> Threads:
    """A call of a thread's has returned."""
    found = threads.get(thread)
    if found is None or found.call != call:
        return threads
    return _with(threads, replace(found, asleep=False, syscall=None, result=result))


def call_of(threads: Threads, call: int) -> ThreadCall | None:
    """The call of this number, if it is the last one of a thread."""
    return next((each for each in threads.values() if each.call == call), None)


def last_moved(threads: Threads) -> ThreadCall | None:
    """The last call of the thread that has moved last."""
    return threads[next(reversed(tuple(threads)))] if threads else None


def _with(threads: Threads, call: ThreadCall) -> Threads:
    others = {number: each for number, each in threads.items() if number != call.thread}
    for number in list(others)[: max(0, len(others) - KEPT + 1)]:
        del others[number]
    return {**others, call.thread: call}
