"""The main screen: the drawn world in two halves.

Law: what it shows is a function of the world, the clock and what the person is being asked. Its layout never changes,
whatever is shown: a new layout would write every cell again.
"""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult
from textual.events import Resize
from textual.geometry import Size
from textual.message import Message
from textual.timer import Timer

from netsim.session import Session
from netsim.story.director import next_action
from netsim.story.narrator import narrate
from netsim.text.charset import Charset
from netsim.text.grid import LANES, MINIMUM, Grid
from netsim.text.kernel_timer import counts_down
from netsim.text.layout import fill, wrapped
from netsim.text.lines import Line, Span
from netsim.text.screen import Scene, draw_screen, draw_too_small
from netsim.tui.flights import FRAMES_PER_SECOND, Flights
from netsim.tui.help import help_lines
from netsim.tui.keymap import keys_line, past_keys_line, table_keys_line
from netsim.tui.keys import Keys
from netsim.tui.page import Tools
from netsim.tui.past import describe_forward
from netsim.tui.slicing import columns, pad
from netsim.tui.space_line import ARMING, ASKED, PATIENCE
from netsim.tui.timing import after
from netsim.tui.widgets.lines_view import LinesView

TURN = 0.03  # seconds for which events are folded in one go: in a flood keys are heard in between
GATHERING = 0.045  # seconds: what a step brings, a delayed ACK too, is painted once
PACE = 0.35  # seconds between the steps of a key that takes several


class LabStirred(Message):
    """Events of the lab are waiting to be taken."""

    def can_replace(self, message: Message) -> bool:
        """One that waits already says the same."""
        return isinstance(message, LabStirred)


class Deed(Message):
    """Something to be done on the screen's thread."""

    def __init__(self, deed: Callable[[], None]) -> None:
        super().__init__()
        self.deed = deed


