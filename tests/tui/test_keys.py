"""Keys where they could do harm: while something is asked, typed or read, and where nothing can be seen."""

from __future__ import annotations

import re

import pytest
from textual.events import Paste

from netsim.model import events as e
from netsim.model.commands import Step
from netsim.text.grid import Grid
from tests.script import ref, tcp
from tests.tui.stage import Stage, stage

HARMFUL = ("c", "x", "r", "K", "n", "i", "u", "s", "b", "a", "d", "f", "o", "m", "space", "pagedown", "tab", "1")


async def after_a_step(it: Stage) -> None:
    """Something has been done, so that leaving asks."""
    await it.open()
    it.script.call("server", "socket", socket=ref(3, 501))
    it.script.stop("server", it.script.line("server", "setsockopt"), s=3)
    await it.deliver()
    it.arm()


class TestMessage:
    async def test_no_key_acts_behind_it(self) -> None:
        async with stage() as it:
            await it.open()
            await it.press("s", *HARMFUL, "f5", "up", "question_mark", "q")
            assert it.asked == []
            assert it.board.typed is not None
            assert it.board.typed.text == "cxrKniusbadfom 1?q"

    async def test_what_is_typed_ahead_is_text_too(self) -> None:
        async with stage() as it:
            await it.open()
            it.script.stop("client1", it.script.line("client1", ".send"), s=3)
            await it.deliver()
            await it.pilot.press("s", "x", "r", "enter")  # as one piece, as a slow line delivers it
            await it.until(lambda: it.asked)
            assert it.asked == [Step(id=3, who="client1", message="xr")]

    async def test_a_paste_is_one_line_of_text(self) -> None:
        async with stage() as it:
            await it.open()
            await it.press("u")
            it.app.post_message(Paste("two\nlines"))
            await it.until(lambda: "only its first line" in it.screen())
            assert " UDP    two" in it.screen()
            assert it.asked == []

    async def test_a_paste_where_nothing_is_asked_does_nothing(self) -> None:
        async with stage() as it:
            await it.open()
            it.app.post_message(Paste("xxrrqq\n"))
            await it.pilot.pause()
            assert it.asked == []

    async def test_it_outlives_every_size(self) -> None:
        async with stage((120, 36)) as it:
            await it.open()
            await it.press("s", "h", "i")
            for size in ((80, 24), (60, 20), (100, 30)):
                await it.resize(*size)
            assert it.rows()[-2].startswith(" SEND   hi")

    async def test_ctrl_c_asks_and_typing_on_goes_on(self) -> None:
        async with stage() as it:
            await it.open()
            await it.press("s", "h", "ctrl+c")
            assert "ctrl+c again quits" in it.screen()
            await it.press("i")
            assert "ctrl+c again quits" not in it.screen()
            await it.press("ctrl+c", "ctrl+c")
            assert it.app.return_value == 0


class TestQuestions:
    @pytest.mark.parametrize("key", [*HARMFUL[:8], "escape", "f5", "enter"])
    async def test_another_key_closes_it_and_does_nothing_else(self, key: str) -> None:
        async with stage() as it:
            await after_a_step(it)
            await it.press("q")
            assert "q again quits" in it.screen()
            await it.press(key)
            assert "q again quits" not in it.screen()
            assert it.asked == []
            assert it.board.typed is None

    async def test_the_key_of_another_question_does_not_say_yes(self) -> None:
        async with stage() as it:
            await after_a_step(it)
            await it.press("b", "q")
            assert it.app.is_running
            assert len(it.labs) == 1

    async def test_no_question_where_the_lab_is_gone(self) -> None:
        async with stage() as it:
            await after_a_step(it)
            it.script.add(e.LabEnded(at=it.script.now, reason="it was ended by SIGKILL."))
            await it.deliver()
            await it.press("b")
            assert len(it.labs) == 2
            await it.until(lambda: "starting the lab ..." in it.screen())

    async def test_textuals_own_way_out_is_closed(self) -> None:
        async with stage() as it:
            await after_a_step(it)
            await it.press("ctrl+q", "ctrl+p", "ctrl+z", "ctrl+backslash")
            assert it.app.is_running
            assert it.asked == []


