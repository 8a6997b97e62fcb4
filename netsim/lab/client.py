"""The screen's side of the lab: starts its process, sends commands, delivers events, and ends it for certain.

It never blocks its caller but in `close`, and never raises once it is made: what goes wrong with the lab is told by
one LabEnded. Cheap to import: the process starts while all else (msgspec and the events among it) is still imported.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from netsim.lab import procfs
from netsim.lab.guard import NO_PRIVATE_NET

if TYPE_CHECKING:
    from netsim.model.commands import AnyCommand
    from netsim.model.events import AnyEvent

CLOSING = 2.0  # seconds that the lab has to end by itself
_LAST_WORDS = 0.5  # seconds for the rest of its standard error, once its events have ended
_LONGEST_WORDS = 8192  # bytes of standard error that are kept
_HERE = Path(__file__).resolve()


class LabClient:
    """A lab in a process of its own, started at once; its events wait until `start`. Satisfies netsim.session.Lab.

    `net`: the machine's own, one of the lab's own (if there can be none it ends with LabEnded), or that where it can.
    `containment` forces one of containment.MODES, `endpoint` another program in place of the endpoint: for tests.
    """

    def __init__(
        self,
        port: int = 8888,
        net: Literal["host", "private", "auto"] = "host",
        *,
        containment: str = "auto",
        endpoint: Path | None = None,
    ) -> None:
        command = [
            sys.executable, "-I", "-S", str(_HERE.parent / "__main__.py"), "--paths", os.pathsep.join(_paths()),
            "--port", str(port), "--net", net, "--containment", containment,
        ]  # fmt: skip
        if endpoint is not None:
            command += ["--endpoint", str(endpoint)]
        self._spawned = time.monotonic()
        self._process: subprocess.Popen[bytes] | None = None
        self._failure = ""
        self._closing = False
        self._lock = threading.Lock()
        self._unsent = bytearray()
        self._stderr = bytearray()
        self._threads: list[threading.Thread] = []
        self._clock: tuple[float, float] = (0.0, self._spawned)  # the last event's `at`, and ours when it came
        try:
            # A session of its own: the terminal's Ctrl-C is not for the lab.
            self._process = subprocess.Popen(
                command, bufsize=0, start_new_session=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )  # fmt: skip
            if self._process.stdin and sys.platform != "win32":
                os.set_blocking(self._process.stdin.fileno(), False)
        except OSError as error:
            self._failure = f"The lab could not be started: {error}."

    @property
    def pid(self) -> int | None:
        """The outermost process of the lab, and its process group; None if it could not be started.

        The group holds the lab's own processes. The programs have sessions of their own: they end with it.
        """
        return self._process.pid if self._process else None

    process_group = pid

    def start(self, on_event: Callable[[AnyEvent], None]) -> None:
        """Deliver every event since the lab's beginning, in order, from a thread of ours. To be called once."""
        self._threads = [threading.Thread(target=self._deliver, args=(on_event,), name="netsim-events", daemon=True)]
        if self._process:
            self._threads.append(threading.Thread(target=self._listen, name="netsim-stderr", daemon=True))
        for thread in reversed(self._threads):  # the first one joins the other
            thread.start()

    def send(self, command: AnyCommand) -> None:
        """Ask the lab for something; one that is gone ignores it. Never waits: what the pipe does not take follows."""
        from netsim.model import commands

        with self._lock:
            self._unsent += commands.encode(command) + b"\n"
        self._flush()

    def close(self) -> None:
        """End the lab; returns when no process of it is left, or after some four seconds. No event comes after that."""
        self._closing = True
        process = self._process
        if process is None:
            return
        with self._lock:  # not while somebody writes to that number
            if process.stdin and not process.stdin.closed:
                process.stdin.close()
        try:
            process.wait(CLOSING)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._wait_for_group()  # who was killed could not wait for the rest
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(CLOSING)
        if not self._threads:  # else each closes the pipe that it reads
            for pipe in (process.stdout, process.stderr):
                if pipe:
                    pipe.close()

    def kill_now(self) -> None:
        """End the lab at once, without waiting: SIGKILL to the outermost process, and all the others die of that.

        Takes no lock and may be called from a signal handler, more than once, and before `close`.
        """
        self._closing = True
        process = self._process
        if process is not None and process.returncode is None:
            try:
                os.kill(process.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
            except OSError:
                pass

    def _flush(self) -> None:
        with self._lock:
            stdin = self._process.stdin if self._process else None
            if stdin is None or stdin.closed or self._closing:
                self._unsent.clear()
            try:
                while self._unsent and stdin is not None:
                    del self._unsent[: os.write(stdin.fileno(), self._unsent)]
            except BlockingIOError:
                pass  # the next command or event tries again
            except OSError:
                self._unsent.clear()  # EPIPE: LabEnded is on its way

    def _deliver(self, on_event: Callable[[AnyEvent], None]) -> None:
        import msgspec

        from netsim.model import events
        from netsim.model.events import LabEnded

        reason = self._failure
        if self._process and self._process.stdout:
            with self._process.stdout as pipe:  # closed here, however long this takes: `close` may have given us up
                try:
                    for line in _lines(pipe.fileno()):
                        event = events.decode(line)
                        if self._closing:
                            return
                        self._clock = (event.at, time.monotonic())
                        on_event(event)
                        if self._unsent:
                            self._flush()
                except msgspec.DecodeError as error:
                    reason = f"The lab was ended: it sent what is no event ({error})."
                    if not self._closing:
                        self._process.kill()
            if not self._closing:
                reason = self._why_it_ended(self._process, reason)
        if not self._closing:
            at, came = self._clock
            on_event(LabEnded(at=at + time.monotonic() - came, reason=reason))

    def _why_it_ended(self, process: subprocess.Popen[bytes], reason: str) -> str:
        for thread in self._threads[1:]:
            thread.join(_LAST_WORDS)
        try:
            status = process.wait(CLOSING)
        except subprocess.TimeoutExpired:  # it can't say anything any more
            process.kill()
            status = process.wait()
        words = self._stderr.decode("utf-8", "replace").strip().splitlines()
        said = f": {words[-1]}" if words else ""
        if reason:
            return reason
        if status == NO_PRIVATE_NET and words:
            return words[-1]
        number = -status if status < 0 else status - 128
        if number > 0:
            return f"The lab was ended by signal {_signal_name(number)}{said or '.'}"
        return f"The lab ended with status {status}{said or '.'}"

    def _listen(self) -> None:
        """Keep the end of what the lab writes to its standard error."""
        if self._process and self._process.stderr:
            with self._process.stderr as pipe:
                while data := _read(pipe.fileno()):
                    self._stderr = (self._stderr + data)[-_LONGEST_WORDS:]

    def _wait_for_group(self) -> None:
        """Until the lab's own processes are gone, at most two seconds: after a SIGKILL the kernel needs a moment."""
        deadline = time.monotonic() + CLOSING
        while self.pid and hasattr(os, "killpg") and time.monotonic() < deadline:
            try:
                os.killpg(self.pid, 0)
            except OSError:
                return
            if not procfs.group_runs(self.pid):
                return
            time.sleep(0.005)  # there is no descriptor of a group, and most of it are no children of ours


def _paths() -> list[str]:
    """Where netsim, msgspec and psutil are imported from, whatever way they were installed."""
    found = [str(_HERE.parent.parent.parent)]
    for name in ("msgspec", "psutil"):
        spec = find_spec(name)
        if spec and spec.origin:
            found.append(str(Path(spec.origin).resolve().parent.parent))
    return list(dict.fromkeys(found))


def _lines(descriptor: int) -> Iterator[bytes]:
    """The lines of a pipe until its end; half a line there is dropped: its writer was killed in the middle of it."""
    rest = b""
    while data := _read(descriptor):
        *lines, rest = (rest + data).split(b"\n")
        yield from lines


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
