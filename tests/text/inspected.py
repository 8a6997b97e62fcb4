"""A world with the bytes of its packets: a handshake, data, a datagram, an ICMP error, and one that is inferred."""

from __future__ import annotations

from msgspec.structs import replace

from netsim.model.packet import Packet
from netsim.model.world import World
from tests.model import wire_bytes
from tests.model.test_decode import CLIENT, SERVER
from tests.script import ref, tcp
from tests.worlds import build, datagram, packets, program, udp

SYN_OPTIONS = bytes.fromhex("020405b40402080a137c84c60000000001 03030a")
TIMES = bytes.fromhex("0101080a137c84c7137c84c6")
UDP_CLIENT = ("127.0.0.1", 40113)


def world(*, message: bytes = b"Connection received", held: bool = True) -> World:
    """Packets 1 to 4 TCP's, 5 and 6 UDP's; the last of TCP is held."""
    tcp_packets = packets("> SYN seq=0", "< SYN-ACK seq=0 ack=1", "> ACK ack=1", "< 19 bytes seq=1 ack=1 held")
    bytes_ = [
        wire_bytes.tcp(CLIENT, SERVER, "SYN", seq=999, window=64240, options=SYN_OPTIONS),
        wire_bytes.tcp(SERVER, CLIENT, "SYN ACK", seq=4999, ack=1000, window=65160, options=SYN_OPTIONS),
        wire_bytes.tcp(CLIENT, SERVER, "ACK", seq=1000, ack=5000, window=63, options=TIMES),
        wire_bytes.tcp(SERVER, CLIENT, "PSH ACK", seq=5000, ack=1000, window=64, options=TIMES, payload=message),
    ]
    found = [replace(each, raw=raw) for each, raw in zip(tcp_packets, bytes_, strict=True)]
    found[-1] = replace(found[-1], length=len(message), data=message, fate="held" if held else "delivered")
    one = wire_bytes.udp(UDP_CLIENT, SERVER, message)
    found.append(replace(datagram(">", message, number=5), raw=one, length=len(message)))
    error = wire_bytes.icmp("127.0.0.1", "127.0.0.1", 3, 3, one)
    found.append(replace(datagram("<", b"", number=6), raw=error, icmp="port unreachable"))
    return build(
        program("server", sockets=(ref(3, 40, 8888), ref(4, 44, 8888, 51324))),
        program("client1", sockets=(ref(3, 51, 51324, 8888),)),
        program("udpserver", sockets=(ref(3, 60, 8888, transport="udp"),)),
        program("udpclient1", sockets=(ref(3, 61, 40113, transport="udp"),)),
        kernel=(
            tcp("LISTEN", 8888, inode=40),
            tcp("ESTABLISHED", 8888, 51324, inode=44),
            tcp("ESTABLISHED", 51324, 8888, inode=51),
            udp(8888, inode=60),
            udp(40113, inode=61),
        ),
        packets=tuple(found),
        gate="closed",
    )


def numbered(there: World, number: int) -> Packet:
    return there.packets[number - 1]
