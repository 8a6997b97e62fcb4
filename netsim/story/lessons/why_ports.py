"""Lesson 10: why ports: a port is agreed beforehand, a PID is dealt at the start, and each has its own meaning."""

from __future__ import annotations

from netsim.model.commands import Step as StepCommand
from netsim.model.dissect import dissect
from netsim.model.world import Endpoint, World
from netsim.story.deeds import Condition, extra, kill, let_come, open_gate, run, run_to, run_until, start
from netsim.story.director import OPENING
from netsim.story.goals import Advance, Do, Reached, Wait
from netsim.story.lesson import (
    GATE,
    PRIVATE,
    Act,
    Answer,
    Ask,
    Claim,
    Fresh,
    Lesson,
    Mistake,
    Probe,
    Seen,
    Step,
    port_beside,
)
from netsim.story.sights import endpoint, has_run, line_of, listen_row, mark, printed, result, rows

SERVER, FORK, CLIENT, AWAY = "server", "server.1", "client1", "away"
CONNECT = "s.connect("
SERVICES = (80, 443)
UNREAD = frozenset({"unread", "trailer", "other"})


def _line(world: World) -> str:
    """The line with which the client calls the server."""
    client = endpoint(world, CLIENT)
    return client.source[line_of(world, CLIENT, CONNECT) - 1]


def _line_without_pid(seen: Seen) -> bool:
    """It stood there with the port, when there was no server whose PID it could have had."""
    return SERVER not in seen.start.endpoints and _line(seen.start) == _line(seen.here) and _names_port(seen.here)


def _names_port(world: World) -> bool:
    return world.lab is not None and f", {world.lab.port})" in _line(world)


def _fields(seen: Seen) -> list[str]:
    """The names of all header fields of the packets that were seen since the step began."""
    found: list[str] = []
    for packet in seen.here.packets[len(seen.start.packets) :]:
        parts = dissect(packet.raw)
        found += [field.name for field in parts.leaves if parts.layers[field.layer].is_header]
    return found


def _all_named(seen: Seen) -> bool:
    """Every bit of every packet was read; two ports are there, and nothing that tells a process."""
    flown = seen.here.packets[len(seen.start.packets) :]
    parts = [dissect(packet.raw) for packet in flown]
    names = set(_fields(seen))
    return (
        bool(flown)
        and all(not each.problem and not each.missing for each in parts)
        and not any(field.name in UNREAD for each in parts for field in each.leaves)
        and {"ip.src", "ip.dst", "tcp.srcport", "tcp.dstport"} <= names
        and not any("pid" in name or "process" in name for name in names)
    )


def _served(seen: Seen) -> bool:
    return has_run(seen.here, CLIENT, CONNECT) and has_run(seen.here, CLIENT, "s.recv(")


def _new(seen: Seen) -> Endpoint:
    return endpoint(seen.here, SERVER)


def _old_pid(seen: Seen) -> int:
    """The PID of the server that was killed."""
    return seen.probes["server"].pid


def _restarted_with(seen: Seen, *, port: bool, pid: bool) -> bool:
    """Whether, after the restart, another port is served, and whether by another PID."""
    moved = not any(row.state == "LISTEN" for row in rows(seen.here, seen.port))
    return _new(seen).status != "ended" and moved == port and (_new(seen).pid != _old_pid(seen)) == pid


def _row(world: World) -> str:
    row = listen_row(world, world.lab.port if world.lab else 0)
    return f"port {row.key.port}: PID {' and '.join(map(str, row.pids))}"


def _nobody(seen: Seen) -> bool:
    """Nobody has the old PID; or the machine has already dealt it to another process."""
    old = seen.probes["old"]
    return old.errno == "ESRCH" or old.same is False


def _is_there(seen: Seen, name: str) -> bool:
    return seen.probes[name].errno == "" and not seen.probes[name].zombie


def _asked(seen: Seen) -> str:
    old, new = seen.probes["old"], seen.probes["new"]
    said = "another process by now" if old.same is False else "still there"
    said = f"nobody ({old.errno})" if old.errno else said
    return f"PID {old.pid}: {said}; PID {new.pid}: {new.errno or 'there'}"


