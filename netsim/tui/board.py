"""The main screen: the drawn world in four tiles, and the keys.

Law: what it shows is a function of the world, the clock and what the person is being asked; it only sends.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.events import Resize
from textual.message import Message
from textual.screen import Screen
from textual.timer import Timer

from netsim.model.world import World
from netsim.session import Session
from netsim.story import goals
from netsim.story.action import Cap
from netsim.story.director import next_action
from netsim.story.moments import MOMENTS
from netsim.story.narrator import narrate
from netsim.text.charset import Charset
from netsim.text.grid import LANES, Grid
from netsim.text.kernel_timer import counts_down
from netsim.text.lines import Line
from netsim.text.screen import Scene, draw_screen, draw_too_small
from netsim.tui.driver import Driver
from netsim.tui.flights import FRAMES_PER_SECOND, Flights
from netsim.tui.keymap import bindings, keys_line
from netsim.tui.slicing import columns, pad
from netsim.tui.widgets.lines_view import LinesView

if TYPE_CHECKING:
    from netsim.tui.widgets.prompt import Prompt

GATHERING = 0.045  # seconds: what a step brings, a delayed ACK too, is painted once
HELD_DOWN = 0.15  # seconds: a key that comes again sooner is held down
ARMING = 0.5  # seconds that a label which changed by itself must have been there before a press counts
SETTLING = 1.0  # seconds after a press in which a new label is its consequence
PACE = 0.35  # seconds between the steps of a key that takes several
PATIENCE = 0.4  # seconds that something may take before the SPACE line says that it runs
PACES = (6.0, 4.0, 2.5, 1.5, 0.8)  # seconds between the steps when it plays by itself


class LabStirred(Message):
    """Events of the lab are waiting to be taken."""

    def can_replace(self, message: Message) -> bool:
        """One that waits already says the same."""
        return isinstance(message, LabStirred)


class Board(Screen[None]):
    """Both programs, both ladders, the port table, and what happens next."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings()]

    def __init__(self, session: Session, charset: Charset, *, animation: bool) -> None:
        super().__init__()
        self._session = session
        self._charset = charset
        self._driver = Driver(session)
        self._animation = animation
        self._flights = Flights(enabled=animation)
        self._pace = PACES[2]
        self._asking = ""  # "quit" or "begin_again": the next press answers
        self._said: tuple[Cap, str, str] = ("", "starting two programs ...", "")  # the SPACE line's cap, label, target
        self._painted = ("", 0.0)  # the id of the painted action, since when
        self._pressed = 0.0
        self._clock = 0.0  # the lab's clock minus ours
        self._step_due = False
        self._paint_due = False
        self._in_table = False
        self._offset = 0  # rows of the table that are scrolled out

    def compose(self) -> ComposeResult:
        """The tiles: what changes together is painted together."""
        yield LinesView(id="title")
        with Horizontal(id="programs"):
            for name in LANES:
                yield LinesView(id=name)
        yield LinesView(id="table")
        yield LinesView(id="bottom")

    def on_mount(self) -> None:
        """From now on the lab's events wake this screen."""
        self._frames = self.set_interval(1 / FRAMES_PER_SECOND, self.paint, pause=True)
        self._seconds = self.set_interval(1.0, self.paint, pause=True)

    # --- what came

    def on_lab_stirred(self) -> None:
        """Events have come: fold them, move on, paint."""
        if not self._session.drain():
            return
        self._clock = self._session.world.at - time.monotonic()
        self._flights.look(self._session.world.packets, time.monotonic())
        self._schedule_step()
        if not self._paint_due:
            self._paint_due = True
            self.set_timer(GATHERING, self._paint_gathered)

    def _paint_gathered(self) -> None:
        self._paint_due = False
        self.paint()

    def _schedule_step(self) -> None:
        if self._step_due or not (self._driver.busy or self._driver.playing) or self._session.pending:
            return
        pace = self._pace if self._driver.playing else PACE
        if self._driver.hurries or not (self._animation or self._driver.playing):
            pace = 0.0
        self._step_due = True
        self.set_timer(max(pace, 0.001), self._next_step)

    def _next_step(self) -> None:
        self._step_due = False
        self._driver.move_on()
        self._schedule_step()
        self.paint()

    # --- what is shown

    def on_resize(self, event: Resize) -> None:
        """Another size: another grid of the same things."""
        self.paint()

    def paint(self) -> None:
        """Draw the world and hand each tile its lines; tiles paint only what differs."""
        width, height = self.app.size
        grid = Grid.of(width, height)
        self.set_class(grid is None, "too-small")
        if grid is None:
            self._tile("title", draw_too_small(width, height), height)
            return
        lines = draw_screen(self._session.world, grid, self._charset, self._scene())
        self._tile("title", lines[:1], 1)
        body = lines[1 : grid.table_head.top]
        for tile in grid.tiles:
            self._tile(tile.name, columns(body, tile.start, tile.end), len(body), tile.width)
        self.set_class(grid.is_wide, "wide")
        self._tile("table", lines[grid.table_head.top : grid.why.top], grid.table.height + 1)
        bottom = lines[grid.why.top :]
        self._tile("bottom", bottom, len(bottom))

    def _tile(self, name: str, lines: list[Line], height: int, width: int | None = None) -> None:
        tile = self.query_one(f"#{name}", LinesView)
        if tile.styles.height is None or tile.styles.height.value != height:
            tile.styles.height = height
        if width is not None and (tile.styles.width is None or tile.styles.width.value != width):
            tile.styles.width = width
        tile.show(pad(lines, height))

    def _scene(self) -> Scene:
        now = time.monotonic()
        world = self._session.world
        action = next_action(world)
        if action.id != self._painted[0]:
            by_itself = now - self._pressed > SETTLING and not self._driver.busy
            self._painted = (action.id, now if by_itself else 0.0)
        progress = self._flights.progress(now)
        self._run(self._frames, bool(progress))
        self._run(self._seconds, counts_down(world) or action.until is not None)
        lab_now = now + self._clock
        cap, label, target = action.cap, action.label_at(lab_now), action.target
        if self._session.pending and now - self._pressed < PATIENCE:
            cap, label, target = self._said  # what was pressed for is being done: nothing flickers meanwhile
        elif self._driver.busy:
            cap, target = "", ""  # on the way to a goal: what comes next, but not by a press
        self._said = cap, label, target
        return Scene(
            why=self._question() or self._driver.answer or narrate(world),
            cap=cap,
            label=label,
            keys=keys_line(),
            target=target,
            now=lab_now,
            progress=progress,
            offset=min(self._offset, self._most_offset()),
        )

    def _question(self) -> str:
        match self._asking:
            case "quit":
                return "Quit? Both programs end with netsim. q again quits; any other key goes on."
            case "begin_again":
                return "Begin again? All that happened is forgotten. b again does it; any other key not."
            case "moments":
                return "Run to: " + "  ".join(f"{each.key} {each.name}" for each in MOMENTS)
            case "ctrl+c":
                return "ctrl+c again quits; any other key goes on."
        return ""

    # --- the keys

    def action_next(self) -> None:
        """space: what the SPACE line says."""
        now = time.monotonic()
        held_down, self._pressed = now - self._pressed < HELD_DOWN, now
        if self._answer_question("") or held_down:
            return
        self._flights.land()
        painted, since = self._painted
        if since and now - since < ARMING:
            return
        action = self._driver.press(painted)
        if action is not None and action.begin_again:
            self._ask("begin_again")
        self.set_timer(PATIENCE, self.paint)
        self.paint()

    def action_connect(self) -> None:
        """c"""
        self._pursue(goals.connect)

    def action_close(self) -> None:
        """x"""
        self._pursue(goals.close)

    def action_restart(self) -> None:
        """r"""
        self._pursue(goals.restart)

    def action_send(self) -> None:
        """s: asks for the message first."""
        self._prompt("send", "hello")

    def action_udp(self) -> None:
        """u: asks for the message first."""
        self._prompt("udp", "hello")

    def action_new_client(self) -> None:
        """n"""
        self._do(self._driver.add_client)

    def action_kill(self) -> None:
        """K"""
        self._do(self._driver.kill)

    def action_interrupt(self) -> None:
        """i"""
        self._do(self._driver.interrupt)

    def action_drop(self) -> None:
        """d"""
        self._do(self._driver.drop)

    def action_finish(self) -> None:
        """f"""
        self._do(self._driver.finish)

    def action_gate(self) -> None:
        """o"""
        self._do(self._driver.toggle_gate)

    def action_choose(self, number: int) -> None:
        """1 to 9: a client, or a moment where those are asked for."""
        moment = next((each for each in MOMENTS if each.key == str(number)), None)
        if self._asking == "moments" and moment is not None:
            self._flights.forget()
            self._do(lambda: self._driver.go_to(moment))
        else:
            self._do(lambda: self._driver.choose(number))

    def action_moments(self) -> None:
        """m"""
        self._ask("moments")

    def action_turn(self) -> None:
        """tab: to the server, to the table if it has more rows than are shown, back to the client."""
        more = self._most_offset() > 0
        if more and not self._in_table and self._session.world.focus.role == "server":
            self._in_table = True
            self._do(lambda: None)
            self._driver.answer = "The table: up and down move through its rows, tab goes back to the client."
            self.paint()
            return
        self._in_table = False
        self._do(self._driver.turn)

    def action_scroll(self, rows: int) -> None:
        """up, down: through the table's rows."""
        self._offset = min(max(0, self._offset + rows), self._most_offset())
        self.paint()

    def _most_offset(self) -> int:
        grid = Grid.of(*self.app.size)
        return max(0, len(self._session.world.slots) - grid.table.height) if grid else 0

    def action_play(self) -> None:
        """a"""
        self._do(self._toggle_playing)

    def action_slower(self) -> None:
        """-"""
        self._set_pace(-1)

    def action_faster(self) -> None:
        """+"""
        self._set_pace(1)

    def action_begin_again(self) -> None:
        """b: asks once something has been done."""
        if self._asking == "begin_again" or not self._session.world.step:
            self._asking = ""
            self._begin_again()
        else:
            self._ask("begin_again")

    def action_quit(self) -> None:
        """q: asks once something has been done."""
        if self._asking == "quit" or not self._session.world.step or self._session.world.ended:
            self.app.exit(0)
        else:
            self._ask("quit")

    def action_interrupt_app(self) -> None:
        """ctrl+c: the second one quits."""
        if self._asking == "ctrl+c":
            self.app.exit(0)
        else:
            self._ask("ctrl+c")

    def action_help(self) -> None:
        """?"""
        from netsim.tui.help import Help

        self._asking = ""
        if self.is_current:  # two quick presses open one
            self.app.push_screen(Help(self._charset))

    # --- how they do it

    def _do(self, deed: Callable[[], None]) -> None:
        self._asking = ""
        self._pressed = time.monotonic()
        self._flights.land()
        deed()
        self._schedule_step()
        self.paint()

    def _pursue(self, make: Callable[[World], goals.Goal]) -> None:
        self._do(lambda: self._driver.pursue(make))

    def _ask(self, what: str) -> None:
        self._asking = what
        self.paint()

    def _answer_question(self, answer: str) -> bool:
        """A question is open and this press does not say yes: it is closed, and the press does nothing else."""
        if not self._asking or self._asking == answer:
            return False
        self._asking = ""
        self.paint()
        return True

    def _begin_again(self) -> None:
        self._driver.begin_again()
        self._flights.forget()
        self.paint()

    def _toggle_playing(self) -> None:
        self._driver.playing = not self._driver.playing
        self._driver.answer = (
            "It plays by itself: a stops it, - is slower, + is faster." if self._driver.playing else ""
        )

    def _set_pace(self, change: int) -> None:
        index = min(len(PACES) - 1, max(0, PACES.index(self._pace) + change))
        self._pace = PACES[index]
        self._driver.answer = f"By itself, a step every {self._pace:g} seconds" + (
            "." if self._driver.playing else ": a begins."
        )
        self.paint()

    def _prompt(self, verb: str, suggestion: str) -> None:
        from netsim.tui.widgets.prompt import Prompt  # Textual's Input is only imported when it is needed

        self._asking = ""
        self.paint()
        prompt = Prompt(verb, suggestion)
        prompt.styles.offset = (0, self.app.size.height - 2)
        self.mount(prompt)

    def on_prompt_answered(self, event: Prompt.Answered) -> None:
        """The message was typed, or not."""
        for prompt in self.query("Prompt"):
            prompt.remove()
        if event.text is not None:
            text = event.text
            self._pursue(
                (lambda _world: goals.Datagram(text))
                if event.verb == "udp"
                else (lambda world: goals.send(world, text))
            )

    @staticmethod
    def _run(timer: Timer, wanted: bool) -> None:
        if wanted:
            timer.resume()
        else:
            timer.pause()
