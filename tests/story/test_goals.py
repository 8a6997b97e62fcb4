"""What c, s, x, u and r do from where the world is: the next command, and when it is the last."""

from __future__ import annotations

import pytest

from netsim.model import events as e
from netsim.model.commands import Kill, RunExtraLine, StartEndpoint, Step
from netsim.model.world import World
from netsim.story import goals
from netsim.story.goals import Do, Reached, Stuck, Wait
from netsim.story.towards import advance
from tests.script import Script, ref, tcp


@pytest.fixture
def script() -> Script:
    script = Script()
    script.open()
    return script


def listening(script: Script) -> None:
    """The server is before accept(), the client before connect()."""
    script.call("server", "socket", socket=ref(3, 501))
    script.call("server", "listen", socket=ref(3, 501, 8888))
    script.kernel(tcp("LISTEN", 8888, inode=501, send=5))
    script.stop("server", script.line("server", "accept"), s=3)


def connected(script: Script) -> None:
    """Accepted and greeted: the server reads, the client has 19 bytes to read."""
    listening(script)
    script.call("client1", "socket", socket=ref(3, 601))
    script.stop("client1", script.line("client1", ".connect"), s=3)
    script.call("client1", "connect", socket=ref(3, 601, 51324, 8888))
    script.stop("client1", script.line("client1", ".recv"), s=3)
    script.call("server", "accept", socket=ref(3, 501, 8888), accepted=ref(4, 777, 8888, 51324))
    script.stop("server", script.line("server", "conn.recv"), s=3, conn=4)


def ask(world: World, goal: goals.Goal) -> goals.Advance:
    return advance(world, goal)


class TestConnect:
    def test_from_cold_the_server_is_brought_to_accept_first(self, script: Script) -> None:
        goal = goals.connect(script.world)
        assert ask(script.world, goal) == Do(Step(who="server"))
        listening(script)
        assert ask(script.world, goal) == Do(Step(who="client1"))

    def test_its_last_step_is_the_connect_itself(self, script: Script) -> None:
        listening(script)
        script.stop("client1", script.line("client1", ".connect"), s=3)
        assert ask(script.world, goals.connect(script.world)) == Do(Step(who="client1"), final=True)

    def test_it_waits_while_a_program_runs(self, script: Script) -> None:
        script.begin("server", "socket")
        assert ask(script.world, goals.connect(script.world)) == Wait()

    def test_a_server_that_has_ended_is_not_started_for_it(self, script: Script) -> None:
        script.exit("server", -9)
        script.stop("client1", script.line("client1", ".connect"), s=3)
        assert ask(script.world, goals.connect(script.world)) == Do(Step(who="client1"), final=True)

    def test_an_ended_client_is_started_again(self, script: Script) -> None:
        listening(script)
        script.exit("client1")
        step = ask(script.world, goals.connect(script.world))
        assert step == Do(StartEndpoint(who="client1", program="tcp_client.py", role="client", transport="tcp"))

    def test_one_that_connects_already_is_helped_to_the_end(self, script: Script) -> None:
        listening(script)
        script.stop("client1", script.line("client1", ".connect"), s=3)
        script.begin("client1", "connect", socket=ref(3, 601))
        script.sleep("client1", "connect")
        goal = goals.connect(script.world)
        assert goal == goals.Finish("client1", 1)
        script.come_back("client1", "connect", socket=ref(3, 601, 51324, 8888))
        script.stop("client1", script.line("client1", ".recv"), s=3)
        assert ask(script.world, goal) == Reached()

    def test_a_second_connect_on_one_socket_is_an_extra_line(self, script: Script) -> None:
        connected(script)
        step = ask(script.world, goals.connect(script.world))
        assert step == Do(RunExtraLine(who="client1", source="s.connect(('127.0.0.1', 8888))"), final=True)


