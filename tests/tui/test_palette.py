"""The palette: plain words find keys, enter does what the key does, escape changes nothing."""

from __future__ import annotations

import pytest
from textual.command import CommandInput, CommandList

from netsim.model.commands import StartEndpoint
from netsim.tui.board import Board
from netsim.tui.keymap import REGISTER
from netsim.tui.palette import NOT_OFFERED, WORDS, Keys, Palette, offered
from tests.tui.stage import Stage, stage

PLAIN_WORDS = {
    "drop packet": "d", "lost": "d", "packet loss": "d", "restart server": "r", "new pid": "r", "another client": "n",
    "backlog": "n", "begin again": "b", "start over": "b", "reset": "b", "quit": "q", "exit": "q", "help": "?",
    "keys": "?", "big font": "?", "legend": "?", "why not pids": "w", "why ports": "w", "poster": "w",
    "say goodbye": "x", "hang up": "x", "disconnect": "x", "slower": "-", "too fast": "-", "faster": "+", "demo": "a",
    "autoplay": "a", "pause": "a", "who owns the port": "p", "port in use": "p", "netstat": "p", "save packets": "e",
    "wireshark": "e", "pcap": "e", "save session": "R", "record": "R", "save the programs": "P", "source code": "P",
    "lessons": "l", "quiz": "l", "learn": "l", "glossary": "g", "what does it mean": "g", "dictionary": "g",
    "undo": ",", "history": ",", "back in time": ",", "dark mode": "t", "colors": "t", "projector": "t",
    "packet details": "enter", "hex": "enter", "handshake": "c", "say hello": "s", "datagram": "u", "kill process": "K",
    "stuck": "i", "jump to": "m", "deliver all": "f", "let packets pass": "o", "next step": "space", "breakpoint": "J",
    "switch to the server": "tab", "filter": "/", "stdin": "T",
}  # fmt: skip


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


async def test_plain_words_find_the_key() -> None:
    """Among the first three; and what is listed there is the key."""
    async with stage() as on:
        await on.open()
        found = Keys(on.app.screen)
        missed = {}
        for words, cap in PLAIN_WORDS.items():
            hits = sorted([hit async for hit in found.search(words)], key=lambda hit: -hit.score)[:3]
            first = [str(hit.prompt).split()[0] for hit in hits]
            if cap not in first:
                missed[words] = first
        assert not missed
        listed = await _listed(on, "drop packet")
        assert listed[0].split()[0] == "d"


def test_what_a_person_may_call_it_belongs_to_a_key() -> None:
    assert WORDS.keys() <= {key.action for key in REGISTER}
    assert all(key.action in WORDS for key in offered())


def test_each_takes_one_row_of_the_smallest_screen() -> None:
    assert [key.action for key in offered() if len(key.tooltip) > 80 - 7 - 2] == []


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


class TestOnAPage:
    @pytest.mark.parametrize("key", ["g", "O", "P", "question_mark"])
    async def test_what_is_found_leaves_it_and_acts(self, key: str) -> None:
        async with stage() as on:
            await on.open()
            await on.press(key)
            await _listed(on, "another client")
            await on.pilot.press("enter", "enter")
            await on.until(lambda: on.asked)
            assert on.board.page is None
            assert [command.who for command in on.asked if isinstance(command, StartEndpoint)] == ["client2"]

    async def test_no_letter_of_it_and_no_escape_is_the_pages(self) -> None:
        async with stage() as on:
            await on.open()
            await on.press("g", "p", "o", "r", "t")
            before, page = on.screen(), on.board.page
            await on.press("ctrl+p")
            await _settle(on)
            await on.press("x", "down", "home", "escape")
            assert (on.board.page, on.screen()) == (page, before)
            await on.press("escape", "escape")
            assert on.board.page is None

    async def test_other_colours_are_for_the_page(self) -> None:
        async with stage() as on:
            await on.open()
            await on.press("g")
            page, theme = on.board.page, on.app.theme
            await _listed(on, "projector")
            await on.pilot.press("enter", "enter")
            await on.until(lambda: on.app.theme != theme)
            assert on.board.page is page


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


async def _board_heeds(on: Stage) -> None:
    assert isinstance(on.app.screen, Board)
    await on.press("n")
    assert len(on.asked) == 1


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
        await _board_heeds(on)


async def test_one_that_is_closed_before_it_was_open_is_gone() -> None:
    async with stage() as on:
        await on.open()
        opened = on.app.push_screen(palette := Palette(leaving=False))
        palette._action_escape()
        await opened
        await on.pilot.pause()
        await _board_heeds(on)


async def test_one_that_is_half_gone_looks_for_nothing() -> None:
    async with stage() as on:
        await on.open()
        await on.app.push_screen(palette := Palette(leaving=False))
        await palette.query_one(CommandList).remove()
        palette._gather_commands("drop")
        await on.pilot.pause()
        await on.app.pop_screen()
        await _board_heeds(on)


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
