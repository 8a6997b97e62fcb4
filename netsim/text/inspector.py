"""A packet opened up: its bytes at the left, its fields at the right, and below them what the chosen field is for.

Law: the chosen field's bytes are lit, and nothing else is; without bytes only what is known is listed.
"""

from __future__ import annotations

import re

from netsim.model.fields import Dissection, Field
from netsim.story import inspecting
from netsim.story.fields import NO_PID, meaning
from netsim.text.bottom import draw_keys, draw_space
from netsim.text.charset import Charset, cells, payload
from netsim.text.field_detail import DETAILS, draw_details
from netsim.text.hexdump import draw_hexdump, width_for
from netsim.text.inspected import PORTS, View, draw_page_title, is_covered, star, star_style
from netsim.text.layout import Cell, as_many_as_fit, beside, blank, fill, placed, wrapped
from netsim.text.lines import Line, Span, Style
from netsim.text.marks import BOLD

BELOW = DETAILS + 2 + 2  # with two notes, SPACE and the keys
TITLE = 22  # columns of a field's name
KEYS = (
    ("up down", "field"), ("left right", "byte"), ("[ ]", "packet"), ("v", "way"), ("w", "wrap"), ("c", "cover"),
    ("esc", "back"),
)  # fmt: skip


def draw_inspector(view: View, width: int, height: int, charset: Charset) -> list[Line]:
    """The whole page."""
    head = [draw_page_title("inspector", view, width, charset)]
    if view.found is None or not view.found.fields:
        return [*head, *_unseen(view, width, height - 1, charset)]
    field = view.found.fields[view.cursor]
    body = height - 2 - BELOW
    left = width_for(16) if width >= width_for(16) + 1 + 44 else width_for(8)
    right = width - left - 1
    dump = draw_hexdump(
        view.found.raw,
        left,
        body,
        lit=range(field.start, field.end),
        pointed=view.pointed,
        colours=_colours(view),
        covered=_covered_bytes(view),
    )
    fields = _fields(view, right, body, charset)
    bar = Span(charset.bar, "rule")
    return [
        *head,
        _heads(view.found, left, width, charset),
        *(beside(one, bar, other) for one, other in zip(dump, fields, strict=True)),
        *draw_details(view, field, width, charset),
        fill([Span(" "), Span(_note(view, charset, width - 1))], width),
        fill([Span(" "), Span(NO_PID)], width),
        *draw_space("SPACE", _space(view), width, 1, charset),
        *draw_keys(KEYS, width, 1, charset),
    ]


# --- the rows


def _heads(found: Dissection, left: int, width: int, charset: Charset) -> Line:
    text = f" {len(found.raw)} bytes, from the IP header on "
    missing = f"{found.missing} more were not captured " if found.missing else ""
    cells_ = [
        Cell(1, [Span(" BYTES", "head"), Span(text)]),
        Cell(left, [Span(charset.down, "rule"), Span(charset.dash, "rule"), Span(" FIELDS ", "head"), Span(missing)]),
    ]
    return placed(cells_, width, charset.dash, "rule")


