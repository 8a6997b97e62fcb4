"""The why line: what it says at each moment of the story, always true to the world and never too long."""

from __future__ import annotations

import pytest

from netsim.model import events as e
from netsim.story import errors
from netsim.story.errors import explain
from netsim.story.narrator import WIDTH, narrate
from tests.script import Script, at, ref, tcp

LISTENER = tcp("LISTEN", 8888, inode=501, send=5)


@pytest.fixture
def script() -> Script:
    script = Script()
    script.open()
    return script


def test_at_the_start_there_are_two_pids_and_no_way_to_talk(script: Script) -> None:
    assert narrate(script.world) == "Two programs, two PIDs, and no way to talk yet. Press space to begin."


class TestTheServersFirstCalls:
    def test_socket(self, script: Script) -> None:
        script.call("server", "socket", socket=ref(3, 501))
        assert narrate(script.world) == "socket(): the kernel made an endpoint. To the program it is file number 3."

    def test_bind(self, script: Script) -> None:
        script.call("server", "bind", socket=ref(3, 501, 8888))
        assert narrate(script.world) == "bind(): port 8888 is claimed. Clients could know this number beforehand."

    def test_listen(self, script: Script) -> None:
        script.call("server", "listen", socket=ref(3, 501, 8888))
        assert narrate(script.world) == "listen(): from now on the kernel may take calls for 8888, even unattended."

    def test_listen_of_a_restarted_server_tells_what_changed_and_what_did_not(self, script: Script) -> None:
        script.exit("server", -9)
        script.start("server", pid=41302)
        script.call("server", "listen", socket=ref(3, 555, 8888))
        assert narrate(script.world) == "Started again: PID 41302, was 41233. The port is the same, 8888."


class TestTheConnection:
    def connected(self, script: Script, *others: e.KernelSocket) -> None:
        script.call("server", "listen", socket=ref(3, 501, 8888))
        script.call("client1", "connect", socket=ref(3, 601, 51324, 8888))
        script.kernel(
            tcp("LISTEN", 8888, inode=501, send=5, receive=1 + len(others)),
            tcp("ESTABLISHED", 8888, 51324),
            tcp("ESTABLISHED", 51324, 8888, inode=601),
            *others,
        )

    def test_nobody_has_accepted_it(self, script: Script) -> None:
        self.connected(script)
        assert narrate(script.world) == (
            "Connected, by the kernel alone. The server's end has no PID: no one accepted."
        )

    def test_nor_any_of_three(self, script: Script) -> None:
        self.connected(script, tcp("ESTABLISHED", 8888, 51338), tcp("ESTABLISHED", 8888, 51350))
        assert narrate(script.world) == ("3 connections on one port, and no process holds any of the server's ends.")

    def test_where_the_queue_is_full_the_kernel_says_nothing(self, script: Script) -> None:
        script.call("server", "listen", socket=ref(3, 501, 8888))
        script.kernel(tcp("LISTEN", 8888, inode=501, send=1, receive=2))
        script.begin("client1", "connect")
        script.sleep("client1")
        assert narrate(script.world) == "The queue is full (2 wait, backlog 1): the kernel ignores this SYN."

    def test_accept_moves_nothing_on_the_wire(self, script: Script) -> None:
        self.connected(script)
        script.call("server", "accept", socket=ref(3, 501, 8888), accepted=ref(4, 777, 8888, 51324))
        assert narrate(script.world) == "accept() sent nothing. It took a waiting connection: fd 4, still port 8888."

    def test_refused(self, script: Script) -> None:
        script.call("client1", "connect", socket=ref(3, 601), error="ECONNREFUSED")
        assert narrate(script.world) == "Refused: nobody listens on port 8888. The kernel answered RST at once."


def test_a_rebind_is_refused_for_what_an_old_connection_left(script: Script) -> None:
    script.kernel(tcp("TIME_WAIT", 8888, 51324, expires_ms=54_000))
    script.call("server", "bind", socket=ref(3, 501), error="EADDRINUSE")
    assert narrate(script.world) == "Port 8888 is in TIME_WAIT: without SO_REUSEADDR nobody may bind it again yet."
    script.kernel(LISTENER)
    assert narrate(script.world) == "Port 8888 is another program's. q, then take another: netsim --port 8889"
    script.call("server", "socket", socket=ref(3, 501))
    script.start("server2", pid=41299)
    script.call("server2", "bind", socket=ref(3, 502), error="EADDRINUSE")


