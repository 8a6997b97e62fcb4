"""The five lanes of a wide screen: program, kernel, wire, kernel, program, as the bytes go.

Law: the wire's walls are the kernel's: a packet that has arrived touches the lane of the kernel that has it. Lanes
never change their width while the size stays.
"""

from __future__ import annotations

from collections.abc import Mapping

from netsim.model.address import Role
from netsim.model.events import ProgramPrinted
from netsim.model.strangers import stranger
from netsim.model.views import conversation_shown, packets_of, shown_pair
from netsim.model.world import Endpoint, World
from netsim.text.charset import Charset
from netsim.text.grid import Grid, Lane
from netsim.text.kernel_column import draw_kernel, draw_kernel_head
from netsim.text.ladder import TRANSPORTS, any_inferred, draw_ends, draw_ladder_head, draw_packets
from netsim.text.layout import blank, fill, joined
from netsim.text.lines import Line, Span, Style
from netsim.text.listing import draw_listing, level
from netsim.text.others import draw_others
from netsim.text.own import draw_absent
from netsim.text.panes import draw_clients_head, draw_head
from netsim.text.sockets import error_text
from netsim.text.strangers import draw_stranger

PRINTED = " printed  "
PRINTED_LINES = 3


def draw_lanes(
    world: World,
    grid: Grid,
    charset: Charset,
    *,
    target: str = "",
    aim: tuple[str, int] = ("", 0),
    progress: Mapping[int, float] | None = None,
    now: float | None = None,
) -> list[Line]:
    """Rows `grid.heads` and `grid.body`. `target`, `aim`, `progress`, `now`: as for the panes and ladders."""
    client, server = shown_pair(world)
    left, left_kernel, wire, right_kernel, right = grid.lanes
    bar = Span(charset.bar, "rule")
    rows = zip(
        _draw_program(world, grid, left, charset, endpoint=client, role="client", target=target, aim=aim),
        _draw_kernel(world, grid, left_kernel, charset, role="client", now=now),
        _draw_wire(world, grid, wire, charset, target=target, progress=progress, now=now),
        _draw_kernel(world, grid, right_kernel, charset, role="server", now=now),
        _draw_program(world, grid, right, charset, endpoint=server, role="server", target=target, aim=aim),
        strict=True,
    )
    tees = [Span(charset.down, "rule"), *[bar] * grid.body.height]
    return [
        joined([*one, tee, *two, *three, *four, tee, *five])
        for tee, (one, two, three, four, five) in zip(tees, rows, strict=True)
    ]


def draw_tees(line: Line, grid: Grid, charset: Charset) -> Line:
    """The rule below the lanes with their bars ending in it; words in it have precedence."""
    bars = {lane.end for lane in grid.lanes[:-1]}
    spans: list[Span] = []
    for span in line:
        for char in span.text:
            ends = len(spans) in bars and span.style == "rule"
            spans.append(Span(charset.up if ends else char, span.style))
    return joined(spans)


def _draw_program(
    world: World, grid: Grid, lane: Lane, charset: Charset, *, endpoint: Endpoint | None, role: Role, target: str,
    aim: tuple[str, int],
) -> list[Line]:  # fmt: skip
    """The head, the listing, below it what came of the program, and in the last row the other clients."""
    if role == "client":
        head = [draw_clients_head(world, lane.width, charset, endpoint=endpoint, what="program")]
    else:
        head = draw_head(world, lane.width, 1, charset, endpoint=endpoint, role=role, what="program")
    rows, empty = grid.listing.height, blank(lane.width)
    plainest = max(1, *(level(each, rows) for each in shown_pair(world)))  # so that both begin alike
    if endpoint is None:
        lines = draw_absent(world, lane.width, rows, charset, role=role)
    else:
        lines = draw_listing(
            world, lane.width, rows, charset, endpoint=endpoint, target=target, plainest=plainest,
            aim=aim[1] if endpoint.who == aim[0] else 0,
        )  # fmt: skip
    while lines and lines[-1] == empty:
        lines.pop()
    if role == "client" and world.focus.stranger is not None:
        lines = draw_stranger(world, lane.width, rows, charset, known=stranger(world, world.focus.stranger))
    shown = endpoint is not None or world.focus.stranger is not None
    others = draw_others(world, lane.width, charset, target=target) if role == "client" and shown else []
    room = grid.body.height - len(others)
    if endpoint is not None:
        lines += [empty, *_draw_outcome(world, lane.width, room - len(lines) - 1, charset, endpoint)]
    return head + lines + [empty] * (room - len(lines)) + others


def _draw_outcome(world: World, width: int, height: int, charset: Charset, endpoint: Endpoint) -> list[Line]:
    """The error that ended the program, as Python says it; else what it printed last."""
    if endpoint.error is not None:
        return [fill([Span(f" {text}")], width) for text in error_text(endpoint, width, height, charset)]
    printed = [text for text in endpoint.printed if text][-min(height, PRINTED_LINES) :]
    new = any(isinstance(event, ProgramPrinted) and event.who == endpoint.who for event in world.since)
    lines = []
    for index, text in enumerate(printed):
        label = Span(" " * len(PRINTED) if index else PRINTED)
        style: Style = "bold" if new and index == len(printed) - 1 else ""
        lines.append(fill([label, Span(charset.shown(text, width - len(PRINTED) - 1), style)], width))
    return lines


def _draw_kernel(
    world: World, grid: Grid, lane: Lane, charset: Charset, *, role: Role, now: float | None
) -> list[Line]:
    lines = draw_kernel(world, lane.width, grid.body.height, charset, role=role, now=now)
    return [draw_kernel_head(lane.width, charset, role=role), *lines]


# --- the wire, with its walls


def _draw_wire(
    world: World,
    grid: Grid,
    lane: Lane,
    charset: Charset,
    *,
    target: str,
    progress: Mapping[int, float] | None,
    now: float | None,
) -> list[Line]:
    """TCP's ladder and below it UDP's, both from wall to wall."""
    tee = Span(charset.down, "rule")
    lines = [joined([tee, *_head(world, lane.width, charset), tee])]
    walls = Span(charset.wall_left, "rule"), Span(charset.wall_right, "rule")
    bar = Span(charset.bar, "rule")
    for transport, area in zip(TRANSPORTS, (grid.packets, grid.datagrams), strict=True):
        (head,) = draw_ladder_head(world, lane.width, 1, charset, transport=transport, inferred=False)
        (ends,) = draw_ends(world, lane.width, 1, charset, transport=transport, states=False)
        lines += [joined([walls[0], *head, walls[1]]), joined([bar, *ends, bar])]
        lines += draw_packets(
            world, lane.width + 2, area.height, charset, transport=transport, target=target, progress=progress,
            now=now, side=0,
        )  # fmt: skip
    return lines


def _head(world: World, width: int, charset: Charset) -> Line:
    """What lies between the kernel's two sides, and whether its packets were only inferred."""
    packets = [packet for each in TRANSPORTS for packet in packets_of(world, conversation_shown(world, each))]
    how = [Span("  "), Span("INFERRED", "head")] if any_inferred(packets) else []
    begin = [Span(f"{charset.dash} ", "rule"), Span("WIRE", "head"), *how, Span(" ")]
    return fill(begin, width, charset.dash, "rule")
