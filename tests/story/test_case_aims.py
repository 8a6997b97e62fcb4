"""The aims of the case: what is asked for next, of worlds written by hand."""

from __future__ import annotations

from msgspec.structs import replace

from netsim.model.commands import CloseGate, Kill, OpenGate, StartEndpoint, Step
from netsim.model.machine import Probed
from netsim.model.world import World
from netsim.story.case_aims import (
    REACHED,
    WAIT,
    Ask,
    Before,
    Do,
    Gate,
    Gone,
    Knock,
    Listed,
    Open,
    OpenLab,
    Order,
    Probe,
    Prove,
    Refused,
    Run,
    Seen,
    Serve,
    Visit,
)
from netsim.story.case_aims import Aim as AnyAim
from netsim.story.case_approach import approach
from netsim.story.case_record import HERE, THERE, Attempt, Record
from tests.script import Script, ref, tcp


def order(aim: AnyAim, world: World, *, record: Record | None = None, **before: object) -> Order:
    return approach(aim, {HERE: world}, record or Record(), Before(**before), frozenset())  # type: ignore[arg-type]


def listening() -> Script:
    """A server before its accept()."""
    script = Script()
    script.start("server")
    for name in ("socket", "bind", "listen"):
        script.call("server", name, socket=ref(3, 501, 8888))
    script.kernel(tcp("LISTEN", 8888, inode=501, send=5))
    script.stop("server", script.line("server", "accept("), s=3)
    return script


def test_everybody_named_is_killed_one_after_the_other() -> None:
    script = listening()
    script.start("client1")
    aim = Gone(("client1", "server", "nobody"))
    assert order(aim, script.world) == Do(HERE, Kill(who="server"))
    script.accept("Kill", "server")
    assert order(aim, script.world) == WAIT
    script.exit("server", -9)
    assert order(aim, script.world) == Do(HERE, Kill(who="client1"))
    script.accept("Kill", "client1")
    script.exit("client1", -9)
    assert order(aim, script.world) == REACHED


def test_a_server_is_a_fresh_process_each_time() -> None:
    aim = Serve("tcp_server.py")
    start = Do(HERE, StartEndpoint(who="server", program="tcp_server.py", role="server", transport="tcp"))
    assert order(aim, Script().world) == start
    script = listening()
    assert order(aim, script.world) == REACHED
    assert order(aim, script.world, pids={"server": 41233}) == Do(HERE, Kill(who="server"))
    script.exit("server", -9)
    assert order(aim, script.world, pids={"server": 41233}) == start


def test_a_server_is_stepped_up_to_its_accept_or_into_it() -> None:
    script = Script()
    script.start("server")
    assert order(Serve("tcp_server.py"), script.world) == Do(HERE, Step(who="server"))
    script = listening()
    asleep = Serve("tcp_server.py", asleep=True)
    assert order(asleep, script.world) == Do(HERE, Step(who="server"))
    script.begin("server", "accept")
    assert order(asleep, script.world) == WAIT
    script.sleep("server")
    assert order(asleep, script.world) == REACHED
    assert order(replace(asleep, forks=1), script.world) == WAIT


def test_it_is_listed_when_the_table_names_every_process_of_it() -> None:
    """The kernel's rows come later than what the programs tell."""
    script = Script()
    both = Listed(("server", "server2"))
    for who, inode in (("server", 501), ("server2", 502)):
        script.start(who, pid=41000 + inode)
        script.call(who, "bind", socket=ref(3, inode, 8888))
    assert (order(Listed(), script.world), order(both, script.world)) == (WAIT, WAIT)
    script.kernel(tcp("LISTEN", 8888, inode=501))
    assert (order(Listed(), script.world), order(both, script.world)) == (REACHED, WAIT)
    script.kernel(tcp("LISTEN", 8888, inode=501), tcp("LISTEN", 8888, inode=502))
    assert order(both, script.world) == REACHED
    script.kernel(tcp("LISTEN", 8888, inode=501))
    script.exit("server2")
    assert order(both, script.world) == REACHED  # nobody else lives


