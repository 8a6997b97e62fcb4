"""The glossary over a screen: typed letters look for a word, arrows and space scroll, escape closes it."""

from __future__ import annotations

from netsim.text.charset import Charset
from netsim.text.glossary import draw_glossary, glossary_lines
from netsim.text.lines import Line

LONGEST = 24  # letters of a word that is looked for


class GlossaryView:
    """What is looked for, and how far it is scrolled. `screen`: the text that is explained first."""

    def __init__(self, screen: str) -> None:
        self._screen = screen
        self._typed = ""
        self._top = 0
        self._room = 22
        self._most = 0

    def draw(self, width: int, height: int, charset: Charset) -> list[Line]:
        """The whole screen."""
        self._room = height - 2
        self._most = max(0, len(glossary_lines(self._screen, self._typed, width, charset)) - self._room)
        self._top = min(self._top, self._most)
        return draw_glossary(self._screen, self._typed, self._top, width, height, charset)

    def press(self, key: str, character: str | None) -> bool:
        """Take a key; False closes it. Escape first takes back what was typed."""
        match key:
            case "escape" if not self._typed:
                return False
            case "escape":
                self._typed, self._top = "", 0
            case "backspace":
                self._typed, self._top = self._typed[:-1], 0
            case "up" | "down":
                self._top = min(max(0, self._top + (1 if key == "down" else -1)), self._most)
            case "space" | "pagedown":
                self._top = min(self._top + self._room - 1, self._most)
            case "pageup":
                self._top = max(0, self._top - self._room + 1)
            case "home":
                self._top = 0
            case "end":
                self._top = self._most
            case _ if character and character.isprintable() and len(self._typed) < LONGEST:
                self._typed, self._top = self._typed + character, 0
        return True
