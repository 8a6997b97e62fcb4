"""What space does next, moment by moment: the rules of the director on hand-made worlds."""

from __future__ import annotations

import pytest

from netsim.model import events as e
from netsim.model.commands import StartEndpoint, Step
from netsim.story.director import next_action
from tests.script import Script, at, ref, tcp

LISTENER = tcp("LISTEN", 8888, inode=501, send=5)


@pytest.fixture
def script() -> Script:
    """Two programs, each before its first call."""
    script = Script()
    script.open()
    return script


def label(script: Script) -> str:
    return next_action(script.world).label


def listen(script: Script) -> None:
    """The server's four calls, one step each."""
    for name, next_line in (
        ("socket", "setsockopt"),
        ("setsockopt", ".bind"),
        ("bind", ".listen"),
        ("listen", "accept"),
    ):
        script.call("server", name, socket=ref(3, 501, 8888 if name in ("bind", "listen") else None))
        if name == "listen":
            script.kernel(LISTENER)
        script.stop("server", script.line("server", next_line), s=3)


def connect(script: Script) -> None:
    """The client's two calls; on the ordinary loopback the handshake is done when connect() returns."""
    script.call("client1", "socket", socket=ref(3, 601))
    script.stop("client1", script.line("client1", "connect"), s=3)
    script.call("client1", "connect", socket=ref(3, 601, 51324, 8888))
    script.kernel(
        tcp("LISTEN", 8888, inode=501, send=5, receive=1),
        tcp("ESTABLISHED", 8888, 51324),
        tcp("ESTABLISHED", 51324, 8888, inode=601),
    )
    script.stop("client1", script.line("client1", "recv"), s=3)


def accept(script: Script) -> None:
    script.call("server", "accept", socket=ref(3, 501, 8888), accepted=ref(4, 777, 8888, 51324))
    script.kernel(LISTENER, tcp("ESTABLISHED", 8888, 51324, inode=777), tcp("ESTABLISHED", 51324, 8888, inode=601))
    script.stop("server", script.line("server", "conn.send"), s=3, conn=4)


class TestTheFirstSteps:
    def test_the_server_goes_first(self, script: Script) -> None:
        action = next_action(script.world)
        assert (action.who, action.label) == ("server", "server: ask the kernel for a socket")
        assert action.commands == (Step(who="server"),)
        assert action.cap == "SPACE"

    def test_the_server_claims_its_port_call_by_call(self, script: Script) -> None:
        script.call("server", "socket", socket=ref(3, 501))
        script.stop("server", script.line("server", "setsockopt"), s=3)
        assert label(script) == "server: allow the port to be bound again soon (SO_REUSEADDR)"
        script.call("server", "setsockopt", socket=ref(3, 501))
        script.stop("server", script.line("server", ".bind"), s=3)
        assert label(script) == "server: bind() claims port 8888"

    def test_the_server_is_left_before_accept_and_the_client_moves(self, script: Script) -> None:
        listen(script)
        assert label(script) == "client: ask the kernel for a socket"

    def test_who_moved_last_moves_on(self, script: Script) -> None:
        script.call("client1", "socket", socket=ref(3, 601))
        script.stop("client1", script.line("client1", "connect"), s=3)
        assert label(script) == "client: connect() calls port 8888"


