"""A script in a private net: packets that are held and delivered, and clients that somebody else has started."""

from __future__ import annotations

from msgspec.structs import replace

from netsim.model import events as e
from netsim.model.address import Conversation, Transport
from tests.model import wire_bytes
from tests.script import HERE, Script, at, ref, tcp

LISTENER = tcp("LISTEN", 8888, inode=501, send=5)
NC, CURL = 40112, 40116  # the ports of strangers


class Gated(Script):
    """A script in a private net whose gate is closed."""

    def __init__(self) -> None:
        super().__init__()
        started = self.events[0]
        assert isinstance(started, e.LabStarted)
        self.events[0] = replace(started, net="private", gate="nft")
        self._number = 0

    # --- the gate

    def hold(
        self, flags: str, *, sender: str = "client", payload: bytes = b"", client: int = 51324, **numbers: object
    ) -> int:
        """A segment of a conversation stops at the gate; returns its number."""
        self._number += 1
        ends = ((HERE, client), (HERE, 8888)) if sender == "client" else ((HERE, 8888), (HERE, client))
        raw = wire_bytes.tcp(*ends, flags, payload=payload)
        facts = {"number": self._number, "raw": raw, "conversation": talk(client), "sender": sender, **numbers}
        self.add(e.PacketHeld(at=self.now, **facts))
        return self._number

    def hold_datagram(self, payload: bytes, *, client: int) -> int:
        """The same for UDP."""
        self._number += 1
        raw = wire_bytes.udp((HERE, client), (HERE, 8888), payload)
        there = talk(client, "udp")
        self.add(e.PacketHeld(at=self.now, number=self._number, raw=raw, conversation=there, sender="client"))
        return self._number

    def hold_icmp(self, about: int, *, client: int = 40113) -> int:
        """The kernel's message that nobody has the port to which datagram `about` went."""
        self._number += 1
        was = next(packet.raw for packet in self.world.packets if packet.number == about)
        raw = wire_bytes.icmp(HERE, HERE, 3, 3, was)
        there = talk(client, "udp")
        self.add(e.PacketHeld(at=self.now, number=self._number, raw=raw, conversation=there, sender="server"))
        return self._number

    def release(self, number: int) -> None:
        """A held packet is delivered."""
        self.accept("ReleasePacket", "")
        self.add(e.PacketReleased(at=self.now, number=number))

    def drop(self, number: int) -> None:
        """A held packet is thrown away."""
        self.accept("DropPacket", "")
        self.add(e.PacketDropped(at=self.now, number=number))

    # --- who is there

    def listening(self) -> None:
        """Our two programs: the server stands before accept(), the client has its socket."""
        self.open()
        self.call("server", "socket", socket=ref(3, 501))
        self.call("server", "listen", socket=ref(3, 501, 8888))
        self.stop("server", self.line("server", "accept"), s=3)
        self.call("client1", "socket", socket=ref(3, 601))
        self.stop("client1", self.line("client1", ".connect"), s=3)
        self.kernel(LISTENER)

    def connecting(self) -> None:
        """Our client sleeps in connect(), its SYN is held."""
        self.begin("client1", "connect", socket=ref(3, 601))
        self.hold("SYN", seq=0)
        self.kernel(LISTENER, OURS)
        self.sleep("client1", "connect")

    def stranger_calls(self, *others: e.KernelSocket, client: int = NC, inode: int = 900) -> int:
        """A client that is none of ours calls; returns the number of its SYN, which is held."""
        number = self.hold("SYN", seq=0, client=client)
        self.kernel(LISTENER, *others, strangers_end("SYN_SENT", client=client, inode=inode))
        return number

    def named(self, state: str = "SYN_SENT", *, name: str = "nc", pid: int = 41299, client: int = NC) -> None:
        """psutil names the stranger."""
        self.psutil(e.Owner("tcp", at(client), at(8888), state, pid, name))


OURS = tcp("SYN_SENT", 51324, 8888, inode=601, send=1)


def strangers_end(state: e.TcpState, *, client: int = NC, inode: int = 900, **more: int) -> e.KernelSocket:
    """The stranger's end as the kernel lists it."""
    return tcp(state, client, 8888, inode=inode, **more)


def talk(client: int = 51324, transport: Transport = "tcp") -> Conversation:
    """The conversation of whoever calls the server from this port."""
    return Conversation(transport, at(client), at(8888))
