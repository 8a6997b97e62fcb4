"""way_of: which socket a packet finds, and why not the others, in worlds made by hand."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from netsim.model import events as e
from netsim.model.address import Address
from netsim.model.way import STEPS, Way, way_of
from netsim.model.world import Endpoint, World
from netsim.story.way import reason, told
from tests.script import Script, ref, tcp
from tests.worlds import build, datagram, packet, program, udp

SERVER = program("server", sockets=(ref(3, 40, 8888), ref(4, 44, 8888, 51324)))
ACCEPTED = tcp("ESTABLISHED", 8888, 51324, inode=44)
WAITING = tcp("ESTABLISHED", 8888, 51338)
LISTENER = tcp("LISTEN", 8888, inode=40)
CLIENTS = (tcp("ESTABLISHED", 51324, 8888, inode=51), tcp("ESTABLISHED", 51338, 8888, inode=52))
UDP_SERVER = program("udpserver", sockets=(ref(3, 60, 8888, transport="udp"),))


def world(*kernel: object, endpoints: tuple[Endpoint, ...] = (SERVER, UDP_SERVER)) -> World:
    return build(*endpoints, kernel=(LISTENER, *kernel, udp(8888, inode=60)))  # type: ignore[arg-type]


def chosen(way: Way) -> list[tuple[str, int, list[tuple[int, int | None]]]]:
    """State, inode, and who has it: PID and file number."""
    return [
        (each.socket.state, each.socket.inode, [(owner.pid, owner.fd) for owner in each.owners]) for each in way.chosen
    ]


def verdicts(way: Way) -> dict[str, str]:
    """By state and peer's port."""
    found = {}
    for each in way.candidates:
        peer = each.socket.remote.port if each.socket.remote else "-"
        found[f"{each.socket.transport} {each.socket.state} {peer}"] = each.verdict
    return found


def test_a_syn_goes_to_the_listener() -> None:
    way = way_of(world(ACCEPTED, *CLIENTS), packet("> SYN seq=0", client=51350, fate="held"))
    assert chosen(way) == [("LISTEN", 40, [(41233, 3)])]
    assert way.end == "process"
    assert verdicts(way) == {
        "tcp LISTEN -": "chosen", "tcp ESTABLISHED 51324": "peer", "tcp ESTABLISHED 8888": "port",
        "udp CLOSE -": "protocol",
    }  # fmt: skip
    assert told(way, "four-tuple").found == "the listener"
    assert "PID 41233" in told(way, "process").found


def test_data_goes_to_the_connection_and_not_to_the_listener() -> None:
    way = way_of(world(ACCEPTED, WAITING, *CLIENTS), packet("> 5 bytes seq=1"))
    assert chosen(way) == [("ESTABLISHED", 44, [(41233, 4)])]
    assert verdicts(way)["tcp LISTEN -"] == "listener"
    assert verdicts(way)["tcp ESTABLISHED 51338"] == "peer"
    assert [len(way.left_after(step)) for step in STEPS] == [6, 5, 3, 1, 1, 1, 1]
    assert "1 other connection" in told(way, "four-tuple").why
    assert told(way, "fd").found == "fd 4 of server"
    assert {told(way, step).says for step in ("socket", "fd", "process")} == {"-"}


def test_to_the_client() -> None:
    client = program("client1", sockets=(ref(3, 51, 51324, 8888),))
    way = way_of(world(ACCEPTED, *CLIENTS, endpoints=(SERVER, client)), packet("< 19 bytes seq=1"))
    assert chosen(way) == [("ESTABLISHED", 51, [(41240, 3)])]


@pytest.mark.parametrize(
    ("kernel", "end", "says"),
    [
        (tcp("SYN_RECV", 8888, 51324), "half open", "half open"),
        (tcp("ESTABLISHED", 8888, 51324), "queue", "accept() will give it to PID 41233"),
        (tcp("FIN_WAIT2", 8888, 51324), "kernel", "any more"),
        (tcp("TIME_WAIT", 8888, 51324, expires_ms=1000), "kernel", "any more"),
        (tcp("ESTABLISHED", 8888, 51324, inode=99), "unknown", "can't be seen"),
    ],
)
def test_a_connection_without_a_process(kernel: object, end: str, says: str) -> None:
    listening = replace(SERVER, sockets=SERVER.sockets[:1])
    way = way_of(world(kernel, endpoints=(listening,)), packet("> ACK ack=1"))
    assert way.end == end
    assert says in told(way, "process").why
    assert "PID 41233" not in told(way, "process").found


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("> SYN seq=0", "ECONNREFUSED"),
        ("> 5 bytes seq=1", "answers with a RST"),
        ("> RST", "never answered"),
    ],
)
def test_nobody_has_the_tcp_port(text: str, says: str) -> None:
    way = way_of(build(UDP_SERVER, kernel=(udp(8888, inode=60),)), packet(text, fate="held"))
    assert (way.end, way.chosen) == ("nobody", ())
    assert says in told(way, "process").why
    assert told(way, "port").found == "nobody"  # UDP's 8888 is another port


def test_a_listener_takes_nothing_but_a_syn() -> None:
    way = way_of(world(), packet("> 5 bytes seq=1"))
    assert (way.end, verdicts(way)["tcp LISTEN -"]) == ("nobody", "no SYN")
    assert "listener takes nothing but a SYN" in told(way, "process").why