class TestSend:
    def test_what_comes_first_in_the_program_runs_first(self, script: Script) -> None:
        connected(script)
        script.ready("client1", 3)
        assert ask(script.world, goals.send(script.world, "hi")) == Do(Step(who="client1"))

    def test_from_cold_the_server_listens_before_the_client_connects(self, script: Script) -> None:
        script.stop("client1", script.line("client1", ".connect"), s=3)
        assert ask(script.world, goals.send(script.world, "hi")) == Do(Step(who="server"))
        listening(script)
        assert ask(script.world, goals.send(script.world, "hi")) == Do(Step(who="client1"))

    def test_the_programs_own_send_gets_the_text(self, script: Script) -> None:
        connected(script)
        script.stop("client1", script.line("client1", ".send"), s=3)
        step = ask(script.world, goals.send(script.world, "hi"))
        assert step == Do(Step(who="client1", message="hi"), final=True)

    def test_after_it_one_extra_line_is_run(self, script: Script) -> None:
        connected(script)
        script.stop("client1", script.line("client1", ".close"), s=3)
        step = ask(script.world, goals.send(script.world, "more"))
        assert step == Do(RunExtraLine(who="client1", source="s.send(b'more')"), final=True)

    def test_the_other_side_moves_where_the_client_would_sleep(self, script: Script) -> None:
        connected(script)
        script.stop("server", script.line("server", "conn.send"), s=3, conn=4)
        assert ask(script.world, goals.send(script.world, "hi")) == Do(Step(who="server"))

    def test_what_the_kernel_has_is_waited_for_until_the_program_knows_it(self, script: Script) -> None:
        connected(script)
        goal = goals.send(script.world, "hi")
        assert isinstance(ask(script.world, goal), Stuck)
        script.kernel(tcp("ESTABLISHED", 51324, 8888, inode=601, receive=19))
        assert ask(script.world, goal) == Wait()
        script.ready("client1", 3)
        assert ask(script.world, goal) == Do(Step(who="client1"))

    def test_so_is_what_it_has_for_the_other_side(self, script: Script) -> None:
        listening(script)
        script.call("client1", "socket", socket=ref(3, 601))
        script.stop("client1", script.line("client1", ".connect"), s=3)
        script.call("client1", "connect", socket=ref(3, 601, 51324, 8888))
        script.stop("client1", script.line("client1", ".recv"), s=3)
        goal = goals.send(script.world, "hi")
        assert isinstance(ask(script.world, goal), Stuck)
        script.kernel(tcp("LISTEN", 8888, inode=501, send=5, receive=1))
        assert ask(script.world, goal) == Wait()
        script.ready("server", 3)
        assert ask(script.world, goal) == Do(Step(who="server"))

    def test_who_sleeps_and_is_about_to_wake_is_waited_for(self, script: Script) -> None:
        connected(script)
        script.begin("client1", "recv", socket=ref(3, 601, 51324, 8888))
        script.sleep("client1")
        goal = goals.send(script.world, "hi")
        assert isinstance(ask(script.world, goal), Stuck)
        script.kernel(tcp("ESTABLISHED", 51324, 8888, inode=601, receive=19))
        assert ask(script.world, goal) == Wait()

    def test_the_server_sends_on_the_connection_not_on_the_listener(self, script: Script) -> None:
        connected(script)
        script.add(e.FocusMoved(at=script.now, who="server"))
        step = ask(script.world, goals.send(script.world, "hi"))
        assert step == Do(RunExtraLine(who="server", source="conn.send(b'hi')"), final=True)

    def test_a_sleeping_program_takes_no_line_and_says_what_would_wake_it(self, script: Script) -> None:
        listening(script)
        script.exit("client1")
        script.begin("server", "accept")
        script.sleep("server")
        script.add(e.FocusMoved(at=script.now, who="server"))
        step = ask(script.world, goals.send(script.world, "hi"))
        assert step == Stuck("The server sleeps in accept(): a client that connects wakes it (c); i interrupts.")

    def test_an_ended_client_says_what_to_press(self, script: Script) -> None:
        script.exit("client1")
        step = ask(script.world, goals.send(script.world, "hi"))
        assert step == Stuck("The client has ended, and its socket with it: c starts it again and connects.")


class TestClose:
    def test_its_last_step_is_the_close_itself(self, script: Script) -> None:
        connected(script)
        script.stop("client1", script.line("client1", ".close"), s=3)
        assert ask(script.world, goals.close(script.world)) == Do(Step(who="client1"), final=True)

    def test_the_lines_before_it_run_first(self, script: Script) -> None:
        connected(script)
        script.stop("client1", script.line("client1", ".send"), s=3)
        assert ask(script.world, goals.close(script.world)) == Do(Step(who="client1"))


class TestDatagram:
    def test_both_programs_are_started_then_the_server_binds(self, script: Script) -> None:
        goal = goals.Datagram("hello")
        first = ask(script.world, goal)
        assert isinstance(first, Do)
        assert first.command.who == "udpserver"
        script.start("udpserver")
        second = ask(script.world, goal)
        assert isinstance(second, Do)
        assert second.command.who == "udpclient1"
        script.start("udpclient1")
        assert ask(script.world, goal) == Do(Step(who="udpserver"))
        script.stop("udpserver", script.line("udpserver", "recvfrom"), s=3)
        assert ask(script.world, goal) == Do(Step(who="udpclient1"))
        script.stop("udpclient1", script.line("udpclient1", "sendto"), s=3)
        assert ask(script.world, goal) == Do(Step(who="udpclient1", message="hello"), final=True)

    def test_a_second_one_names_its_receiver_too(self, script: Script) -> None:
        script.start("udpserver")
        script.start("udpclient1")
        script.stop("udpserver", script.line("udpserver", "recvfrom"), s=3)
        script.stop("udpclient1", script.line("udpclient1", "sendto"), s=3)
        script.call("udpclient1", "socket", socket=ref(3, 501, transport="udp"))
        script.stop("udpclient1", script.line("udpclient1", ".close"), s=3)
        step = ask(script.world, goals.Datagram("more"))
        line = "s.sendto(b'more', ('127.0.0.1', 8888))"
        assert step == Do(RunExtraLine(who="udpclient1", source=line), final=True)


class TestRestart:
    def test_kill_then_start_then_run_to_accept(self, script: Script) -> None:
        listening(script)
        goal = goals.restart(script.world)
        assert ask(script.world, goal) == Do(Kill(who="server"))
        script.exit("server", -9)
        started = ask(script.world, goal)
        assert started == Do(StartEndpoint(who="server", program="tcp_server.py", role="server", transport="tcp"))
        script.start("server", pid=41302)
        assert ask(script.world, goal) == Do(Step(who="server"))
        listening(script)
        assert ask(script.world, goal) == Reached()

    def test_a_server_that_never_listened_is_only_started(self, script: Script) -> None:
        goal = goals.restart(script.world)
        script.exit("server", -9)
        script.start("server", pid=41302)
        assert ask(script.world, goal) == Reached()


def test_nothing_is_asked_of_a_lab_that_is_gone(script: Script) -> None:
    goal = goals.connect(script.world)
    script.add(e.LabEnded(at=script.now, reason="it was killed"))
    assert ask(script.world, goal) == Stuck("The lab is gone: press b to begin again.")
