"""The helper outside the lab: it answers which sockets the whole machine has, and whether a PID is anybody.

Law: questions come as lines of JSON on standard input, answers go as lines to standard output; the end of the input is
the end of the process. The table is read at most once a second, in a thread of its own: no probe waits for it.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from queue import SimpleQueue

import msgspec

from netsim.lab import linux, probing
from netsim.lab.machine_table import Table
from netsim.model.machine import Answer, AskPorts, AskProbe, MachinePorts, Question

APART = 1.0  # seconds from the end of one reading to the next; meanwhile the same table is given again

Read = Callable[[], MachinePorts]


def main(arguments: Sequence[str]) -> int:
    """Serve until the input ends. The argument: the process to end with, or 0."""
    if sys.platform.startswith("linux"):
        linux.name_process("netsim-machine")
        if parent := int(arguments[0]):
            linux.die_with_parent(parent)
    serve(sys.stdin.buffer, _write, Reader(Table().read).answer)
    sys.stdout.flush()
    os._exit(0)  # psutil's thread may be in the middle of a second's work


def serve(lines: Iterable[bytes], tell: Callable[[Answer], None], ports: Callable[[int, Tell], None]) -> None:
    """Answer each line; raises msgspec.DecodeError at one that is no question."""
    for line in lines:
        question = msgspec.json.decode(line, type=Question)
        match question:
            case AskProbe(id=id_, pid=pid, started=started):
                tell(probing.probe(id_, pid, started))
            case AskPorts(id=id_):
                ports(id_, tell)


Tell = Callable[[Answer], None]


class Reader:
    """Has tables read in a thread, and gives out the last one while it is young."""

    def __init__(self, read: Read, clock: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._clock = clock
        self._asked: SimpleQueue[tuple[int, Tell]] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._last: MachinePorts | None = None
        self._ended = 0.0

    def answer(self, id_: int, tell: Tell) -> None:
        """Have a question answered in a moment; who asks while a table is being read gets that one."""
        self._asked.put((id_, tell))
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="netsim-table", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while True:
            id_, tell = self._asked.get()
            if self._last is None or self._clock() - self._ended >= APART:
                try:
                    self._last = self._read()
                except Exception as error:  # whatever the machine looked like just then: the next one may go well
                    self._last = MachinePorts(0, failure=f"The table can't be read: {type(error).__name__}: {error}.")
                self._ended = self._clock()
            tell(msgspec.structs.replace(self._last, id=id_, age=round(self._clock() - self._ended, 3)))


_writing = threading.Lock()


def _write(answer: Answer) -> None:
    with _writing:
        try:
            sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
            sys.stdout.buffer.flush()
        except OSError:  # nobody reads any more
            os._exit(0)