class TestHelp:
    @pytest.mark.parametrize("key", HARMFUL)
    async def test_any_key_closes_it_and_does_nothing_else(self, key: str) -> None:
        async with stage() as it:
            await it.open()
            await it.press("question_mark", key)
            assert "netsim: keys" not in it.screen()
            assert it.asked == []

    async def test_ctrl_c_is_no_way_round_the_question(self) -> None:
        async with stage() as it:
            await it.open()
            await it.press("question_mark", "ctrl+c")
            assert it.app.is_running
            assert "ctrl+c again quits" in it.screen()

    async def test_the_lab_goes_on_behind_it(self) -> None:
        async with stage() as it:
            await it.open()
            await it.press("question_mark")
            await it.resize(120, 36)
            it.script.call("server", "socket", socket=ref(3, 501))
            await it.deliver()
            await it.press("x")
            assert "→ fd 3" in it.screen()
            assert it.rows()[-2].startswith(" SPACE") or it.session.pending


class TestTooSmall:
    @pytest.mark.parametrize("key", [*HARMFUL, "question_mark", "up"])
    async def test_what_cannot_be_seen_is_not_done(self, key: str) -> None:
        async with stage((60, 20)) as it:
            await it.open()
            await it.press(key)
            assert it.asked == []
            assert "Please enlarge" in it.screen()

    async def test_one_can_leave_and_is_asked_where_one_can_see_it(self) -> None:
        async with stage((60, 20)) as it:
            await after_a_step(it)
            await it.press("q")
            assert "q again quits" in " ".join(it.screen().split())
            await it.press("q")
            assert it.app.return_value == 0

    async def test_the_smallest_of_all(self) -> None:
        async with stage((2, 1)) as it:
            await it.open()
            await it.resize(1, 1)
            await it.resize(80, 24)
            assert "SPACE" in it.screen()


class TestSpace:
    async def test_it_does_not_do_what_it_did_not_say(self) -> None:
        """On the way to a goal the line offers nothing; a press between two steps is not one."""
        async with stage(animation=True) as it:
            await it.open()
            await it.press("c")
            it.script.call("server", "socket", socket=ref(3, 501))
            it.script.stop("server", it.script.line("server", "setsockopt"), s=3)
            await it.deliver()
            before = len(it.asked)
            await it.press("space")
            assert len(it.asked) == before

    async def test_the_cap_is_reversed_only_when_a_press_counts(self) -> None:
        async with stage() as it:
            await it.open()
            it.script.stop("server", it.script.line("server", "accept"), s=3)
            it.script.ready("server", 3)
            await it.deliver()
            assert "SPACE" not in it.reversed_parts()
            it.arm()
            assert "SPACE" in it.reversed_parts()


class TestTable:
    async def test_its_further_rows_are_reached_with_the_arrows(self) -> None:
        async with stage() as it:
            await it.open()
            it.script.kernel(*(tcp("LISTEN", 9000 + index, inode=900 + index, send=5) for index in range(7)))
            await it.deliver()
            shown = Grid(80, 24).table_height
            assert ports(it) == [f"{9000 + index}/tcp" for index in range(shown)]
            await it.press("down", "down")
            assert ports(it) == [f"{9002 + index}/tcp" for index in range(shown)]
            await it.press(*["down"] * 9)
            assert ports(it)[-1] == "9006/tcp"
            await it.press(*["up"] * 20)
            assert ports(it)[0] == "9000/tcp"


@pytest.mark.parametrize("size", [(81, 24), (95, 25), (119, 33), (159, 40), (161, 45), (200, 50)])
async def test_odd_widths_lose_no_column(size: tuple[int, int]) -> None:
    async with stage(size) as it:
        await it.open()
        assert it.rows()[0].rstrip().endswith("? help")
        assert all(len(row) == size[0] for row in it.rows())
        assert re.search(r"TCP +no packet yet", it.screen())


def ports(it: Stage) -> list[str]:
    return [row[:40].split()[0] for row in it.rows()[17:21] if row[:40].strip()]


async def test_a_moment_is_chosen_by_its_number_and_another_key_chooses_none() -> None:
    async with stage() as it:
        await it.open()
        await it.press("m", "x")
        assert it.asked == []
        assert "Run to:" not in it.screen()
        await it.press("m", "1")
        assert len(it.labs) == 2
