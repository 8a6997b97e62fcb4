"""A screen without a terminal, in front of a lab that only takes down what it is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import monotonic

from textual.pilot import Pilot

from netsim.model.commands import AnyCommand
from netsim.session import Session
from netsim.story.director import OPENING
from netsim.text.charset import UNICODE
from netsim.tui.app import NetsimApp
from netsim.tui.board import Board
from netsim.tui.space_line import ARMING, HELD_DOWN
from netsim.tui.widgets.lines_view import LinesView
from tests.clock import Clock
from tests.labs import Labs
from tests.script import Script

PATIENCE = 60.0  # seconds; only ever waited out when something is broken


class Stage:
    """The app under Pilot; `script` is what the lab reports, `deliver` sends what is new in it."""

    def __init__(self, pilot: Pilot[int], session: Session, labs: Labs, clock: Clock) -> None:
        self.pilot = pilot
        self.app = pilot.app
        self.session = session
        self.labs = labs
        self.script = Script()
        self.clock = clock
        self._delivered = 0

    @property
    def board(self) -> Board:
        """The main screen."""
        board = self.app.screen
        assert isinstance(board, Board)
        return board

    async def deliver(self) -> None:
        """Let the screen have every event of the script that it has not had."""
        for event in self.script.events[self._delivered :]:
            self.labs[-1].deliver(event)
        self._delivered = len(self.script.events)
        await self.until(lambda: self.session.drain() == 0)
        self.board.paint()
        await self.pilot.pause()

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait, message by message, until it is so."""
        end = monotonic() + PATIENCE
        while True:
            await self.pilot.pause(0.01)
            if condition():
                return
            assert monotonic() < end, self.screen()

    async def open(self) -> None:
        """The two programs of the opening are there, and the first label has armed."""
        self.script.open()
        await self.deliver()
        self.arm()
        await self.pilot.pause(1 / 30)  # a frame's time: it is painted

    def arm(self) -> None:
        """As if the label had been there for half a second."""
        self.clock.now += ARMING
        self.board.paint()

    async def press(self, *keys: str) -> None:
        """Press keys, slower than a key that is held down."""
        for key in keys:
            self.clock.now += HELD_DOWN
            await self.pilot.press(key)
        await self.pilot.pause()

    async def resize(self, columns: int, rows: int) -> None:
        """Another size, and the screen has taken it."""
        await self.pilot.resize_terminal(columns, rows)
        await self.until(lambda: tuple(self.board.shown_size) == (columns, rows))
        await self.until(lambda: sum(tile.size.width for tile in self.board.query(LinesView)) == columns)

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

    def reversed_parts(self) -> list[str]:
        """What stands in reverse video."""
        tiles = self.app.screen.query(LinesView)
        strips = (tile.render_line(y) for tile in tiles for y in range(tile.size.height))
        return [segment.text for strip in strips for segment in strip if segment.style and segment.style.reverse]

    @property
    def asked(self) -> list[AnyCommand]:
        """What the lab was asked since the opening."""
        return self.labs[-1].sent[2:]


@asynccontextmanager
async def stage(size: tuple[int, int] = (80, 24), *, animation: bool = False) -> AsyncIterator[Stage]:
    """A stage of this size."""
    labs, clock = Labs(), Clock()
    session = Session(labs, OPENING)
    app = NetsimApp(session, UNICODE, animation=animation, clock=clock)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield Stage(pilot, session, labs, clock)
