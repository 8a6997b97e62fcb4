"""`l`: the lessons. A list to choose from, then one of them on a lab of its own; the main story stays as it was left.

Law: space goes on, the number keys predict, escape goes back; whatever was started for a lesson ends with the page,
unless the person plays on in its lab.
"""

from __future__ import annotations

from netsim.story.lesson import Lesson, fill
from netsim.text.kernel_timer import counts_down
from netsim.text.lesson import is_absent
from netsim.text.lesson_recorded import recorded_step
from netsim.text.lesson_screen import Page as Words
from netsim.text.lesson_screen import draw_lesson, draw_menu, pages, paragraphs_of, text_rows
from netsim.text.lessons import all_lessons
from netsim.text.lines import Line
from netsim.tui.glossary_view import GlossaryView
from netsim.tui.lesson_player import Player
from netsim.tui.page import Page, Stage, Tools
from netsim.tui.space_line import ARMING, HELD_DOWN

SECOND = 1.0
FORWARD = ("space", "pagedown")
NEW_PORT = 8890  # where a lesson's server listens in the host net if nothing better is known


class LessonPage:
    """The list, or the lesson that was chosen."""

    def __init__(self, stage: Stage, tools: Tools, net: str, port: int) -> None:
        self._stage, self._tools, self._net, self._port = stage, tools, net, port
        self._lessons = all_lessons()
        self._chosen = 0
        self._typed = ""  # digits of a lesson's number
        self._player: Player | None = None
        self._glossary: GlossaryView | None = None
        self._number = 0  # which page of the words
        self._place: tuple[int, str] = (-1, "")  # the step and the phase that the words are of
        self._hidden = False
        self._pressed = float("-inf")
        self._armed_at = float("-inf")
        self._size = (80, 24)

    # --- drawing

    def draw(self, width: int, height: int) -> list[Line]:
        """The list, or the lesson now."""
        self._size = (width, height)
        if self._glossary is not None:
            return self._glossary.draw(width, height, self._stage.charset)
        if self._player is None:
            return draw_menu(self._lessons, self._chosen, width, height, self._stage.charset)
        return self._draw_lesson(self._player, width, height)

    def _draw_lesson(self, player: Player, width: int, height: int) -> list[Line]:
        self._notice(player)
        recorded = recorded_step(player.run.lesson.name, player.run.at) if is_absent(player.run) else None
        world = recorded.here if recorded else player.world
        return draw_lesson(world, width, height, self._stage.charset, self._words(player, width, height))

    def _words(self, player: Player, width: int, height: int) -> Words:
        run = player.run
        rows = text_rows(width, height, run.step.view)
        paragraphs = paragraphs_of(run, player.seen, self._stage.charset, rows=rows, width=width, hidden=self._hidden)
        count = len(pages(paragraphs, width, rows, self._stage.charset))
        self._number = min(self._number, count - 1)
        last = self._number + 1 >= count
        armed = self._stage.clock() >= self._armed_at
        return Words(
            lesson=run.lesson, lessons=len(self._lessons), step=run.at + 1, paragraphs=paragraphs, number=self._number,
            view=run.step.view, cap="" if player.busy else "SPACE", label=self._label(player, last=last),
            keys=self._keys(player), armed=armed, now=player.now,
            recorded=is_absent(run) and recorded_step(run.lesson.name, run.at) is not None,
        )  # fmt: skip

    def _label(self, player: Player, *, last: bool) -> str:
        run = player.run
        step = run.step
        if player.busy:
            return "starting a lab of its own .." if run.at < 0 else f"{self._filled(player, step.label)} .."
        if not last:
            return "read on"
        match run.phase:
            case "told" if step.ask is not None:
                return "a question first"
            case "told":
                return self._filled(player, step.label) or "go on"
            case "asked" if step.ask is not None:
                return f"1 to {len(step.ask.answers)}: guess; space: {self._filled(player, step.label)}"
            case "found":
                return "go on" if run.at + 1 < len(run.lesson.steps) else "what it all means"
            case _:
                return "back to the list of lessons"

    @staticmethod
    def _filled(player: Player, text: str) -> str:
        return fill(text, player.seen.port)

    def _keys(self, player: Player) -> tuple[tuple[str, str], ...]:
        ask = player.run.step.ask if player.run.phase == "asked" else None
        guess = [
            (f"1-{len(ask.answers) if ask else 4}", "guess"),
            ("v", "show answers" if self._hidden else "hide answers"),
        ]
        over = [("enter", "play on in this lab")]
        return (
            *(guess if player.run.phase == "asked" else []),
            *(over if player.run.phase in ("summary", "over") else []),
            ("g", "glossary"),
            ("esc", "back"),
        )

    def _notice(self, player: Player) -> None:
        """Begin with the first page of new words; a line that changed by itself takes no press for a moment."""
        place = (player.run.at, player.run.phase)
        if place == self._place:
            return
        by_itself = self._place[1] == "doing"
        self._place, self._number = place, 0
        if by_itself:
            self._armed_at = self._stage.clock() + ARMING
            self._stage.later(ARMING, self._stage.repaint)

    # --- keys

    def press(self, key: str, character: str | None) -> bool:
        """Take a key; False closes the page."""
        now = self._stage.clock()
        held_down, self._pressed = now - self._pressed < HELD_DOWN, now
        if self._glossary is not None:
            if not self._glossary.press(key, character):
                self._glossary = None
            return True
        if character == "g":
            self._glossary = GlossaryView(self._screen_text())
            return True
        if self._player is None:
            return self._press_menu(key, character)
        if key == "escape":
            self._end_lesson()
            return True
        return self._press_lesson(self._player, key, character, held_down=held_down)

    def _press_menu(self, key: str, character: str | None) -> bool:
        digits, self._typed = self._typed, ""
        match key:
            case "escape" | "q":
                return False
            case "up" | "down":
                self._chosen = (self._chosen + (1 if key == "down" else -1)) % max(1, len(self._lessons))
            case "enter" | "space" | "pagedown" if self._lessons:
                self._begin(self._lessons[self._chosen])
            case _ if character and character.isascii() and character.isdigit():
                self._choose_number(digits, character)
        return True

    def _choose_number(self, digits: str, digit: str) -> None:
        """1 and then 2 is lesson 12; what is no lesson's number begins anew with the last digit."""
        numbers = {str(lesson.number): index for index, lesson in enumerate(self._lessons)}
        typed = digits + digit if digits + digit in numbers else digit
        if typed in numbers:
            self._chosen, self._typed = numbers[typed], typed

    def _press_lesson(self, player: Player, key: str, character: str | None, *, held_down: bool) -> bool:
        phase = player.run.phase
        if key == "enter" and phase in ("summary", "over"):
            return self._play_on(player)
        if phase == "asked" and character == "v":
            self._hidden = not self._hidden
        elif phase == "asked" and character and character.isascii() and character.isdigit():
            player.choose(int(character) - 1)
        elif key in FORWARD and not held_down and not player.busy and self._stage.clock() >= self._armed_at:
            self._go_on(player)
        return True

    def _go_on(self, player: Player) -> None:
        width, height = self._size
        words = self._words(player, width, height)
        if self._number + 1 < len(
            pages(words.paragraphs, width, text_rows(width, height, words.view), self._stage.charset)
        ):
            self._number += 1
        elif player.run.phase in ("summary", "over"):
            self._end_lesson()
            self._chosen = min(self._chosen + 1, len(self._lessons) - 1)
        else:
            player.press()

    def _tick(self, player: Player) -> None:
        """Seconds go on where the kernel counts some down."""
        if self._player is player:
            if counts_down(player.world):
                self._stage.repaint()
            self._stage.later(SECOND, lambda: self._tick(player))

    def _begin(self, lesson: Lesson) -> None:
        self._place, self._number = (-1, ""), 0
        self._player = player = Player(lesson, self._stage, self._tools, self._net, self._port)
        self._stage.later(SECOND, lambda: self._tick(player))

    def _end_lesson(self) -> None:
        if self._player is not None:
            self._player.close()
            self._player = None

    def _play_on(self, player: Player) -> bool:
        session = player.give_away()
        self._player = None
        if session is not None:
            self._stage.take_over(session)
        return False

    def _screen_text(self) -> str:
        width, height = self._size
        return "\n".join("".join(span.text for span in line) for line in self.draw(width, height))

    def came(self) -> None:
        """The main story's events are not the lesson's."""

    def close(self) -> None:
        """End what was started for it."""
        self._end_lesson()


def open_page(stage: Stage) -> Page | str:
    """The list of lessons; in a net of the same kind as the main story's."""
    tools, lab = stage.tools, stage.session.world.lab
    if tools is None or stage.session.recording:
        return "A lesson needs real programs, and here there is only a recording: start netsim without it."
    if lab is None:
        return "The lab is still starting: press l again in a moment."
    port = lab.port
    if lab.net == "host":
        port = (tools.free_port(port + 1) if tools.free_port else None) or NEW_PORT
    return LessonPage(stage, tools, lab.net, port)
