"""Endings at random moments of every state: no process, no port, no namespace, and a terminal as it was.

`NETSIM_SWEEP=2000 pytest tests/e2e/test_sweep.py` makes more rounds; `NETSIM_SWEEP_SEED=7` makes those of that seed
again (the kernel's and the scheduler's timing is not made again).
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from tests import processes
from tests.conftest import AS_ROOT
from tests.e2e import endings
from tests.e2e.endings import CLOSED
from tests.e2e.netsim_terminal import ROOT
from tests.terminal import Terminal

ROUNDS = int(os.environ.get("NETSIM_SWEEP", "200"))
SEED = int(os.environ.get("NETSIM_SWEEP_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
AT_ONCE = 5  # starting takes a processor, ending mostly waits
# Each round has a port of its own, below those that the kernel gives to clients; root and others may be at it at once.
FIRST_PORT = 21_000 if AS_ROOT else 26_000
ENDED = 60.0  # seconds for an ending, where the machine is busy: the soft way alone may take two
GONE = 15.0  # seconds for what netsim has started; two on a machine at rest
KEYS = ("q", "ctrl+c twice")
SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGKILL")
STOPPED = "ctrl+z and fg"  # and then one of the others
ESCAPES = 0.15  # seconds between escape and a key that is not alt with it
PROMPT = "READY> "
COSTLY = ("lesson", "case", "machine")  # states that start more labs, or a helper: each of their endings is tried once
KINDS = ("net", "pid", "user")  # of namespaces

spawning = threading.Lock()  # what a fork does to warnings is the whole process's


class Round(NamedTuple):
    """What is done in one round."""

    number: int
    state: str
    net: str
    stop: bool  # ctrl+z and fg before the end
    ending: str
    moment: float  # seconds in the state

    def __str__(self) -> str:
        stopped = f"{STOPPED}, then " if self.stop else ""
        return f"round {self.number}: {self.state}, {self.net}, {self.moment:.3f} s, {stopped}{self.ending}"


# --- states: what is pressed, and what is to be seen then


def starting(_terminal: Terminal) -> None:
    pass


def idle(terminal: Terminal) -> None:
    terminal.wait_for(r"^ SPACE +\S")


def animation(terminal: Terminal) -> None:
    idle(terminal)
    terminal.press("c")


def playing(terminal: Terminal) -> None:
    idle(terminal)
    terminal.press("+", "+", "a")


def asleep(terminal: Terminal) -> None:
    """The client sleeps in connect(), before a packet that is held; where none can be held it waits to be accepted."""
    idle(terminal)
    terminal.press("c")
    terminal.wait_for(r"zzz|ESTABLISHED")


def typing(terminal: Terminal) -> None:
    idle(terminal)
    terminal.press("s")
    terminal.wait_for("enter sends it")


def helping(terminal: Terminal) -> None:
    idle(terminal)
    terminal.press("?")
    terminal.wait_for("any key goes back")


def inspector(terminal: Terminal) -> None:
    asleep(terminal)
    terminal.press("enter")


def lesson(terminal: Terminal) -> None:
    idle(terminal)
    terminal.press("l", "enter", "space")


def case(terminal: Terminal) -> None:
    idle(terminal)
    terminal.press("w", "space")


def machine(terminal: Terminal) -> None:
    idle(terminal)
    terminal.press("p")


def stalled(terminal: Terminal) -> None:
    """Nobody reads what is written, until the app can write no more."""
    idle(terminal)
    endings.stall(terminal)


STATES: dict[str, Callable[[Terminal], None]] = {
    each.__name__: each
    for each in (starting, idle, animation, playing, asleep, typing, helping, inspector, lesson, case, machine, stalled)
}


def rounds() -> list[Round]:
    """Every state with every ending that it can have, at least once, in turn; the rest by chance."""
    dice = random.Random(SEED)
    pairs = []
    for state in STATES:
        deaf = state in ("starting", "stalled")  # keys are not read there
        endings = [*SIGNALS, CLOSED] if deaf else [*KEYS, *SIGNALS, CLOSED, STOPPED]
        pairs += [(state, ending) for ending in endings]
    cheap = [pair for pair in pairs if pair[0] not in COSTLY]
    while len(pairs) < ROUNDS:
        pairs.append(dice.choice(cheap))
    dice.shuffle(pairs)
    made = []
    for number, (state, ending) in enumerate(pairs[:ROUNDS]):
        stop = ending == STOPPED
        last = dice.choice([*KEYS, *SIGNALS]) if stop else ending
        net = "private" if state == "asleep" and dice.random() < 0.7 else dice.choice(("host", "auto"))
        made.append(Round(number, state, net, stop, last, dice.uniform(0, 0.9 if state == "starting" else 0.4)))
    return made


# --- one round


class Sweep:
    """All rounds: what they did wrong, and which namespaces there were."""

    def __init__(self) -> None:
        self.wrong: list[str] = []
        self.namespaces: set[str] = set()
        self.count: Counter[str] = Counter()

    def run(self, each: Round) -> None:
        """One round; what goes wrong is written down."""
        port = FIRST_PORT + each.number
        command = [sys.executable, "-m", "netsim", "--net", each.net, "--port", str(port)]
        with spawning:
            terminal = Terminal(["/bin/sh", "-i"] if each.stop else command, cwd=ROOT, env={"PS1": PROMPT, "ENV": None})
        try:
            if each.stop:
                terminal.wait_for(PROMPT.strip())
                terminal.type(" ".join(command) + "\n")
            STATES[each.state](terminal)
            self._pass(terminal, each)
            if each.stop:
                self._stop(terminal)
            app = psutil.Process(terminal.pid)
            if each.stop:
                [app] = app.children()
            known = [app, *descendants(app)]
            self._note_namespaces(known)
            self._end(terminal, app, each)
            if each.ending != CLOSED:
                terminal.bytes_during(0.05)  # of a line that was stalled: from now on it is read again
            gone = processes.outliving(known, GONE)
            assert not gone, f"{gone} still ran"
            assert not in_use(port), f"port {port} is in use"
            if each.ending != CLOSED:
                terminal.wait_quiet(0.1) if each.stop else terminal.wait_for_end()
                assert terminal.left_behind() == set(), terminal.left_behind()
                if each.state != "starting":  # there Python itself may still be starting
                    assert "Traceback" not in terminal.text()
            self.count[f"{each.state}: {each.ending}"] += 1
        except (AssertionError, OSError, psutil.Error, ValueError) as error:
            self.wrong.append(f"{each}: {type(error).__name__}: {error}\n{terminal.text()}")
        finally:
            terminal.close()

    def _pass(self, terminal: Terminal, each: Round) -> None:
        if each.state == "stalled":
            time.sleep(each.moment)  # and nobody reads
        else:
            terminal.bytes_during(each.moment)

    def _stop(self, terminal: Terminal) -> None:
        """ctrl+z: the terminal is the shell's; fg: the screen is there again."""
        terminal.press("ctrl+z")
        terminal.wait_for_shell("Stopped")
        terminal.wait_until(lambda: not terminal.left_behind(), "the terminal as it was")
        terminal.type("fg\n")
        terminal.wait_until(lambda: "1049" in terminal.modes, "the screen again", ENDED)
        terminal.wait_until(lambda: len(terminal.lines()[0]) > 60 or "keys" in terminal.lines()[0], "its title", ENDED)

    def _end(self, terminal: Terminal, app: psutil.Process, each: Round) -> None:
        match each.ending:
            case "q":
                press_until_it_ends(terminal, app, ("escape", "q", "q"))
            case "ctrl+c twice":
                press_until_it_ends(terminal, app, ("ctrl+c", "ctrl+c"))
            case endings.CLOSED:
                terminal.hang_up()
            case name:
                with contextlib.suppress(psutil.NoSuchProcess):
                    app.send_signal(signal.Signals[name])
        self._wait_for(terminal, app, each)

    def _wait_for(self, terminal: Terminal, app: psutil.Process, each: Round) -> None:
        """Until it has ended; the terminal is read meanwhile, unless that is what is tried."""
        end = time.monotonic() + ENDED
        while processes.runs(app):
            assert time.monotonic() < end, f"it had not ended after {ENDED:g} s"
            if each.state == "stalled" or each.ending == CLOSED:
                time.sleep(0.02)
            else:
                terminal.bytes_during(0.02)

    def _note_namespaces(self, known: list[psutil.Process]) -> None:
        ours = {os.readlink(f"/proc/self/ns/{kind}") for kind in KINDS}
        for process in known:
            for kind in KINDS:
                with contextlib.suppress(OSError):
                    self.namespaces |= {os.readlink(f"/proc/{process.pid}/ns/{kind}")} - ours


