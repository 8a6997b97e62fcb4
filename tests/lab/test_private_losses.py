"""What is lost at the gate or late: TCP sends again, UDP does not, and an error that is held is not known yet."""

from __future__ import annotations

from pathlib import Path

import pytest

from netsim.model.commands import CloseGate, OpenGate
from netsim.model.events import (
    CallReturned,
    CallSlept,
    CommandAccepted,
    CopyCounted,
    PacketSeen,
    ProgramStopped,
    SocketsObserved,
)
from tests.lab.hostkit import changed_lab
from tests.lab.netkit import PORT, NetLab, by_proc, what

pytestmark = [pytest.mark.usefixtures("no_leaks"), pytest.mark.needs_namespaces]


def test_a_lost_syn_comes_back_as_what_it_is() -> None:
    with NetLab() as lab:
        lab.listen()
        lab.begin_connect()
        lab.held()
        lab.drop(1)
        copy = lab.held()
        assert (copy.number, what(copy), copy.seq, copy.repeats, copy.copy_of) == (2, "SYN", 0, True, 1)
        lab.wait(CopyCounted, number=2, reason="held")  # two seconds later
        lab.drop(2)  # a copy lies under it: that is held next, at once
        waiting = lab.held()
        assert (waiting.number, waiting.repeats, waiting.copy_of, waiting.was_waiting) == (3, True, 2, True)
        lab.release(3)
        lab.pass_on()
        lab.pass_on()
        lab.expect("client ESTABLISHED", "server ESTABLISHED", "server LISTEN")


def test_lost_data_and_a_lost_fin_come_back() -> None:
    with NetLab() as lab:
        pid = lab.connect()
        lab.run_line("client1", "s.send(b'hello')")
        ordered = next(each for each in reversed(lab.seen) if isinstance(each, CommandAccepted))  # it is sent later
        data = lab.held()
        lab.drop(data.number)
        lab.wait(SocketsObserved, lambda event: any(each.timer for each in event.sockets))
        assert [each.send_queue for each in lab.sockets.sockets if each.timer] == [5]  # type: ignore[union-attr]
        copy = lab.held()
        assert (what(copy), copy.repeats, copy.copy_of, copy.raw[-5:]) == ("ACK+PSH", True, data.number, b"hello")
        assert 2.5 < copy.at - ordered.at < 20  # what the calm timers make of it, and when it was looked at
        lab.release(copy.number)
        lab.wait(SocketsObserved, lambda event: any(each.receive_queue == 5 for each in event.sockets))
        lab.pass_on()  # the ACK
        lab.run_line("client1", "s.close()")
        fin = lab.held()
        assert "FIN" in what(fin)
        lab.drop(fin.number)
        lab.expect("client FIN_WAIT1", "server ESTABLISHED", "server LISTEN")
        copy = lab.held()
        assert (what(copy), copy.repeats, copy.copy_of) == (what(fin), True, fin.number)
        lab.release(copy.number)
        lab.pass_on()
        lab.expect("client FIN_WAIT2", "server CLOSE_WAIT", "server LISTEN")
        assert by_proc(pid) == lab.told_states


def test_a_lost_datagram_is_lost_for_good() -> None:
    with NetLab() as lab:
        lab.begin("udpserver")
        lab.step_past("udpserver", "bind")
        lab.step_into_sleep("udpserver")
        lab.begin("udpclient1")
        assert lab.step_past("udpclient1", "sendto").result == "5"
        lab.drop(lab.held().number)
        lab.run_line("udpclient1", "s.sendto(b'again', ('127.0.0.1', 8888))")
        again = lab.held()
        assert (what(again), again.sender, again.repeats, again.raw[-5:]) == ("Datagram", "client", False, b"again")
        assert not lab.has_returned("udpserver", "recvfrom")
        lab.release(2)
        returned = lab.wait(CallReturned, who="udpserver")
        assert (returned.name, returned.data) == ("recvfrom", b"again")
        assert [each.number for each in lab.all_held] == [1, 2]


def test_an_icmp_error_is_known_when_it_is_delivered() -> None:
    """Nobody has the port: port unreachable. Until that message is there, a connected UDP socket knows nothing."""
    with NetLab() as lab:
        lab.begin("udpclient1")
        lab.step_past("udpclient1", "socket")
        lab.run_line("udpclient1", "s.connect(('127.0.0.1', 8888))")
        assert lab.run_line("udpclient1", "s.send(b'one')").error is None
        sent = lab.pass_on()
        unreachable = lab.held()
        assert (what(unreachable), unreachable.sender) == ("ICMP 3/3", "server")
        assert unreachable.conversation == sent.conversation
        assert lab.run_line("udpclient1", "s.send(b'two')").error is None
        lab.release(unreachable.number)
        error = lab.run_line("udpclient1", "s.send(b'three')").error
        assert error is not None
        assert error.name == "ECONNREFUSED"
        assert lab.run_line("udpclient1", "s.send(b'four')").error is None  # told once


