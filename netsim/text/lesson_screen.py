"""A lesson on the screen: the main screen's own panes, ladders and table, and the lesson's words in a place of theirs.

Law: no word is cut off: what does not fit is on the next page. On a small screen the words take the place of the port
table, or of the ladders where the step is about the table.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from netsim.model.world import World
from netsim.story.lesson import Lesson, Seen
from netsim.story.lesson_run import Run
from netsim.text import lesson as words
from netsim.text.bottom import draw_keys, draw_space
from netsim.text.charset import Charset
from netsim.text.grid import MINIMUM, Grid
from netsim.text.layout import blank, fill, spread
from netsim.text.lesson import Kind, Paragraph
from netsim.text.lines import Line, Span, Style
from netsim.text.screen import Scene, draw_screen

BLOCK = 8  # rows for the words, with their rule, where the screen has room for them below all else
LADDERS = 7  # rows of both ladders on the smallest screen: their heads, their ends, five packets
STYLES: dict[Kind, Style] = {"head": "bold", "question": "bold", "kernel": "bold", "false": "lost"}


class Page(NamedTuple):
    """What is drawn besides the world: the lesson's place, the words, what SPACE and the keys do."""

    lesson: Lesson
    lessons: int  # how many there are
    step: int  # from 1; 0 before the first
    paragraphs: tuple[Paragraph, ...]
    number: int  # of the page of words, from 0
    view: str  # "packets" or "table": what must stay
    cap: str
    label: str
    keys: tuple[tuple[str, str], ...]
    armed: bool = True
    now: float | None = None  # the lab's clock; None: the moment of the world
    recorded: bool = False  # what is drawn is a recording


def text_rows(width: int, height: int, view: str) -> int:
    """How many rows of words there are on a screen of this size."""
    _, top, kept = _places(width, height, view)
    return height - 2 - top - len(kept) - 1


def pages(paragraphs: Sequence[Paragraph], width: int, rows: int, charset: Charset) -> list[list[tuple[Kind, str]]]:
    """The words in pages of at most so many rows, all about as long; at least one."""
    lines = words.wrap(paragraphs, width - 2, charset)
    count = max(1, math.ceil(len(lines) / max(1, rows)))
    ends = [len(lines) * number // count for number in range(count + 1)]
    return [lines[start:end] for start, end in pairwise(ends)]


def paragraphs_of(
    run: Run, seen: Seen, charset: Charset, *, rows: int, width: int, hidden: bool = False
) -> tuple[Paragraph, ...]:
    """What is to be said now; what was seen in numbers only where there is room, for the screen shows it."""
    match run.phase:
        case "told" | "doing" if run.at >= 0:
            return tuple(words.told(run, seen))
        case "asked":
            return tuple(words.asked(run, seen, hidden=hidden))
        case "found":
            full = words.found(run, seen, charset)
            if len(words.wrap(full, width - 2, charset)) <= rows:
                return tuple(full)
            return tuple(words.found(run, seen, charset, brief=True))
        case "summary" | "over":
            return tuple(words.summary(run, charset))
        case _:
            return ()


def draw_lesson(world: World, width: int, height: int, charset: Charset, page: Page) -> list[Line]:
    """The whole screen, `height` lines of `width` cells; the size is never below the smallest grid's."""
    grid, top, kept = _places(width, height, page.view)
    drawn = draw_screen(world, grid, charset, Scene(now=None if page.recorded else page.now, recorded=page.recorded))
    rows = text_rows(width, height, page.view)
    every = pages(page.paragraphs, width, rows, charset)
    shown = every[min(page.number, len(every) - 1)]
    block = [_rule(page, len(every), width, charset), *(_words(kind, line, width) for kind, line in shown)]
    lines = [_title(page, width, charset), *drawn[1:top], *(drawn[row] for row in kept)]
    lines += block + [blank(width)] * (rows + 1 - len(block))
    lines = _in_order(lines, len(kept), top)
    bottom = [
        *draw_space(page.cap, page.label, width, 1, charset, armed=page.armed),
        *draw_keys(page.keys, width, 1, charset),
    ]
    return [*lines[: height - 2], *bottom]


def draw_menu(lessons: Sequence[Lesson], chosen: int, width: int, height: int, charset: Charset) -> list[Line]:
    """The list of lessons, and the question of the one that is chosen."""
    head = fill(spread([Span(" "), Span("netsim", "bold"), Span("   lessons")], [Span("esc", "key"), Span(" back")],
                       width - 1), width)  # fmt: skip
    lines = [head, fill([Span(charset.dash * 2, "rule")], width, charset.dash, "rule")]
    for index, lesson in enumerate(lessons):
        mark = charset.next if index == chosen else " "
        text = f" {mark} {lesson.number:2}  {lesson.title}"
        lines.append(fill([Span(text, "bold" if index == chosen else "")], width))
    lines.append(fill([], width, charset.dash, "rule"))
    question = words.wrap([Paragraph(lessons[chosen].question)], width - 8, charset) if lessons else []
    lines += [fill([Span("       "), Span(line)], width) for _, line in question]
    lines = lines[: height - 2] + [blank(width)] * (height - 2 - len(lines))
    keys = (("1-12", "or"), ("up down", "choose"), ("enter", "begin"), ("g", "glossary"), ("esc", "back"))
    label = f"begin lesson {lessons[chosen].number}: {lessons[chosen].title}" if lessons else "there is no lesson"
    return [*lines, *draw_space("SPACE", label, width, 1, charset), *draw_keys(keys, width, 1, charset)]


def _places(width: int, height: int, view: str) -> tuple[Grid, int, range]:
    """The grid that is drawn, the row at which the words begin, and which rows below that are kept."""
    small = Grid.of(width, max(height - BLOCK + 1, MINIMUM[1])) if height - BLOCK + 1 >= MINIMUM[1] else None
    if small is not None:
        return small, small.why.top, range(0)
    grid = Grid.of(width, height)
    assert grid is not None
    if view == "table":
        table = range(grid.table_head.top, grid.why.top)
        return grid, (grid.table_head.top - LADDERS if grid.is_wide else grid.wires.top), table
    return grid, grid.table_head.top, range(0)


def _in_order(lines: list[Line], kept: int, top: int) -> list[Line]:
    """The table stays where it is, at the bottom: the words go before it."""
    if not kept:
        return lines
    table = lines[top : top + kept]
    return [*lines[:top], *lines[top + kept :], *table]


def _title(page: Page, width: int, charset: Charset) -> Line:
    step = f"step {page.step} of {len(page.lesson.steps)}" if page.step else "starting"
    left = [Span(" "), Span("netsim", "bold"), Span(f"   {words.title(page.lesson, page.lessons)}")]
    return fill(spread(left, [Span(f"{step}   "), Span("esc", "key"), Span(" back")], width - 1), width)


def _rule(page: Page, count: int, width: int, charset: Charset) -> Line:
    more = [Span(f" {page.number + 1} of {count} ")] if count > 1 else []
    recorded = [Span(" RECORDED, not now and not here ", "bold")] if page.recorded else []
    head = [Span(charset.dash * 2, "rule"), Span(f" {page.lesson.title} ", "head"), *recorded, *more]
    return fill(head, width, charset.dash, "rule")


def _words(kind: Kind, text: str, width: int) -> Line:
    if kind == "answer" and text[:1].isdigit():
        return fill([Span(" "), Span(text[0], "key"), Span(text[1:])], width)
    return fill([Span(" "), Span(text, STYLES.get(kind, ""))], width)
