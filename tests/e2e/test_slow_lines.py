"""Slow lines: what each thing costs in bytes at 80x24 in 256 colours, and a line that takes nothing for a while.

Bytes are exact. Where they are set against time, a busy machine only makes the time longer.
"""

from __future__ import annotations

import contextlib
import fcntl
import re
import sys
import termios
import time
from collections.abc import Iterator

import psutil
import pytest

from tests.e2e.endings import press_unread
from tests.e2e.netsim_terminal import ARMED, STEP_BUDGET, TITLE, Netsim

pytestmark = pytest.mark.usefixtures("no_leaks")

SUSTAINED = 2000  # bytes a second while it plays by itself
STEPS_MEAN = 1000
PAGE = 6000  # bytes of opening a page, or of going back: never more than the whole screen
TICK = 100  # bytes of one second less on a countdown
HELD_AT_LEAST = 4_000  # bytes: a line discipline's buffer
TAKEN_AT_MOST = 45_000  # bytes: what a pseudo-terminal holds (about 21,000 on Linux), and a few frames
PRIVATE = pytest.param("private", marks=pytest.mark.needs_namespaces)
HELP = "any key goes back"


class Counted(Netsim):
    """netsim, and how many frames it has written; this terminal knows synchronized output, which brackets each."""

    frames = 0

    def _feed(self, text: str) -> None:
        self.frames += text.count("\x1b[?2026h")
        super()._feed(text)

    @property
    def waiting(self) -> int:
        """How many bytes wait to be read."""
        return int.from_bytes(fcntl.ioctl(self._fd, termios.FIONREAD, bytes(4)), sys.byteorder)

    @property
    def step(self) -> int:
        """How many steps there have been, from the title."""
        found = re.search(r"step +(\d+)", self.lines()[TITLE])
        return int(found[1]) if found else 0

    def cost_of(self, key: str) -> int:
        """The bytes that a key brings, until all is quiet."""
        before, written = self.text(), self.bytes_written
        self.press(key)
        self.wait_until(lambda: self.text() != before, f"anything to change after {key}")
        self.wait_quiet(0.4)
        return self.bytes_written - written


@pytest.fixture
def netsim(free_port: int, request: pytest.FixtureRequest) -> Iterator[Counted]:
    """netsim at its start, in the net that a test's parameter names."""
    with Counted(free_port, "--net", getattr(request, "param", "host")) as terminal:
        terminal.wait_for_start()
        yield terminal


def is_idle(netsim: Counted) -> bool:
    """Whether nothing is written any more, once what came up by itself has armed."""
    netsim.wait_quiet(ARMED)
    return netsim.bytes_during(0.7) == 0


@pytest.mark.parametrize("netsim", [PRIVATE], indirect=True)
def test_pages_cost_no_more_than_the_screen_and_nothing_while_they_stand(netsim: Counted) -> None:
    assert is_idle(netsim), "at the start"
    netsim.space_until(r"deliver the SYN ")
    assert is_idle(netsim), "a SYN is held, and the client sleeps in connect()"
    main = re.compile(r"^ SPACE +deliver the SYN ", re.M)
    for key in ("enter", "w", "l", "g", "?", "P", "p"):
        opening = netsim.cost_of(key)
        assert not main.search(netsim.text())
        assert opening < PAGE, f"{key}: {opening} bytes to open"
        if key == "l":
            opening = netsim.cost_of("enter")
            netsim.wait_quiet(1)  # its own lab has started
            assert opening < PAGE, f"a lesson: {opening} bytes to open"
        if key not in ("p", "P"):  # this machine's ports are others', too
            assert is_idle(netsim), f"behind {key}"
        if key == "l":
            netsim.cost_of("escape")
        back = netsim.cost_of("escape")
        assert main.search(netsim.text())
        assert back < PAGE, f"{key}: {back} bytes to go back"


def test_nothing_is_written_while_a_server_sleeps_in_accept(netsim: Counted) -> None:
    netsim.space_until(r"LISTEN")
    netsim.press("tab")
    netsim.wait_quiet(0.4)
    while "zzz" not in netsim.text():
        netsim.press_and_wait("j")
    assert is_idle(netsim)
    assert "accept()" in netsim.why


@pytest.mark.parametrize("netsim", [PRIVATE], indirect=True)
def test_a_retransmission_is_counted_down_once_a_second(netsim: Counted) -> None:
    netsim.space_until(r"deliver the 19 bytes")
    for _ in range(10):  # on a busy machine the three seconds may be over before they were looked at
        netsim.press("d")
        if counts_down(netsim, r"the kernel sends again in (\d+)\.\d s", 1):
            return
        netsim.wait_for(r"deliver the 19 bytes")
        netsim.wait_quiet(ARMED)
    raise AssertionError(f"no countdown was seen from second to second:\n{netsim.text()}")