def press_until_it_ends(terminal: Terminal, app: psutil.Process, keys: tuple[str, ...]) -> None:
    """Keys with time between them; again where the first ones only closed what was open."""
    for _ in range(6):
        for key in keys:
            if not processes.runs(app):
                return
            with contextlib.suppress(OSError):
                terminal.press(key)
            terminal.bytes_during(ESCAPES)
        end = time.monotonic() + 1
        while processes.runs(app) and time.monotonic() < end:
            terminal.bytes_during(0.02)


def descendants(process: psutil.Process) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.children(recursive=True)
    return []


def in_use(port: int) -> bool:
    """Whether somebody listens on this TCP port, or has this UDP port, on this machine."""
    for table, state in (("tcp", "0A"), ("tcp6", "0A"), ("udp", "07"), ("udp6", "07")):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if int(fields[1].rpartition(":")[2], 16) == port and fields[3] == state:
                return True
    return False


def living_namespaces() -> set[str]:
    """The namespaces of what these tests have started, and those that are mounted; numbers are used again by others."""
    found = set(re.findall(r"\b(?:net|pid|user):\[\d+\]", Path("/proc/self/mountinfo").read_text()))
    token = f"{processes.NAME}={processes.TOKEN}".encode()
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and token in (entry / "environ").read_bytes():
                found |= {os.readlink(entry / "ns" / kind) for kind in KINDS}
    return found


@pytest.mark.skipif(sys.platform == "win32", reason="signals and terminals are others there")
@pytest.mark.usefixtures("no_leaks")
def test_endings_at_random_moments_leave_nothing() -> None:
    sweep = Sweep()
    print(f"seed {SEED}")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(sweep.run, rounds()))
    print(dict(sorted(sweep.count.items())))
    assert not sweep.wrong, f"NETSIM_SWEEP_SEED={SEED}, {len(sweep.wrong)} of {ROUNDS}:\n" + "\n\n".join(sweep.wrong)
    assert sum(sweep.count.values()) == ROUNDS
    assert not sweep.namespaces & living_namespaces()
    assert processes.outliving(processes.started()) == []
