"""What the inspector's pages share: what is looked at, the title row, and whose colour an address or a port has.

Law: the title says which packet it is, what became of it, and whether it is of the past or of a recording.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from netsim.model.address import Role
from netsim.model.fields import Dissection, Field
from netsim.model.packet import Packet
from netsim.model.world import World
from netsim.story import inspecting
from netsim.story.fields import CALLER, SERVICE, meaning
from netsim.text.charset import Charset
from netsim.text.layout import fill, first_that_fits, spread, width_of
from netsim.text.lines import Line, Span

PORTS = frozenset({"tcp.srcport", "tcp.dstport", "udp.srcport", "udp.dstport"})


class View(NamedTuple):
    """What is looked at. `cursor`: the chosen field's index. `pointed`: a byte, if one was gone to by itself."""

    world: World
    packet: Packet
    packets: Sequence[Packet]  # of its conversation
    found: Dissection | None  # None: its bytes were not seen
    cursor: int = 0
    pointed: int | None = None
    covered: bool = False  # the ports can't be read
    mark: str = ""  # "the past", "RECORDED": what the title has to say of the world besides


def draw_page_title(name: str, view: View, width: int, charset: Charset) -> Line:
    """The page's first row: which packet it is, of how many, and what became of it."""
    which, of = inspecting.place(view.packet, view.packets)
    told = inspecting.title(view.packet, view.world).replace(" > ", f" {charset.to} ")
    left = [Span(" "), Span("netsim", "bold"), Span(f"   {name} {charset.dot} {which} of {of} {charset.dot} ")]
    left.append(Span(charset.visible(told), "bold"))
    back = [Span("esc", "key"), Span(" back")]
    past = [Span(view.mark, "bold")] if view.mark else []
    right = first_that_fits([[*past, Span("  "), *back] if past else back, past], width - 2 - width_of(left))
    return fill(spread(left, right, width - 1), width)


def star_style(view: View, field: Field) -> Role | None:
    """Addresses and ports have the colour of the side whose they are."""
    star = meaning(field.name).star
    if not star or view.found is None:
        return None
    quoted = view.found.layers[field.layer].quoted
    is_source = field.name.endswith(("src", "srcport"))
    return view.packet.sender if is_source != quoted else "server" if view.packet.sender == "client" else "client"


def star(view: View, field: Field) -> str:
    """What the field finds, "" for nothing: a client's port finds no service, but who called it."""
    found = meaning(field.name).star
    return CALLER if found == SERVICE and star_style(view, field) == "client" else found


def is_covered(view: View, field: Field) -> bool:
    """Whether it is a port that nobody can read."""
    return view.covered and field.name in PORTS
