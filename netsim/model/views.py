"""Views: what can be derived from a world. Pure questions, asked by the director, the narrator and everything drawn.

Law: nothing here is stored; two calls with the same world give the same answer, and no answer is a guess.
"""

from __future__ import annotations

from netsim.model.address import Address, Conversation, Role, Transport
from netsim.model.events import KernelSocket, SocketRef
from netsim.model.kernel import end_of as end_of
from netsim.model.kernel import kernel_socket as kernel_socket
from netsim.model.kernel import same_address, same_peer, sockets
from netsim.model.packet import Packet
from netsim.model.world import Endpoint, World

PEER_HAS_CLOSED = frozenset({"CLOSE_WAIT", "LAST_ACK", "CLOSING", "TIME_WAIT"})  # the peer's FIN has come
UNANSWERED = frozenset({"SYN_SENT", "FIN_WAIT1", "LAST_ACK", "CLOSING"})  # our SYN or FIN is unanswered
WAITING_STATES = frozenset({"ESTABLISHED", "CLOSE_WAIT"})  # what no process has ever had can be in no other
CROWD = 8  # packets: when more are held at once nobody looks at each, and the story goes on with our programs
SMALLEST_DATAGRAM = 576  # bytes of memory that the kernel charges at least for one waiting datagram (skb->truesize)


def client_name(transport: Transport, number: int) -> str:
    """How the lab calls a client: "client1", "udpclient1"."""
    return f"{'udp' if transport == 'udp' else ''}client{number}"


def server_name(transport: Transport) -> str:
    """How the lab calls the server: "server", "udpserver"."""
    return f"{'udp' if transport == 'udp' else ''}server"


def clients(world: World, transport: Transport) -> tuple[Endpoint, ...]:
    """Every client of a transport that was ever started, by number."""
    found = (each for each in world.endpoints.values() if each.role == "client" and each.transport == transport)
    return tuple(sorted(found, key=lambda each: each.number))


def transports(world: World) -> tuple[Transport, ...]:
    """The transports that have been played: those of which an endpoint was started."""
    played = {each.transport for each in world.endpoints.values()}
    return tuple(each for each in ("tcp", "udp") if each in played)


def pair_of(world: World, transport: Transport) -> tuple[Endpoint | None, Endpoint | None]:
    """The client and the server of a transport: the client in focus, or the first where the focus is elsewhere.

    Where a stranger is in focus the client is None.
    """
    server = world.endpoints.get(server_name(transport))
    if stranger_shown(world, transport) is not None:
        return None, server
    number = world.focus.number if world.focus.transport == transport else 1
    return world.endpoints.get(client_name(transport, number)), server


def shown_pair(world: World) -> tuple[Endpoint | None, Endpoint | None]:
    """The client and the server whose conversation is in focus."""
    return pair_of(world, world.focus.transport)


# --- sockets: a process's view and the kernel's, brought together


def local_of(world: World, ref: SocketRef) -> Address | None:
    """The socket's own address; None while it has no port. In connect() the kernel knows it before the process does."""
    kernel = kernel_socket(world, ref)
    local = kernel.local if kernel else ref.local
    return local if local is not None and local.port else None


def remote_of(world: World, ref: SocketRef) -> Address | None:
    """The socket's peer, None if it has none."""
    kernel = kernel_socket(world, ref)
    remote = kernel.remote if kernel and kernel.remote else ref.remote
    return remote if remote is not None and remote.port else None


def state_of(world: World, ref: SocketRef) -> str:
    """The kernel's state of the socket as the kernel spells it; "" for UDP and where nothing is known."""
    kernel = kernel_socket(world, ref)
    return kernel.state if kernel and kernel.transport == "tcp" else ""


def unread_bytes(sock: KernelSocket) -> int:
    """Bytes that a connection's kernel end has and no program has read; the peer's FIN, which counts as one, is not."""
    if sock.transport != "tcp" or sock.state == "LISTEN":
        return 0
    return max(0, sock.receive_queue - (sock.state in PEER_HAS_CLOSED))


