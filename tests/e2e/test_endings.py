"""However the screen ends: no process, no port, and a terminal as it was."""

from __future__ import annotations

import signal
from collections.abc import Callable

import psutil
import pytest

from tests import processes
from tests.e2e.endings import CLOSED, ENDINGS, seconds_to_end, stall
from tests.e2e.netsim_terminal import QUICKLY, Netsim, ss

pytestmark = [pytest.mark.needs_ss, pytest.mark.usefixtures("no_leaks")]

Moment = Callable[[Netsim], object]
PROMISED = 2.0  # seconds from an ending to the end of the last process


def first_bytes(netsim: Netsim) -> None:
    netsim.wait_until(lambda: netsim.bytes_written, "anything")


def listening(netsim: Netsim) -> None:
    netsim.wait_for_start()
    netsim.space_until(r"LISTEN")


def established(netsim: Netsim) -> None:
    netsim.wait_for_start()
    netsim.press("c")
    netsim.wait_for("ESTABLISHED")


def in_a_step(netsim: Netsim) -> None:
    netsim.wait_for_start()
    netsim.press("space")


def in_a_restart(netsim: Netsim) -> None:
    listening(netsim)
    netsim.press("r")


def at_the_end(netsim: Netsim) -> None:
    netsim.wait_for_start()
    netsim.space_until("begin again")


MOMENTS = [first_bytes, Netsim.wait_for_start, in_a_step, listening, established, in_a_restart, at_the_end]


def the_others(netsim: Netsim) -> list[psutil.Process]:
    """The processes that netsim has started."""
    return [each for each in processes.started() if each.pid != netsim.pid]


def assert_all_is_gone(netsim: Netsim, known: list[psutil.Process]) -> None:
    assert processes.outliving([*known, *processes.started()]) == []
    assert not [each for each in ss(netsim.port) if each.pid or each.state == "LISTEN" or each.transport == "udp"]


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.__name__)
def test_killed_at_any_moment_it_leaves_nothing(free_port: int, moment: Moment) -> None:
    with Netsim(free_port, QUICKLY) as netsim:
        moment(netsim)
        known = the_others(netsim)
        assert moment is first_bytes or len(known) >= 3
        netsim.kill(signal.SIGKILL)
        assert netsim.wait_for_end() == -signal.SIGKILL
        assert_all_is_gone(netsim, known)
        assert netsim.left_behind() == set()  # what keeps the terminal was not killed


@pytest.mark.parametrize("how", [*ENDINGS, CLOSED])
def test_after_two_seconds_nothing_is_left_and_the_terminal_is_as_it_was(free_port: int, how: str) -> None:
    """A busy machine may hold up one ending; what takes longer than the promise on its own account always does."""
    took: list[float] = []
    while not took or min(took) > PROMISED:
        assert len(took) < 5, f"from the ending to the last process's end: {took} s"
        with Netsim(free_port, QUICKLY) as netsim:
            established(netsim)
            known = the_others(netsim)
            took.append(seconds_to_end(netsim, how))
            status = netsim.wait_for_end()
            number = signal.SIGHUP if how == CLOSED else signal.Signals[how] if how.startswith("SIG") else 0
            assert status in ({-number} if how == "SIGKILL" else {-number, 128 + number} if number else {0})
            assert how == CLOSED or netsim.left_behind() == set()
            assert_all_is_gone(netsim, known)


@pytest.mark.parametrize("how", ["q", "SIGTERM", "SIGKILL", CLOSED])
def test_nothing_is_left_after_two_seconds_where_nobody_reads(free_port: int, how: str) -> None:
    took: list[float] = []
    while not took or min(took) > PROMISED:
        assert len(took) < 5, f"from the ending to the last process's end: {took} s"
        with Netsim(free_port) as netsim:
            netsim.wait_for_start()
            stall(netsim)
            took.append(seconds_to_end(netsim, how, reading=False))


def test_q_asks_once_something_has_been_done(free_port: int) -> None:
    with Netsim(free_port) as netsim:
        established(netsim)
        netsim.wait_quiet()
        known = the_others(netsim)
        netsim.press_and_wait("q")
        assert netsim.status is None
        netsim.press("q")
        assert netsim.wait_for_end() == 0
        assert netsim.left_behind() == set()
        assert_all_is_gone(netsim, known)


@pytest.mark.parametrize("moment", [Netsim.wait_for_start, established], ids=lambda moment: moment.__name__)
def test_a_lost_line_ends_everything(free_port: int, moment: Moment) -> None:
    with Netsim(free_port) as netsim:
        moment(netsim)
        known = the_others(netsim)
        netsim.hang_up()
        assert netsim.wait_for_end() in (128 + signal.SIGHUP, -signal.SIGHUP)
        assert_all_is_gone(netsim, known)
