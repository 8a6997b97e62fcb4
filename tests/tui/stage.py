"""A screen without a terminal, in front of a lab that only takes down what it is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from netsim.model.commands import AnyCommand
from netsim.session import Session
from netsim.story.director import OPENING
from netsim.text.charset import UNICODE
from netsim.tui.app import NetsimApp
from netsim.tui.widgets.lines_view import LinesView
from tests.labs import Labs
from tests.script import Script


class Stage:
    """The app under Pilot; `script` is what the lab reports, `deliver` sends what is new in it."""

    def __init__(self, pilot: Pilot[int], session: Session, labs: Labs) -> None:
        self.pilot = pilot
        self.app = pilot.app
        self.session = session
        self.labs = labs
        self.script = Script()
        self._delivered = 0

    async def deliver(self) -> None:
        """Let the screen have every event of the script that it has not had."""
        for event in self.script.events[self._delivered :]:
            self.labs[-1].deliver(event)
        self._delivered = len(self.script.events)
        await self.pilot.pause()
        while self.app.screen_stack[1]._paint_due:  # type: ignore[attr-defined]
            await self.pilot.pause(0.01)

    async def open(self) -> None:
        """The two programs of the opening are there, and the first label has armed."""
        self.script.open()
        await self.deliver()
        self.arm()

    def arm(self) -> None:
        """As if the label had been there for half a second."""
        board = self.app.screen
        board._painted = (board._painted[0], 0.0)  # type: ignore[attr-defined]

    async def press(self, *keys: str) -> None:
        """Press keys, slower than a key that is held down."""
        for key in keys:
            self.app.screen_stack[1]._pressed = 0.0  # type: ignore[attr-defined]
            await self.pilot.press(key)
        await self.pilot.pause()

    def rows(self) -> list[str]:
        """What the terminal would show, row by row."""
        width, height = self.app.size
        found = [" " * width for _ in range(height)]
        for tile in self.app.screen.query(LinesView):
            if not tile.display or not tile.size.height:
                continue
            region = tile.region
            for y in range(region.height):
                text = tile.render_line(y).text[: region.width]
                row = found[region.y + y]
                found[region.y + y] = row[: region.x] + text + row[region.x + len(text) :]
        return found

    def screen(self) -> str:
        """All rows in one."""
        return "\n".join(self.rows())

    @property
    def asked(self) -> list[AnyCommand]:
        """What the lab was asked since the opening."""
        return self.labs[-1].sent[2:]


@asynccontextmanager
async def stage(size: tuple[int, int] = (80, 24), *, animation: bool = False) -> AsyncIterator[Stage]:
    """A stage of this size."""
    labs = Labs()
    session = Session(labs, OPENING)
    app = NetsimApp(session, UNICODE, animation=animation)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield Stage(pilot, session, labs)
