"""What just happened at the gate, in one true sentence: packets held, delivered, lost and sent again."""

from __future__ import annotations

from collections.abc import Iterable

from netsim.model.address import Role
from netsim.model.events import (
    AnyEvent,
    CallReturned,
    CopyCounted,
    GateClosed,
    GateFailed,
    GateOpened,
    GateRestarted,
    KernelSocket,
    OwnersObserved,
    PacketDropped,
    PacketHeld,
    PacketReleased,
    PacketSeen,
    SocketsObserved,
)
from netsim.model.kernel import kernel_socket
from netsim.model.packet import Packet
from netsim.model.strangers import is_strangers
from netsim.model.views import end_of, packets_of, unread_bytes
from netsim.model.world import World
from netsim.story.callers import Caller, side
from netsim.story.calls import plural
from netsim.story.packets import finds_nobody, packet_name

_CONNECTING = ("connect", "connect_ex")
SMALL = 536  # bytes: less than a segment everywhere (RFC 9293, section 3.7.1)
READ_AFTER = 8.0  # seconds that a sentence stays before one about copies takes its place


def narrate_gate(world: World) -> str | None:
    """The sentence for this step if the gate has the most to tell of it, else None."""
    last = _last(world.since, GateOpened | GateClosed | GateFailed | GateRestarted)
    match last:
        case GateOpened():
            return "The gate is open: packets pass, and are seen passing. o closes it again."
        case GateClosed() | GateRestarted():
            return "The gate is closed: from now on every packet waits for you."
        case GateFailed(reason=reason):
            return f"The gate has failed, packets pass unseen; o restarts it. {reason}"
    if _copies_grow(world):
        return "No answer came in time: the sender's kernel sent copies; the + counts them."
    told = _strangers_deed(world)
    if told is not None:
        return told
    calls = [event for event in world.since if isinstance(event, CallReturned) and not event.thread]
    if calls:
        return _call_and_packets(calls[-1], world)
    for event in reversed(world.since):
        packet = _packet(world, event)
        if packet is None:
            continue
        match event:
            case PacketDropped():
                return _lost(packet, world)
            case PacketHeld() if packet.repeats:
                return _sent_again(packet)
            case PacketHeld() if "SYN" in packet.flags and "ACK" not in packet.flags:
                if is_strangers(world, packet.conversation):
                    return _did(packet, world)
                port = packet.conversation.client.port
                caller = side(world, packet.conversation, "client")
                return caller.fit(f"connect(): the kernel chose port {port} and sent a SYN. @who sleeps.")
            case PacketReleased():
                return _delivered(packet, world)
            case PacketSeen() if packet.repeats:
                return _sent_again(packet)
    return None


def _copies_grow(world: World) -> bool:
    """Whether a held packet is sent again and again, and nothing else happened for so long that it has been read."""
    copied_at: float | None = None
    for event in reversed(world.since):
        match event:
            case CopyCounted(number=number, reason="held") if copied_at is None:
                if not any(packet.number == number and packet.fate == "held" for packet in world.packets):
                    return False
                copied_at = event.at
            case CopyCounted() | SocketsObserved() | OwnersObserved():
                pass
            case _:
                return copied_at is not None and copied_at - event.at >= READ_AFTER
    return False


def _strangers_deed(world: World) -> str | None:
    """What a stranger has done by itself after all that this step did: its newest packet tells."""
    for event in reversed(world.since):
        match event:
            case CallReturned() | PacketReleased() | PacketDropped():
                return None
            case PacketHeld(sender="client", conversation=there, repeats=False) if there is not None:
                packet = _packet(world, event)
                if packet is not None and is_strangers(world, there):
                    return _did(packet, world)
    return None


def _did(packet: Packet, world: World) -> str | None:
    """A stranger's packet is held: what its program must have done."""
    caller = side(world, packet.conversation, "client")
    match packet_name(packet):
        case "SYN":
            port = packet.conversation.client.port
            return caller.fit(f"@who calls, from port {port}: its SYN waits at the gate.")
        case "datagram":
            return caller.fit(f"@who sent a datagram of {plural(packet.length, 'byte')}: it waits at the gate.")
        case "FIN":
            return caller.fit("@who has closed, or has ended: the kernel says so with a FIN.")
        case name if packet.length and _has_connected(packet, world):
            return caller.fit(f"The SYN-ACK has arrived: @who is connected, and sent {name}.")
        case name if packet.length:
            return caller.fit(f"@who sent {name}: they wait at the gate.")
    return None