def test_a_bind_that_is_to_be_refused_ends_the_process_either_way() -> None:
    aim = Refused("simple_server.py")
    script = Script()
    script.start("server")
    assert order(aim, script.world) == Do(HERE, Step(who="server"))
    script.call("server", "bind", error="EADDRINUSE")
    script.stop("server", script.line("server", "listen("))
    assert order(aim, script.world) == Do(HERE, Kill(who="server"))
    script.exit("server", 1)
    assert order(aim, script.world) == REACHED


def test_the_server_moves_only_where_it_will_not_sleep() -> None:
    script = listening()
    script.start("client1")
    script.call("client1", "socket", socket=ref(3, 601))
    script.stop("client1", script.line("client1", "connect("), s=3)
    aim = Visit("tcp_client.py")
    assert order(aim, script.world) == Do(HERE, Step(who="client1"))
    script.begin("client1", "connect")
    assert order(aim, script.world) == WAIT
    script.come_back("client1", "connect", socket=ref(3, 601, 51324, 8888))
    script.begin("client1", "recv")
    script.ready("server", 3)
    assert order(aim, script.world) == Do(HERE, Step(who="server"))
    assert order(replace(aim, served=False), script.world) == WAIT


def test_a_knock_is_done_when_somebody_has_answered() -> None:
    script = listening()
    script.start("client1")
    aim, asked = Knock("asking_client.py"), Attempt(HERE, 1, 1, 41240, 8888, 51324)
    assert order(aim, script.world) == Do(HERE, Step(who="client1"))
    assert order(aim, script.world, record=Record(attempts=(asked,))) == Do(HERE, Step(who="client1"))
    answered = Record(attempts=(replace(asked, said="hello"),))
    assert order(aim, script.world, record=answered) == REACHED
    assert order(aim, script.world, record=answered, attempts=1) == Do(HERE, Step(who="client1"))


def test_the_dead_are_asked_for_by_when_they_began() -> None:
    script = listening()
    assert order(Probe(), script.world) == Ask(41233, None)
    record = Record(probes=(Probed(1, 41233, started=17.5),))
    assert order(Probe(), script.world, record=record) == REACHED
    script.exit("server", -9)
    script.start("server", pid=41302)
    assert order(Probe(former=True), script.world, record=record, probes=1) == Ask(41233, 17.5)
    assert order(Probe(), script.world, record=record, probes=1) == Ask(41302, None)


def test_a_gate_that_is_not_there_is_no_obstacle() -> None:
    world = Script().world
    assert order(Gate(open=False), world) == REACHED
    assert order(Gate(open=False), replace(world, gate="open")) == Do(HERE, CloseGate())
    assert order(Gate(open=True), replace(world, gate="closed")) == Do(HERE, OpenGate())
    assert order(Gate(open=True), replace(world, gate="open")) == REACHED


def test_a_state_counts_only_of_the_last_connection_and_without_a_process() -> None:
    script = listening()
    record = Record(attempts=(Attempt(HERE, 4, 10, 41240, 8888, 51324),))
    script.kernel(tcp("LISTEN", 8888, inode=501), tcp("TIME_WAIT", 8888, 40000))
    assert order(Seen("TIME_WAIT"), script.world, record=record) == WAIT
    script.kernel(tcp("LISTEN", 8888, inode=501), tcp("ESTABLISHED", 8888, 51324, inode=777))
    assert order(Seen("ESTABLISHED"), script.world, record=record) == WAIT
    script.kernel(tcp("LISTEN", 8888, inode=501), tcp("ESTABLISHED", 8888, 51324))
    assert order(Seen("ESTABLISHED"), script.world, record=record) == REACHED


def test_the_other_machine_is_opened_once_and_a_proof_run_once() -> None:
    world = Script().world
    assert approach(Open(THERE), {HERE: world}, Record(), Before(), frozenset()) == OpenLab(THERE)
    assert approach(Open(THERE), {THERE: World()}, Record(), Before(), frozenset()) == WAIT
    assert approach(Open(THERE), {THERE: world}, Record(), Before(), frozenset()) == REACHED
    assert approach(Prove(3), {HERE: world}, Record(), Before(), frozenset()) == Run(3)
    assert approach(Prove(3), {HERE: world}, Record(), Before(), frozenset({3})) == REACHED


def test_nothing_is_asked_of_a_lab_that_is_not_up() -> None:
    assert order(Serve("tcp_server.py"), World()) == WAIT
