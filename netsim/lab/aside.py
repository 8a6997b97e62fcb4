"""A command as in another terminal: run beside the screen, in the net of a lab or in the machine's, and its output.

Law: it ends with us (PDEATHSIG, and `kill_now`), reads nothing from the terminal and writes nothing to it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence

from netsim.lab import fresh

PATIENCE = 10.0  # seconds that a command has
_MOST = 20_000  # bytes of output that are kept


class Aside:
    """Runs commands, one process each."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()

    def run(self, argv: Sequence[str], inside: int, on_output: Callable[[str], None]) -> None:
        """Start a command; what it has printed comes from a thread of ours, with what went wrong in the same place.

        `inside`: a process of the lab in whose net it is to run; 0: in the machine's. To be called from the main
        thread: the command ends with the thread that has started it.
        """
        try:
            process = subprocess.Popen(
                fresh.command("aside", str(os.getpid()), str(inside), *argv),
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            reason = str(error)
            threading.Thread(target=lambda: on_output(f"{argv[0]}: {reason}"), daemon=True).start()
            return
        self._running.add(process)
        threading.Thread(target=self._wait, args=(process, on_output), name="netsim-aside", daemon=True).start()

    def kill_now(self) -> None:
        """End all of them at once; may be called from a signal handler."""
        for process in list(self._running):
            if process.returncode is None:
                try:
                    os.kill(process.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
                except OSError:
                    pass

    def _wait(self, process: subprocess.Popen[bytes], on_output: Callable[[str], None]) -> None:
        ended = ""
        try:
            output, _ = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
            ended = f"(ended by netsim: it took longer than {PATIENCE:g} seconds)\n"
        self._running.discard(process)
        on_output(output[:_MOST].decode("utf-8", "replace") + ended)


def main(arguments: Sequence[str]) -> int:
    """The command's process, before it becomes the command: arguments are our parent, the process inside, the words."""
    parent, inside, *argv = arguments
    from netsim.lab import entering, linux, running
    from netsim.lab.steps import StepError

    if sys.platform.startswith("linux"):
        linux.die_with_parent(int(parent))
    try:
        if int(inside):
            lab = running.choose(int(inside)).lab
            if lab is None:
                print(f"PID {inside} is in no lab any more")
                return 1
            if lab.net != "host":
                entering.enter(lab)
        entering.execute(argv)
    except StepError as error:
        print(f"the lab's net can't be entered: {error.brief}")
    except OSError as error:
        print(f"{argv[0]}: {error.strerror}")
    return 1