def _fields(view: View, width: int, height: int, charset: Charset) -> list[Line]:
    """The list of fields, with a head for each layer; the chosen one is always to be seen."""
    assert view.found is not None
    rows: list[Line] = []
    chosen = 0
    layer = -1
    for index, field in enumerate(view.found.fields):
        if field.layer != layer:
            layer = field.layer
            rows.append(_layer_row(view.found, layer, width))
        if index == view.cursor:
            chosen = len(rows)
        rows.append(_field_row(view, field, width, charset, chosen=index == view.cursor))
    first = max(0, min(chosen - height // 2, len(rows) - height))
    shown = rows[first : first + height]
    return shown + [blank(width)] * (height - len(shown))


def _layer_row(found: Dissection, index: int, width: int) -> Line:
    layer = found.layers[index]
    what = {
        "payload": "message",
        "piece": "fragment",
        "other": "data",
        "unread": "not read",
        "extension": "IPv6 extension",
    }
    name = what.get(layer.kind, layer.kind)
    quoted = ", quoted" if layer.quoted else ""
    return fill([Span(" "), Span(name, "head"), Span(f"  {layer.length} bytes{quoted}")], width)


def _field_row(view: View, field: Field, width: int, charset: Charset, *, chosen: bool) -> Line:
    told = meaning(field.name)
    mark = f"{charset.next} " if chosen else "  "
    name = " " * (1 + min(field.depth, 2)) + told.title
    colour = star_style(view, field)
    style: Style = BOLD[colour] if colour else ""
    value = _value(view, field)
    spans = [Span(mark, "bold"), Span(f"{name:{TITLE - 2}} ", "bold" if chosen else "")]
    room = width - TITLE - 1
    value = value if cells(value) <= room else value.partition("  ")[0]
    spans.append(Span(charset.shown(value, room), style or ("bold" if chosen else "")))
    finds = star(view, field)
    if finds and room >= cells(value) + 2 + len(finds):
        spans.append(Span(f"  {finds}"))
    return fill(spans, width)


def _value(view: View, field: Field) -> str:
    """The value in short: numbers relative where they can be."""
    if is_covered(view, field):
        return "??"
    if field.name in ("tcp.seq_raw", "tcp.ack_raw") and field.relative is not None and isinstance(field.raw, int):
        return f"{field.relative}  (raw {field.raw})"
    if field.check:
        return f"{field.shown}  {field.check}"
    if isinstance(field.raw, bytes) and field.name.endswith((".payload", "data.data")):
        return f'"{payload(field.raw[:64])}"'
    return field.shown


# --- colours and covers


def _colours(view: View) -> dict[int, Style]:
    assert view.found is not None
    found: dict[int, Style] = {}
    for field in view.found.fields:
        if style := star_style(view, field):
            found.update(dict.fromkeys(range(field.start, field.end), style))
    return found


def _covered_bytes(view: View) -> frozenset[int]:
    if not view.covered or view.found is None:
        return frozenset()
    return frozenset(at for field in view.found.fields if field.name in PORTS for at in range(field.start, field.end))


# --- below


def _note(view: View, charset: Charset, width: int) -> str:
    """What is malformed, or what has happened to the packet besides, in whole sentences; "" if nothing."""
    assert view.found is not None
    if view.found.problem:
        return charset.visible(f"Malformed: {view.found.problem}. {inspecting.UNREADABLE}")
    said = inspecting.history(view.packet, view.world)
    return as_many_as_fit(re.split(r"(?<=\.) ", said), width, 1)


def _space(view: View) -> str:
    there = view.packet.conversation.server if view.packet.sender == "client" else view.packet.conversation.client
    if view.covered:
        return "the way without a port: whose could it be?"
    return f"the way from port {there.port} to the process"


def _unseen(view: View, width: int, height: int, charset: Charset) -> list[Line]:
    """An inferred packet: what is known, and that the rest is not."""
    head = [Span(charset.dash, "rule"), Span(" INFERRED ", "head"), Span("what is known of it ")]
    rows: list[Line] = [fill(head, width, charset.dash, "rule")]
    for name, value in inspecting.inferred(view.packet):
        covered = view.covered and name.endswith("port")
        rows.append(
            fill([Span(f"   {name:{TITLE - 3}}"), Span("??" if covered else charset.visible(value), "bold")], width)
        )
    rows.append(blank(width))
    because = view.packet.because
    told = [*([f"Why: {because}"] if because else []), *inspecting.UNSEEN]
    for sentence in told:
        rows += [fill([Span(" "), Span(line)], width) for line in wrapped(charset.visible(sentence), width - 2, 3)]
    rows = rows[: height - 2]
    return [
        *rows,
        *([blank(width)] * (height - 2 - len(rows))),
        *draw_space("SPACE", _space(view), width, 1, charset),
        *draw_keys([each for each in KEYS if each[1] not in ("field", "byte")], width, 1, charset),
    ]