def _listens_on(seen: Seen) -> list[int]:
    """The ports on which the server's one process listens."""
    ports = (seen.port, port_beside(seen.port), *SERVICES)
    pid = (_new(seen).pid,)
    return [port for port in ports if any(row.state == "LISTEN" and row.pids == pid for row in rows(seen.here, port))]


def _refused(seen: Seen) -> list[int]:
    """The ports that it was not given, as it said."""
    said = printed(seen.here, SERVER).splitlines()
    return [port for port in (port_beside(seen.port), *SERVICES) if any(line.startswith(f"{port} ") for line in said)]


def _answers(seen: Seen) -> list[str]:
    return printed(seen.here, CLIENT).splitlines()


def _in_turns(words: str, until: Condition) -> Act:
    """The client runs until it sleeps, then the server until it does, and so on until the world is so."""

    def advance(world: World) -> Advance:
        if until(world):
            return Reached()
        for who in (CLIENT, SERVER):
            if endpoint(world, who).status == "stopped":
                return Do(StepCommand(who=who))
        return Wait()

    return Act(words=words, next=advance, done=lambda _: True)


def _client_has_read(world: World) -> bool:
    return has_run(world, CLIENT, "s.recv(")


def _client_has_ended(world: World) -> bool:
    return endpoint(world, CLIENT).status == "ended"


def _inside(seen: Seen) -> tuple[str, str]:
    """The server's PID as each of the two machines numbers it: what os.getpid() said there."""
    return result(seen.kept["here"], SERVER), result(seen.kept["there"], SERVER)


def _workers(world: World) -> tuple[int, ...]:
    """The PIDs of the server and of its fork, as far as they live."""
    return tuple(
        sorted(each.pid for each in map(world.endpoints.get, (SERVER, FORK)) if each and each.status != "ended")
    )


def _shared(seen: Seen, *, listening: int, pids: int) -> bool:
    """Whether the port has so many listening rows, each with so many PIDs."""
    found = [row for row in rows(seen.here, seen.port) if row.state == "LISTEN"]
    return len(found) == listening and all(len(row.pids) == pids for row in found)


def _selects(world: World) -> bool:
    return endpoint(world, SERVER).status == "asleep"


def _listeners(world: World) -> tuple[int, ...]:
    """The PIDs that have the lab's port, by the table."""
    return listen_row(world, world.lab.port if world.lab else 0).pids


def _ports(seen: Seen) -> list[str]:
    return [str(port) for port in (seen.port, port_beside(seen.port), *SERVICES)]


def _same_port(seen: Seen) -> bool:
    """The server listens on the lab's port on both machines."""
    away = seen.labs[AWAY]
    return (
        away.lab is not None
        and away.lab.port == seen.port
        and all(listen_row(world, seen.port).pids == (endpoint(world, SERVER).pid,) for world in (seen.here, away))
    )


def _same_pid(seen: Seen) -> bool:
    here, there = _inside(seen)
    return int(here) == int(there)


GETPID = "__import__('os').getpid()"