def unacknowledged_bytes(sock: KernelSocket) -> int:
    """Bytes that the kernel keeps until the other side acknowledges them; a SYN or FIN, which counts as one, is not."""
    if sock.transport != "tcp" or sock.state == "LISTEN":
        return 0
    return max(0, sock.send_queue - (sock.state in UNANSWERED))


def datagrams_waiting(world: World, ref: SocketRef) -> tuple[int, bool]:
    """What waits in a UDP socket: at least so many bytes, and whether that is all of it; (0, True) if nothing waits.

    The kernel tells how much memory waiting datagrams take, not their bytes. They are read in order, so what came
    last is still there; where the memory is too little for two datagrams it is all there is.
    """
    kernel = kernel_socket(world, ref)
    if kernel is None or kernel.transport != "udp" or not kernel.receive_queue:
        return 0, True
    came = [
        packet
        for packet in world.packets
        if packet.transport == "udp" and packet.fate == "delivered" and same_address(_receiver(packet), kernel.local)
    ]
    if not came:
        return 0, False
    last = came[-1].length
    return last, len(came) == 1 or kernel.receive_queue < last + 2 * SMALLEST_DATAGRAM


# --- the server's port, and the ends on it that no process holds


def server_ports(world: World, transport: Transport) -> frozenset[int]:
    """The ports on which servers of a transport are (or were) reached, the lab's own among them."""
    ports = {world.lab.port} if world.lab else set()
    for endpoint in world.endpoints.values():
        if endpoint.role == "server" and endpoint.transport == transport:
            ports |= ports_of(world, endpoint)
    return frozenset(ports)


def port_role(world: World, transport: Transport, port: int) -> Role:
    """Whose colour a port has: the server's if a server is reached there, else the client's."""
    return "server" if port in server_ports(world, transport) else "client"


def ports_of(world: World, server: Endpoint) -> frozenset[int]:
    """The ports that a server's own sockets (or those of its former processes) claimed, without connections."""
    pids = {server.pid, *server.former_pids}
    ports = {
        key.port
        for key, holders in world.remembered.items()
        if key.transport == server.transport and key.peer is None and any(holder.pid in pids for holder in holders)
    }
    for ref in server.sockets:
        local = local_of(world, ref)
        if local is not None and remote_of(world, ref) is None:
            ports.add(local.port)
    return frozenset(ports)


def listener(world: World, server: Endpoint) -> KernelSocket | None:
    """The server's listening socket as the kernel has it, None while it has none."""
    for ref in server.sockets:
        socket = kernel_socket(world, ref)
        if socket is not None and socket.state == "LISTEN":
            return socket
    return None


def is_held(world: World, socket: KernelSocket) -> bool:
    """Whether a process has the socket open: it has an inode; without the kernel's word, one of ours names it."""
    if world.kernel_complete:
        return socket.inode != 0
    return any(
        ref.transport == socket.transport
        and same_address(ref.local, socket.local)
        and same_peer(ref.remote, socket.remote)
        for endpoint in world.endpoints.values()
        for ref in endpoint.sockets
    )


def unowned_ends(world: World, server: Endpoint) -> tuple[KernelSocket, ...]:
    """The connections on the server's port that no process holds: half open, not accepted, or closed and not done."""
    ports = ports_of(world, server) or ({world.lab.port} if world.lab else set())
    ends = [
        socket
        for socket in sockets(world)
        if socket.transport == server.transport == "tcp"
        and socket.state != "LISTEN"
        and socket.local.port in ports
        and socket.remote is not None
        and not is_held(world, socket)
    ]
    return tuple(sorted(ends, key=lambda end: _place_in_queue(world, end)))


def waiting(world: World, server: Endpoint) -> tuple[KernelSocket, ...]:
    """The accept queue: connections whose handshake is done and that no process has accepted, the oldest first."""
    return tuple(end for end in unowned_ends(world, server) if end.state in WAITING_STATES)


# --- conversations


def stranger_shown(world: World, transport: Transport) -> Conversation | None:
    """The stranger's conversation that is in focus, if it is one of this transport."""
    stranger = world.focus.stranger
    return stranger if stranger is not None and stranger.transport == transport else None


