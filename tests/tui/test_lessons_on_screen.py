"""The lessons over the main screen: opened by a key, left by escape, and played on in their labs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from netsim.lab.client import LabClient
from netsim.lab.machine import Machine
from netsim.tui.page import Tools
from netsim.tui.space_line import ARMING
from tests.conftest import find_free_port
from tests.tui.stage import Stage, stage


@asynccontextmanager
async def on_the_screen() -> AsyncIterator[tuple[Stage, list[LabClient]]]:
    """The main screen with a lab that is told by hand; lessons get real ones."""
    labs: list[LabClient] = []

    def make_lab(net: str, port: int) -> LabClient:
        labs.append(LabClient(net="host", port=find_free_port()))
        return labs[-1]

    async with stage() as page:
        page.board.tools = Tools(make_lab, Machine)
        try:
            await page.open()
            yield page, labs
        finally:
            for lab in labs:
                lab.close()


async def finish_lesson(page: Stage) -> None:
    """Press space until the lesson has come to its end."""
    for _ in range(80):
        page.clock.now += ARMING
        await page.press("space")
        await page.until(lambda: not page.board.page._player.busy)  # type: ignore[union-attr]
        if page.board.page._player.run.phase == "summary":  # type: ignore[union-attr]
            return
    raise AssertionError(page.screen())


async def test_l_opens_the_lessons_and_escape_goes_back() -> None:
    async with on_the_screen() as (page, labs):
        before = page.rows()
        await page.press("l")
        assert "lessons" in page.rows()[0]
        await page.press("enter")
        await page.until(lambda: "What does each of them need" in page.screen())
        await page.press("escape", "escape")
        assert page.rows() == before
        assert [lab._process.poll() for lab in labs if lab._process] != [None]


async def test_the_lab_of_a_lesson_can_be_played_on_in() -> None:
    async with on_the_screen() as (page, labs):
        await page.press("l", "3", "enter")
        await page.until(lambda: "Must somebody be there" in page.screen())
        await finish_lesson(page)
        await page.press("enter")
        await page.until(lambda: "Free play" in page.screen())
        assert page.labs[0].closed
        assert "udpserver" in page.session.world.endpoints
        assert len(labs) == 1
        steps = page.session.world.step
        page.clock.now += ARMING
        await page.press("space")
        page.clock.now += ARMING
        await page.press("space")
        await page.until(lambda: page.session.world.step > steps)


async def test_g_opens_the_glossary_with_the_words_of_the_screen() -> None:
    async with on_the_screen() as (page, _):
        await page.press("g")
        assert "on the screen now" in page.rows()[1]
        await page.press("P", "I", "D")
        assert page.rows()[2].startswith(" PID ")
        await page.press("escape")
        await page.press("escape")
        assert "on the screen now" not in page.screen()
