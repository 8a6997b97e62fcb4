"""One packet as one row between two lifelines: its label, how far it has come, and what became of it.

Law: the label's place depends on nothing but its length and the row's width, so that nothing moves under the eye.
"""

from __future__ import annotations

from netsim.model.packet import Packet
from netsim.text.charset import CUT, Charset, cells, clip, payload
from netsim.text.layout import fill, joined
from netsim.text.lines import Line, Span, Style

SIDE = 2  # columns left of the left lifeline, one more than right of the right one
GAP = 4  # cells between a held or lost packet and the wall that it has not reached
ROOMY = 24  # cells between the lifelines from which there is room for a gap beside a payload


def draw_arrow(
    packet: Packet,
    width: int,
    charset: Charset,
    *,
    touched: bool = False,
    new: bool = False,
    progress: float = 1.0,
    side: int = SIDE,
) -> Line:
    """The packet's row. `touched`: SPACE will deliver it. `progress`: how much of its way it has come.

    `side`: columns left of the left lifeline; 0 where the lifelines stand at the edges.
    """
    inner = _inner(width, side)
    if inner < 3:
        return fill([Span(packet_label(packet, max(0, width), charset))], width)
    reserve = 2 if inner < ROOMY else 4 if packet.transport == "tcp" else 2 * (GAP + 2)
    text = f" {packet_label(packet, max(1, inner - reserve - 2), charset)} "
    text = text if cells(text) <= inner - 2 else clip(text.strip(), inner - 2)
    rightwards = packet.sender == "client"
    near, far = _sides(packet, inner - 1 - cells(text))
    short = 0 if packet.fate == "delivered" else min(GAP, max(0, far - 1))
    tip = round((inner - 1 - short) * min(1.0, max(0.0, progress)))
    arrived = packet.fate == "delivered" and progress >= 1.0
    head = _head(packet, charset, arrived_or_flying=arrived or progress < 1.0)
    style: Style = "next" if touched else "lost" if packet.fate == "lost" else "bold" if new else ""
    track = [_cell(distance, tip, head, inner, near, packet, charset) for distance in range(inner)]
    before, after = track[:near], track[inner - far - 1 :]
    walls = [charset.wall_left, charset.wall_right]
    if not rightwards:
        before, after = after[::-1], before[::-1]
    if not arrived:
        walls[rightwards] = charset.bar
    left, right = (Span(wall, "rule") for wall in walls)
    return fill(joined([Span(" " * side, "rule"), left, *before, Span(text, style), *after, right]), width)


def _inner(width: int, side: int) -> int:
    """How many columns there are between the lifelines."""
    return width - side - 2 - max(0, side - 1)


def _sides(packet: Packet, room: int) -> tuple[int, int]:
    """How many cells the label leaves on the sender's side and on the receiver's, without the arrow's head.

    Dashes with gaps touch the label and the arrow's head if the receiver's side has an odd number of cells.
    """
    near = room // 2 if packet.sender == "client" else room - room // 2
    far = room - near
    odd = packet.evidence == "inferred" and far > 0 and far % 2 == 0
    return near + odd, far - odd


def lifelines(width: int, charset: Charset, text: str = "", *, side: int = SIDE) -> Line:
    """A row without a packet; `text` stands between the lifelines."""
    inner = _inner(width, side)
    if inner < 3:
        return fill([Span(text)], width)
    text = clip(text, inner)
    before = (inner - cells(text)) // 2
    bar = Span(charset.bar, "rule")
    middle = Span(" " * before + text + " " * (inner - before - cells(text)))
    return fill(joined([Span(" " * side), bar, middle, bar]), width)


def packet_label(packet: Packet, room: int, charset: Charset) -> str:
    """What stands on the arrow: "SYN-ACK seq=0 ack=1", "5 bytes seq=1", '5 bytes "hello"'; a long payload is cut."""
    size = f"{packet.length} byte" if packet.length == 1 else f"{packet.length} bytes"
    if packet.icmp:
        return clip(f"ICMP {packet.icmp}", room)
    if packet.transport == "udp":
        return clip(_datagram(packet, size, room, charset), room)
    shown = [flag for flag in ("SYN", "FIN", "RST") if flag in packet.flags]
    acks = "ACK" in packet.flags and (shown in (["SYN"], ["RST"]) or not (shown or packet.length))
    words = ["-".join([*shown, *(["ACK"] if acks else [])])] if shown or acks else []
    if packet.length:
        words.append(size)
    if packet.seq is not None and (packet.length or {"SYN", "FIN"} & packet.flags):
        words.append(f"seq={packet.seq}")
    if packet.ack is not None and acks:
        words.append(f"ack={packet.ack}")
    label = " ".join(words)
    if packet.copies:  # its sender's timer fired, or that of whom it answers, and the gate kept the copy
        label += f" +{packet.copies}"
        told = label + (" copy" if packet.copies == 1 else " copies")
        label = told if cells(told) <= room else label
    return clip(label, room)


def _datagram(packet: Packet, size: str, room: int, charset: Charset) -> str:
    space = room - cells(size) - 3
    if not packet.data or space < 3:
        return size
    text = charset.shown(payload(packet.data), space)
    if len(packet.data) < packet.length and not text.endswith(CUT):  # only the first bytes are known
        text = clip(text + CUT, space)
    return f'{size} "{text}"'


def _head(packet: Packet, charset: Charset, *, arrived_or_flying: bool) -> Span:
    """The arrow's tip. A packet on its way looks like one that will arrive: more is not known of it."""
    if arrived_or_flying:
        return Span(charset.right if packet.sender == "client" else charset.left)
    if packet.fate == "lost":
        return Span(charset.lost, "lost")
    return Span(charset.held)


def _cell(distance: int, tip: int, head: Span, inner: int, before_label: int, packet: Packet, charset: Charset) -> Span:
    """What is `distance` cells from the sender's wall; the label is laid over some of them."""
    if distance == tip:
        return head
    if distance > tip:
        return Span(" ")
    if packet.evidence != "inferred":
        return Span(charset.dash, "rule")
    # Gaps are counted from the label on one side and from the tip on the other; what is left over is at the wall.
    phase = before_label - 1 - distance if distance < before_label else inner - 2 - distance
    return Span(charset.dash if phase % 2 == 0 or distance == 0 else " ", "rule")