def counts_down(netsim: Counted, pattern: str, seconds: int) -> bool:
    """At most one frame a second and `TICK` bytes each, while the number that the pattern finds falls by `seconds`.

    False if it was gone before.
    """

    def left() -> int:
        found = re.search(pattern, netsim.text(), re.M)
        return int(found[1]) if found else -1

    with contextlib.suppress(AssertionError):
        netsim.wait_until(lambda: left() > seconds, f"more than {seconds} s", 10)
    netsim.wait_quiet(0.6)  # all else has been painted
    start, frames, written = left(), netsim.frames, netsim.bytes_written
    begun = time.monotonic()
    netsim.wait_until(lambda: left() <= max(start - seconds, 0), f"{seconds} s less")
    if left() < 0:
        return False
    ticks = netsim.frames - frames
    assert 1 <= ticks <= time.monotonic() - begun + 1
    assert netsim.bytes_written - written <= ticks * TICK
    return True


@pytest.mark.parametrize("netsim", [PRIVATE], indirect=True)
def test_the_whole_story_by_itself_costs_little(netsim: Counted) -> None:
    """At the fastest pace: a slower one writes the same in more time. At its end TIME_WAIT is counted down."""
    netsim.press("+", "+", "a")
    netsim.wait_for("plays by itself")
    begun, first = time.monotonic(), netsim.bytes_written
    steps = 0
    while "begin again" not in netsim.space:
        step, written = netsim.step, netsim.bytes_written
        netsim.wait_until(lambda: netsim.step != step or "begin again" in netsim.space, "the next step")  # noqa: B023
        taken = max(netsim.step - step, 1)  # several at once, where nobody came to read for a while
        steps += taken
        cost = (netsim.bytes_written - written) / taken
        assert cost < STEP_BUDGET, f"{cost} bytes:\n{netsim.text()}"
    assert steps > 30
    assert (netsim.bytes_written - first) / steps < STEPS_MEAN
    assert netsim.bytes_written - first < SUSTAINED * (time.monotonic() - begun)
    assert counts_down(netsim, r"(\d+) s left", 2)


def test_packets_in_flight_cost_little(netsim: Counted) -> None:
    """Where none can be held they cross one after the other, as fast as can be watched."""
    netsim.space_until(r"SPACE +client: connect\(\)")
    netsim.wait_quiet(ARMED)
    begun, written = time.monotonic(), netsim.bytes_written
    netsim.press("space")
    netsim.wait_for(r"INFERRED +3 packets")
    netsim.wait_quiet(0.6)  # longer than any flight
    cost = netsim.bytes_written - written
    assert cost < STEP_BUDGET
    assert cost < SUSTAINED * (time.monotonic() - begun)
    assert netsim.frames > 4  # they were to be seen


def test_a_line_that_takes_nothing_stops_nobody_and_gets_the_last_frame(netsim: Counted) -> None:
    children = len(psutil.Process(netsim.pid).children(recursive=True))
    written = netsim.bytes_written
    presses, end = 0, time.monotonic() + 60
    while presses < 40 or netsim.waiting <= HELD_AT_LEAST:  # 180,000 bytes of frames, and nobody reads
        assert time.monotonic() < end, "nothing is written"
        presses += 1
        press_unread(netsim, "?y")
    netsim.press("n")
    end = time.monotonic() + 60
    while len(psutil.Process(netsim.pid).children(recursive=True)) == children:
        assert time.monotonic() < end, "keys are not heeded while the line takes nothing"
        time.sleep(0.02)
    netsim.wait_for("One more client")
    netsim.wait_quiet(ARMED)
    assert HELD_AT_LEAST < netsim.bytes_written - written < TAKEN_AT_MOST
    shown = netsim.text()
    assert HELP not in shown
    netsim.screen.reset()
    netsim.press("ctrl+l")
    netsim.wait_until(lambda: netsim.text() == shown, "the same picture, drawn anew")


def test_another_size_gets_a_whole_picture(netsim: Counted) -> None:
    """Smaller and larger: nothing of the picture before is left, and nothing is missing of the new one."""
    netsim.press("space")
    netsim.wait_for("step 1")
    for columns, rows in ((100, 30), (80, 24), (200, 50), (80, 24), (70, 20), (80, 24), (160, 45), (100, 30), (80, 24)):
        netsim.wait_quiet(ARMED)
        netsim.resize(columns, rows)
        title = "netsim needs 80" if columns < 80 else rf"^.{{{columns - 8},}}\? help$"
        netsim.wait_for(title)
        netsim.wait_quiet(ARMED)
        shown = netsim.text()
        netsim.screen.reset()
        netsim.press("ctrl+l")
        netsim.wait_until(lambda shown=shown: netsim.text() == shown, "the same picture, drawn anew")
    assert all(len(line.rstrip()) <= 80 for line in netsim.lines())
