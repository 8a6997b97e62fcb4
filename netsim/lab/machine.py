"""The screen's side of the helper outside the lab: the whole machine's ports, and whether a PID is anybody.

Law: nobody waits for it but `close`, and it never raises: what goes wrong stands in the answer. The helper starts with
the first question and ends with us: at the end of its input, and on Linux by PDEATHSIG too.
"""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import cast

import msgspec

from netsim.lab import fresh
from netsim.model.machine import Answer, AskPorts, AskProbe, MachinePorts, Probed, Question

CLOSING = 2.0  # seconds that the helper has to end by itself
_CHUNK = 65536


class Machine:
    """Questions to the machine. Answers come from a thread of ours, each to its callback, which must not raise.

    The first question ought to be asked in the main thread: PDEATHSIG follows the thread that starts a process. Asked
    in another, the end of its input alone ends the helper. One that died is started again by the next question.
    """

    def __init__(self, command: list[str] | None = None) -> None:
        self._command = command  # for tests; else the helper's own
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._helper: _Helper | None = None
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The helper's process; None while there is none."""
        helper = self._helper
        return helper.process.pid if helper else None

    def ports(self, on_ports: Callable[[MachinePorts], None]) -> None:
        """All sockets of the machine. More often than once a second the same table comes, with its age."""
        id_ = next(self._ids)
        self._ask(AskPorts(id_), lambda answer: on_ports(cast("MachinePorts", answer)))

    def probe(self, pid: int, on_probed: Callable[[Probed], None], started: float | None = None) -> None:
        """Whether anybody is there by that number, and with `started` (of an earlier answer): still the same one."""
        id_ = next(self._ids)
        self._ask(AskProbe(id_, pid, started), lambda answer: on_probed(cast("Probed", answer)))

    def close(self) -> None:
        """End the helper; returns when it is gone, after two seconds at most. No answer comes after that."""
        with self._lock:
            self._closed = True
            helper, self._helper = self._helper, None
        if helper:
            helper.close()

    def kill_now(self) -> None:
        """End the helper at once, without waiting; may be called from a signal handler, and before `close`."""
        helper = self._helper
        if helper:
            helper.kill()

    def _ask(self, question: Question, callback: Callable[[Answer], None]) -> None:
        with self._lock:
            if self._closed:
                return
            if self._helper is None or self._helper.ended:
                try:
                    self._helper = _Helper(self._command or _command())
                except OSError as error:
                    _answer_later(callback, _failed(question, f"The helper could not be started: {error}."))
                    return
            helper = self._helper
        helper.ask(question, callback)


class _Helper:
    """One helper process, and the thread that listens to it."""

    def __init__(self, command: list[str]) -> None:
        # A session of its own: the terminal's Ctrl-C is not for it.
        self.process = subprocess.Popen(
            command, bufsize=0, start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert self.process.stdin
        assert self.process.stdout
        self._in, self._out = self.process.stdin.fileno(), self.process.stdout.fileno()
        if sys.platform != "win32":
            os.set_blocking(self._in, False)
        self.ended = False
        self._closing = False
        self._lock = threading.Lock()
        self._unsent = bytearray()
        self._waiting: dict[int, tuple[Question, Callable[[Answer], None]]] = {}
        self._thread = threading.Thread(target=self._listen, name="netsim-machine", daemon=True)
        self._thread.start()

    def ask(self, question: Question, callback: Callable[[Answer], None]) -> None:
        """Send a question; what the pipe does not take follows with the next one, or the next answer."""
        with self._lock:
            if not self.ended:
                self._waiting[question.id] = question, callback
                self._unsent += msgspec.json.encode(question) + b"\n"
                self._flush()
                return
        _answer_later(callback, self._epitaph(question))

    def close(self) -> None:
        """End it and its thread."""
        self._closing = True
        self._end_input()
        self._wait()
        if self._thread is not threading.current_thread():
            self._thread.join(CLOSING)

    def kill(self) -> None:
        """SIGKILL, if it was not reaped yet."""
        self._closing = True
        if self.process.returncode is None:
            try:
                os.kill(self.process.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
            except OSError:
                pass

    def _end_input(self) -> None:
        with self._lock:
            self.ended = True
            if self.process.stdin:
                self.process.stdin.close()

    def _wait(self) -> None:
        """Until it is gone; if it takes its time, by force."""
        try:
            self.process.wait(CLOSING)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _flush(self) -> None:
        try:
            while self._unsent:
                del self._unsent[: os.write(self._in, self._unsent)]
        except BlockingIOError:
            pass
        except OSError:  # EPIPE: it has ended, which the thread is about to see
            self._unsent.clear()

    def _listen(self) -> None:
        rest = b""
        try:
            while data := _read(self._out):
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    self._tell(msgspec.json.decode(line, type=Answer))
        except msgspec.DecodeError:
            self.process.kill()  # it does not speak our language
        self._end_input()
        left, self._waiting = self._waiting, {}
        self._wait()
        if self.process.stdout:
            self.process.stdout.close()
        for question, callback in left.values():
            if not self._closing:
                callback(self._epitaph(question))

    def _tell(self, answer: Answer) -> None:
        with self._lock:
            _, callback = self._waiting.pop(answer.id, (None, None))
            if self._unsent and not self.ended:
                self._flush()
        if callback and not self._closing:
            callback(answer)

    def _epitaph(self, question: Question) -> Answer:
        return _failed(question, f"The helper ended with status {self.process.returncode}.")


def _command() -> list[str]:
    is_main = threading.current_thread() is threading.main_thread()
    return fresh.command("machine_helper", str(os.getpid() if is_main else 0))


def _answer_later(callback: Callable[[Answer], None], answer: Answer) -> None:
    """From a thread of ours, as all answers come: who asks may hold a lock."""
    threading.Thread(target=callback, args=(answer,), name="netsim-machine", daemon=True).start()


def _failed(question: Question, why: str) -> Answer:
    if isinstance(question, AskProbe):
        return Probed(question.id, question.pid, failure=why)
    return MachinePorts(question.id, failure=why)


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, _CHUNK)
    except OSError:
        return b""