def test_a_held_reset_is_not_known_yet() -> None:
    with NetLab() as lab:
        lab.begin_connect()
        lab.pass_on()
        reset = lab.held()
        assert (what(reset), reset.sender) == ("ACK+RST", "server")
        asleep = lab.slept()
        assert asleep.syscall == "connect"
        assert by_proc(asleep.pid) == ["client SYN_SENT"]
        assert not lab.has_returned("client1", "connect")
        lab.release(reset.number)
        error = lab.wait(CallReturned, who="client1").error
        assert error is not None
        assert error.name == "ECONNREFUSED"
        assert by_proc(asleep.pid) == []


def test_both_goodbyes_held() -> None:
    """FIN_WAIT1 on both ends; then CLOSING, FIN_WAIT2, TIME_WAIT."""
    with NetLab() as lab:
        pid = lab.connect()
        lab.run_line("client1", "s.close()")
        lab.run_line("server", "conn.close()")
        first, second = lab.held().number, lab.held().number
        lab.expect("client FIN_WAIT1", "server FIN_WAIT1", "server LISTEN")
        lab.release(first)
        lab.expect("client FIN_WAIT1", "server CLOSING", "server LISTEN")
        answer = lab.held()
        assert (what(answer), answer.sender) == ("ACK", "server")
        lab.release(answer.number)
        lab.expect("client FIN_WAIT2", "server CLOSING", "server LISTEN")
        assert by_proc(pid) == lab.told_states
        lab.release(second)
        lab.expect("client TIME_WAIT", "server CLOSING", "server LISTEN")
        lab.pass_on()
        lab.expect("client TIME_WAIT", "server LISTEN", "server TIME_WAIT")
        assert by_proc(pid) == lab.told_states


def test_a_full_accept_queue_lets_nobody_in() -> None:
    """A limit of 0 lets one wait. The next one's SYN reaches the server's kernel and is ignored, not refused."""
    with NetLab() as lab:
        lab.begin("server")
        lab.step_past("server", "bind")
        lab.run_line("server", "s.listen(0)")
        lab.order(OpenGate())
        lab.begin_connect("client1")
        lab.wait(ProgramStopped, who="client1")
        lab.begin_connect("client2")
        lab.wait(CallSlept, who="client2")
        lab.expect("client ESTABLISHED", "client SYN_SENT", "server ESTABLISHED", "server LISTEN")
        listener = lab.row("LISTEN")
        assert (listener.receive_queue, listener.send_queue) == (1, 0)
        again = lab.wait(PacketSeen, repeats=True)  # a second later
        assert (what(again), again.sender) == ("SYN", "client")
        assert not lab.has_returned("client2", "connect")
        lab.run_line("server", "conn, addr = s.accept()")
        lab.wait(ProgramStopped, who="client2")  # its next SYN gets in
        assert lab.has_returned("client2", "connect")
        lab.order(CloseGate())


IMPATIENT = "from netsim.lab import calm\ncalm._ALWAYS = (*calm._ALWAYS, ('net.ipv4.tcp_syn_retries', 1))"


def test_who_waits_too_long_gives_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one repetition instead of 127: ETIMEDOUT, and what is delivered after that is answered with a reset."""
    client = changed_lab(IMPATIENT, PORT, tmp_path, monkeypatch, endpoint=None, net="private")
    with NetLab(client=client) as lab:
        lab.listen()
        lab.begin_connect()
        ordered = lab.wait(CommandAccepted, who="client1")  # it is sent later
        syn = lab.held()
        returned = lab.wait(CallReturned, who="client1")
        assert returned.error is not None
        assert returned.error.name == "ETIMEDOUT"
        assert 2.5 < returned.at - ordered.at < 20
        lab.release(syn.number)
        assert what(lab.pass_on()) == "ACK+SYN"
        reset = lab.held()
        assert (what(reset), reset.sender) == ("RST", "client")
        lab.expect("server LISTEN", "server SYN_RECV")
        lab.release(reset.number)
        lab.expect("server LISTEN")
