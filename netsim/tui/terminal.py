"""The terminal as netsim takes it, gives it back for a while (ctrl+z), and takes it again (fg).

Law: what is switched on in the terminal is as little as possible, since a line that is cut leaves it on: neither focus
reports nor another keyboard protocol. While netsim is stopped the terminal is as it was before; the lab is not stopped.
A line that takes nothing never stops the app: frames that it has no room for are left out, but for the last one.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TextIO, cast

from textual._ansi_sequences import SYNC_END, SYNC_START
from textual.drivers.linux_driver import LinuxDriver

from netsim.tui.keyboard import Bell, read_keys
from netsim.tui.outlet import Outlet
from netsim.tui.thrift import Thrift

UNWANTED = ("\x1b[?1004h", "\x1b[?1004l")  # reports of the window's focus: nothing here depends on it
KEYBOARD = ("\x1b[>", "\x1b[<")  # kitty's keyboard protocol; left on it would make a shell's line unusable
RESTING = 0.1  # seconds before it stops again: a signal that another thread has taken must come to this one first


class TerminalDriver(LinuxDriver):
    """Textual's driver, but for what it switches on and how it stops: Textual's own way stops one process of several.

    Public: `suspended`, whether the terminal is given back now.
    """

    suspended = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._thrift = Thrift()
        self._outlet = Outlet(cast("TextIO", self._file), self._room_again)
        self._file = cast("Any", self._outlet)  # Textual's writer thread writes to it
        self._synchronized = False  # the terminal can show a frame at once, not as it arrives
        self._bell: Bell | None = None  # while there is a reader

    # --- what is written

    def write(self, data: str) -> None:
        """To the terminal, without what is not wanted there; of a frame what the terminal does not show yet."""
        if data in UNWANTED or (data.startswith(KEYBOARD) and data.endswith("u")):
            return
        if data in (SYNC_START, SYNC_END):  # around every frame, once the terminal has said that it knows them
            self._synchronized = True
        elif self._thrift.paint(data):
            self._send_frame()
        else:
            self._put(self._thrift.due() + data)
            self._thrift.forget()

    def redraw(self, columns: int, rows: int, *, at_once: bool) -> None:
        """All of the picture again, now or with the next frame: the terminal shows something else than was sent."""
        self._thrift.lose(columns, rows)
        if at_once:
            self._send_frame()

    def _send_frame(self) -> None:
        """What is due, if the terminal has taken all that was sent before; else as soon as it has."""
        if self._outlet.is_behind():
            return
        due = self._thrift.due()
        if due:
            self._put(f"{SYNC_START}{due}{SYNC_END}" if self._synchronized else due)

    def _put(self, data: str) -> None:
        self._outlet.expect()
        super().write(data)

    def _room_again(self) -> None:
        """On the writer's thread."""
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._send_frame)

    def start_application_mode(self) -> None:
        """Take the terminal; the keeper knows it before the first byte is written."""
        self._tell_keeper(taken=True)
        if self._bell is None:
            self._bell = Bell()
        self._outlet.begin()
        super().start_application_mode()  # type: ignore[no-untyped-call]

    def stop_application_mode(self) -> None:
        """Give it back. What waits in the writer's queue is written after this."""
        super().stop_application_mode()
        self._tell_keeper(taken=False)

    def _tell_keeper(self, *, taken: bool) -> None:
        keeper = getattr(self._app, "keeper", None)
        if keeper is not None:
            keeper.tell(taken=taken)

    def stop(self) -> None:
        """Give the terminal back and stop, until somebody lets it go on in the foreground. On the app's thread."""
        with self._given_back():
            # All of this job, a script around netsim among it; first the others, since after that nothing is done here.
            signal.signal(signal.SIGTSTP, signal.SIG_IGN)
            os.kill(0, signal.SIGTSTP)
            signal.signal(signal.SIGTSTP, signal.SIG_DFL)
            # To this very thread: it does not come one line further. The kernel ignores it where no shell could go on.
            signal.pthread_kill(threading.get_ident(), signal.SIGTSTP)
            signal.signal(signal.SIGTSTP, self._sigtstp_application)
            self._wait_for_the_foreground()

    def take_again(self) -> None:
        """Somebody has stopped netsim without asking (SIGSTOP), and a shell has had the terminal since."""
        with self._given_back():
            self._wait_for_the_foreground()

    @contextmanager
    def _given_back(self) -> Iterator[None]:
        with self._app.suspend():
            self.suspended = True
            try:
                yield
            finally:
                self.suspended = False

    def _wait_for_the_foreground(self) -> None:
        """Stop again as long as a shell has the terminal: `bg` is not for a screen."""
        while True:
            try:
                if os.tcgetpgrp(self.fileno) == os.getpgrp():
                    return
            except OSError:  # no terminal any more: SIGHUP is on its way
                return
            time.sleep(RESTING)
            os.kill(os.getpid(), signal.SIGSTOP)

    @staticmethod
    def has_shell() -> bool:
        """Whether somebody can let it go on after a stop; not where it leads its session (`ssh -t HOST netsim`)."""
        return os.getsid(0) != os.getpgrp()

    # --- what is typed

    def run_input_thread(self) -> None:
        """The reader's thread."""
        if self._bell is not None:
            read_keys(self.fileno, self._bell, self.process_message, debug=self._debug)

    def disable_input(self) -> None:
        """Read no further: wake the reader, and wait for its end."""
        if self._bell is not None:
            self._bell.ring()
        super().disable_input()
        if self._bell is not None:
            self._bell.close()
            self._bell = None

    # --- signals; Textual's driver installs these two

    def _sigtstp_application(self, *_: int | FrameType | None) -> None:
        self._soon(self.stop)

    def _sigcont_application(self, *_: int | FrameType | None) -> None:
        if not self.suspended:
            self._soon(self.take_again)

    def _soon(self, deed: Callable[[], None]) -> None:
        """From a signal handler: as something that the app does, if its loop still runs; the call wakes the loop."""
        try:
            asyncio.get_running_loop().call_soon_threadsafe(self._app.call_later, deed)
        except RuntimeError:
            return