def conversation_shown(world: World, transport: Transport) -> Conversation | None:
    """The conversation of a transport that is shown: a stranger's, or that of the client; None before it has begun."""
    client, _ = pair_of(world, transport)
    return conversation_of(world, client) if client is not None else stranger_shown(world, transport)


def conversation_in_focus(world: World) -> Conversation | None:
    """The one of these that is stepped."""
    return conversation_shown(world, world.focus.transport)


def conversation_of(world: World, client: Endpoint) -> Conversation | None:
    """The client's conversation: the one it has now, else the last one it had; None before its first."""
    for ref in reversed(client.sockets):
        local, remote = local_of(world, ref), remote_of(world, ref)
        if local is None or ref.transport != client.transport:
            continue
        if remote is not None:
            return Conversation(client.transport, local, remote)
        if client.transport == "udp":
            return _datagrams_from(world, local)
    return _last_conversation(world, client) or _refused_conversation(world, client)


def packets_of(world: World, conversation: Conversation | None) -> tuple[Packet, ...]:
    """The conversation's packets, oldest first; none of no conversation."""
    if conversation is None:
        return ()
    return tuple(packet for packet in world.packets if same_conversation(packet.conversation, conversation))


def held_packets(world: World) -> tuple[Packet, ...]:
    """Every packet that is held, the oldest first."""
    return tuple(packet for packet in world.packets if packet.fate == "held")


def same_conversation(one: Conversation, other: Conversation) -> bool:
    """Whether two four-tuples are one conversation; "any host" (an unconnected UDP socket's own) fits every host."""
    return (
        one.client.port == other.client.port  # first what differs most often: there may be thousands of packets
        and one.transport == other.transport
        and same_address(one.client, other.client)
        and same_address(one.server, other.server)
    )


def _receiver(packet: Packet) -> Address:
    return packet.conversation.server if packet.sender == "client" else packet.conversation.client


def _place_in_queue(world: World, end: KernelSocket) -> tuple[float, int]:
    """When the client's handshake was done, by packet number: the kernel lists sockets in no order. Then by port."""
    port = end.remote.port if end.remote else 0
    for packet in world.packets:
        if packet.transport != "tcp" or packet.sender != "client" or packet.fate != "delivered":
            continue
        if "SYN" not in packet.flags and same_address(packet.conversation.client, end.remote):
            return packet.number, port
    return float("inf"), port


def _datagrams_from(world: World, local: Address) -> Conversation | None:
    """An unconnected UDP socket's conversation: the one of its last datagram, else with the server's bound port."""
    for packet in reversed(world.packets):
        if packet.transport == "udp" and same_address(packet.conversation.client, local):
            return packet.conversation
    server = world.endpoints.get(server_name("udp"))
    for ref in server.sockets if server else ():
        bound = local_of(world, ref)
        if bound is not None:
            return Conversation("udp", local, bound)
    return None


def _last_conversation(world: World, client: Endpoint) -> Conversation | None:
    """The last conversation that the table remembers of a client which has none now."""
    for key, holders in reversed(tuple(world.remembered.items())):
        if key.transport != client.transport or all(holder.pid != client.pid for holder in holders):
            continue
        local = Address(key.host, key.port)
        if key.peer is not None:
            return Conversation(client.transport, local, key.peer)
        if client.transport == "udp":
            return _datagrams_from(world, local)
    return None


def _refused_conversation(world: World, client: Endpoint) -> Conversation | None:
    """The last packets that are nobody else's, of a client whose connect() failed before anyone saw its port."""
    if not any(mark.call.startswith("connect") and not mark.ok for mark in client.marks.values()):
        return None
    claimed = {key.port for key in world.remembered if key.transport == client.transport}
    for packet in reversed(world.packets):
        if packet.transport == client.transport and packet.conversation.client.port not in claimed:
            if end_of(world, packet.conversation, "client") is None:  # whoever is still there was not refused
                return packet.conversation
            claimed.add(packet.conversation.client.port)
    return None
