"""Sockets that several processes share, by fork(2), and sockets that share an address, by SO_REUSEPORT."""

from __future__ import annotations

from netsim.model import events as e
from netsim.model.events import Owner
from netsim.model.rows import row_name
from netsim.model.world import Row, World
from netsim.session import Session
from tests.labs import Labs
from tests.script import Script, at, ref, tcp

FORK = 41299


def listening(script: Script, who: str = "server", *, inode: int = 501, pid: int | None = None) -> None:
    """A server has a listening socket."""
    if who == "server":
        script.start(who, pid=pid)
    script.call(who, "socket", socket=ref(3, inode))
    script.call(who, "bind", socket=ref(3, inode, 8888))


def fork(script: Script, number: int = 1) -> None:
    """The server's os.fork(): the child runs on by itself."""
    source = script.world.endpoints["server"].source
    script.add(
        e.EndpointStarted(
            at=script.now, who=f"server.{number}", pid=FORK + number - 1, inner_pid=9, role="server", transport="tcp",
            number=1, program="forking_server.py", source=source, forked_from="server",
        )
    )  # fmt: skip


def sleep(script: Script, who: str, pid: int) -> None:
    """It sleeps in accept()."""
    about = {"who": who, "pid": pid, "inner_pid": 9}
    script.add(e.CallStarted(at=script.now, **about, call=1, name="accept", line=1, arguments="", socket=None))  # type: ignore[arg-type]
    script.add(e.CallSlept(at=script.now, **about, call=1))  # type: ignore[arg-type]


def rows(world: World) -> list[Row]:
    return [slot.row for slot in world.slots if slot.row is not None]


class TestFork:
    def test_the_child_has_its_parent_s_sockets_before_it_has_reported_any(self) -> None:
        script = Script()
        listening(script)
        fork(script)
        script.kernel(tcp("LISTEN", 8888, inode=501, send=5))
        (row,) = rows(script.world)
        assert row.pids == (41233, FORK)

    def test_both_are_owners_while_one_sleeps_in_accept_though_psutil_names_one(self) -> None:
        script = Script()
        listening(script)
        fork(script)
        sleep(script, "server.1", FORK)
        script.kernel(tcp("LISTEN", 8888, inode=501, send=5))
        script.psutil(Owner("tcp", at(8888), None, "LISTEN", FORK, "netsim-server"))
        (row,) = rows(script.world)
        assert row.pids == (41233, FORK)

    def test_it_keeps_the_port_when_its_parent_ends(self) -> None:
        script = Script()
        listening(script)
        fork(script)
        script.kernel(tcp("LISTEN", 8888, inode=501, send=5))
        script.exit("server", -9)
        (row,) = rows(script.world)
        assert (row.pids, row.former_pid) == ((FORK,), 41233)

    def test_children_that_have_ended_had_it_not_before_their_parent(self) -> None:
        script = Script()
        listening(script)
        script.kernel(tcp("LISTEN", 8888, inode=501, send=5))
        for number in range(1, 8):
            fork(script, number)
            script.kernel(tcp("LISTEN", 8888, inode=501, send=5))
            (row,) = rows(script.world)
            assert (row.pids, row.name) == ((41233, FORK + number - 1), "server")
            script.add(
                e.ProcessExited(at=script.now, who=f"server.{number}", pid=FORK + number - 1, inner_pid=9, status=0)
            )
            (row,) = rows(script.world)
            assert (row.pids, row.former_pid) == ((41233,), None)

    def test_what_only_the_child_has_is_called_its_own(self) -> None:
        script = Script()
        listening(script)
        fork(script)
        script.exit("server")
        script.kernel(tcp("LISTEN", 8888, inode=501, send=5))
        (row,) = rows(script.world)
        assert row.name == "server's child"

    def test_what_a_survivor_s_pipe_brings_is_not_the_next_process_s(self) -> None:
        script = Script()
        script.start("server")
        script.exit("server")
        script.start("server", pid=41302)
        script.add(
            e.ProgramPrinted(at=script.now, who="server", pid=41233, inner_pid=3, stream="stdout", text="late\n")
        )
        assert script.world.endpoints["server"].printed == ()

    def test_nobody_waits_for_a_process_that_is_not_stepped(self) -> None:
        labs = Labs()
        session = Session(labs)
        session.attach(lambda: None)
        script = Script()
        listening(script)
        script.stop("server", 7)
        fork(script)
        for event in script.events:
            labs[-1].deliver(event)
        session.drain()
        assert session.world.endpoints["server.1"].status == "starting"
        assert not session.pending


class TestTwins:
    def two(self) -> Script:
        script = Script()
        listening(script)
        script.start("client1")  # any other name will do: what counts is who has which inode
        listening(script, "client1", inode=502)
        script.kernel(tcp("LISTEN", 8888, inode=501, send=5), tcp("LISTEN", 8888, inode=502, send=5))
        return script

    def test_two_sockets_on_one_address_are_two_rows(self) -> None:
        script = self.two()
        script.psutil(
            Owner("tcp", at(8888), None, "LISTEN", 41233, "netsim-server"),
            Owner("tcp", at(8888), None, "LISTEN", 41240, "netsim-client"),
        )
        assert [(row.key.twin, row.pids) for row in rows(script.world)] == [(0, (41233,)), (1, (41240,))]

    def test_neither_is_given_the_other_s_process_while_that_runs(self) -> None:
        script = self.two()
        script.accept("Step", "server")
        assert script.world.endpoints["server"].status == "running"
        script.psutil(
            Owner("tcp", at(8888), None, "LISTEN", 41233, "netsim-server"),
            Owner("tcp", at(8888), None, "LISTEN", 41240, "netsim-client"),
        )
        assert [row.pids for row in rows(script.world)] == [(41233,), (41240,)]

    def test_the_one_that_stays_keeps_its_row(self) -> None:
        script = self.two()
        script.exit("server")
        script.kernel(tcp("LISTEN", 8888, inode=502, send=5))
        (row,) = rows(script.world)
        assert (row.key.twin, row.pids, row.former_pid) == (1, (41240,), None)

    def test_a_third_one_takes_the_place_of_the_first(self) -> None:
        script = self.two()
        script.kernel(tcp("LISTEN", 8888, inode=502, send=5))
        script.kernel(tcp("LISTEN", 8888, inode=502, send=5), tcp("LISTEN", 8888, inode=499, send=5))
        assert sorted((row.key.twin, row.inode) for row in rows(script.world)) == [(0, 499), (1, 502)]

    def test_they_are_named_apart(self) -> None:
        first, second = rows(self.two().world)
        assert row_name(first.key) == "row 8888/tcp -"
        assert row_name(second.key) == "row 8888/tcp - 1"