class Board(Keys):
    """Both programs, both ladders, the port table, and what happens next."""

    def __init__(
        self,
        session: Session,
        charset: Charset,
        clock: Callable[[], float],
        *,
        animation: bool,
        tools: Tools | None = None,
    ) -> None:
        super().__init__(session, clock, tools)
        self.charset = charset
        self._animation = animation
        self._tiles = [LinesView(id=name) for name in LANES]
        self._widths = [0] * len(self._tiles)
        self._lab_ahead = 0.0  # the lab's clock minus ours
        self._withheld = False  # what is due is not written yet
        self._opening = True  # the first programs of this lab do not stand before their first lines yet
        self._step_due = False
        self._arming_due = False
        self._paint_due = False

    def compose(self) -> ComposeResult:
        """The lanes, from the first row to the last: a change is written from its tile's left edge on."""
        yield from self._tiles

    def on_mount(self) -> None:
        """From now on the lab's events wake this screen."""
        self._animation = self._animation and self.app.animation_level != "none"
        self.flights = Flights(enabled=self._animation)
        self._frames = self.set_interval(1 / FRAMES_PER_SECOND, self.paint, pause=True)
        self._seconds = self.set_interval(1.0, self.paint, pause=True)
        self.on_lab_stirred()  # what came before there was a screen
        self.paint(self.app.size)

    # --- what came

    def on_lab_stirred(self) -> None:
        """Events have come: fold them, move on, paint."""
        first = not self.session.world.endpoints
        self._opening = first or self._opening
        if not self.session.drain(TURN):
            return
        self._lab_ahead = self.session.world.at - self.clock()
        self.flights.look(self.session.world.packets, self.clock())
        self.came_behind(first=first)
        if self.page is not None:
            self.page.came()
        self.schedule_step()
        opened = self._opening and not self.session.pending
        self._opening = self._opening and not opened
        if first or opened:
            self.paint()  # nobody has seen anything yet: nothing to wait for
        elif not self._paint_due:
            self._paint_due = True
            after(self, GATHERING, self._paint_gathered)

    def _paint_gathered(self) -> None:
        self._paint_due = False
        self.paint()

    def schedule_step(self) -> None:
        """See to it that a goal's next step is made in its time."""
        if self._step_due or not (self.driver.busy or self.driver.playing) or self.session.pending:
            return
        pace = self.driver.pace if self.driver.playing else PACE
        if self.driver.hurries or not (self._animation or self.driver.playing):
            pace = 0.0
        self._step_due = True
        after(self, pace, self._next_step)

    def _next_step(self) -> None:
        self._step_due = False
        dispatched = self.driver.move_on()
        self.schedule_step()
        if dispatched:  # what it brings is painted when it comes: that it was asked for is no news by then
            after(self, PATIENCE, self.paint)
        else:
            self.paint()

    # --- what is shown

    def on_resize(self, event: Resize) -> None:
        """Another size: another grid of the same things, unless it was drawn already."""
        if event.size != self.shown_size:
            self.paint(event.size)

    def paint(self, size: Size | None = None) -> None:
        """Draw everything and hand each tile its half; tiles paint only what differs."""
        if size is not None and size != self.shown_size:
            self._lay_out(size)
        width, height = self.shown_size
        lines = pad(self._draw(width, height), height)
        at = 0
        for tile, wide in zip(self._tiles, self._widths, strict=True):
            tile.show(columns(lines, at, at + wide))
            at += wide

    @property
    def is_laid_out(self) -> bool:
        """Whether Textual has given every tile the place that is meant for it."""
        return bool(self.shown_size) and all(
            tile.size == (wide, self.shown_size.height)
            for tile, wide in zip(self._tiles, self._widths, strict=True)
            if wide
        )

    def write_now(self) -> None:
        """Write what is due at once, and not in Textual's next sixtieth of a second."""
        if self.is_current:
            self._withheld = True
            self._on_timer_update()
            self._withheld = False
            self._compositor_refresh()

    def _compositor_refresh(self) -> None:
        """Not while nothing is written: Textual would draw all of it, and throw it away or draw it once more."""
        if not self._withheld and not self.app._batch_count:
            super()._compositor_refresh()

    def _lay_out(self, size: Size) -> None:
        """Every tile its columns: the lanes' of a grid of this width; one tile has all where no grid fits."""
        self.shown_size = size
        grid = Grid.of(size.width, MINIMUM[1])
        lanes = {lane.name: lane.width for lane in grid.tiles} if grid else {LANES[0]: size.width}
        self._widths = [lanes.get(name, 0) for name in LANES]
        for tile, wide in zip(self._tiles, self._widths, strict=True):
            tile.styles.width = wide
            tile.display = wide > 0

    def _draw(self, width: int, height: int) -> list[Line]:
        if self.helping:
            return [fill(line, width) for line in help_lines(self.charset)]
        grid = Grid.of(width, height)
        if grid is None:
            asked = [fill([Span(row)], width) for row in wrapped(self.question(), width, height)]
            return asked or draw_too_small(width, height)
        if self.page is not None:
            rows = pad([fill(line, width) for line in self.page.draw(width, height)[:height]], height)
            if self.asking:
                rows[grid.why.top] = fill([Span(f" {self.question()}", "bold")], width)
            return rows
        self.keep_in_sight()
        lines = draw_screen(self.shown_world, grid, self.charset, self._scene())
        if self.typed is not None:
            lines[grid.space.top] = self.typed.draw(width, self.charset)
        return lines

    def _scene(self) -> Scene:
        if self.past.shown or self.session.recording:
            return self._scene_of_the_past()
        now = self.clock()
        world = self.session.world
        lab_now = now + self._lab_ahead
        action = next_action(world)
        said = self.space_line.say(action, now, lab_now, pending=self.session.pending, busy=self.driver.busy)
        said = ASKED if self.asking else said
        armed = self.space_line.is_armed(now)
        if not armed and not self._arming_due:
            self._arming_due = True
            after(self, ARMING, self._arm)
        progress = self.flights.progress(now)
        self._run(self._frames, bool(progress))
        self._run(self._seconds, counts_down(world) or action.until is not None)
        return Scene(
            why=self.question() or self.driver.answer or self.cells_meaning() or narrate(world),
            cap=said.cap,
            label=said.label,
            keys=self._keys(keys_line(world)),
            target="" if self.typed else said.target,
            aim=self.aim,
            now=lab_now,
            progress=progress,
            offset=self.rows_above,
            view=self.view,
            cursor=self.table_cursor(),
            armed=armed,
            playing=self.driver.playing,
        )

    def _keys(self, elsewhere: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        """The keys line of the table while that has the keys; else this one."""
        return table_keys_line(filtered=bool(self.view.filter.terms)) if self.in_table else elsewhere

    def _scene_of_the_past(self) -> Scene:
        """Time stands still there: no clock, and nothing that a press would touch."""
        progress = self.flights.progress(self.clock())
        self._run(self._frames, bool(progress))
        self._run(self._seconds, False)
        cap, label = (ASKED.cap, ASKED.label) if self.asking else describe_forward(self.past)
        return Scene(
            why=self.question() or self.driver.answer or self.cells_meaning() or narrate(self.shown_world),
            cap=cap,
            label=label,
            keys=self._keys(past_keys_line()),
            progress=progress,
            offset=self.rows_above,
            view=self.view,
            cursor=self.table_cursor(),
            recorded=bool(self.session.recording),
            steps=self.session.world.step,
            moment=(self.past.place, self.past.of),
        )

    # --- what a page may ask for (netsim.tui.page.Stage)

    def repaint(self) -> None:
        """What the page shows has changed."""
        self.paint()

    def call_soon(self, deed: Callable[[], None]) -> None:
        """Do this on the screen's thread; where the loop has ended there is nobody left to see it."""
        try:
            self.post_message(Deed(deed))
        except RuntimeError:
            return

    def on_deed(self, message: Deed) -> None:
        """Something that a page is to do, or learns, here."""
        message.deed()

    def later(self, seconds: float, deed: Callable[[], None]) -> None:
        """Do this in so many seconds, if the same page is still open."""
        page = self.page
        after(self, seconds, lambda: deed() if self.page is page and page is not None else None)

    def copy(self, text: str) -> None:
        """Into the clipboard of the person's terminal: OSC 52."""
        self.app.copy_to_clipboard(text)

    def _arm(self) -> None:
        self._arming_due = False
        self.paint()

    @staticmethod
    def _run(timer: Timer, wanted: bool) -> None:
        if wanted:
            timer.resume()
        else:
            timer.pause()
