"""The palette: plain words find keys, enter does what the key does, escape changes nothing."""

from __future__ import annotations

import pytest
from textual.command import CommandInput, CommandList

from netsim.model.commands import StartEndpoint
from netsim.tui.board import Board
from netsim.tui.keymap import REGISTER
from netsim.tui.palette import NOT_OFFERED, Palette, offered
from tests.tui.stage import Stage, stage

PLAIN_WORDS = {"drop packet": "d", "lost": "d", "restart server": "r", "another client": "n", "begin again": "b",
               "quit": "q", "help": "?", "why not pids": "w", "say goodbye": "x"}  # fmt: skip


async def _listed(on: Stage, words: str) -> list[str]:
    """What the palette lists for these words, best first."""
    await on.pilot.press("ctrl+p")
    await _settle(on)
    on.app.screen.query_one(CommandInput).value = words
    await on.pilot.pause()
    await _settle(on)
    commands = on.app.screen.query_one(CommandList)
    return [str(commands.get_option_at_index(index).prompt) for index in range(commands.option_count)]


async def _settle(on: Stage) -> None:
    await on.app.workers.wait_for_complete()
    await on.pilot.pause()


@pytest.mark.parametrize(("words", "cap"), PLAIN_WORDS.items())
async def test_plain_words_find_the_key(words: str, cap: str) -> None:
    if cap not in {key.cap for key in REGISTER}:
        return  # a key that is still to come
    async with stage() as on:
        await on.open()
        listed = await _listed(on, words)
        assert cap in [line.split()[0] for line in listed[:3]], listed


async def test_it_does_what_the_key_does() -> None:
    async with stage() as on:
        await on.open()
        await _listed(on, "another client")
        await on.pilot.press("enter", "enter")
        await on.pilot.pause()
        assert isinstance(on.app.screen, Board)
        assert [command.who for command in on.asked if isinstance(command, StartEndpoint)] == ["client2"]


async def test_escape_changes_nothing_and_two_presses_open_one() -> None:
    async with stage() as on:
        await on.open()
        before = on.screen()
        await on.pilot.press("ctrl+p", "ctrl+p")
        await _settle(on)
        assert isinstance(on.app.screen, Palette)
        await on.pilot.press("escape")
        await on.pilot.pause()
        assert isinstance(on.app.screen, Board)
        assert (on.screen(), on.asked) == (before, [])


async def test_nothing_is_offered_that_is_no_key_of_ours() -> None:
    async with stage() as on:
        await on.open()
        assert len(await _listed(on, "")) == len(offered())
        assert {key.action for key in REGISTER} - {key.action for key in offered()} <= {
            *NOT_OFFERED, "scroll(-1)", "scroll(1)",
        }  # fmt: skip


async def test_a_list_without_room_has_no_pages() -> None:
    async with stage() as on:
        await on.open()
        await _listed(on, "")
        on.app.screen.query_one(CommandList).styles.max_height = 0
        await on.pilot.pause()
        await on.pilot.press("pagedown", "pageup", "down", "escape")
        await on.pilot.pause()
        assert isinstance(on.app.screen, Board)


async def test_keys_that_come_when_it_has_gone_do_not_take_the_main_screen_away() -> None:
    async with stage() as on:
        await on.open()
        await on.pilot.press("ctrl+p")
        await _settle(on)
        palette = on.app.screen
        assert isinstance(palette, Palette)
        for _ in range(3):  # as they wait in its queue
            palette._action_escape()
        await on.pilot.pause()
        assert isinstance(on.app.screen, Board)
        await on.press("n")
        assert len(on.asked) == 1


async def test_nothing_flashes() -> None:
    async with stage() as on:
        await on.open()
        await _listed(on, "lost")
        assert not on.app.screen.query_one(CommandInput).cursor_blink


async def test_another_size_closes_it() -> None:
    async with stage() as it:
        await it.open()
        await it.press("ctrl+p")
        assert len(it.app.screen_stack) == 2
        await it.pilot.resize_terminal(100, 30)
        await it.until(lambda: len(it.app.screen_stack) == 1)
        assert "SPACE" in it.screen()