class TestWhatWaitsComesFirst:
    def test_a_connection_in_the_queue_is_accepted(self, script: Script) -> None:
        listen(script)
        connect(script)
        script.ready("server", 3)
        assert label(script) == "server: accept() takes the connection, :51324"

    def test_bytes_are_read_before_anything_else_moves(self, script: Script) -> None:
        listen(script)
        connect(script)
        accept(script)
        script.call("server", "send", socket=ref(4, 777, 8888, 51324), size=19)
        script.kernel(
            LISTENER,
            tcp("ESTABLISHED", 8888, 51324, inode=777),
            tcp("ESTABLISHED", 51324, 8888, inode=601, receive=19),
        )
        script.stop("server", script.line("server", "conn.recv"), s=3, conn=4)
        script.ready("client1", 3)
        assert label(script) == "client: recv() takes the 19 bytes from the kernel"

    def test_the_end_of_the_stream_waits_too(self, script: Script) -> None:
        listen(script)
        connect(script)
        accept(script)
        script.stop("server", script.line("server", "conn.recv"), s=3, conn=4)
        script.kernel(LISTENER, tcp("CLOSE_WAIT", 8888, 51324, inode=777, receive=1), tcp("FIN_WAIT2", 51324, 8888))
        script.ready("server", 4)
        assert label(script) == "server: recv() finds the end: the other side has closed"

    def test_the_conversation_in_focus_comes_first_then_who_has_waited_longest(self, script: Script) -> None:
        script.start("client2")
        script.start("client3")
        for who, fd in (("client3", 3), ("client2", 3), ("client1", 3)):
            script.stop(who, script.line(who, "recv"), s=3)
            script.ready(who, fd)
        script.add(e.FocusMoved(at=script.now, who="client2"))
        assert next_action(script.world).who == "client2"
        script.stop("client2", script.line("client2", "recv"), s=3)
        assert next_action(script.world).who == "client3"


class TestOnlyCallsThatSleep:
    def test_the_server_sleeps_first(self, script: Script) -> None:
        listen(script)
        script.exit("client1")
        action = next_action(script.world)
        assert action.label == "server: accept(); nobody waits in the queue, so it will sleep"

    def test_then_udp_begins(self, script: Script) -> None:
        listen(script)
        script.exit("client1")
        script.begin("server", "accept")
        script.sleep("server")
        action = next_action(script.world)
        assert action.label.startswith("UDP: start a server and a client")
        assert [command.who for command in action.commands if isinstance(command, StartEndpoint)] == [
            "udpserver", "udpclient1",
        ]  # fmt: skip

    def test_the_end_offers_to_begin_again(self, script: Script) -> None:
        script.start("udpserver")
        script.start("udpclient1")
        for who in ("server", "client1", "udpserver", "udpclient1"):
            script.exit(who)
        action = next_action(script.world)
        assert action.begin_again
        assert not action.commands


class TestArming:
    def test_the_same_world_gives_the_same_id(self, script: Script) -> None:
        assert next_action(script.world).id == next_action(script.world).id

    def test_a_call_that_would_no_longer_sleep_is_another_action(self, script: Script) -> None:
        listen(script)
        script.exit("client1")
        before = next_action(script.world)
        script.ready("server", 3)
        assert next_action(script.world).id != before.id

    def test_nothing_can_be_done_in_a_lab_that_is_gone(self, script: Script) -> None:
        script.add(e.LabEnded(at=script.now, reason="its host was ended by signal 9"))
        action = next_action(script.world)
        assert (action.cap, action.commands) == ("", ())
        assert "b begins again" in action.label


def test_udp_is_taken_datagram_by_datagram(script: Script) -> None:
    script.start("udpserver")
    script.start("udpclient1")
    script.call("udpserver", "socket", socket=ref(3, 801, transport="udp"))
    script.stop("udpserver", script.line("udpserver", ".bind"), s=3)
    script.call("udpserver", "bind", socket=ref(3, 801, 8888, transport="udp"))
    script.stop("udpserver", script.line("udpserver", "recvfrom"), s=3)
    script.call("udpclient1", "socket", socket=ref(3, 802, transport="udp"))
    script.stop("udpclient1", script.line("udpclient1", "sendto"), s=3)
    assert label(script) == "udp client: sendto() sends one datagram to port 8888"
    script.call("udpclient1", "sendto", socket=ref(3, 802, 40113, transport="udp"), size=5, peer=at(8888))
    script.stop("udpclient1", script.line("udpclient1", "close"), s=3)
    script.ready("udpserver", 3)
    assert label(script) == "udp server: recvfrom() takes the datagram from the kernel"
