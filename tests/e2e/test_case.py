"""The case for ports in a real terminal: a teacher's way through it, back to the story, and every way out of it."""

from __future__ import annotations

import signal
from functools import partial

import psutil
import pytest

from tests import processes
from tests.e2e.netsim_terminal import Netsim

pytestmark = [pytest.mark.usefixtures("no_leaks")]

NOT_HELD_DOWN = 0.17  # seconds
FORKED, VERDICT = 7, 16  # presses of space after w


def the_others(netsim: Netsim) -> list[psutil.Process]:
    """The processes that netsim has started."""
    return [each for each in processes.started() if each.pid != netsim.pid]


def has_gone_on(netsim: Netsim, before: str) -> bool:
    """Whether space would do something else now."""
    return netsim.space not in ("", before)


def press_space(netsim: Netsim, times: int) -> None:
    """space, and the next one when there is something to go on to."""
    for _ in range(times):
        netsim.press("space")
        netsim.wait_until(partial(has_gone_on, netsim, netsim.space), "the next step")
        netsim.wait_quiet(NOT_HELD_DOWN)


def open_case(netsim: Netsim) -> None:
    netsim.wait_for_start()
    netsim.press_and_wait("w")
    netsim.wait_for("exhibit 1 of 5")


@pytest.mark.needs_namespaces
def test_w_and_space_are_all_it_takes_and_the_story_waits(free_port: int) -> None:
    with Netsim(free_port, "--net", "private") as netsim:
        netsim.wait_for_start()
        netsim.press_and_wait("space")
        story, before = netsim.text(), {each.pid for each in the_others(netsim)}
        netsim.press_and_wait("w")
        press_space(netsim, VERDICT)
        assert [netsim.text().count(f" {exhibit} ok  ") for exhibit in range(1, 6)] == [1] * 5
        netsim.press("space")
        netsim.wait_until(lambda: netsim.text() == story, "the story as it was left")
        assert processes.outliving(each for each in the_others(netsim) if each.pid not in before) == []
        assert {each.pid for each in the_others(netsim)} == before
        netsim.press_and_wait("space")
        assert netsim.text() != story


@pytest.mark.needs_namespaces
def test_killed_it_leaves_nothing_not_even_a_fork(free_port: int) -> None:
    with Netsim(free_port, "--net", "private") as netsim:
        open_case(netsim)
        press_space(netsim, FORKED)
        netsim.wait_for("its fork")
        known = the_others(netsim)
        assert sum("netsim-server" in each.name() for each in known) >= 3  # the story's, and two on one port
        netsim.kill(signal.SIGKILL)
        netsim.wait_for_end()
        assert processes.outliving([*known, *processes.started()]) == []


def test_it_ends_in_the_middle_of_ten_restarts(free_port: int) -> None:
    with Netsim(free_port) as netsim:
        open_case(netsim)
        press_space(netsim, 3)
        netsim.press("space")
        netsim.wait_for(r"[4-9] numbers so far")
        known = the_others(netsim)
        netsim.kill(signal.SIGKILL)
        netsim.wait_for_end()
        assert processes.outliving([*known, *processes.started()]) == []