def test_a_syn_of_the_past_had_the_listener() -> None:
    way = way_of(world(ACCEPTED, *CLIENTS), packet("> SYN seq=0"))
    assert chosen(way)[0][0] == "LISTEN"
    assert verdicts(way)["tcp ESTABLISHED 51324"] == "newer"
    listening = replace(SERVER, sockets=SERVER.sockets[:1])
    half_open = world(tcp("SYN_RECV", 8888, 51324), endpoints=(listening,))
    again = way_of(half_open, packet("> SYN seq=0", fate="held"))
    assert again.end == "half open"  # a copy finds what the first one has made


def test_a_datagram() -> None:
    way = way_of(world(), datagram(">", b"hi"))
    assert chosen(way) == [("CLOSE", 60, [(41251, 3)])]
    assert told(way, "four-tuple").found == "open to everybody"
    assert told(way, "protocol").says == "17 = UDP"
    nobody = way_of(build(SERVER, kernel=(LISTENER,)), datagram(">", b"hi"))
    assert "port unreachable" in told(nobody, "process").why


def test_a_connected_udp_socket_goes_first() -> None:
    connected = replace(udp(8888, inode=61), remote=Address("127.0.0.1", 40113))
    way = way_of(build(UDP_SERVER, kernel=(udp(8888, inode=60), connected)), datagram(">", b"hi"))
    assert [each.socket.inode for each in way.chosen] == [61]
    other = replace(connected, remote=Address("127.0.0.1", 40999))
    way = way_of(build(UDP_SERVER, kernel=(udp(8888, inode=60), other)), datagram(">", b"hi"))
    assert [each.socket.inode for each in way.chosen] == [60]


def test_an_icmp_error_goes_to_the_socket_that_had_sent() -> None:
    client = program("udpclient1", sockets=(ref(3, 70, 40113, transport="udp"),))
    error = replace(datagram("<", b""), icmp="port unreachable")
    way = way_of(build(client, kernel=(udp(40113, inode=70),)), error)
    assert chosen(way) == [("CLOSE", 70, [(41255, 3)])]
    assert "quotes the UDP packet" in told(way, "protocol").why
    assert "only if it has called connect()" in told(way, "process").why


def test_just_this_address_goes_before_any() -> None:
    everywhere = replace(LISTENER, local=Address("0.0.0.0", 8888), inode=41)
    way = way_of(build(SERVER, kernel=(everywhere, LISTENER)), packet("> SYN seq=0", fate="held"))
    assert [each.socket.inode for each in way.chosen] == [40]
    elsewhere = replace(LISTENER, local=Address("127.0.0.2", 8888), inode=42)
    way = way_of(build(SERVER, kernel=(everywhere, elsewhere)), packet("> SYN seq=0", fate="held"))
    assert [(each.socket.inode, each.verdict) for each in way.candidates] == [(41, "chosen"), (42, "host")]


def test_equal_listeners_and_forked_servers() -> None:
    twin = replace(LISTENER, inode=45)
    way = way_of(build(SERVER, kernel=(LISTENER, twin)), packet("> SYN seq=0", fate="held"))
    assert len(way.chosen) == 2
    assert "SO_REUSEPORT" in told(way, "four-tuple").why
    child = replace(SERVER, who="server.1", pid=41300)
    way = way_of(build(SERVER, child, kernel=(LISTENER, ACCEPTED)), packet("> SYN seq=0", client=5, fate="held"))
    assert [owner.pid for owner in way.chosen[0].owners] == [41233, 41300]
    assert "One port, many PIDs" in told(way, "process").why


def test_with_the_port_covered_every_process_is_possible() -> None:
    client = program("client1", sockets=(ref(3, 51, 51324, 8888),))
    there = world(ACCEPTED, *CLIENTS, endpoints=(SERVER, client, UDP_SERVER))
    way = way_of(there, packet("> SYN seq=0", client=51350, fate="held"), covered=True)
    assert {owner.pid for owner in way.processes} == {41233, 41240}
    assert all(len(way.left_after(step)) == 4 for step in STEPS[1:])
    assert told(way, "process").found == "one of 2 processes"
    assert "Listening: server (PID 41233)." in told(way, "port").why
    assert {reason(each, way) for each in way.candidates} == {"possible", "it is UDP's"}


def test_without_the_kernel_s_list_psutil_s_is_taken() -> None:
    script = Script()
    script.open()
    script.call("server", "socket", socket=ref(3, 40))
    script.add(e.SocketsObserved(at=script.now, sockets=(), complete=False))
    script.psutil(e.Owner("tcp", Address("127.0.0.1", 8888), None, "LISTEN", 41233, "python"))
    way = way_of(script.world, packet("> SYN seq=0", evidence="inferred"))
    assert way.end == "process"
    assert [owner.pid for owner in way.chosen[0].owners] == [41233]
    assert "not known" in told(way, "socket").why


@pytest.mark.parametrize("step", STEPS)
def test_every_step_of_every_way_is_told_in_few_words(step: str) -> None:
    kernel = (ACCEPTED, WAITING, *CLIENTS)
    ways = [
        way_of(world(*kernel), each, covered=covered)
        for each in (packet("> SYN seq=0", fate="held"), packet("> 5 bytes seq=1", fate="lost"), packet("< RST"),
                     datagram(">", b"hi"), datagram("<", b"hi"))
        for covered in (False, True)
    ]  # fmt: skip
    for way in ways:
        line = told(way, step)  # type: ignore[arg-type]
        assert line.found
        assert len(line.says) <= 17
        assert line.why.endswith((".", "?"))
        assert len(line.why) <= 3 * 76