def _has_connected(packet: Packet, world: World) -> bool:
    """Whether its handshake's answer was delivered in this step."""
    delivered = (_packet(world, event) for event in world.since if isinstance(event, PacketReleased))
    return any(
        each and packet_name(each) == "SYN-ACK" and each.conversation == packet.conversation for each in delivered
    )


def _call_and_packets(event: CallReturned, world: World) -> str | None:
    """A call that returned while packets are held: what it does not mean yet."""
    if event.error is not None:
        return None
    held = [packet for packet in world.packets if packet.fate == "held" and f"packet {packet.number}" in world.changed]
    newest = held[-1] if held else None
    if event.name in _CONNECTING and newest is not None:
        whose = side(world, newest.conversation, "client").whose
        return f"connect() returned: {whose} end is open. Its last ACK is not there yet."
    if event.name in ("send", "sendall") and newest is not None and newest.length:
        size = plural(event.size or 0, "byte")
        return f"{event.name}() returned {event.result}: the kernel took {size}. Nothing has arrived yet."
    if event.name in ("send", "sendall") and event.size and _is_kept_back(event, world):
        return _kept_back(event, world)
    if event.name == "sendto" and newest is not None:
        return f"sendto() returned {event.result}: the kernel took the datagram. It is on its way, no more."
    if event.name == "close" and newest is not None and "FIN" in newest.flags:
        end = end_of(world, newest.conversation, newest.sender)
        if end is not None and end.state == "LAST_ACK":
            who = side(world, newest.conversation, newest.sender)
            return who.fit("@who closed too. In LAST_ACK the kernel waits for one last answer.")
    return None


def _is_kept_back(event: CallReturned, world: World) -> bool:
    """Whether the kernel took bytes and sent none of them: it waits for an ACK of what it had sent before."""
    ref = event.socket
    if ref is None or ref.transport != "tcp" or world.gate != "closed":
        return False
    end = kernel_socket(world, ref)
    news = (packet for packet in world.packets if f"packet {packet.number}" in world.changed)
    return end is not None and end.send_queue > (event.size or 0) and not any(packet.length for packet in news)


def _kept_back(event: CallReturned, world: World) -> str:
    """Small pieces wait for Nagle's algorithm (RFC 9293, section 3.7.4), unless the program has switched it off."""
    endpoint = world.endpoints.get(event.who)
    is_off = endpoint is not None and any("NODELAY" in line for line in endpoint.source)
    rule = "" if is_off or (event.size or 0) > SMALL else "Nagle's rule: "
    they = "they" if rule else "They"
    return f"{event.name}() returned {event.result}. {rule}{they} wait for the ACK of those before."


