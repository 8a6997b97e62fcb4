"""A pane of the person's own program: its listing, and below it the end of what it has printed, as a small console.

Law: the console's rows are there from the start and stay: nothing moves when the program begins to print.
"""

from __future__ import annotations

import re

from netsim.model.address import Role
from netsim.model.events import LineTyped, ProgramPrinted
from netsim.model.world import Endpoint, World
from netsim.story.own import absent
from netsim.text.charset import Charset
from netsim.text.layout import blank, fill, spread, width_of, wrapped
from netsim.text.lines import Line, Span, Style
from netsim.text.listing import draw_listing

LABEL = " out "
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")  # ECMA-48: SGR
MORE = "O"  # the key that shows all of it
MANY, SEVERAL = 12, 8  # rows of a pane from which the console has three, two of them


def console_rows(endpoint: Endpoint | None, height: int) -> int:
    """How many of a pane's rows are its console: none where no program of the person's own is."""
    if endpoint is None or endpoint.own is None:
        return 0
    return 3 if height >= MANY else 2 if height >= SEVERAL else 1


def draw_program(
    world: World,
    width: int,
    height: int,
    charset: Charset,
    *,
    endpoint: Endpoint | None,
    role: Role,
    target: str = "",
    plainest: int = 0,
    aim: int = 0,
) -> list[Line]:
    """The listing and the console, or why there is neither. `aim`: the line that the person points at, 0 if none."""
    if endpoint is None:
        return draw_absent(world, width, height, charset, role=role)
    rows = console_rows(endpoint, height)
    listing = draw_listing(
        world, width, height - rows, charset, endpoint=endpoint, target=target, plainest=plainest, aim=aim
    )
    return listing + draw_console(world, width, rows, charset, endpoint=endpoint)


def draw_console(world: World, width: int, height: int, charset: Charset, *, endpoint: Endpoint) -> list[Line]:
    """The last lines of what it has printed and of what was typed; one that has no end yet (a prompt) is the last.

    Empty lines at the end take no room from what can be read.
    """
    every = printed_lines(endpoint)
    end = next((index for index in range(len(every), 0, -1) if every[index - 1]), len(every))
    texts = every[max(0, end - height) : end] if height > 0 else []
    new = any(isinstance(each, ProgramPrinted | LineTyped) and each.who == endpoint.who for each in world.since)
    lines: list[Line] = []
    for index, text in enumerate(texts):
        label = Span(" " * len(LABEL) if index else LABEL, "")
        style: Style = "bold" if new and index == len(texts) - 1 else ""
        hidden = len(every) - len(texts)
        more = [Span(f"+{hidden} "), Span(MORE, "key"), Span(" ")] if hidden and not index else []
        room = width - len(LABEL) - 1 - width_of(more)
        lines.append(spread([label, Span(charset.shown(text, room), style)], more, width))
    if not lines and height > 0:
        lines.append(fill([Span(LABEL), Span(charset.dash)], width))
    return lines + [blank(width)] * (height - len(lines))


def printed_lines(endpoint: Endpoint) -> list[str]:
    """What of its output is kept, as a terminal would have it in the end; the last line may have no end yet."""
    texts = list(endpoint.printed)
    if texts and not texts[-1]:
        texts.pop()
    return [_as_a_terminal(text) for text in texts]


def _as_a_terminal(text: str) -> str:
    """Without colours; and what was written over after a carriage return is gone."""
    return _COLOURS.sub("", text).rstrip("\r").rpartition("\r")[2]


def draw_absent(world: World, width: int, height: int, charset: Charset, *, role: Role) -> list[Line]:
    """Nobody is there, in a lab of the person's own programs: who could be, and how. Else nothing at all."""
    why, command = absent(world, role)
    rows = [fill([Span(f" {line}")], width) for line in wrapped(why, width - 2, height)]
    rows += [fill([Span(f" {line}", "bold")], width) for line in wrapped(charset.visible(command), width - 2, height)]
    return (rows + [blank(width)] * (height - len(rows)))[: max(0, height)]
