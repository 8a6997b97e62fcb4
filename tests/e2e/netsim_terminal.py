"""netsim's main screen as a person reads it, at 80x24, and the same facts as the command `ss` tells them."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import NamedTuple

from tests.terminal import Terminal

ROOT = Path(__file__).parent.parent.parent
QUICKLY = "--no-animation"  # packets do not move, and keys that take several steps take them without a pause
STEP_BUDGET = 2500  # bytes that one press may cost at 80x24, in 256 colours; 5,000 were promised
QUIET = 0.25  # seconds without a byte: nothing moves any more, and a further press is no repeat
ARMED = 0.6  # seconds after which space takes what came up without a press

# The screen's rows, from 0.
TITLE, HEADS, LISTINGS, SOCKETS, WIRES, ENDS = 0, 1, slice(2, 7), slice(7, 9), 9, 10
PACKETS, TABLE, ROWS, WHY, SPACE = slice(11, 16), 16, slice(17, 21), 21, 22
CLIENT, SERVER = slice(0, 39), slice(40, 80)
MARK = re.compile(r" (ok|zzz|→ .+|E[A-Z]{3,})$")  # what stands beside a line that was run
ENOUGH = 12  # characters to know a line by: what is to the right may be shortened to make room for the mark
COUNTDOWN = re.compile(r"\b\d+ s( left|\b)")  # how long the kernel still keeps a socket, or waits for an answer
COLUMNS = ("PORT", "STATE", "PEER", "PID", "PROGRAM")


class Socket(NamedTuple):
    """One row of the port table, or one line of `ss`. The state of UDP is "-"; `pid` None: nobody has it."""

    transport: str
    port: int
    state: str
    peer: int | None
    pid: int | None


class ProgramLine(NamedTuple):
    """A line of one of the two programs, without the marks beside it."""

    role: str
    code: str


class Netsim(Terminal):
    """netsim in a terminal."""

    def __init__(self, port: int, *options: str, columns: int = 80, rows: int = 24) -> None:
        command = [sys.executable, "-m", "netsim", "--net", "host", "--port", str(port), *options]
        super().__init__(command, columns=columns, rows=rows, cwd=ROOT)
        self.port = port

    # --- what stands where

    @property
    def space(self) -> str:
        """What the SPACE line says that the key will do; "" if it offers nothing now."""
        found = re.fullmatch(r" SPACE +(.+)", self.lines()[SPACE])
        return found[1] if found else ""

    @property
    def why(self) -> str:
        return self.lines()[WHY].strip()

    @property
    def body(self) -> str:
        """Everything between the title, which counts, and the two bottom lines."""
        return COUNTDOWN.sub("", "\n".join(self.lines()[HEADS : SPACE - 1]))

    @property
    def lasting(self) -> str:
        """The screen, without the seconds that go by by themselves."""
        return COUNTDOWN.sub("", self.text())

    def pane(self, role: str) -> str:
        """One side: its head, listing and sockets."""
        columns = CLIENT if role == "client" else SERVER
        return "\n".join(line[columns].rstrip() for line in self.lines()[HEADS : SOCKETS.stop])

    def pid_of(self, role: str) -> int:
        found = re.search(r"\bpid (\d+)", self.pane(role).splitlines()[0])
        assert found, f"no pid of the {role}:\n{self.text()}"
        return int(found[1])

    def sockets(self) -> set[Socket]:
        """The rows of the port table that are to be seen."""
        lines = self.lines()
        starts = [lines[TABLE].index(name) for name in COLUMNS]
        found = set()
        for line in lines[ROWS]:
            cells = [line[start:end].strip() for start, end in zip(starts, [*starts[1:], None], strict=True)]
            if port := re.fullmatch(r"(\d+)/(tcp|udp)", cells[0]):
                pid = cells[3].split(" ")[-1]
                peer = cells[2].rpartition(":")[2]
                found.add(
                    Socket(
                        port[2],
                        int(port[1]),
                        cells[1],
                        int(peer) if peer.isdigit() else None,
                        int(pid) if pid.isdigit() else None,
                    )
                )
        return found

    @property
    def all_rows_fit(self) -> bool:
        return re.search(r" \d+ rows? ─$", self.lines()[TABLE]) is not None

    def next_line(self) -> ProgramLine | None:
        """The program line that space will run: the only one in reverse video. None if there is none to be seen."""
        found = []
        for y in range(LISTINGS.start, LISTINGS.stop):
            for role, columns in (("client", CLIENT), ("server", SERVER)):
                if any(self.screen.buffer[y][x].reverse for x in range(columns.start, columns.stop)):
                    found.append(ProgramLine(role, code(self.lines()[y][columns])))
        assert len(found) < 2, f"several things in reverse video: {found}"
        return found[0] if found else None

    def came_to(self, line: ProgramLine) -> bool:
        """Whether something stands beside that line now: a result, an error, or that the process sleeps in it.

        True also where the line is out of sight, because the program went round a loop and the listing with it.
        """
        shown = [each for each in self.pane(line.role).splitlines() if code(each)[:ENOUGH] == line.code[:ENOUGH]]
        return not shown or any(MARK.search(each) for each in shown)

    # --- what a person does

    def wait_for_start(self) -> None:
        """Until both programs stand before their first lines and space has something to offer."""
        self.wait_until(lambda: len(re.findall(r"\bpid \d+", self.lines()[HEADS])) == 2 and self.space, "two PIDs")
        self.wait_quiet(ARMED)

    def press_and_wait(self, *keys: str) -> int:
        """Press keys, wait until something has changed and all is quiet; the bytes that it cost."""
        before, written = self.lasting, self.bytes_written
        self.press(*keys)
        self.wait_until(lambda: self.lasting != before, f"anything to change after {keys}")
        self.wait_until(lambda: self.space, "what space does next")  # while something is under way it does nothing
        self.wait_quiet(QUIET)
        return self.bytes_written - written

    def space_until(self, pattern: str, presses: int = 60) -> None:
        """Press space, one thing after the other, until the pattern stands on the screen."""
        for _ in range(presses):
            if re.search(pattern, self.text()):
                return
            self.press_and_wait("space")
        raise AssertionError(f"{presses} presses, and no /{pattern}/:\n{self.text()}")

    def walk_the_story(self, budget: int = STEP_BUDGET) -> Iterator[str]:
        """Press space to the story's end; after each press, which may cost so many bytes, what it was said to do."""
        presses = 0
        while "begin again" not in self.space:
            announced, before, where = self.space, self.body, self.next_line()
            cost = self.press_and_wait("space")
            self.wait_until(lambda: self.body != before, f"anything to come of {announced!r}")  # noqa: B023
            self.wait_until(lambda: where is None or self.came_to(where), f"a mark beside {where}")  # noqa: B023
            assert cost < budget, f"{announced!r} cost {cost} bytes"
            yield announced
            presses += 1
            assert presses < 60, f"the story does not end:\n{self.text()}"

    def compare_with_ss(self) -> None:
        """The table says what `ss` says: every address, state and PID of this lab.

        A TCP socket that is only bound is in the table alone: `ss` asks for the listening and the connected ones.
        """

        def differs() -> str:
            shown = {each for each in self.sockets() if (each.transport, each.state) != ("tcp", "CLOSE")}
            told = ss(self.port, {self.pid_of("client"), self.pid_of("server")})
            if shown == told or (not self.all_rows_fit and shown < told):
                return ""
            return f"the table has {sorted(shown - told, key=str)}, ss has {sorted(told - shown, key=str)}"

        difference, end = differs(), time.monotonic() + 30
        while difference and time.monotonic() < end:  # the table is sampled beside the screen: it may come later
            self.bytes_during(0.25)
            difference = differs()
        assert not difference, f"{difference}\n{self.text()}"


