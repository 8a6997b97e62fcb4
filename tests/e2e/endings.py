"""The ways in which a netsim is ended, and how long it takes from there until none of its processes runs any more."""

from __future__ import annotations

import functools
import signal
import time
from collections.abc import Callable

import psutil

from tests.processes import Watch
from tests.terminal import Terminal

CLOSED = "closed terminal"
PATIENCE = 30.0  # seconds
AT_ONCE = 0.01  # seconds between two looks at the terminal


def press_q(terminal: Terminal) -> None:
    """Twice where it asks first, because something has been done."""
    terminal.press("q")
    terminal.wait_until(lambda: terminal.is_over or "again" in terminal.text(), "a question or the end")
    if not terminal.is_over:
        terminal.press("q")


def press_ctrl_c(terminal: Terminal) -> None:
    terminal.press("ctrl+c")
    terminal.wait_for("again")
    terminal.press("ctrl+c")


ENDINGS: dict[str, Callable[[Terminal], None]] = {
    "q": press_q,
    "ctrl+c twice": press_ctrl_c,
    **{
        name: functools.partial(Terminal.kill, number=signal.Signals[name])
        for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGKILL")
    },
}


def press_unread(terminal: Terminal, keys: str) -> None:
    """Keys whose pictures nobody reads: so there is no event to wait for between them, only time."""
    for key in keys:
        terminal.press(key)
        time.sleep(0.03)  # of keys that are read at once only the last one is painted


def stall(terminal: Terminal) -> None:
    """Nobody reads, until it can write no more: 16 helps, and each is closed again."""
    press_unread(terminal, "?y" * 16)


def seconds_to_end(terminal: Terminal, how: str, *, reading: bool = True) -> float:
    """End it, and wait until none of the processes that there were runs; the seconds from the last key or the signal.

    `reading`: the terminal takes what is written meanwhile. An AssertionError names what is left in the end.
    """
    app = psutil.Process(terminal.pid)
    with Watch([app, *app.children(recursive=True)]) as watch:
        if how == CLOSED:
            terminal.hang_up()
        elif how == "q" and not reading:  # nothing has been done, so it does not ask
            terminal.press("q")
        else:
            ENDINGS[how](terminal)
        begun = time.monotonic()
        while running := watch.wait(AT_ONCE):
            assert time.monotonic() < begun + PATIENCE, f"still there {PATIENCE:g} s after {how}: {running}"
            if reading and how != CLOSED:
                terminal.bytes_during(AT_ONCE)
        return time.monotonic() - begun
