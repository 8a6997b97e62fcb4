"""What the driver says to the person, with a session that only notes what is asked of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from netsim.model.commands import AnyCommand
from netsim.session import Session
from netsim.story import goals
from netsim.tui.driver import Driver
from tests.gated import Gated


def test_an_answer_given_on_the_way_to_a_goal_goes_when_the_goal_goes_on() -> None:
    script, asked = Gated(), list[AnyCommand]()
    script.open()
    session: Any = SimpleNamespace(world=script.world, pending=False, dispatch=asked.append)
    driver = Driver(cast("Session", session))
    driver.pursue(lambda world: goals.connect(world))
    session.pending = True
    driver.drop()
    assert "nothing to drop" in driver.answer
    assert not driver.move_on()
    assert driver.answer, "nothing has changed yet"
    session.pending = False
    assert driver.move_on()
    assert driver.answer == ""
    assert len(asked) == 2


@pytest.mark.parametrize("key", ["drop", "finish"])
def test_that_nothing_is_held_is_said_until_something_is(key: str) -> None:
    script = Gated()
    script.open()
    session: Any = SimpleNamespace(world=script.world, pending=True)
    driver = Driver(cast("Session", session))
    getattr(driver, key)()
    assert driver.answer.startswith("No packet is held now")
    script.hold("SYN")
    session.world = script.world
    assert driver.answer == ""
    driver.answer = "Another answer is not about that."
    assert driver.answer == "Another answer is not about that."


def test_that_no_stranger_is_there_is_said_until_one_comes() -> None:
    script = Gated()
    script.open()
    session: Any = SimpleNamespace(world=script.world, pending=False)
    driver = Driver(cast("Session", session))
    driver.choose(0)
    assert driver.answer.startswith("Only ours are here")
    script.listening()
    script.stranger_calls()
    script.named()
    session.world = script.world
    assert driver.answer == ""
