"""The marks of the screen in Unicode and in ASCII, and text from outside made safe and measured.

Law: no drawing code spells a mark of its own, and nothing that came from outside is drawn before `visible` saw it.
A cell is one column of the terminal; every mark takes one.
"""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

CUT = ".."  # where something was left out; "…" is missing on the Linux console

_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ASCII_MARKS = str.maketrans("■×►◄→←┤├│┬┴─•·", "#x><><|||++-.-")

# Letters that some terminals draw with no width of their own, or that change the width of their neighbours: Hangul
# jamo, and the fillers. And symbols that took one cell up to Unicode 15 and take two since Unicode 16.
_ODD = (
    range(0x1100, 0x1200), range(0xA960, 0xA980), range(0xD7B0, 0xD800), (0x3164, 0xFFA0),
    range(0x2630, 0x2638), range(0x268A, 0x2690), range(0x4DC0, 0x4E00), range(0x1D300, 0x1D377),
)  # fmt: skip
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})  # a terminal that reorders them would move what stands beside them
_MARKS = frozenset({"Mn", "Mc", "Me"})  # drawn onto the letter before
_EMOJI = frozenset({"So", "Sk", "Sm"})  # wide ones: terminals disagree about their width


class Charset(NamedTuple):
    """One set of marks. `ascii`: text from outside is kept to ASCII too."""

    ascii: bool
    held: str
    lost: str
    right: str  # an arrow's head
    left: str
    wall_right: str  # the receiver's lifeline, touched
    wall_left: str
    dash: str
    bar: str
    down: str  # a rule from which a bar goes down
    up: str
    stopped: str
    asleep: str
    next: str  # the line that SPACE will run
    to: str
    back: str
    dot: str

    def visible(self, text: str) -> str:
        """The text, safe to draw in this charset; its own marks turn into their ASCII forms."""
        return visible(text.translate(_ASCII_MARKS), ascii=True) if self.ascii else visible(text)

    def shown(self, text: str, width: int) -> str:
        """`visible`, cut to at most `width` cells; costs no more for a long text than for a short one."""
        return clip(self.visible(text[: max(0, width) + 1]), width)


UNICODE = Charset(
    ascii=False, held="■", lost="×", right="►", left="◄", wall_right="┤", wall_left="├", dash="─", bar="│", down="┬",
    up="┴", stopped="•", asleep="z", next="►", to="→", back="←", dot="·",
)  # fmt: skip
ASCII = Charset(
    ascii=True, held="#", lost="x", right=">", left="<", wall_right="|", wall_left="|", dash="-", bar="|", down="+",
    up="+", stopped=".", asleep="z", next=">", to=">", back="<", dot="-",
)  # fmt: skip


def visible(text: str, *, ascii: bool = False) -> str:
    r"""The text with whatever a terminal could act on, hide, reorder or misplace spelled out, as Python spells it.

    Escape becomes \x1b and a newline \n; so do bidirectional and zero-width characters, combining marks, right-to-left
    letters and emoji. East Asian letters stay: they are two cells wide on every terminal.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if _is_plain(char, ascii) else _spelled(char) for char in text)


def payload(data: bytes) -> str:
    r"""A packet's bytes as text to stand between double quotes: what is not UTF-8 becomes \xNN, a backslash two."""
    return data.replace(b"\\", b"\\\\").replace(b'"', b'\\"').decode("utf-8", "backslashreplace")


def cells(text: str) -> int:
    """How many columns a visible text takes."""
    if text.isascii():
        return len(text)
    return len(text) + sum(unicodedata.east_asian_width(char) in "WF" for char in text)


def clip(text: str, width: int, cut: str = CUT) -> str:
    """A visible text in at most `width` cells; where something had to go it ends in `cut`."""
    if cells(text) <= width:
        return text
    if width < len(cut) + 1:
        return _first(text, width)
    return _first(text, width - len(cut)) + cut


def _first(text: str, width: int) -> str:
    """As many of the first characters as fit whole."""
    if text.isascii():
        return text[: max(0, width)]
    used = 0
    for index, char in enumerate(text):
        used += 2 if unicodedata.east_asian_width(char) in "WF" else 1
        if used > width:
            return text[:index]
    return text


def _is_plain(char: str, ascii: bool) -> bool:
    if char.isascii() or ascii:
        return char.isascii() and char.isprintable()
    if not char.isprintable() or any(ord(char) in odd for odd in _ODD):
        return False
    category = unicodedata.category(char)
    if category in _MARKS or unicodedata.bidirectional(char) in _RIGHT_TO_LEFT:
        return False
    return not (category in _EMOJI and unicodedata.east_asian_width(char) in "WF")


def _spelled(char: str) -> str:
    if char in _NAMED:
        return _NAMED[char]
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