def _delivered(packet: Packet, world: World) -> str | None:
    """What a delivered packet has done, by the states that the kernel has now."""
    ends: dict[Role, KernelSocket | None] = {
        "client": end_of(world, packet.conversation, "client"),
        "server": end_of(world, packet.conversation, "server"),
    }
    states: dict[Role, str] = {role: end.state if end is not None else "" for role, end in ends.items()}
    there: Role = "server" if packet.sender == "client" else "client"
    receiver = side(world, packet.conversation, there)
    match packet_name(packet):
        case "SYN" if states["server"] == "SYN_RECV":
            return "The kernel answered the SYN by itself. The server program knows nothing yet."
        case "SYN" if finds_nobody(packet, world) and _answer(packet, world) in ("RST", ""):
            return f"Nobody listens on {packet.conversation.server.port}: the kernel answers with an RST."
        case "SYN" if states["client"] == "SYN_SENT":
            return "The SYN has arrived, and the kernel ignores it: the queue is full."
        case "SYN-ACK" if finds_nobody(packet, world) and _answer(packet, world) in ("RST", ""):
            return f"Nobody has port {packet.conversation.client.port} any more: the kernel answers with an RST."
        case "SYN-ACK":
            if receiver.ours:
                return f"The SYN-ACK has arrived: {receiver.whose} end is open, and the kernel answers."
            return receiver.fit("The SYN-ACK has arrived: @who is connected; the kernel answers.")
        case "ACK" if "TIME_WAIT" in states.values():
            return "Both closed. The side that closed first keeps its port in TIME_WAIT for 60 s."
        case "ACK" if states["client"] == states["server"] == "ESTABLISHED":
            return _acknowledged(packet, ends, side(world, packet.conversation, packet.sender))
        case "ACK" if "FIN_WAIT2" in states.values():
            closer = side(world, packet.conversation, "client" if states["client"] == "FIN_WAIT2" else "server")
            whose = closer.whose[0].upper() + closer.whose[1:] if closer.ours else closer.whose
            return f"{whose} FIN is acknowledged: it waits in FIN_WAIT2 for the other side's."
        case "FIN" if states[there] == "CLOSE_WAIT":
            program = "@who's program" if receiver.ours else "@who"
            return receiver.fit(f"The FIN has arrived: {program} will read the end of the stream.")
        case "FIN" if states[there] == "TIME_WAIT":
            return "The second FIN has arrived, and the kernel answers it: one ACK is left."
        case "RST":
            return f"The RST has arrived: {receiver.whose} end of the connection is gone at once."
        case "datagram" if finds_nobody(packet, world) and _answer(packet, world) == "ICMP message":
            port = (packet.conversation.server if there == "server" else packet.conversation.client).port
            return f"Nobody has UDP port {port}: the kernel answers, by ICMP."
        case "datagram":
            return "UDP: one packet, no handshake, no ACK. Nothing tells the sender it arrived."
        case "ICMP message":
            return f"ICMP: {packet.icmp}. Only a connected UDP socket's program hears of it."
        case name if packet.length and finds_nobody(packet, world) and _answer(packet, world) in ("RST", ""):
            return f"No program is left to read the {name}: the kernel answers with an RST."
        case name if packet.length:
            return receiver.fit(f"The kernel has the {name} for @who, and answers with an ACK.")
    return None


def _answer(packet: Packet, world: World) -> str:
    """What the other side has sent first after this packet came to it, "" for nothing yet."""
    later = packets_of(world, packet.conversation)
    return next(
        (packet_name(each) for each in later if each.number > packet.number and each.sender != packet.sender), ""
    )


def _acknowledged(packet: Packet, ends: dict[Role, KernelSocket | None], reader: Caller) -> str:
    server, receiver = ends["server"], ends[packet.sender]
    if packet.ack == 1 and server is not None and not server.inode:
        return "Both ends are ESTABLISHED. The server's end has no PID: no one accepted it."
    unread = unread_bytes(receiver) if receiver is not None else 0
    if unread:
        said = f"The ACK says: the kernel has {plural(unread, 'byte')}."
        return reader.fit(f"{said} @who has not read them.")
    return f"The ACK says that what was sent has arrived at {reader.whose} end."


def _lost(packet: Packet, world: World) -> str:
    if packet.transport == "udp":
        return "Lost, for good: UDP keeps no copy and has no timer. Nobody will ever know."
    name = packet_name(packet)
    end = end_of(world, packet.conversation, packet.sender)
    if packet.length:
        kept = plural(packet.length, "byte")
        whose = side(world, packet.conversation, packet.sender).whose
        return f"Lost. The kernel kept {whose} {kept}; its timer will send them again."
    if name == "ACK":
        return "Lost. Nobody resends an ACK by itself: the other side's timer asks for it."
    if name == "RST" or end is None:
        return f"Lost. A {name} has no timer: nobody sends it again by itself."
    return f"Lost. The kernel has no answer to its {name}: its timer will send it again."


def _sent_again(packet: Packet) -> str:
    name = packet_name(packet)
    are = "are" if packet.length > 1 else "is"
    return f"Here the {name} {are} again: no answer came, and the kernel's timer ran out."


def _last(since: Iterable[AnyEvent], kinds: object) -> AnyEvent | None:
    found = None
    for event in since:
        if isinstance(event, kinds):  # type: ignore[arg-type]
            found = event
    return found


def _packet(world: World, event: AnyEvent) -> Packet | None:
    number = getattr(event, "number", None)
    if not isinstance(event, PacketHeld | PacketSeen | PacketReleased | PacketDropped) or number is None:
        return None
    return next((packet for packet in reversed(world.packets) if packet.number == number), None)
