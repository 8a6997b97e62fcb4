"""Thrift: of the frames that Textual paints, only what the terminal does not show yet goes over the line.

Law: a pure account of two pictures, the one that was painted and the one that the terminal was sent. However many
frames are left out between two, what is sent then leads to the last one. Whatever is written that is no frame, and so
may change the terminal in another way, makes both pictures unknown.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import NamedTuple

# Of a frame: a move (CUP), colours and attributes (SGR), the end of a row, and text. ECMA-48, 8.3.21 and 8.3.117.
TOKEN = re.compile(r"\x1b\[(?:(?P<row>\d+);(?P<column>\d+)H|(?P<sgr>[0-9;]*)m)|(?P<end>\n)|(?P<text>[^\x00-\x1f\x7f]+)")
OFF = {"1": "22", "2": "22", "3": "23", "4": "24", "5": "25", "7": "27", "9": "29"}  # what ends an attribute
MANY = 1_000_000  # columns and rows: more than any terminal has
SHOW_ON_BLANKS = frozenset("479")  # attributes that a blank shows: underlined, reversed, struck out


class Style(NamedTuple):
    """How a cell looks; colours as SGR names them, "" for the terminal's own."""

    ink: str = ""
    paper: str = ""
    attributes: frozenset[str] = frozenset()


class Cell(NamedTuple):
    """What stands in a column; of a letter that takes two, the second has no text."""

    text: str
    style: Style


PLAIN = Style()
Row = dict[int, Cell]


class Thrift:
    """What was painted, and what was sent."""

    def __init__(self) -> None:
        self._painted: dict[int, Row] = {}
        self._sent: dict[int, Row] = {}
        self._touched: set[int] = set()  # rows that may differ
        self._cursor = (1, 1)  # row and column in which the last frame leaves it: a shell may go on there
        self._size: tuple[int, int] | None = None  # columns and rows of the terminal; None: unknown

    def forget(self) -> None:
        """Nothing is known any more: of the next frame all is sent."""
        self._painted.clear()
        self._sent.clear()
        self._touched.clear()

    def lose(self, columns: int, rows: int) -> None:
        """What a terminal of this size shows is unknown; what it should show is not, and all of that is due again."""
        self._size = columns, rows
        self._sent.clear()
        self._painted = {
            y: {x: cell for x, cell in row.items() if x <= columns} for y, row in self._painted.items() if y <= rows
        }
        self._touched = set(self._painted)

    def paint(self, frame: str) -> bool:
        """Take a frame into account; False, and nothing has changed here, for what is none."""
        read_frame = read(frame)
        if read_frame is None:
            return False
        texts, self._cursor = read_frame
        for y, x, text, style in texts:
            write(self._painted.setdefault(y, {}), x, text, style)
            self._touched.add(y)
        return True

    def due(self) -> str:
        """What leads from all that was sent to what was painted last; it counts as sent then. "" for nothing.

        What a frame for a greater terminal has painted beyond this one's edges is left out: it would wrap.
        """
        pen = Pen()
        columns, rows = self._size or (MANY, MANY)
        for y in sorted(self._touched):
            painted, sent = self._painted[y], self._sent.setdefault(y, {})
            if y > rows:
                continue
            for x, cell in sorted(painted.items()):
                if x > columns:
                    break
                if cell != sent.get(x):
                    pen.draw(x, y, cell, sent)
                    sent[x] = cell
        self._touched.clear()
        return pen.lift(*self._cursor)


class Pen:
    """Writes cells from left to right, row by row, and moves between them in the cheapest way."""

    def __init__(self) -> None:
        self._out: list[str] = []
        self._style = PLAIN
        self._x = self._y = 0  # the column behind what was drawn; 0: unknown

    def draw(self, x: int, y: int, cell: Cell, sent: Row) -> None:
        """One cell; `sent`: what the terminal shows in this row."""
        if not cell.text:  # the second half of a letter that was drawn just now
            return
        if y != self._y or not self._x:
            self._out.append(move_to(y, x))
        elif x > self._x:
            self._out.append(self._cross(x, sent))
        self._x, self._y = x + 1, y
        if not fits(cell, self._style):
            self._out.append(change(self._style, cell.style))
            self._style = cell.style
        self._out.append(cell.text)
        if not cell.text.isascii() and width(cell.text) > 1:
            self._x = 0  # terminals do not agree on how wide that is

    def _cross(self, x: int, sent: Row) -> str:
        """To a column further right: over what stands between again if that is shorter."""
        columns = x - self._x
        move = f"\x1b[{columns}C" if columns > 1 else "\x1b[C"
        if columns > len(move):
            return move
        between = [sent.get(each) for each in range(self._x, x)]
        again = "".join(each.text for each in between if each is not None and each.text and fits(each, self._style))
        return again if len(again) == columns and len(again.encode()) <= len(move) else move

    def lift(self, y: int, x: int) -> str:
        """All that was drawn, "" if nothing was. Whoever writes next finds no colours on, and the cursor there."""
        if self._out:
            self._out.append("\x1b[m" if self._style != PLAIN else "")
            self._out.append(move_to(y, x))
        return "".join(self._out)


