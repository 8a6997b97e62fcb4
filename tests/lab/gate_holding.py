"""Scenarios: held at the gate, and delivered one by one."""

from __future__ import annotations

import errno
import select
import socket
from contextlib import suppress

from netsim.lab.gate import Release, ReleaseAll
from netsim.model.happenings import CopyCounted, Held
from netsim.model.wire import Segment
from tests.lab.gate_lab import PORT, V4, V6, Lab, call, connect, scenario, states, told


def handshake(host: str) -> None:
    lab = Lab()
    pair = call(host)
    syn = lab.held()
    assert (syn.sender, syn.seq, syn.ack) == ("client", 0, None)
    assert states() == "client SYN_SENT, server LISTEN"
    lab.obey(Release(syn.number))
    answer = lab.held()
    assert (answer.sender, answer.seq, answer.ack) == ("server", 0, 1)
    assert states() == "client SYN_SENT, server LISTEN, server SYN_RECV"
    lab.obey(Release(answer.number))
    ack = lab.held()
    assert (ack.sender, ack.seq, ack.ack) == ("client", 1, 1)
    assert states() == "client ESTABLISHED, server LISTEN, server SYN_RECV"
    assert not select.select([pair.listener], [], [], 0)[0]
    lab.obey(Release(ack.number))
    assert states() == "client ESTABLISHED, server ESTABLISHED, server LISTEN"  # and nobody has accepted it
    assert select.select([pair.listener], [], [], 0)[0]
    accepted = pair.accept()  # no packet comes of it
    assert accepted.getpeername() == pair.client.getsockname()
    assert [told(each) for each in lab.told if not isinstance(each, CopyCounted)] == [  # a copy: it took a second
        "Held 1 SYN client seq=0 len=0", "Released(number=1)",
        "Held 2 ACK+SYN server seq=0 len=0", "Released(number=2)",
        "Held 3 ACK client seq=1 len=0", "Released(number=3)",
    ]  # fmt: skip
    assert lab.gate.losses() == (0, 0)


@scenario
def handshake_ipv4() -> None:
    handshake(V4)


@scenario
def handshake_ipv6() -> None:
    handshake(V6)


@scenario
def handshake_stepped_slowly() -> None:
    """More than a second a packet: three are shown, and with the counted copies they are all that were on the wire."""
    lab = Lab()
    on_the_wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0003))  # ETH_P_ALL
    pair = call(V4)
    for number in (1, 2, 3):
        assert lab.held().number == number
        copies = lab.count(CopyCounted)
        lab.wait(lambda copies=copies: lab.count(CopyCounted) > copies)  # a timer has fired, after one second or two
        lab.obey(Release(number))
    assert states() == "client ESTABLISHED, server ESTABLISHED, server LISTEN", pair
    reasons = [each.reason for each in lab.told if isinstance(each, CopyCounted)]
    assert lab.count(Held) == 3
    assert {"held", "delivered"} <= set(reasons)
    assert count_arrived(on_the_wire) == 3 + len(reasons)


def count_arrived(tap: socket.socket) -> int:
    """How many packets a packet socket on the loopback has seen come in (it sees each one go out as well)."""
    count, packet_host = 0, 0
    with suppress(BlockingIOError):
        while True:
            _, (_, _, kind, _, _) = tap.recvfrom(64, socket.MSG_DONTWAIT)
            count += kind == packet_host
    return count


@scenario
def reset_held() -> None:
    lab = Lab()
    client = socket.socket()
    client.setblocking(False)
    assert client.connect_ex((V4, PORT)) == errno.EINPROGRESS
    lab.step()
    reset = lab.held()
    assert isinstance(reset.content, Segment)
    assert (reset.content.flags, reset.sender) == ({"RST", "ACK"}, "server")
    assert states() == "client SYN_SENT"
    lab.obey(Release(reset.number))
    assert client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED


@scenario
def both_goodbyes_held() -> None:
    lab = Lab()
    client, server = connect(lab, V4)
    client.close()
    server.close()
    lab.wait(lambda: len(lab.gate.held) == 2)
    assert states() == "client FIN_WAIT1, server FIN_WAIT1"
    first, second = lab.gate.held
    lab.obey(Release(first))
    lab.wait(lambda: len(lab.gate.held) == 2)
    assert states() == "client FIN_WAIT1, server CLOSING"
    lab.obey(Release(max(lab.gate.held)))  # the answer to the first
    assert states() == "client FIN_WAIT2, server CLOSING"
    lab.obey(Release(second))
    lab.wait(lambda: bool(lab.gate.held))
    lab.obey(ReleaseAll())
    assert set(states().split(", ")) == {"client TIME_WAIT", "server TIME_WAIT"}
