"""The chosen field in five rows: its place, its value in every form, its bits, and what it is for.

Law: a covered port is nowhere to be read.
"""

from __future__ import annotations

from netsim.model.fields import Field
from netsim.story import inspecting
from netsim.story.fields import meaning
from netsim.text.charset import Charset, cells, clip, payload
from netsim.text.inspected import View, is_covered, star
from netsim.text.layout import blank, fill, joined, spread, width_of, wrapped
from netsim.text.lines import Line, Span

PURPOSE = 2  # rows for what the field is for
DETAILS = 1 + 2 + PURPOSE


def draw_details(view: View, field: Field, width: int, charset: Charset) -> list[Line]:
    """The rule with the field's place, its value, its bits, its purpose in two rows."""
    assert view.found is not None
    layer = view.found.layers[field.layer]
    told = meaning(field.name, quoted=layer.quoted)
    where = f"byte {field.start}" if field.length == 1 else f"bytes {field.start} to {field.end - 1}"
    if not field.is_whole_bytes:
        where += f", {field.bits} bit" + ("" if field.bits == 1 else "s")
    head = [Span(charset.dash, "rule"), Span(f" {told.title} ", "head"), Span(f"{where} ")]
    rule = _rule(head, [Span(f" {told.source} "), Span(charset.dash, "rule")], width, charset)
    purpose = wrapped(charset.visible(told.what), width - 2, PURPOSE)
    bits = _bits(view, field, width - 2)
    peer = [Span(f"in Wireshark: {field.name}")] if field.name not in ("trailer", "unread") else []
    return [
        rule,
        fill([Span(" "), *_full_value(view, field, charset)], width),
        fill(spread([Span(" "), *bits], peer if width_of(bits) + width_of(peer) + 4 < width else [], width - 1), width),
        *(fill([Span(" "), Span(line)], width) for line in purpose),
        *([blank(width)] * (PURPOSE - len(purpose))),
    ]


def _rule(left: list[Span], right: list[Span], width: int, charset: Charset) -> Line:
    room = sum(cells(span.text) for span in [*left, *right])
    if room > width:
        return fill(left, width, charset.dash, "rule")
    return joined([*left, Span(charset.dash * (width - room), "rule"), *right])


def _full_value(view: View, field: Field, charset: Charset) -> list[Span]:
    """The value with all that is to be said of it: relative and raw, decimal and hexadecimal."""
    if is_covered(view, field):
        return [Span("covered: nobody can read it", "bold")]
    if isinstance(field.raw, bytes):
        text = (
            f'"{payload(field.raw[:200])}"'
            if "payload" in field.name or field.name == "data.data"
            else field.raw.hex(" ")
        )
        return [Span(f"{len(field.raw)} bytes  ", "bold"), Span(charset.visible(text))]
    if field.relative is not None and field.name != "tcp.window_size_value":
        return [
            Span(f"{field.relative}", "bold"),
            Span(f"  relative to the first;  raw {field.raw} = 0x{field.raw:08x}"),
        ]
    if field.relative is not None:
        scale = field.relative // field.raw if field.raw else 1
        return [
            Span(f"{field.relative} bytes", "bold"),
            Span(f"  raw {field.raw}, times {scale} (window scale of the SYN)"),
        ]
    spans = [Span(charset.visible(field.shown), "bold")]
    digits = f"0x{field.raw:0{(field.bits + 3) // 4}x}"
    if field.bits > 4 and not field.has_parts and field.shown != digits:
        spans.append(Span(f"  {digits}"))
    if field.check:
        spans.append(Span(f"  {inspecting.checksum(field)}", "lost" if field.check == "wrong" else ""))
    if finds := star(view, field):
        spans.append(Span(f"  {finds}", "bold"))
    return spans


def _bits(view: View, field: Field, width: int) -> list[Span]:
    """The bits of its bytes; those that are not its own are dots."""
    assert view.found is not None
    if is_covered(view, field):
        return [Span("???? ???? ???? ????")]
    raw = view.found.raw[field.start : field.end]
    most = max(1, width // 11)
    text = "".join(f"{byte:08b}" for byte in raw[:most])
    last = field.first_bit + field.bits
    bits = [bit if field.first_bit <= at < last else "." for at, bit in enumerate(text)]
    groups = ["".join(bits[at : at + 4]) for at in range(0, len(bits), 4)]
    pairs = [" ".join(groups[at : at + 2]) for at in range(0, len(groups), 2)]
    return [Span(clip("  ".join(pairs) + (" .." if len(raw) > most else ""), width))]