def tells_every_call(told: Iterable[str]) -> None:
    """Of what was said along the story: each call that the programs make is in it."""
    for call in ("bind", "listen", "connect", "accept", "send", "recv", "close", "sendto", "recvfrom"):
        assert any(f"{call}()" in line for line in told), f"{call}() was not told:\n" + "\n".join(told)


def ss(port: int, pids: AbstractSet[int] = frozenset()) -> set[Socket]:
    """What the command `ss` says of the sockets that have to do with this port, or belong to these processes."""
    found = set()
    for transport, option in (("tcp", "-tanpH"), ("udp", "-uanpH")):
        listing = subprocess.run(["ss", option], capture_output=True, text=True, check=True).stdout
        for line in listing.splitlines():
            state, _, _, local, remote, *users = line.split()
            owners = [int(number) for number in re.findall(r"pid=(\d+)", " ".join(users))]
            mine, peer = local.rpartition(":")[2], remote.rpartition(":")[2]
            if str(port) in (mine, peer) or pids & set(owners):
                found.add(
                    Socket(
                        transport,
                        int(mine),
                        "-" if transport == "udp" else kernel_spelling(state),
                        int(peer) if peer.isdigit() else None,
                        owners[0] if owners else None,
                    )
                )
    return found


def code(listed: str) -> str:
    """A listing's line without the pointer before it and the mark beside it."""
    return MARK.sub("", listed.rstrip()[3:]).strip()


def kernel_spelling(state: str) -> str:
    """ESTAB → ESTABLISHED, FIN-WAIT-1 → FIN_WAIT1."""
    if state == "ESTAB":
        return "ESTABLISHED"
    return re.sub(r"_(\d)$", r"\1", state.replace("-", "_"))
