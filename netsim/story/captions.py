"""What is said beside each packet whose bytes are known: the step, the system call and the PID that it came from.

Law: a call is named only where one of its sender's, in the same step, sends such packets; else it was the kernel.
Inferred packets have no bytes, so they have no caption.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from netsim.model.address import Address
from netsim.model.decode import decode
from netsim.model.events import (
    AnyEvent,
    CallReturned,
    CallStarted,
    LabStarted,
    PacketDropped,
    PacketHeld,
    PacketReleased,
    PacketSeen,
    SocketRef,
)
from netsim.model.fold import fold
from netsim.model.wire import Datagram, Icmp, Segment
from netsim.model.world import World
from netsim.story.calls import CONNECTING, SENDING, speaker

CLOSING = frozenset({"close", "shutdown", "detach"})
End = tuple[str, Address, Address | None]  # transport, own address, peer's: None for an unconnected UDP socket


class Caption(NamedTuple):
    """A packet's bytes and what is said of them. `lab`: from 1, where a recording goes on over several."""

    lab: int
    at: float
    raw: bytes
    comment: str


def captions(events: Iterable[AnyEvent], before: World | None = None) -> list[Caption]:
    """The captions of all packets that were held or seen, oldest first. `before`: the world before these events."""
    whole = list(events)
    owners, fates = _look_ahead(whole)
    found: list[Caption] = []
    world, lab = before or World(), 0 if whole and isinstance(whole[0], LabStarted) else 1
    for index, event in enumerate(whole):
        world = fold(world, event)
        if isinstance(event, LabStarted):
            lab += 1
        elif isinstance(event, PacketHeld | PacketSeen):
            what = [f"packet {event.number}", f"step {world.step}", _cause(world, event, owners.get(lab, {}), index)]
            fate = fates.get((lab, event.number), "")
            what.append(f"held at the gate{fate}" if isinstance(event, PacketHeld) else "seen at the open gate")
            found.append(Caption(lab, event.at, event.raw, "; ".join(what)))
    return found


Owned = tuple[int, str, int]  # from which event on, by whom, and in which process


def _look_ahead(events: list[AnyEvent]) -> tuple[dict[int, dict[End, Owned]], dict[tuple[int, int], str]]:
    """Whose each end of a conversation is, as calls report it (some only after the packet), and packets' fates."""
    lab = 0 if events and isinstance(events[0], LabStarted) else 1
    owners: dict[int, dict[End, Owned]] = {}
    fates: dict[tuple[int, int], str] = {}
    for index, event in enumerate(events):
        match event:
            case LabStarted():
                lab += 1
            case PacketReleased(number=number):
                fates[lab, number] = ", then delivered"
            case PacketDropped(number=number):
                fates[lab, number] = ", then dropped: it is lost"
            case CallStarted() | CallReturned():
                accepted = event.accepted if isinstance(event, CallReturned) else None
                # A client's end was its own before its connect() has come back; an accepted one was nobody's.
                _own(owners.setdefault(lab, {}), event.socket, (0, event.who, event.pid))
                _own(owners[lab], accepted, (index, event.who, event.pid))
            case _:
                pass
    return owners, fates


def _own(owners: dict[End, Owned], ref: SocketRef | None, owned: Owned) -> None:
    if ref is not None and ref.local is not None and ref.local.port:
        owners.setdefault((ref.transport, ref.local, ref.remote), owned)


def _cause(world: World, event: PacketHeld | PacketSeen, owners: dict[End, Owned], index: int) -> str:
    calls, does = _senders_of(event.raw)
    owner = _owner(event, owners, index)
    endpoint = world.endpoints.get(owner[1]) if owner else None
    if owner is None or endpoint is None:
        return f"no system call: the kernel {does}, for an end that no process has"
    _since, who, pid = owner
    name = speaker(endpoint, world)
    if event.repeats:
        return f"no system call: the kernel sent it again, for the {name}, PID {pid}"
    for earlier in reversed(world.since):
        if isinstance(earlier, CallStarted) and (earlier.who, earlier.pid) == (who, pid) and earlier.name in calls:
            return f"{earlier.name}() of the {name}, PID {pid}"
    gone = ", which has ended" if endpoint.pid != pid or endpoint.status == "ended" else ""
    return f"no system call: the kernel {does}, for the {name}, PID {pid}{gone}"


def _owner(event: PacketHeld | PacketSeen, owners: dict[End, Owned], index: int) -> Owned | None:
    """Whose the sending end was then."""
    there = event.conversation
    if there is None or event.sender is None:
        return None
    own, peer = (there.client, there.server) if event.sender == "client" else (there.server, there.client)
    owner = owners.get((there.transport, own, peer))
    if owner is None and there.transport == "udp":  # without connect() it has no peer of its own
        owner = owners.get((there.transport, own, None)) or owners.get(("udp", Address("0.0.0.0", own.port), None))
    return owner if owner is not None and owner[0] <= index else None


def _senders_of(raw: bytes) -> tuple[frozenset[str], str]:
    """The calls that send such a packet, and what the kernel does where it was none of them."""
    match decode(raw):
        case Segment(flags=flags, length=length):
            if "SYN" in flags:
                return (frozenset(), "answered the SYN") if "ACK" in flags else (CONNECTING, "called")
            if "RST" in flags:
                return CLOSING, "refused or reset it"
            if "FIN" in flags:
                return CLOSING, "said goodbye"
            return (SENDING, "sent what it had taken before") if length else (frozenset(), "acknowledged")
        case Datagram():
            return SENDING, "sent it"
        case Icmp():
            return frozenset(), "reported an error"
        case _:
            return frozenset(), "sent it"
