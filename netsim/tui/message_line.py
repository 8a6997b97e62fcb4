"""A line of text being typed on the SPACE row: a message for `s` or `u`, or a filter for a port table.

Law: what is typed is only text; it is one line, bounded and printable, and what a paste brings beside that is told.
"""

from __future__ import annotations

from typing import Literal

from netsim.text.charset import Charset, cells
from netsim.text.layout import fill, width_of
from netsim.text.lines import Line, Span

LONGEST = 200_000  # characters: more than a datagram can carry, so that the kernel can say so
Verb = Literal["send", "udp", "filter", "type", "line"]
HINT = "enter sends it, escape does not"
TYPE_HINT = "enter types; ctrl+d: no more; esc leaves"
# For who presses space again to go on.
TYPE_ON_HINT = "write a line, then enter"
SEND_ON_HINT = "enter sends it, a letter replaces it"
FILTER_HINT = ":8888 listen, pid 41233, udp, a name"


class MessageLine:
    """The message of `verb`. `suggestion` is sent as it is, or gives way to the first letter that is typed."""

    def __init__(self, verb: Verb, suggestion: str = "hello") -> None:
        self.verb = verb
        self.text = suggestion
        self.hint = self._own_hint
        self._cursor = len(suggestion)
        self._suggested = bool(suggestion)

    @property
    def _own_hint(self) -> str:
        return {"filter": FILTER_HINT, "type": TYPE_HINT}.get(self.verb, HINT)

    def press(self, key: str, character: str | None) -> None:
        """A key, by Textual's name, and the character that it makes; what is no text and moves nothing is ignored."""
        match key:
            case "left":
                self._move(self._cursor - 1)
            case "right":
                self._move(self._cursor + 1)
            case "home" | "ctrl+a":
                self._move(0)
            case "end" | "ctrl+e":
                self._move(len(self.text))
            case "backspace" | "ctrl+h":
                self._replace(self._cursor - 1, self._cursor, "")
            case "delete" | "ctrl+d":
                self._replace(self._cursor, self._cursor + 1, "")
            case "ctrl+u":
                self._replace(0, self._cursor, "")
            case _ if character == " " and self._begins:
                self.hint = TYPE_ON_HINT if self.verb == "type" else SEND_ON_HINT
            case _ if character is not None and character.isprintable():
                self._replace(self._cursor, self._cursor, character)
            case _:
                pass

    @property
    def _begins(self) -> bool:
        """Whether a space would be the first key: space has opened this, or has gone on until now; it is no text."""
        return self._suggested or (self.verb == "type" and not self.text)

    def paste(self, pasted: str) -> None:
        """The first line of it, as far as it can be typed."""
        first, *more = pasted.splitlines() or [""]
        text = "".join(char for char in first if char.isprintable())
        room = LONGEST - (0 if self._suggested else len(self.text))
        self._replace(self._cursor, self._cursor, text)
        if more:
            self.hint = "only its first line was pasted"
        elif text[:room] != first:
            self.hint = "what can't be typed was left out" if text != first else "the rest was too much"

    def draw(self, width: int, charset: Charset) -> Line:
        """The row. Reversed is what the next letter replaces: the suggestion, or the cell of the cursor."""
        cap = [Span(" "), Span(f"{self.verb.upper():<5}", "bold"), Span("  ")]
        hint = Span(charset.shown(self.hint, max(0, width - 40)))
        room = width - width_of(cap) - cells(hint.text) - 4
        if self._suggested:
            written = [Span(charset.shown(self.text, room), "next")]
        else:
            before, under, after = self._window(room, charset)
            written = [Span(before), Span(under, "next"), Span(after)]
        gap = max(2, width - 1 - cells(hint.text) - width_of(cap) - width_of(written))
        return fill([*cap, *written, Span(" " * gap), hint], width)

    def _window(self, room: int, charset: Charset) -> tuple[str, str, str]:
        """What stands before, under and behind the cursor, of the part that fits; the cursor is always in it."""
        under = charset.visible(self.text[self._cursor]) if self._cursor < len(self.text) else " "
        before: list[str] = []
        room -= cells(under)
        for char in reversed(self.text[max(0, self._cursor - room) : self._cursor]):
            shown = charset.visible(char)
            if cells(shown) > room:
                break
            before.append(shown)
            room -= cells(shown)
        return "".join(reversed(before)), under, charset.shown(self.text[self._cursor + 1 :], room)

    def _move(self, cursor: int) -> None:
        self._suggested = False
        self._cursor = min(len(self.text), max(0, cursor))

    def _replace(self, start: int, end: int, text: str) -> None:
        self.hint = self._own_hint
        if self._suggested:
            self._suggested, start, end = False, 0, len(self.text)
        start = max(0, start)
        text = text[: LONGEST - len(self.text) + (end - start)]
        self.text = self.text[:start] + text + self.text[end:]
        self._cursor = start + len(text)
