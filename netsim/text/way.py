"""The way to the process as a page: the kernel's steps, and the candidates that each of them leaves.

Law: one thing is in reverse video: the step that is looked at. Below the fourth step the packet says nothing.
"""

from __future__ import annotations

from netsim.model.address import Address, Role
from netsim.model.events import KernelSocket
from netsim.model.views import port_role
from netsim.model.way import STEPS, Candidate, Step, Way
from netsim.story.way import reason, told
from netsim.text.bottom import draw_keys, draw_space
from netsim.text.charset import Charset, cells, clip
from netsim.text.inspected import View, draw_page_title
from netsim.text.layout import Cell, blank, fill, placed, wrapped
from netsim.text.lines import Line, Span, Style
from netsim.text.marks import port_text

WHY = 3  # rows
COLUMNS = (1, 15, 33)  # step, what the packet says, what the kernel has
CANDIDATE = (1, 12, 25, 34, 54)  # port, state, peer, PID and program, why
CANDIDATE_ROOMY = (1, 13, 27, 41, 66, 82)  # the same with the inode before the last
ROOMY = 110  # columns

KEYS = (
    ("up down", "step"),
    ("c", "cover the port"),
    ("[ ]", "packet"),
    ("v", "bytes"),
    ("w", "wrap"),
    ("esc", "back"),
)
NAMES: dict[Step, str] = {
    "address": "address", "protocol": "protocol", "port": "port", "four-tuple": "four-tuple", "socket": "socket",
    "fd": "fd", "process": "process",
}  # fmt: skip


def draw_way(view: View, way: Way, cursor: int, width: int, height: int, charset: Charset) -> list[Line]:
    """The whole page; `cursor`: the step that is looked at."""
    step = STEPS[cursor]
    rows = height - 1 - 1 - len(STEPS) - 1 - WHY - 2
    why = wrapped(charset.visible(told(way, step).why), width - 2, WHY)
    following = STEPS[cursor + 1] if cursor + 1 < len(STEPS) else None
    label = f"the next step: {NAMES[following]}" if following else "back to the bytes"
    return [
        draw_page_title("the way", view, width, charset),
        _heads(width, charset),
        *(_step(way, each, number, width, charset, chosen=each == step) for number, each in enumerate(STEPS, 1)),
        _candidates_head(view, way, step, width, charset),
        *_candidates(view, way, step, width, rows, charset),
        *(fill([Span(" "), Span(line)], width) for line in why),
        *([blank(width)] * (WHY - len(why))),
        *draw_space("SPACE", label, width, 1, charset),
        *draw_keys(KEYS, width, 1, charset),
    ]


def _heads(width: int, charset: Charset) -> Line:
    heads = zip(COLUMNS, ("STEP", "THE PACKET SAYS", "THE KERNEL FINDS"), strict=True)
    return placed([Cell(column, [Span(f"{head} ", "head")]) for column, head in heads], width, charset.dash, "rule")


def _step(way: Way, step: Step, number: int, width: int, charset: Charset, *, chosen: bool) -> Line:
    line = told(way, step)
    says = line.says.replace(" > ", f" {charset.to} ")
    style: Style = "next" if chosen else ""
    last = step == "process" and not chosen
    cells_ = [
        Cell(0, [Span(f" {number} {NAMES[step]} ", style)]),
        Cell(COLUMNS[1], [Span(charset.visible(says))]),
        Cell(
            COLUMNS[2] + (4 if len(says) > 15 else 0),
            [Span(charset.visible(line.found), "bold" if last or chosen else "")],
        ),
    ]
    return placed(cells_, width)


def _candidates_head(view: View, way: Way, step: Step, width: int, charset: Charset) -> Line:
    when = "at that moment" if view.mark else "now"
    left = len(way.left_after(step))
    text = f" {left} of {len(way.candidates)} possible, as the kernel lists them {when} "
    heads = [Cell(1, [Span("SOCKETS", "head"), Span(text)])]
    return placed(heads, width, charset.dash, "rule")


def _candidates(view: View, way: Way, step: Step, width: int, height: int, charset: Charset) -> list[Line]:
    """Those that are left first, then those that this step has put out, then those that were out before."""
    left = way.left_after(step)
    settled = STEPS.index(step) >= STEPS.index("four-tuple") and not way.covered
    ordered = [*left, *(each for each in way.candidates if each not in left)]
    lines = [_candidate(view, way, each, width, charset, is_left=each in left, is_settled=settled) for each in ordered]
    if len(lines) > height:
        more = len(lines) - height + 1
        lines = [*lines[: height - 1], fill([Span(f"   and {more} more")], width)]
    if not lines:
        lines = [fill([Span(" The kernel lists no socket.")], width)]
    return lines[:height] + [blank(width)] * (height - len(lines))


def _candidate(
    view: View, way: Way, each: Candidate, width: int, charset: Charset, *, is_left: bool, is_settled: bool
) -> Line:
    socket = each.socket
    columns = CANDIDATE_ROOMY if width >= ROOMY else CANDIDATE
    mark = charset.next if is_left and is_settled and each.verdict == "chosen" else " "
    style: Style = "bold" if is_left else ""
    peer = socket.remote if socket.remote is not None and socket.remote.port else None
    why = "still possible" if is_left and not is_settled and not way.covered else reason(each, way)
    inode = [[Span(f"inode {socket.inode}" if socket.inode else "no inode")]] if width >= ROOMY else []
    spans = [
        [Span(mark, "bold"), Span(f"{socket.local.port}/{socket.transport}", _role(view, socket, socket.local))],
        [Span(socket.state if socket.transport == "tcp" else "-", style)],
        [Span(port_text(peer, charset), _role(view, socket, peer)) if peer else Span("-")],
        [Span(charset.visible(_owner(each, columns[4] - columns[3] - 1)), style)],
        *inode,
        [Span(charset.visible(why), style)],
    ]
    at = (columns[0] - 1, *columns[1:])
    return placed([Cell(column, shown) for column, shown in zip(at, spans, strict=True)], width)


def _owner(each: Candidate, room: int) -> str:
    """PID and program, and as much else as there is room for: the file number, how many others have it."""
    if not each.owners:
        return "-"
    first = each.owners[0]
    name = first.name.removesuffix(" (udp)")  # the port says it
    fd = f" fd {first.fd}" if first.fd is not None else ""
    more = f" +{len(each.owners) - 1}" if len(each.owners) > 1 else ""
    whole = f"{first.pid} {name}{fd}{more}"
    return whole if cells(whole) <= room else clip(f"{first.pid} {name}{more}", room)


def _role(view: View, socket: KernelSocket, address: Address) -> Role:
    return port_role(view.world, socket.transport, address.port)
