"""What the SPACE line says, and which presses count: at any time, without a clock."""

from __future__ import annotations

from netsim.story.action import Action
from netsim.tui.space_line import ARMING, HELD_DOWN, PATIENCE, SETTLING, SpaceLine

ONE = Action(id="1", label="one", who="server")
TWO = Action(id="2", label="two", who="client1")


def say(line: SpaceLine, action: Action, now: float, *, pending: bool = False, busy: bool = False) -> tuple[str, str]:
    said = line.say(action, now, 0.0, pending=pending, busy=busy)
    return said.cap, said.label


def test_a_label_that_came_by_itself_counts_after_half_a_second() -> None:
    line = SpaceLine()
    say(line, ONE, 10.0)
    assert not line.is_armed(10.0 + ARMING / 2)
    assert line.is_armed(10.0 + ARMING)
    say(line, TWO, 20.0)
    assert line.painted == "2"
    assert not line.is_armed(20.1)


def test_a_label_that_follows_a_press_counts_at_once() -> None:
    line = SpaceLine()
    line.press(10.0)
    say(line, TWO, 10.0 + SETTLING / 2)
    assert line.is_armed(10.0 + SETTLING / 2)


def test_the_same_label_painted_again_is_not_new() -> None:
    line = SpaceLine()
    say(line, ONE, 10.0)
    say(line, ONE, 10.4)
    assert line.is_armed(10.0 + ARMING)


def test_a_key_held_down_is_one_press() -> None:
    line = SpaceLine()
    assert [line.press(10.0 + index * HELD_DOWN * 0.9) for index in range(5)] == [True, False, False, False, False]
    assert line.press(20.0)


def test_while_it_is_done_what_was_pressed_for_stays_and_then_it_says_that_it_runs() -> None:
    line = SpaceLine()
    say(line, ONE, 10.0)
    line.press(11.0)
    assert say(line, TWO, 11.01, pending=True, busy=True) == ("SPACE", "one")
    assert say(line, TWO, 11.0 + PATIENCE, pending=True, busy=True) == ("", "two")
    assert say(line, TWO, 11.5) == ("SPACE", "two")


def test_on_the_way_to_a_goal_no_press_is_offered() -> None:
    line = SpaceLine()
    said = line.say(ONE, 10.0, 0.0, pending=False, busy=True)
    assert said == ("", "one", "")
