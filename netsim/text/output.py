"""The page of what one program has printed and of what was typed for it: the console of its pane, with room.

Law: nothing is cut that can be wrapped, and nothing in it can act on the terminal; the newest line is the last one.
"""

from __future__ import annotations

from netsim.model.fold import PRINTED_KEPT
from netsim.model.world import Endpoint, World
from netsim.story.calls import opening, speaker, the
from netsim.text.charset import Charset
from netsim.text.layout import blank, fill, spread, wrapped
from netsim.text.lines import Line, Span
from netsim.text.own import printed_lines

FRAME = 3  # rows that are no output: the title, the rule, the keys
MOST = 60  # rows of one line, wrapped


def draw_output(
    world: World, width: int, height: int, charset: Charset, *, who: str, back: int, others: bool
) -> list[Line]:
    """The page of the program `who`, scrolled `back` rows from the end. `others`: there are more to turn to."""
    endpoint = world.endpoints[who]
    rows = output_rows(endpoint, width, charset)
    room = max(0, height - FRAME)
    end = len(rows) - min(back, furthest(len(rows), height))
    shown = rows[max(0, end - room) : end]
    title = [Span(" "), Span("netsim", "bold"), Span(f"   what {the(speaker(endpoint, world))} has printed")]
    lines = [
        fill(spread(title, [Span("esc", "key"), Span(" back ")], width), width),
        _rule(endpoint, world, width, charset),
    ]
    if rows:
        lines += [fill([Span(" "), Span(row)], width) for row in shown]
    else:
        lines.append(fill([Span(f" {opening(speaker(endpoint, world))} has printed nothing.")], width))
    keys = [("up", "down", "scroll")] if len(rows) > room else []
    keys += [("tab", "", "the next program")] if others else []
    lines = lines[: height - 1]
    return lines + [blank(width)] * (height - 1 - len(lines)) + [_keys(keys, width)]


def output_rows(endpoint: Endpoint, width: int, charset: Charset) -> list[str]:
    """The rows on a page of this width."""
    rows: list[str] = []
    for text in _texts(endpoint):
        visible = charset.visible(text)
        indent = visible[: len(visible) - len(visible.lstrip(" "))][: width // 2]
        rows += [indent + part for part in wrapped(visible, width - 2 - len(indent), MOST)] or [""]
    return rows


def furthest(rows: int, height: int) -> int:
    """How far back one can go."""
    return max(0, rows - max(0, height - FRAME))


def _texts(endpoint: Endpoint) -> list[str]:
    """The lines; Python writes the traceback of what has ended the program behind them."""
    return [*printed_lines(endpoint), *endpoint.traceback.splitlines()]


def _rule(endpoint: Endpoint, world: World, width: int, charset: Charset) -> Line:
    count = len(_texts(endpoint))
    lines = "1 line" if count == 1 else f"{count} lines"
    kept = f"the last {lines}" if len(endpoint.printed) >= PRINTED_KEPT else lines
    name = f"{endpoint.role.upper()}  {charset.shown(endpoint.program, 30)}  pid {endpoint.pid}"
    head = [Span(f"{charset.dash} ", "rule"), Span(name, "head"), Span(" ")]
    tail = [Span(f" {kept} "), Span(charset.dash, "rule")]
    return spread(head, tail, width, charset.dash, "rule")


def _keys(keys: list[tuple[str, str, str]], width: int) -> Line:
    spans = [Span(" ")]
    for first, second, word in keys:
        spans += [Span(first, "key")] + ([Span(" "), Span(second, "key")] if second else []) + [Span(f" {word}   ")]
    return fill(spans, width)
