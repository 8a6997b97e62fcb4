"""Draws the README's picture from the recorded story: `python -m tests.pictures`; a dev tool, not in the package.

Nothing runs and nothing is measured: the same recording and the same program give the same bytes. Beside the SVG it
writes the plain form that a test compares: each row's text, and below it a letter for each cell's style.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path
from xml.sax.saxutils import escape

from netsim.files.recording import load
from netsim.model.events import CommandAccepted
from netsim.model.timeline import Timeline
from netsim.model.world import World
from netsim.story.director import next_action
from netsim.story.narrator import narrate
from netsim.text.charset import UNICODE, cells
from netsim.text.grid import Grid
from netsim.text.lines import Line, plain
from netsim.text.screen import Scene, draw_screen
from netsim.tui.keymap import keys_line
from netsim.tui.theme import DARK

ROOT = Path(__file__).parent.parent
SVG = ROOT / "screenshots" / "handshake.svg"
PLAIN = ROOT / "tests" / "text" / "handshake.txt"
SIZE = (80, 24)
CELL = (9, 19)  # pixels
FONT = 15
MARGIN = 12
FAMILY = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, 'Liberation Mono', monospace"
ALT = "netsim: the client has called; the answer of the kernel on the server's side, a SYN-ACK, is held"
LETTERS = {"": ".", "bold": "b", "rule": "r", "head": "h", "client": "c", "server": "s", "client-bold": "C",
           "server-bold": "S", "next": "N", "lost": "l", "key": "k"}  # fmt: skip
BOLD = ("bold", "head", "client-bold", "server-bold", "lost", "key")


def synack_held() -> World:
    """The recorded world at the moment when the client's SYN has its answer, and the answer is held."""
    with as_file(files("netsim.recordings") / "handshake.jsonl") as path:
        events = load(path)
    timeline, found = Timeline(), None
    for event in events:
        if found is not None and isinstance(event, CommandAccepted):
            return found  # all that belongs to the moment has come, the kernel's states too
        timeline.append(event)
        world = timeline.now
        if len(world.packets) == 2 and world.packets[1].fate == "held":
            found = world
    raise ValueError("the recording has no held SYN-ACK")


def draw(world: World, size: tuple[int, int] = SIZE) -> list[Line]:
    """The screen of that world, as the app draws it with the clock at that moment."""
    grid = Grid.of(*size)
    assert grid is not None
    action = next_action(world)
    scene = Scene(
        why=narrate(world),
        cap=action.cap,
        label=action.label_at(world.at),
        keys=keys_line(),
        target=action.target,
        now=world.at,
    )
    return draw_screen(world, grid, UNICODE, scene)


def plain_form(lines: Sequence[Line]) -> str:
    """Text and styles, to be compared and to be read in a diff."""
    rows = []
    for line in lines:
        rows += [plain(line).rstrip(), "".join(LETTERS[span.style] * cells(span.text) for span in line).rstrip(".")]
    return "\n".join(rows) + "\n"


def svg(lines: Sequence[Line]) -> str:
    """A picture on a fixed grid: each run of one style starts in its own column and is as wide as its cells."""
    width, height = SIZE[0] * CELL[0] + 2 * MARGIN, SIZE[1] * CELL[1] + 2 * MARGIN
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="{ALT}">',
        f'<rect width="{width}" height="{height}" rx="8" fill="{DARK.background}"/>',
        f'<g font-family="{FAMILY}" font-size="{FONT}" xml:space="preserve">',
    ]
    for row, line in enumerate(lines):
        column = 0
        for span in line:
            out += _run(span.text, span.style, column, row)
            column += cells(span.text)
    return "\n".join([*out, "</g>", "</svg>", ""])


def _run(text: str, style: str, column: int, row: int) -> list[str]:
    x, y = MARGIN + column * CELL[0], MARGIN + row * CELL[1]
    colour = _colour(style)
    out = []
    if style == "next":
        out.append(f'<rect x="{x}" y="{y}" width="{cells(text) * CELL[0]}" height="{CELL[1]}" fill="{colour}"/>')
        colour = DARK.background or "#000000"
    bold = ' font-weight="bold"' if style in BOLD else ""
    for word, start in _words(text):
        length = cells(word) * CELL[0]
        out.append(
            f'<text x="{x + start * CELL[0]}" y="{y + FONT}" fill="{colour}"{bold} textLength="{length}" '
            f'lengthAdjust="spacingAndGlyphs">{escape(word)}</text>'
        )
    return out


def _words(text: str) -> list[tuple[str, int]]:
    """What stands between runs of blanks, with its column: a renderer that squeezes blanks moves nothing."""
    found, column = [], 0
    for word in text.split(" "):
        if word:
            found.append((word, column))
        column += cells(word) + 1
    return found


def _colour(style: str) -> str:
    name = style.removesuffix("-bold")
    return DARK.variables.get(name) or DARK.foreground or "#FFFFFF"


def main() -> int:
    """Draw it anew."""
    lines = draw(synack_held())
    SVG.parent.mkdir(exist_ok=True)
    SVG.write_text(svg(lines), encoding="utf-8")
    PLAIN.write_text(plain_form(lines), encoding="utf-8")
    print("\n".join(plain(line) for line in lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
