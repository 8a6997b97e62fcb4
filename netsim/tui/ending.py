"""Endings: whatever signal comes, the lab dies and the terminal is sane, even if the event loop is stuck.

Law: the soft way is Textual's own exit; if that takes longer than GRACE, or the terminal is gone, the hard way:
kill the lab, write the reset string, leave.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.app import App

    from netsim.tui.keeper import Keeper

GRACE = 1.5  # seconds for the soft way: two are promised for all of it
ROOMS = 100  # times that room is made in a terminal whose line is stalled: more than one write needs
# Out of: synchronized output, keyboard protocol, mouse, focus reports, bracketed paste, size reports; then wrap on,
# plain colours, out of the alternate screen, cursor on. (ctlseqs(ms) of xterm names them.)
RESET = (
    b"\x1b[?2026l\x1b[<u\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?1016l\x1b[?1004l"
    b"\x1b[?2004l\x1b[?2048l\x1b[?7h\x1b[0m\x1b[?1049l\x1b[?25h"
)


def write_at_once(terminal: int, data: bytes) -> bool:
    """To a non-blocking terminal; what waits there for a reader that does not read is thrown away for it.

    Another thread may sit in a write to it, and holds the kernel's lock until that is finished: False if it never was.
    """
    import termios

    for _ in range(ROOMS):
        with contextlib.suppress(BlockingIOError):
            if os.write(terminal, data) == len(data):
                return True
        termios.tcflush(terminal, termios.TCOFLUSH)
        termios.tcsetattr(
            terminal, termios.TCSANOW, termios.tcgetattr(terminal)
        )  # wakes who waits for room; that does not
        time.sleep(0.002)  # for that one's write to end: POLLOUT would only tell of room, not of the lock
    return False


def end_sanely(app: App[int], kill_lab: Callable[[], None], keeper: Keeper | None = None) -> Callable[[], None]:
    """Install the handlers; to be called before `app.run`, in the main thread.

    Returns what limits an ending that no signal asked for: to be called when it begins.
    """
    if sys.platform == "win32":  # not tried there; Textual's own endings hold
        return lambda: None
    import termios

    try:
        saved = termios.tcgetattr(0)
    except termios.error:
        saved = None
    first: list[int] = []

    def hard(code: int) -> None:
        with contextlib.suppress(Exception):  # whatever goes wrong there, the terminal is put back
            kill_lab()
        if getattr(app._driver, "suspended", False):  # the terminal is a shell's now
            os._exit(code)
        with contextlib.suppress(OSError, termios.error):
            # A description of our own: making the shell's non-blocking would outlive us.
            terminal = os.open("/dev/tty", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # Textual's thread writes no more there than it has begun
            written = write_at_once(terminal, RESET)
            if saved is not None:
                termios.tcsetattr(terminal, termios.TCSANOW, saved)
            if keeper is not None and written:
                keeper.tell(taken=False)  # else it tries on when this process is gone
        os._exit(code)

    def on_signal(number: int, _frame: FrameType | None) -> None:
        first.append(number)  # before all else: another one may come in the middle of this, and is the second then
        if number == signal.SIGHUP or len(first) > 1 or getattr(app._driver, "suspended", False):
            hard(128 + first[0])
        signal.setitimer(signal.ITIMER_REAL, GRACE)
        try:
            # call_soon_threadsafe wakes the selector; a plain call_soon would wait for the next timer.
            asyncio.get_running_loop().call_soon_threadsafe(lambda: app.exit(128 + number))
        except RuntimeError:
            hard(128 + number)

    def on_alarm(_number: int, _frame: FrameType | None) -> None:
        if first:
            hard(128 + first[0])
        hard(128 + signal.SIGALRM if app.return_value is None else app.return_value)

    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, on_signal)
    signal.signal(signal.SIGALRM, on_alarm)
    # As Python ends it forgets its handlers, and then the alarm would be a signal's end of a process that ended well.
    atexit.register(signal.setitimer, signal.ITIMER_REAL, 0)

    def limit() -> None:
        signal.setitimer(signal.ITIMER_REAL, GRACE)

    return limit
