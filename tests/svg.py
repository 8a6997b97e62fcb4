"""Drawn lines as an SVG on a fixed grid: a still, or frames one after the other. Nothing from elsewhere, no script.

Law: the same lines give the same bytes. Where nothing may move (or can) the poster is shown, one of the frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

from textual.theme import Theme

from netsim.text.charset import cells
from netsim.text.lines import Line

CELL = (9, 18)  # pixels
FONT = 15
MARGIN = 12
FAMILY = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, 'Liberation Mono', monospace"
BOLD = ("bold", "head", "client-bold", "server-bold", "lost", "key")


class Frame(NamedTuple):
    """Lines and how long they are seen, in seconds."""

    lines: Sequence[Line]
    seconds: float


class Run(NamedTuple):
    """A word (or a reversed stretch) of one style in its place."""

    row: int
    column: int
    text: str
    style: str


def still(lines: Sequence[Line], theme: Theme, alt: str) -> str:
    """One picture."""
    return animated([Frame(lines, 1.0)], 0, theme, alt)


def animated(frames: Sequence[Frame], poster: int, theme: Theme, alt: str) -> str:
    """The frames in a loop; each run of one style starts in its own column and is as wide as its cells."""
    columns = sum(cells(span.text) for span in frames[0].lines[0])
    rows = len(frames[0].lines)
    width, height = columns * CELL[0] + 2 * MARGIN, rows * CELL[1] + 2 * MARGIN
    shown: dict[Run, set[int]] = {}
    for index, frame in enumerate(frames):
        for run in _runs(frame.lines):
            shown.setdefault(run, set()).add(index)
    patterns = sorted({tuple(sorted(seen)) for seen in shown.values() if len(seen) < len(frames)})
    names = {pattern: f"k{number}" for number, pattern in enumerate(patterns)}
    label = f"aria-label={quoteattr(alt)}"
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" {label}>',
        *_rules(frames, names),
        f'<rect width="{width}" height="{height}" rx="8" fill="{theme.background}"/>',
        f'<g font-family="{FAMILY}" font-size="{FONT}" xml:space="preserve">',
    ]
    for run in sorted(shown, key=lambda each: (each.row, each.column, sorted(shown[each]), each.text)):
        name = names.get(tuple(sorted(shown[run])), "")
        hidden = bool(name) and poster not in shown[run]
        mark = f' class="{name}"' + (' opacity="0"' if hidden else "") if name else ""
        out += _draw(run, theme, mark)
    return "\n".join([*out, "</g>", "</svg>", ""])


def _runs(lines: Sequence[Line]) -> list[Run]:
    runs = []
    for row, line in enumerate(lines):
        column = 0
        for span in line:
            if span.style == "next":
                runs.append(Run(row, column, span.text, span.style))
            else:
                runs += [Run(row, column + start, word, span.style) for word, start in _words(span.text)]
            column += cells(span.text)
    return runs


def _rules(frames: Sequence[Frame], names: dict[tuple[int, ...], str]) -> list[str]:
    """What makes each pattern of frames come and go; nothing for a still."""
    if not names:
        return []
    total = sum(frame.seconds for frame in frames)
    starts = [sum(frame.seconds for frame in frames[:index]) / total * 100 for index in range(len(frames))]
    rules = [
        "@media (prefers-reduced-motion: no-preference) {",
        f"[class] {{ animation: {total:g}s step-end infinite; }}",
    ]
    for pattern, name in names.items():
        keys, was = [], None
        for index, start in enumerate(starts):
            now = int(index in pattern)
            if now != was:
                keys.append(f"{start:.3f}% {{ opacity: {now} }}")
            was = now
        rules.append(f".{name} {{ animation-name: {name} }} @keyframes {name} {{ {' '.join(keys)} }}")
    return ["<style>", *rules, "}", "</style>"]


def _draw(run: Run, theme: Theme, mark: str) -> list[str]:
    x, y = MARGIN + run.column * CELL[0], MARGIN + run.row * CELL[1]
    colour = _colour(run.style, theme)
    out = []
    if run.style == "next":
        width = cells(run.text) * CELL[0]
        out.append(f'<rect{mark} x="{x}" y="{y}" width="{width}" height="{CELL[1]}" fill="{colour}"/>')
        colour = theme.background or "#000000"
    bold = ' font-weight="bold"' if run.style in BOLD else ""
    for word, start in _words(run.text):
        length = cells(word) * CELL[0]
        out.append(
            f'<text{mark} x="{x + start * CELL[0]}" y="{y + FONT}" fill="{colour}"{bold} textLength="{length}" '
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


def _colour(style: str, theme: Theme) -> str:
    name = style.removesuffix("-bold")
    return theme.variables.get(name) or theme.foreground or "#FFFFFF"