def move_to(y: int, x: int) -> str:
    """The shortest move to this row and column."""
    return f"\x1b[{y};{x}H" if x > 1 else f"\x1b[{y}H" if y > 1 else "\x1b[H"


def read(frame: str) -> tuple[list[tuple[int, int, str, Style]], tuple[int, int]] | None:
    """A frame's texts, each with row, column (both from 1) and style, and where it leaves the cursor.

    None for what is no frame of moves and texts.
    """
    texts = []
    y = x = at = 0
    style = PLAIN
    while at < len(frame):
        token = TOKEN.match(frame, at)
        if token is None:
            return None
        at = token.end()
        if token["row"]:
            y, x = int(token["row"]), int(token["column"])
        elif text := token["text"]:
            wide = columns_of(text)
            if not y or not wide:
                return None
            texts.append((y, x, text, style))
            x += wide
        elif token["end"]:
            y = 0  # the next text has its own place
        else:
            found = styled(style, token["sgr"])
            if found is None:
                return None
            style = found
    return texts, (y or 1, x if y else 1)


def write(row: Row, x: int, text: str, style: Style) -> None:
    """Write a text into a row."""
    blank = on_blanks(style)
    if (half := row.get(x)) and not half.text:  # of a letter that takes two columns: a terminal erases the other half
        row[x - 1] = Cell(" ", on_blanks(half.style))
    for char in text:
        row[x] = Cell(char, style if char != " " else blank)
        x += 1
        if not char.isascii() and width(char) == 2:
            row[x] = Cell("", style)
            x += 1
    if (half := row.get(x)) and not half.text:
        row[x] = Cell(" ", on_blanks(half.style))


def columns_of(text: str) -> int:
    """How many columns a text takes; 0 if terminals would not agree on it."""
    if text.isascii():
        return len(text)
    widths = [width(char) for char in text]
    return sum(widths) if all(widths) else 0


@functools.lru_cache(1024)
def width(char: str) -> int:
    """How many columns a letter takes; 0 for one that joins another or steers the terminal."""
    if unicodedata.category(char) in ("Mn", "Me", "Cf", "Cc"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def fits(cell: Cell, style: Style) -> bool:
    """Whether a cell comes out right if it is written in this style."""
    return cell.style == style or (cell.text == " " and cell.style == on_blanks(style))


@functools.lru_cache(256)
def on_blanks(style: Style) -> Style:
    """What of a style is to be seen where no letter is."""
    if style.attributes & SHOW_ON_BLANKS:
        return style
    return Style(paper=style.paper)


@functools.lru_cache(1024)
def styled(style: Style, parameters: str) -> Style | None:
    """The style after SGR with these parameters; None for one that is not known here."""
    numbers = parameters.split(";")
    at = 0
    while at < len(numbers):
        number = numbers[at].lstrip("0")
        at += 1
        if number == "":
            style = PLAIN
        elif number in OFF:
            style = style._replace(attributes=style.attributes | {number})
        elif number in OFF.values():
            style = style._replace(attributes=frozenset(each for each in style.attributes if OFF[each] != number))
        elif number in ("38", "48"):
            length = {"5": 2, "2": 4}.get(numbers[at] if at < len(numbers) else "", 0)
            if not length or at + length > len(numbers):
                return None
            colour = ";".join([number, *numbers[at : at + length]])
            style = style._replace(ink=colour) if number == "38" else style._replace(paper=colour)
            at += length
        elif number == "39":
            style = style._replace(ink="")
        elif number == "49":
            style = style._replace(paper="")
        elif number.isdigit() and (30 <= int(number) <= 37 or 90 <= int(number) <= 97):
            style = style._replace(ink=number)
        elif number.isdigit() and (40 <= int(number) <= 47 or 100 <= int(number) <= 107):
            style = style._replace(paper=number)
        else:
            return None
    return style


@functools.lru_cache(1024)
def change(old: Style, new: Style) -> str:
    """The SGR that leads from one style to another; "" for none."""
    if old == new:
        return ""
    ended = {OFF[each] for each in old.attributes - new.attributes}
    kept = {each for each in old.attributes & new.attributes if OFF[each] not in ended}  # 22 ends both bold and dim
    codes = [*sorted(ended), *sorted(new.attributes - kept)]
    if old.ink != new.ink:
        codes.append(new.ink or "39")
    if old.paper != new.paper:
        codes.append(new.paper or "49")
    whole = [*sorted(new.attributes), *filter(None, (new.ink, new.paper))]
    return min(f"\x1b[{';'.join(codes)}m", f"\x1b[{';'.join(['', *whole])}m", key=len)