class TestData:
    def test_what_was_sent_waits_unread(self, script: Script) -> None:
        script.call("client1", "connect", socket=ref(3, 601, 51324, 8888))
        script.call("server", "send", socket=ref(4, 777, 8888, 51324), size=19, result="19")
        script.kernel(LISTENER, tcp("ESTABLISHED", 51324, 8888, inode=601, receive=19))
        assert narrate(script.world) == "send() returned 19: the kernel took 19 bytes. The client has not read them."

    def test_reading_needs_no_packet(self, script: Script) -> None:
        script.call("client1", "recv", socket=ref(3, 601, 51324, 8888), size=19)
        assert narrate(script.world) == "recv() took the 19 bytes from the kernel. No packet was needed."

    def test_the_end_of_the_stream_is_no_message(self, script: Script) -> None:
        script.call("server", "recv", socket=ref(4, 777, 8888, 51324), size=0)
        assert narrate(script.world) == "recv() returned b'': not an empty message, but the end of the stream."

    def test_udp_tells_the_sender_nothing(self, script: Script) -> None:
        script.start("udpclient1")
        script.call("udpclient1", "sendto", socket=ref(3, 802, 40113, transport="udp"), size=5, peer=at(8888))
        assert narrate(script.world) == ("UDP: one packet, no handshake, no ACK. Nothing tells the sender it arrived.")


class TestGoodbyes:
    def test_the_first_to_close(self, script: Script) -> None:
        script.call("client1", "close", socket=ref(3, 601, 51324, 8888))
        script.kernel(tcp("FIN_WAIT2", 51324, 8888), tcp("CLOSE_WAIT", 8888, 51324, inode=777, receive=1))
        assert narrate(script.world) == "close(): fd 3 is gone at once. The kernel says goodbye alone, with a FIN."

    def test_the_second_to_close(self, script: Script) -> None:
        script.call("server", "close", socket=ref(4, 777, 8888, 51324))
        script.kernel(LISTENER, tcp("TIME_WAIT", 51324, 8888))
        assert narrate(script.world) == (
            "Both closed. The side that closed first keeps its port in TIME_WAIT for 60 s."
        )

    def test_a_killed_process_of_several_is_named_by_its_number(self, script: Script) -> None:
        script.start("client2")
        script.accept("Kill", "client1")
        script.exit("client1", -9)
        assert narrate(script.world) == "Client 1 (PID 41240) was killed: the kernel closes its sockets for it."

    def test_a_killed_process_is_named(self, script: Script) -> None:
        script.accept("Kill", "server")
        script.exit("server", -9)
        assert narrate(script.world) == "The server (PID 41233) was killed: the kernel closes its sockets for it."


class TestSleep:
    @pytest.mark.parametrize(
        ("who", "call", "said"),
        [
            ("server", "accept", "The server sleeps in accept(): the kernel wakes it when somebody connects."),
            ("client1", "connect", "The client sleeps in connect(): the kernel waits for an answer to its SYN."),
            ("client1", "recv", "The client sleeps in recv(): the kernel wakes it when bytes come."),
        ],
    )
    def test_who_sleeps_and_what_wakes_it(self, script: Script, who: str, call: str, said: str) -> None:
        script.begin(who, call)
        script.sleep(who)
        assert narrate(script.world) == said


def test_what_the_lab_refuses_is_said_in_its_own_words(script: Script) -> None:
    script.add(e.CommandRefused(at=script.now, id=9, kind="Step", who="server", why="The server sleeps in accept()."))
    assert narrate(script.world) == "The server sleeps in accept()."


def test_a_lab_that_is_gone_is_said_first(script: Script) -> None:
    script.add(e.LabEnded(at=script.now, reason="it was ended by signal 9."))
    assert narrate(script.world) == "The lab has ended: it was ended by signal 9."


@pytest.mark.parametrize("sentence", [*errors._BY_ERRNO.values(), *errors._BY_TYPE.values()])
def test_every_explanation_fits_the_line_even_with_the_longest_port(sentence: str) -> None:
    assert 0 < len(sentence.format(port=65535)) <= WIDTH


def test_an_error_that_nobody_foresaw_is_shown_as_python_shows_it() -> None:
    assert explain(e.CallError("OSError", 71, "EPROTO", "[Errno 71] Protocol error"), "send", 8888) == (
        "OSError: [Errno 71] Protocol error"
    )
