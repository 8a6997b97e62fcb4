"""The keeper: a few lines of shell that put the terminal back where netsim was killed so that it can't (SIGKILL).

Law: it sleeps on a pipe and does nothing unless the pipe ends while netsim has the terminal. Imports nothing of
Textual: it is started before that, and has looked at the terminal when the screen comes up.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys

from netsim.tui.ending import RESET

# $1: the reset string. Its standard output is the terminal, opened once more and non-blocking: a line that is stalled
# keeps it for little over a second, one that is closed not at all: that has no settings any more. They are put
# back where signals by key are still off, as no shell's own prompt has them.
SCRIPT = """
trap '' HUP INT QUIT TERM TSTP TTIN TTOU
exec 3<&1
saved=$(stty -g <&3)
taken=
while read -r word; do taken=$word; done
[ "$taken" = taken ] || exit 0
for again in 1 2 3 4 5 6 7 8 9 10 11 12; do
    printf '%b' "$1" && break
    stty -g <&3 >/dev/null || exit 0
    sleep 0.1
done
case $(stty -a <&3) in *-isig*) stty "$saved" <&3 ;; esac
"""


class Keeper:
    """Started at once; without a terminal or a shell there is none, and nothing is kept."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        if sys.platform == "win32":
            return
        with contextlib.suppress(OSError):
            # Open for good: when the leader of a session dies, its terminal is no longer /dev/tty to the others.
            terminal = os.open("/dev/tty", os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY)
            try:
                # A group of its own: what is sent to netsim's whole job is not for the keeper.
                self._process = subprocess.Popen(
                    ["/bin/sh", "-c", SCRIPT, "netsim-keeper", RESET.decode().replace("\x1b", "\\033")],
                    bufsize=0, stdin=subprocess.PIPE, stdout=terminal, stderr=subprocess.DEVNULL, process_group=0,
                )  # fmt: skip
            finally:
                os.close(terminal)

    def tell(self, *, taken: bool) -> None:
        """Whether netsim has the terminal now. May be called from a signal handler."""
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError, ValueError):  # it was killed, or this is over: nobody is left to tell
                os.write(self._process.stdin.fileno(), b"taken\n" if taken else b"given back\n")

    def close(self) -> None:
        """netsim ends by itself: there is nothing to keep any more."""
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            with contextlib.suppress(OSError):
                os.write(process.stdin.fileno(), b"given back\n")
                process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(1)
