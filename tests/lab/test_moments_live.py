"""Every moment is reached on a real lab, whichever of its events have come when the next command is given."""

from __future__ import annotations

import contextlib
import queue
import random
import time
from typing import Literal

import pytest

from netsim.lab.client import LabClient
from netsim.session import Session
from netsim.story.director import OPENING, next_action
from netsim.story.goals import Do, Reached, Stuck, Wait
from netsim.story.moments import MOMENTS, Moment, approach
from tests.lab.hostkit import PATIENCE

QUIET = 0.05  # seconds without news after which nothing is waited for any more
EVERY = [pytest.param(each, id=each.name) for each in MOMENTS]
WITHOUT_A_GATE = [pytest.param(each, id=each.name) for each in MOMENTS if not each.needs_gate]


def reach(net: Literal["private", "host"], port: int, moment: Moment, presses: int) -> None:
    """Press space so often, then run to the moment."""
    news: queue.SimpleQueue[None] = queue.SimpleQueue()
    session = Session(lambda: LabClient(port, net), OPENING)
    session.attach(lambda: news.put(None))
    with contextlib.closing(session):
        run_to(session, news, moment, presses)


def run_to(session: Session, news: queue.SimpleQueue[None], moment: Moment, presses: int) -> None:
    """After one event or some, as it comes where the screen is drawn meanwhile, the next command."""
    dice, end = random.Random(presses), time.monotonic() + PATIENCE
    while not moment.is_there(session.world):
        assert time.monotonic() < end, "it was not reached"
        with contextlib.suppress(queue.Empty):
            news.get(timeout=QUIET)
            if not session.drain(0) or dice.random() < 0.5:
                continue
        if session.pending or session.world.lab is None:
            continue
        if presses:
            presses -= 1
            session.dispatch(next_action(session.world).commands[0])
            continue
        match approach(session.world, moment):
            case Do(command):
                session.dispatch(command)
            case Stuck(why):
                pytest.fail(why)
            case Wait() | Reached():
                pass


@pytest.mark.needs_namespaces
@pytest.mark.usefixtures("no_leaks")
@pytest.mark.parametrize("presses", [0, 1, 3])
@pytest.mark.parametrize("moment", EVERY)
def test_it_is_reached_in_a_private_net(moment: Moment, presses: int) -> None:
    reach("private", 8888, moment, presses)


@pytest.mark.usefixtures("no_leaks")
@pytest.mark.parametrize("moment", WITHOUT_A_GATE)
def test_it_is_reached_on_the_machines_own_net(free_port: int, moment: Moment) -> None:
    reach("host", free_port, moment, 0)
