"""The message in its coats: what each layer puts around it, drawn to scale, TCP above UDP.

Law: in one picture a column is the same number of bytes everywhere, and the message begins in the same column.
"""

from __future__ import annotations

from typing import NamedTuple

from netsim.model.address import Transport
from netsim.model.fields import Layer
from netsim.model.inspected import Wrapped
from netsim.story.inspecting import title as packet_title
from netsim.story.wrapping import HOW, LINK, NO_BYTES, coat, compared
from netsim.text.bottom import draw_keys, draw_space
from netsim.text.charset import Charset, cells, clip, payload
from netsim.text.inspected import View
from netsim.text.layout import Cell, blank, fill, placed, spread, wrapped
from netsim.text.lines import Line, Span, Style

LABEL, SIZES = 8, 12  # columns left and right of the picture
MESSAGE = 8  # columns for the message, at least
KEYS = (("up down", "layer"), ("tab", "TCP or UDP"), ("v", "way"), ("w", "bytes"), ("[ ]", "packet"), ("esc", "back"))
_SHORT = {"extension": "ext."}
_BRINGS = {"TCP": ("ports seq ack flags window ..", "ports seq ack ..", "ports ..", "TCP"), "UDP": ("ports", "UDP")}
TRANSPORTS: tuple[Transport, Transport] = ("tcp", "udp")


class Picture(NamedTuple):
    """Where things stand: how many bytes a column is, in which column messages begin, and behind which they end."""

    scale: int
    begin: int
    end: int

    def columns(self, layer: Layer) -> int:
        """How wide a header is."""
        return max(1, layer.length // self.scale)


def draw_wrapping(
    view: View,
    found: dict[Transport, Wrapped | None],
    transport: Transport,
    cursor: int,
    width: int,
    height: int,
    charset: Charset,
) -> list[Line]:
    """The whole page; `cursor`: which layer of `transport`'s is looked at, 0 the message itself."""
    picture = _picture([each for each in found.values() if each is not None], width)
    shown = found[transport]
    rows: list[Line] = []
    for each in TRANSPORTS:
        rows += _block(view, each, found[each], cursor if each == transport else None, picture, width, charset)
    rows += [fill([Span(" "), Span(line)], width) for line in _said(found, shown, cursor, width, charset)]
    room = height - 1 - 2
    label = "the next coat" if shown is not None and cursor < len(shown.coats) else "back to the bytes"
    return [
        _title(picture.scale, width, charset),
        *rows[:room],
        *([blank(width)] * (room - len(rows))),
        *draw_space("SPACE", label, width, 1, charset),
        *draw_keys(KEYS, width, 1, charset),
    ]


def _said(
    found: dict[Transport, Wrapped | None], shown: Wrapped | None, cursor: int, width: int, charset: Charset
) -> list[str]:
    """What stands below the picture: the chosen layer's purpose and bytes, the comparison, and the cable."""
    lines: list[str] = []
    if shown is not None:
        lines += wrapped(charset.visible(coat(shown, len(shown.coats) - cursor)), width - 2, 2)
        lines += [_content(shown, cursor), ""]
    return [*lines, *wrapped(compared(found["tcp"], found["udp"]), width - 2, 2), *wrapped(LINK, width - 2, 2)]


def _title(scale: int, width: int, charset: Charset) -> Line:
    column = "one column is one byte" if scale == 1 else f"one column is {scale} bytes"
    left = [Span(" "), Span("netsim", "bold"), Span(f"   encapsulation {charset.dot} {column}")]
    return fill(spread(left, [Span("esc", "key"), Span(" back")], width - 1), width)


def _picture(found: list[Wrapped], width: int) -> Picture:
    """So that all headers, and the messages or their beginnings, have room."""
    headers = max((each.total - len(each.message) for each in found), default=0)
    longest = max((len(each.message) for each in found), default=0)
    room = width - LABEL - SIZES
    scale = 1
    while headers + min(longest, MESSAGE) > room * scale:
        scale *= 2
    begin = LABEL + -(-headers // scale)
    return Picture(scale, begin, min(width - SIZES, begin + -(-longest // scale)))


def _block(
    view: View,
    transport: Transport,
    found: Wrapped | None,
    chosen: int | None,
    picture: Picture,
    width: int,
    charset: Charset,
) -> list[Line]:
    """One transport: a rule, a row for the message, a row for each coat."""
    head = [Span(charset.dash, "rule"), Span(f" {transport.upper()} ", "head")]
    if found is None:
        how = HOW[transport] if view.world.gate != "none" else NO_BYTES
        lines = [fill([Span(" "), Span(line)], width) for line in wrapped(how, width - 2, 2)]
        return [fill(head, width, charset.dash, "rule"), *lines, blank(width)]
    told = packet_title(found.packet, view.world).replace(" > ", f" {charset.to} ")
    rule = fill([*head, Span(f"packet {found.packet.number}: {charset.visible(told)} ")], width, charset.dash, "rule")
    layers = range(len(found.coats) + 1)
    return [rule, *(_row(found, each, picture, width, charset, chosen=chosen == each) for each in layers), blank(width)]


def _row(found: Wrapped, index: int, picture: Picture, width: int, charset: Charset, *, chosen: bool) -> Line:
    """The message with `index` coats around it: index 0 is the message alone."""
    coats = found.coats[len(found.coats) - index :]
    name = f"+ {_SHORT.get(coats[0].kind, coats[0].kind)}" if coats else "message"
    total = len(found.message) + sum(layer.length for layer in coats)
    sizes = f"{total:4}  +{coats[0].length}" if coats else f"{total:4} bytes"
    spans: list[Span] = []
    for place, layer in enumerate(coats):
        style: Style = "next" if chosen and place == 0 else ""
        spans.append(Span(_box(layer, picture.columns(layer), charset), style))
    room = max(1, min(picture.end - picture.begin, -(-len(found.message) // picture.scale)))
    text = clip(charset.visible(payload(found.message)), room)
    spans.append(Span(text, "next" if chosen and not coats else "bold"))
    start = picture.begin - sum(map(picture.columns, coats))
    return placed(
        [
            Cell(0, [Span(f" {name}", "bold" if chosen else "")]),
            Cell(max(LABEL, start), spans),
            Cell(picture.end + 1, [Span(sizes)]),
        ],
        width,
    )


def _box(layer: Layer, width: int, charset: Charset) -> str:
    """A header as a bar of so many columns, with what it brings written into it."""
    brings = _BRINGS.get(layer.kind, ("addresses", "addr", "IP"))
    variants = [text for each in brings for text in (f" {each} ", each)]
    text = next((each for each in variants if cells(each) + 2 <= width), "")
    if width < 2:
        return charset.bar * width
    inner = width - 2 - cells(text)
    before = inner // 2
    return f"{charset.wall_left}{charset.dash * before}{text}{charset.dash * (inner - before)}{charset.wall_right}"


def _content(found: Wrapped, cursor: int) -> str:
    """The bytes that the chosen layer adds."""
    if cursor == 0:
        raw = found.message
    else:
        layer = found.coats[len(found.coats) - cursor]
        raw = found.packet.raw[layer.start : layer.start + layer.length]
    return raw[:24].hex(" ") + (" .." if len(raw) > 24 else "")
