"""The fold: whole worlds after short lists of events."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from netsim.model import events as e
from netsim.model.address import Address
from netsim.model.rows import row_name
from netsim.model.timeline import CHECKPOINT_EVERY, Timeline
from netsim.model.world import Focus, Mark, Row, RowKey, World
from tests.script import Script, at, ref, tcp

LISTEN = tcp("LISTEN", 8888, inode=501, send=5)
LISTEN_KEY = RowKey(8888, "tcp", "127.0.0.1")


def rows(world: World) -> list[Row | None]:
    return [slot.row for slot in world.slots]


def opened() -> Script:
    script = Script()
    script.open()
    return script


def owner(local: int, pid: int | None, name: str = "netsim-server", remote: int | None = None) -> e.Owner:
    return e.Owner("tcp", at(local), at(remote) if remote else None, "LISTEN", pid, name)


class TestEndpoints:
    def test_a_started_program_stands_before_its_first_call(self) -> None:
        world = opened().world
        server = world.endpoints["server"]
        assert (server.status, server.pid, server.next_call and server.next_call.name) == ("stopped", 41233, "socket")
        assert server.marks == {}
        assert world.step == 0
        assert world.under_way == frozenset()
        assert world.focus == Focus("tcp", 1, "client")

    def test_a_call_leaves_its_mark_beside_its_line_and_its_socket_in_the_table(self) -> None:
        script = opened()
        line = script.line("server", "socket.socket(")
        script.call("server", "socket", socket=ref(3, 501))
        server = script.world.endpoints["server"]
        assert server.marks == {line: Mark("→ fd 3", True, "socket")}
        assert server.sockets == (ref(3, 501),)
        assert script.world.step == 1
        assert script.world.mover == "server"

    def test_a_typed_message_is_named_beside_the_line_that_sent_it(self) -> None:
        script = opened()
        for data, mark in ((b"hello", "→ 5"), (b"hi", "'hi' → 2"), (b"a port is a door", "'a po..' → 16")):
            script.stop("client1", script.line("client1", ".send"), s=3)
            script.call("client1", "send", socket=ref(3, 601, 51324, 8888), size=len(data), data=data)
            client = script.world.endpoints["client1"]
            assert client.marks[client.line].text == mark

    def test_an_error_is_marked_by_its_name(self) -> None:
        script = opened()
        script.stop("client1", script.line("client1", ".connect"), s=3)
        script.call("client1", "connect", socket=ref(3, 601), error="ECONNREFUSED")
        client = script.world.endpoints["client1"]
        assert client.marks[client.line] == Mark("ECONNREFUSED", False, "connect")

    def test_accept_adds_a_socket_and_close_takes_one_away(self) -> None:
        script = opened()
        script.call("server", "socket", socket=ref(3, 501))
        script.call("server", "accept", socket=ref(3, 501, 8888), accepted=ref(4, 777, 8888, 51324))
        assert [each.fd for each in script.world.endpoints["server"].sockets] == [3, 4]
        script.call("server", "close", socket=ref(4, 777, 8888, 51324))
        assert [each.fd for each in script.world.endpoints["server"].sockets] == [3]

    def test_a_call_sleeps_and_comes_back(self) -> None:
        script = opened()
        script.begin("server", "accept")
        assert script.world.endpoints["server"].status == "running"
        script.sleep("server", "accept4")
        server = script.world.endpoints["server"]
        assert (server.status, server.syscall, server.call and server.call.name) == ("asleep", "accept4", "accept")
        script.come_back("server", "accept", socket=ref(3, 501, 8888), accepted=ref(4, 777, 8888, 51324))
        assert script.world.endpoints["server"].status == "running"

    def test_a_late_word_of_sleep_about_a_call_that_is_over_changes_nothing(self) -> None:
        script = opened()
        script.call("server", "socket", socket=ref(3, 501))
        before = script.world.endpoints["server"]
        script.sleep("server")
        assert script.world.endpoints["server"] == before

    def test_readiness_is_known_until_the_program_moves(self) -> None:
        script = opened()
        script.stop("server", script.line("server", "accept"), s=3)
        script.ready("server", 3)
        assert script.world.endpoints["server"].readable == frozenset({3})
        script.stop("server", script.line("server", "conn.send"), s=3)
        assert script.world.endpoints["server"].readable == frozenset()

    def test_what_it_prints_comes_in_pieces(self) -> None:
        script = opened()
        for text in ("hel", "lo\nwor", "ld\n"):
            script.add(e.ProgramPrinted(at=script.now, who="server", pid=1, inner_pid=1, stream="stdout", text=text))
        assert script.world.endpoints["server"].printed == ("hello", "world", "")

    def test_an_ended_process_has_no_sockets_and_its_successor_remembers_it(self) -> None:
        script = opened()
        script.call("server", "socket", socket=ref(3, 501))
        script.exit("server", -9)
        ended = script.world.endpoints["server"]
        assert (ended.status, ended.exit_status, ended.sockets) == ("ended", -9, ())
        script.start("server", pid=41302)
        server = script.world.endpoints["server"]
        assert (server.pid, server.former_pids, server.marks) == (41302, (41233,), {})

    def test_events_about_nobody_change_nothing(self) -> None:
        script = opened()
        before = script.world
        script.add(e.CallSlept(at=before.at, who="ghost", pid=1, inner_pid=1, call=1))
        assert replace(script.world, since=before.since) == before


class TestUnderWay:
    def test_a_program_that_is_asked_to_start_is_under_way_until_it_is_there(self) -> None:
        script = Script()
        script.accept("StartEndpoint", "server")
        assert script.world.under_way == frozenset({"server"})

    def test_a_killed_one_until_it_is_gone(self) -> None:
        script = opened()
        script.accept("Kill", "server")
        assert script.world.under_way == frozenset({"server"})
        script.exit("server", -9)
        assert script.world.under_way == frozenset()

    def test_a_step_runs_from_the_moment_it_is_accepted(self) -> None:
        script = opened()
        script.accept("Step", "server")
        assert script.world.endpoints["server"].status == "running"


class TestRows:
    def test_a_listener_is_its_programs_by_its_own_report_before_psutil_has_said_anything(self) -> None:
        script = opened()
        script.call("server", "socket", socket=ref(3, 501))
        script.kernel(LISTEN)
        assert rows(script.world) == [
            Row(key=LISTEN_KEY, state="LISTEN", pids=(41233,), name="server", backlog=5, inode=501)
        ]
        assert row_name(LISTEN_KEY) in script.world.changed

    def test_a_strangers_row_has_the_owner_that_psutil_names(self) -> None:
        script = opened()
        script.kernel(LISTEN)
        assert rows(script.world) == [Row(key=LISTEN_KEY, state="LISTEN", whose="unknown", backlog=5, inode=501)]
        script.psutil(owner(8888, 999, "nc"))
        assert rows(script.world) == [Row(key=LISTEN_KEY, state="LISTEN", pids=(999,), name="nc", backlog=5, inode=501)]

    def test_a_connection_that_nobody_accepted_is_the_kernels_whatever_psutil_said(self) -> None:
        script = opened()
        script.kernel(LISTEN, tcp("ESTABLISHED", 8888, 51324))
        script.psutil(owner(8888, 41233, remote=51324))
        row = rows(script.world)[1]
        assert row is not None
        assert (row.state, row.pids, row.whose, row.former_pid) == ("ESTABLISHED", (), "kernel", None)

    def test_a_restart_keeps_the_row_and_changes_its_pid(self) -> None:
        script = opened()
        script.call("server", "socket", socket=ref(3, 501))
        script.kernel(LISTEN)
        script.exit("server", -9)
        script.kernel()
        assert rows(script.world) == [None]
        script.start("server", pid=41302)
        script.call("server", "socket", socket=ref(3, 555))
        script.kernel(tcp("LISTEN", 8888, inode=555, send=5))
        assert rows(script.world) == [
            Row(key=LISTEN_KEY, state="LISTEN", pids=(41302,), former_pid=41233, name="server", backlog=5, inode=555)
        ]

    def test_psutils_stale_word_for_a_process_of_ours_that_is_gone_is_not_believed(self) -> None:
        script = opened()
        script.call("server", "socket", socket=ref(3, 501))
        script.kernel(LISTEN)
        script.psutil(owner(8888, 41233))
        script.exit("server", -9)
        row = rows(script.world)[0]
        assert row is not None
        assert (row.pids, row.former_pid) == ((), 41233)

    def test_time_wait_remembers_whose_it_was_and_when_it_ends(self) -> None:
        script = opened()
        script.call("client1", "connect", socket=ref(3, 601, 51324, 8888))
        script.kernel(tcp("ESTABLISHED", 51324, 8888, inode=601))
        script.call("client1", "close", socket=ref(3, 601, 51324, 8888))
        script.kernel(tcp("TIME_WAIT", 51324, 8888, expires_ms=60_000))
        row = rows(script.world)[0]
        assert row is not None
        assert (row.state, row.pids, row.former_pid, row.whose) == ("TIME_WAIT", (), 41240, "kernel")
        assert row.expires_at == script.world.observed_at + 60

    def test_rows_keep_their_place_and_a_vanished_one_stays_blank_until_the_next_command(self) -> None:
        script = opened()
        script.kernel(LISTEN, tcp("TIME_WAIT", 51324, 8888), tcp("TIME_WAIT", 51400, 8888))
        script.kernel(LISTEN, tcp("TIME_WAIT", 51400, 8888))
        assert [row and row.key.port for row in rows(script.world)] == [8888, None, 51400]
        script.accept("Step", "server")
        assert [row and row.key.port for row in rows(script.world)] == [8888, 51400]

    def test_the_labs_port_comes_first_then_by_port_and_listeners_before_connections(self) -> None:
        script = opened()
        script.kernel(tcp("ESTABLISHED", 4000, 8888, inode=9))
        script.kernel(tcp("ESTABLISHED", 4000, 8888, inode=9), tcp("ESTABLISHED", 8888, 4000), LISTEN)
        assert [(row.key.port, row.state) for row in rows(script.world) if row] == [
            (8888, "LISTEN"), (8888, "ESTABLISHED"), (4000, "ESTABLISHED"),
        ]  # fmt: skip

    def test_without_sock_diag_psutil_alone_makes_the_table(self) -> None:
        script = opened()
        script.add(e.SocketsObserved(at=script.now, sockets=(), complete=False))
        script.psutil(owner(8888, 41233), e.Owner("tcp", at(51324), at(8888), "TIME_WAIT", None, ""))
        assert [(row.key.port, row.pids, row.whose) for row in rows(script.world) if row] == [
            (8888, (41233,), "process"), (51324, (), "kernel"),
        ]  # fmt: skip


class TestFocus:
    def test_it_follows_the_program_that_moves(self) -> None:
        script = opened()
        script.start("client2")
        assert script.world.focus == Focus("tcp", 2, "client")
        script.accept("Step", "client1")
        assert script.world.focus == Focus("tcp", 1, "client")

    def test_a_server_is_everybodys_so_the_client_stays(self) -> None:
        script = opened()
        script.start("client2")
        script.accept("Step", "server")
        assert script.world.focus == Focus("tcp", 2, "client")

    def test_only_the_person_moves_it_to_the_servers_pane(self) -> None:
        script = opened()
        script.add(e.FocusMoved(at=script.now, who="server"))
        assert script.world.focus.role == "server"
        script.accept("Step", "client1")
        assert script.world.focus.role == "server"

    def test_it_follows_the_connection_that_accept_takes(self) -> None:
        script = opened()
        script.call("client1", "connect", socket=ref(3, 601, 51324, 8888))
        script.start("client2")
        script.call("client2", "connect", socket=ref(3, 602, 51338, 8888))
        assert script.world.focus.number == 2
        script.call("server", "accept", socket=ref(3, 501, 8888), accepted=ref(4, 777, 8888, 51324))
        assert script.world.focus == Focus("tcp", 1, "client")

    def test_udp_has_it_when_it_begins(self) -> None:
        script = opened()
        script.start("udpserver")
        assert script.world.focus == Focus("udp", 1, "client")


class TestTimeline:
    def test_any_moment_is_what_folding_from_the_start_gives(self) -> None:
        script = opened()
        for number in range(CHECKPOINT_EVERY * 2 + 5):
            script.kernel(tcp("ESTABLISHED", 40_000 + number, 8888, inode=number + 1))
        timeline = Timeline()
        for event in script.events:
            timeline.append(event)
        for index in (0, 1, CHECKPOINT_EVERY - 1, CHECKPOINT_EVERY, CHECKPOINT_EVERY + 1, len(script.events)):
            part = Script()
            part.events = script.events[:index]
            assert timeline.at(index) == part.world
        assert timeline.now == script.world

    def test_there_is_no_moment_outside(self) -> None:
        timeline = Timeline()
        for index in (-1, 1):
            with pytest.raises(IndexError, match="the timeline has 0 events"):
                timeline.at(index)


def test_addresses_read_as_people_write_them() -> None:
    assert str(Address("127.0.0.1", 8888)) == "127.0.0.1:8888"
    assert str(Address("::1", 80)) == "[::1]:80"
