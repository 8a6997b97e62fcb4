"""The page that proves a row of the port table: each command as it can be copied, and what it really printed.

Law: what a command printed is shown line by line as it came, made safe and broken at the edge, never cut; nothing is
made up where it printed nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from netsim.model.world import Row
from netsim.story.proofs import SPELLINGS, Proof
from netsim.text.bottom import draw_keys, draw_space
from netsim.text.charset import Charset, cells
from netsim.text.layout import blank, fill, spread, wrapped
from netsim.text.lines import Line, Span, Style
from netsim.text.shell import line_to_copy
from netsim.text.table import row_text

KEYS = (("up, down", "choose"), ("y", "copy the command"), ("enter", "run again"), ("esc", "back"))
RUNNING = "(it runs ..)"
MOST_LINES = 12  # of one command's output
TOP, BOTTOM = 3, 3  # rows above and below the commands
INDENT = 5


class Run(NamedTuple):
    """A command and what it printed; None: it has not ended yet."""

    proof: Proof
    output: str | None = None


def command_line(proof: Proof, *, private: bool) -> str:
    """The line for a second terminal."""
    import shlex

    return line_to_copy(proof.argv) if private and proof.in_net else shlex.join(proof.argv)


def draw_proof(
    row: Row, runs: Sequence[Run], chosen: int, width: int, height: int, charset: Charset, *, private: bool, now: str
) -> list[Line]:
    """The page. `chosen`: which command `y` copies; `now`: a sentence to the person, "" for none."""
    body: list[Line] = []
    starts = []
    for index, run in enumerate(runs):
        starts.append(len(body))
        body += _one(run, index == chosen, width, charset, private=private)
    body += _spellings(width)
    room = max(0, height - TOP - BOTTOM)
    end = starts[chosen + 1] if chosen + 1 < len(starts) else len(body)
    above = min(max(0, end - room), starts[chosen]) if starts else 0
    shown = body[above : above + room]
    label = "the next command" if chosen + 1 < len(runs) else "back to the table"
    return [
        _title(row, width, charset),
        fill(
            [Span(f"{charset.dash} ", "rule"), Span("IN ANOTHER TERMINAL", "head"), Span(" ")],
            width,
            charset.dash,
            "rule",
        ),
        fill([Span(" "), Span(charset.shown(row_text(row), width - 2), "bold")], width),
        *shown,
        *([blank(width)] * (room - len(shown))),
        fill([Span(" "), Span(charset.shown(now, width - 2))], width),
        *draw_space("SPACE", label, width, 1, charset),
        *draw_keys(KEYS, width, 1, charset),
    ][:height]


def _title(row: Row, width: int, charset: Charset) -> Line:
    left = [Span(" "), Span("netsim", "bold"), Span(f"   what proves {row.key.port}/{row.key.transport} {row.state}")]
    return fill(spread(left, [Span("esc", "key"), Span(" back")], width - 1), width)


def _one(run: Run, is_chosen: bool, width: int, charset: Charset, *, private: bool) -> list[Line]:
    command = charset.visible(command_line(run.proof, private=private))
    mark = charset.next if is_chosen else " "
    style: Style = "bold" if is_chosen else ""
    first, *rest = _broken(command, width - 5) or [""]
    lines = [fill([Span(f" {mark} $ "), Span(first, style)], width)]
    lines += [fill([Span(" " * INDENT), Span(each, style)], width) for each in rest]
    told = printed(run)
    lines += [
        fill([Span(" " * INDENT), Span(part)], width)
        for each in told
        for part in _broken(charset.visible(each), width - 6)
    ]
    if run.output is not None:
        lines += [fill([Span("   "), Span(each)], width) for each in wrapped(charset.visible(_said(run)), width - 4, 2)]
    return [*lines, blank(width)]


def printed(run: Run) -> list[str]:
    """The lines of its output, the first ones; what is not installed says so."""
    if run.output is None:
        return [RUNNING]
    name = run.proof.argv[0]
    if run.output.startswith(f"{name}: No such file"):
        return [f"{name} is not installed here: ask for it by that name."]
    lines = [line.rstrip() for line in run.output.splitlines() if line.strip()]
    more = len(lines) - MOST_LINES
    return lines if more <= 0 else [*lines[:MOST_LINES], f"(and {more} more lines)"]


def _said(run: Run) -> str:
    """What to look for; or what it means that nothing was printed."""
    lines = [line for line in (run.output or "").splitlines() if line.strip()]
    if (run.output or "").startswith(f"{run.proof.argv[0]}: "):
        return ""
    has_head = run.proof.argv[0] in ("ss", "grep", "ps", "lsof")
    return run.proof.look if len(lines) > has_head else run.proof.none


def _spellings(width: int) -> list[Line]:
    text = "ss has a spelling of its own: " + ", ".join(f"{kernels} is {its}" for kernels, its in SPELLINGS) + "."
    return [fill([Span(" "), Span(line)], width) for line in wrapped(text, width - 2, 4)]


def _broken(text: str, width: int) -> list[str]:
    """A visible text in pieces of at most so many cells, broken where it has to be."""
    pieces, piece = [], ""
    for char in text:
        if cells(piece) + cells(char) > width:
            pieces.append(piece)
            piece = ""
        piece += char
    return [*pieces, piece] if piece else pieces
