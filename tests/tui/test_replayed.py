"""A recording on the screen: it is gone through, and nothing in it can be changed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache

from netsim.files.recording import load
from netsim.files.replay import Replay, bundled
from netsim.model import events as e
from netsim.model.world import World
from netsim.session import Session
from netsim.text.charset import UNICODE
from netsim.tui.app import NetsimApp
from tests.clock import Clock
from tests.labs import Labs
from tests.tui.stage import Stage


@cache
def recorded() -> tuple[e.AnyEvent, ...]:
    return tuple(load(bundled()["handshake"]))


@asynccontextmanager
async def replayed(events: tuple[e.AnyEvent, ...], note: str = "") -> AsyncIterator[Stage]:
    """The app in front of a recording."""
    session, clock = Session(lambda: Replay(events), recording="story.jsonl", note=note), Clock()
    app = NetsimApp(session, UNICODE, animation=False, clock=clock)
    async with app.run_test(size=(80, 24)) as pilot:
        it = Stage(pilot, session, Labs(), clock)
        await it.until(lambda: "RECORDED" in it.screen())
        yield it


class TestReplay:
    async def test_it_begins_at_the_start_and_space_goes_through_all_of_it(self) -> None:
        async with replayed(recorded()) as it:
            assert " netsim   RECORDED · moment 1 of 38 · private net " in it.rows()[0]
            assert "SPACE  forward: socket() of the server returns" in it.screen()
            worlds: list[World] = [it.board.shown_world]
            for place in range(2, 39):
                it.clock.now += 1.0
                await it.press("space")
                assert f"RECORDED · moment {place} of 38" in it.rows()[0]
                worlds.append(it.board.shown_world)
            timeline = it.session.timeline
            assert worlds == [*(timeline.at(index) for index in timeline.moments), timeline.now]
            assert "the end of the recording" in it.screen()
            await it.press("space")
            assert "moment 38 of 38" in it.rows()[0]

    async def test_it_is_the_session_that_was_recorded(self) -> None:
        async with replayed(recorded()) as it:
            assert it.session.timeline.events == recorded()
            assert not it.session.pending

    async def test_every_acting_key_says_what_it_is_also_at_the_end(self) -> None:
        async with replayed(recorded()) as it:
            await it.press("end")
            for key in ("c", "s", "x", "u", "n", "r", "K", "i", "d", "f", "o", "a", "b", "m"):
                it.board.say("")
                await it.press(key)
                assert "A recording can't be changed" in it.screen(), key
                assert it.board.asking == ""

    async def test_it_says_recorded_at_every_moment(self) -> None:
        ended = (*recorded(), e.LabEnded(at=20.0, reason="It was closed."))
        async with replayed(ended) as it:
            await it.press("end")
            assert " RECORDED · moment 39 of 39 · the lab has ended " in it.rows()[0]

    async def test_q_needs_no_question(self) -> None:
        async with replayed(recorded()) as it:
            await it.press("end", "q")
            assert it.app.return_value == 0

    async def test_what_is_wrong_with_it_is_said(self) -> None:
        async with replayed(recorded()[:60], "Line 62: the file is cut off here. It is shown up to there.") as it:
            assert "Line 62: the file is cut off here" in it.screen()
            await it.press("space")
            assert "Line 62" not in it.screen()
            await it.press("end")
            assert "Line 62: the file is cut off here" in it.screen()

    async def test_no_file_is_written_where_there_is_no_tool_for_it(self) -> None:
        async with replayed(recorded()) as it:
            for key in ("R", "e"):
                await it.press(key)
                assert "No file is written here" in it.screen()
