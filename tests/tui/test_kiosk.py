"""A kiosk's screen: the keys that touch files are none, and are not offered; the others are as ever."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

import pytest

from netsim.tui.keymap import REGISTER, is_locked
from netsim.tui.page import Tools
from netsim.tui.palette import Palette, offered
from tests.tui.stage import Stage, stage

LOCKED = [key for key in REGISTER if key.locked]


def nobody(*_: object) -> NoReturn:
    raise AssertionError("nobody asked for that")


async def in_kiosk(on: Stage) -> None:
    await on.open()
    on.board.tools = Tools(nobody, nobody, kiosk=True)


def test_what_writes_or_shows_others_is_locked() -> None:
    assert {key.action for key in LOCKED} >= {"record", "export", "stop", "open('machine')"}


def test_a_page_is_locked_by_its_name() -> None:
    assert is_locked("open", ("machine",))
    assert not is_locked("open", ("case",))


@pytest.mark.parametrize("key", [key.keys for key in LOCKED])
async def test_a_locked_key_does_nothing(key: str) -> None:
    async with stage() as on:
        await in_kiosk(on)
        before = on.screen()
        await on.press(key)
        assert on.screen() == before
        assert on.board.page is None


async def test_the_palette_does_not_offer_it() -> None:
    async with stage() as on:
        await in_kiosk(on)
        await on.press("ctrl+p")
        await on.until(lambda: isinstance(on.app.screen, Palette))
        listed: Callable[[], int] = lambda: on.app.screen.query_one("CommandList").option_count  # type: ignore[attr-defined]  # noqa: E731
        wanted = len([key for key in offered() if not key.locked])
        await on.until(lambda: listed() == wanted)


async def test_a_key_that_is_none_is_told_in_one_sentence() -> None:
    async with stage() as on:
        await on.open()
        await on.press("z")
        assert "z is no key here: ? shows those that there are." in on.screen()
        await on.press("escape", "f5")  # what clickers send: not a word
        assert on.asked == []