LESSON = Lesson(
    number=10,
    name="why-ports",
    title="Why ports",
    question="A process has a number already, its PID. Why is the server not called by that?",
    opening=(OPENING[1],),
    steps=(
        Step(
            text=(
                "Here is a client, and no server yet. Still the client's line is written: s.connect(('127.0.0.1', "
                "{port})). Now we start a server: it gets a PID as it starts, binds port {port}, and listens."
            ),
            label="start the server",
            do=(open_gate(), start(SERVER, "tcp_server.py"), run_to(SERVER, "accept")),
            view="table",
            shows=(
                Claim(
                    sentence="The client's line has named the port since before there was a server.",
                    holds=_line_without_pid,
                    saw=lambda seen: f"{_line(seen.here).strip()}; the server got PID {_new(seen).pid}",
                    rows=("W0",),
                ),
            ),
            after="A port can be agreed beforehand. A PID is dealt by the kernel: nobody knows it before the start.",
        ),
        Step(
            text=(
                "The client connects, the server accepts and greets it, and the client reads. We look whether the PID "
                "was needed for it: into the packets, at every field of both headers."
            ),
            label="the client connects and is greeted",
            do=(run_to(CLIENT, "connect"), run(CLIENT), run(SERVER), run(SERVER), run(CLIENT)),
            needs=(GATE,),
            shows=(
                Claim(
                    sentence="Each header bit belongs to a field; there are ports, and no PID.",
                    holds=lambda seen: _served(seen) and _all_named(seen),
                    saw=lambda seen: (
                        f"{len(seen.here.packets) - len(seen.start.packets)} packets, "
                        f"{len(set(_fields(seen)))} kinds of fields"
                    ),
                    rows=("W0",),
                ),
            ),
        ),
        Step(
            text=(
                "What is a PID good for, then? On its own machine one can ask for it, and one can send it a signal: "
                "a mere number, with no data. We ask whether the server's PID is there; and then send it signal 9, "
                "SIGKILL."
            ),
            label="ask for the server's PID; then send it signal 9",
            do=(
                Probe(words="ask for the PID", pid=lambda seen: _new(seen).pid, name="server"),
                kill(SERVER),
            ),
            shows=(
                Claim(
                    sentence="Somebody had that PID.",
                    holds=lambda seen: _is_there(seen, "server"),
                    saw=lambda seen: f"PID {seen.probes['server'].pid} {seen.probes['server'].errno or 'was there'}",
                    rows=("W0",),
                ),
                Claim(
                    sentence="What it took was a signal, and that ended it.",
                    holds=lambda seen: _new(seen).status == "ended" and _new(seen).exit_status == -9,
                    saw=lambda seen: f"{_new(seen).status}, by signal {-(_new(seen).exit_status or 0)}",
                    rows=("W0",),
                ),
            ),
        ),
        Step(
            text=(
                "The server is gone, as after a crash. We start the same program again, on the same machine, and ask "
                "for the old PID and for the new one."
            ),
            ask=Ask(
                "After the restart: what has changed?",
                (
                    Answer(
                        "the port",
                        lambda seen: _restarted_with(seen, port=True, pid=False),
                        "The port stands in the server's program, and that is the same as before.",
                    ),
                    Answer("the PID", lambda seen: _restarted_with(seen, port=False, pid=True)),
                    Answer(
                        "both",
                        lambda seen: _restarted_with(seen, port=True, pid=True),
                        "The PID is dealt anew, but the port is asked for, by the program: it is the same again.",
                    ),
                ),
            ),
            label="start the server again, and ask for both PIDs",
            do=(
                start(SERVER, "tcp_server.py"),
                run_to(SERVER, "accept"),
                Probe(words="ask for the old PID", pid=_old_pid, name="old", started="server"),
                Probe(words="ask for the new PID", pid=lambda seen: _new(seen).pid, name="new"),
            ),
            view="table",
            shows=(
                Claim(
                    sentence="The port's row is as before, but its PID is another.",
                    holds=lambda seen: _restarted_with(seen, port=False, pid=True),
                    saw=lambda seen: f"{_row(seen.here)}; before: PID {_old_pid(seen)}",
                    rows=("W1",),
                ),
                Claim(
                    sentence="Nobody answers for the old PID; the new one is there.",
                    holds=lambda seen: _nobody(seen) and _is_there(seen, "new"),
                    saw=_asked,
                    rows=("W1",),
                ),
            ),
            after="A client that had kept the PID would ask for nobody, or, some day, for a stranger who got it next.",
        ),
        Step(
            text="And the client? We start it once more: the same program, without a letter changed. It calls.",
            label="the same client calls again",
            do=(
                start(CLIENT, "tcp_client.py"),
                run_to(CLIENT, "connect"),
                run(CLIENT),
                run(SERVER),
                run(SERVER),
                run(CLIENT),
            ),
            view="table",
            shows=(
                Claim(
                    sentence="The same line reaches the new server, and gets its greeting.",
                    holds=lambda seen: _served(seen) and _line(seen.here) == _line(seen.start),
                    saw=lambda seen: f"{_line(seen.here).strip()} {mark(seen.here, CLIENT, CONNECT).text}",
                    rows=("W1",),
                ),
            ),
        ),
        Step(
            text=(
                "The second reason: one process may serve several ports. This one asks for "
                "{port} and {port+1}, and for 80 and 443, where the web is at home; there not everybody may bind."
            ),
            label="start one server with several services",
            do=(start(SERVER, "many_ports_server.py"), run_until("it listens", SERVER, _selects)),
            view="table",
            shows=(
                Claim(
                    sentence="One PID has every port that it was allowed: several services.",
                    holds=lambda seen: (
                        len(_listens_on(seen)) >= 2
                        and len(_listens_on(seen)) + len(_refused(seen)) == 2 + len(SERVICES)
                    ),
                    saw=lambda seen: f"PID {_new(seen).pid} listens on {' '.join(map(str, _listens_on(seen)))}",
                    rows=("W2",),
                ),
            ),
            after="Which of these services would its PID mean? It can't say. The port can.",
        ),
        Step(
            text="In this net all four are granted. A client asks at one port after the other.",
            label="a client asks at all four ports",
            do=(start(CLIENT, "many_ports_client.py"), _in_turns("the client asks at each port", _client_has_ended)),
            needs=(PRIVATE,),
            view="table",
            shows=(
                Claim(
                    sentence="Four ports, four answers, and one PID behind them.",
                    holds=lambda seen: (
                        len(set(_answers(seen))) == 4
                        and [line.split()[0] for line in _answers(seen)] == _ports(seen)
                        and len(_listens_on(seen)) == 4
                    ),
                    saw=lambda seen: "; ".join(_answers(seen)),
                    rows=("W2",),
                ),
            ),
        ),
        Step(
            text=(
                "The third reason is the other way round: a server may be several processes. This one listens, then "
                "calls fork(), which makes a copy of it. Both have the same listening socket, and wait in accept()."
            ),
            ask=Ask(
                "Two processes, one listening socket: how often is port {port} there as LISTEN?",
                (
                    Answer("once, with two PIDs", lambda seen: _shared(seen, listening=1, pids=2)),
                    Answer(
                        "twice, each with its PID",
                        lambda seen: _shared(seen, listening=2, pids=1),
                        "fork() makes a second process and no second socket: both have the same one open.",
                    ),
                    Answer(
                        "once, with the first one's PID",
                        lambda seen: _shared(seen, listening=1, pids=1),
                        "A copied process has the open files of the first one, and a socket is such a file.",
                    ),
                ),
            ),
            label="start a server that forks",
            do=(
                start(SERVER, "forking_server.py"),
                run_to(SERVER, "accept"),
                run(SERVER),
                let_come("the table shows both", lambda world: len(_listeners(world)) == 2),
            ),
            view="table",
            shows=(
                Claim(
                    sentence="One port, one socket, two PIDs.",
                    holds=lambda seen: (
                        _shared(seen, listening=1, pids=2)
                        and listen_row(seen.here, seen.port).pids == _workers(seen.here)
                    ),
                    saw=lambda seen: _row(seen.here),
                    rows=("W4", "O6"),
                ),
            ),
        ),
        Step(
            text="A client calls this port. It can't know which of the two will take it, and need not.",
            label="the client calls",
            do=(
                start(CLIENT, "tcp_client.py"),
                run_to(CLIENT, "connect"),
                _in_turns("the client is greeted", _client_has_read),
            ),
            view="table",
            shows=(
                Claim(
                    sentence="One of the two took the call; the client's line is the same.",
                    holds=lambda seen: _served(seen) and _names_port(seen.here),
                    saw=lambda seen: f"{_line(seen.here).strip()} {mark(seen.here, CLIENT, CONNECT).text}",
                    rows=("W4",),
                ),
            ),
        ),
        Step(
            text="Now we kill the first of the two processes: the one whose PID the server had from the beginning.",
            ask=Ask(
                "And port {port}?",
                (
                    Answer(
                        "nobody listens any more",
                        lambda seen: _shared(seen, listening=0, pids=0),
                        "A socket goes only when the last process that has it open has closed it or ended.",
                    ),
                    Answer("the other one listens on it", lambda seen: _shared(seen, listening=1, pids=1)),
                ),
            ),
            label="kill the first process",
            do=(kill(SERVER), let_come("the table shows one", lambda world: len(_listeners(world)) == 1)),
            view="table",
            shows=(
                Claim(
                    sentence="The port is served still, by the other PID.",
                    holds=lambda seen: (
                        listen_row(seen.here, seen.port).pids == (endpoint(seen.here, FORK).pid,)
                        and _new(seen).status == "ended"
                    ),
                    saw=lambda seen: f"{_row(seen.here)}; before: PID {' and '.join(map(str, _workers(seen.start)))}",
                    rows=("W4",),
                ),
            ),
        ),
        Step(
            text=(
                "The last one: another machine. A second lab stands for it: a net apart from this one, which numbers "
                "its processes itself. On both we start the same server, and let it ask the kernel for its PID."
            ),
            ask=Ask(
                "The same server on two machines. What do both have?",
                (
                    Answer("the same port", lambda seen: _same_port(seen) and not _same_pid(seen)),
                    Answer(
                        "the same PID",
                        lambda seen: _same_pid(seen) and not _same_port(seen),
                        "Each machine deals its own, in the order in which its processes start.",
                    ),
                    Answer(
                        "the same port and PID",
                        lambda seen: _same_pid(seen) and _same_port(seen),
                        "It could happen, by chance. Each machine counts its own processes, from its own start.",
                    ),
                ),
            ),
            label="the same server on both machines",
            do=(
                kill(FORK),
                start(SERVER, "tcp_server.py"),
                run_to(SERVER, "accept"),
                extra(SERVER, GETPID, keep="here"),
                Fresh(words="a second machine", lab=AWAY),
                run_to(SERVER, "accept", lab=AWAY),
                extra(SERVER, GETPID, lab=AWAY, keep="there"),
            ),
            needs=(PRIVATE,),
            view="table",
            shows=(
                Claim(
                    sentence="Both listen on port {port}, and each has another PID.",
                    holds=lambda seen: _same_port(seen) and not _same_pid(seen),
                    saw=lambda seen: "os.getpid() says {} here, {} there".format(*_inside(seen)),
                    rows=("W3",),
                ),
            ),
            after=(
                "So a program made for both can say {port}, and no PID. From outside both labs one sees still other "
                "numbers: those of the machine that they really run on."
            ),
        ),
        Step(
            text="And the client's line, the same as in the beginning, is used on the second machine.",
            label="a client calls on the second machine",
            do=(
                open_gate(lab=AWAY),
                run_to(CLIENT, "connect", lab=AWAY),
                run(CLIENT, lab=AWAY),
                run(SERVER, lab=AWAY),
                run(SERVER, lab=AWAY),
                run(CLIENT, lab=AWAY),
            ),
            needs=(PRIVATE,),
            view="table",
            shows=(
                Claim(
                    sentence="It reaches the server of that machine.",
                    holds=lambda seen: _names_port(seen.labs[AWAY]) and has_run(seen.labs[AWAY], CLIENT, "s.recv("),
                    saw=lambda seen: f"{_line(seen.labs[AWAY]).strip()} {mark(seen.labs[AWAY], CLIENT, CONNECT).text}",
                    rows=("W3",),
                ),
            ),
        ),
    ),
    point="A port is agreed beforehand and names a service. A PID is dealt at the start, and names one process.",
    mistake=Mistake(
        "A packet is for a process, so it could say its PID.",
        "It is for a service. Which process has that just now, only the kernel over there knows, and it changes.",
    ),
    small_print=(
        "Ports move too, if somebody changes them: then the clients' lines have to change. And a signal can carry a "
        "number with it (sigqueue), but to a process of the same machine only, and not from anybody."
    ),
)
