"""What lesson 10 looks at: the client's line, the headers of its packets, who listens on which port, and as which PID.

Law: questions to the world and no words of the lesson's; what is not there raises LookupError.
"""

from __future__ import annotations

from netsim.model.dissect import dissect
from netsim.model.world import Endpoint, World
from netsim.story.lesson import Seen, port_beside
from netsim.story.sights import (
    endpoint,
    has_run,
    lab_port,
    line_of,
    listen_row,
    listen_rows,
    mark,
    pids,
    printed,
    result,
)

SERVER, FORK, CLIENT, AWAY = "server", "server.1", "client1", "away"
CONNECT = "s.connect("
SERVICES = (80, 443)
UNREAD = frozenset({"unread", "trailer", "other"})

# --- the client's line


def line(world: World) -> str:
    """The line with which the client calls the server."""
    client = endpoint(world, CLIENT)
    return client.source[line_of(world, CLIENT, CONNECT) - 1]


def line_and_result(world: World) -> str:
    """That line, and what came of it."""
    return f"{line(world).strip()} {mark(world, CLIENT, CONNECT).text}"


def line_without_pid(seen: Seen) -> bool:
    """It stood there with the port, when there was no server whose PID it could have had."""
    return SERVER not in seen.start.endpoints and line(seen.start) == line(seen.here) and names_port(seen.here)


def names_port(world: World) -> bool:
    """Whether the lab's port stands in that line."""
    return f", {lab_port(world)})" in line(world)


# --- the packets


def header_fields(seen: Seen) -> set[str]:
    """The names of all header fields of the packets that were seen since the step began."""
    parts = [dissect(packet.raw) for packet in seen.flown]
    return {field.name for each in parts for field in each.leaves if each.layers[field.layer].is_header}


def all_named(seen: Seen) -> bool:
    """Every bit of every packet was read; two ports are there, and nothing that tells a process."""
    parts = [dissect(packet.raw) for packet in seen.flown]
    names = header_fields(seen)
    return (
        bool(parts)
        and all(not each.problem and not each.missing for each in parts)
        and not any(field.name in UNREAD for each in parts for field in each.leaves)
        and {"ip.src", "ip.dst", "tcp.srcport", "tcp.dstport"} <= names
        and not any("pid" in name or "process" in name for name in names)
    )


# --- the programs and their PIDs


def has_read(world: World) -> bool:
    """Whether the client has read what the server said."""
    return has_run(world, CLIENT, "s.recv(")


def has_ended(world: World) -> bool:
    """Whether the client has ended."""
    return endpoint(world, CLIENT).status == "ended"


def waits(world: World) -> bool:
    """Whether the server sleeps in a call."""
    return endpoint(world, SERVER).status == "asleep"


def served(seen: Seen) -> bool:
    """Whether the client was connected and has its greeting."""
    return has_run(seen.here, CLIENT, CONNECT) and has_read(seen.here)


def new(seen: Seen) -> Endpoint:
    """The server as it is now."""
    return endpoint(seen.here, SERVER)


def old_pid(seen: Seen) -> int:
    """The PID of the server that was killed."""
    return seen.probes["server"].pid


def restarted_with(seen: Seen, *, port: bool, pid: bool) -> bool:
    """Whether, after the restart, another port is served, and whether by another PID."""
    moved = not listen_rows(seen.here, seen.port)
    return new(seen).status != "ended" and moved == port and (new(seen).pid != old_pid(seen)) == pid


def row(world: World) -> str:
    """Who listens on the lab's port, in words."""
    found = listen_row(world, lab_port(world))
    return f"port {found.key.port}: {pids(found)}"


def is_there(seen: Seen, name: str) -> bool:
    """Whether somebody had that PID."""
    return seen.probes[name].errno == "" and not seen.probes[name].zombie


def nobody_has_the_old(seen: Seen) -> bool:
    """Nobody has the old PID; or the machine has already dealt it to another process."""
    old = seen.probes["old"]
    return old.errno == "ESRCH" or old.same is False


def asked(seen: Seen) -> str:
    """What became of both PIDs, in words."""
    old, fresh = seen.probes["old"], seen.probes["new"]
    said = "another process by now" if old.same is False else "still there"
    said = f"nobody ({old.errno})" if old.errno else said
    return f"PID {old.pid}: {said}; PID {fresh.pid}: {fresh.errno or 'there'}"


# --- several services


def ports(seen: Seen) -> tuple[int, ...]:
    """The ports that the server with several services asks for."""
    return (seen.port, port_beside(seen.port), *SERVICES)


def listens_on(seen: Seen) -> list[int]:
    """The ports on which the server's one process listens."""
    pid = (new(seen).pid,)
    return [port for port in ports(seen) if any(each.pids == pid for each in listen_rows(seen.here, port))]


def refused(seen: Seen) -> list[int]:
    """The ports that it was not given, as it said."""
    said = printed(seen.here, SERVER).splitlines()
    return [port for port in ports(seen)[1:] if any(words.startswith(f"{port} ") for words in said)]


def all_granted_or_refused(seen: Seen) -> bool:
    """Whether it has two ports at least, and said of each of the others that it was refused."""
    return len(listens_on(seen)) >= 2 and len(listens_on(seen)) + len(refused(seen)) == len(ports(seen))


def answers(seen: Seen) -> list[str]:
    """What the client was told, port by port."""
    return printed(seen.here, CLIENT).splitlines()


def four_answers(seen: Seen) -> bool:
    """Whether each of four ports gave an answer of its own, and one process is behind them."""
    told = answers(seen)
    return (
        len(set(told)) == 4
        and [words.split()[0] for words in told] == [str(port) for port in ports(seen)]
        and len(listens_on(seen)) == 4
    )


# --- several processes


def workers(world: World) -> tuple[int, ...]:
    """The PIDs of the server and of its fork, as far as they live."""
    return tuple(
        sorted(each.pid for each in map(world.endpoints.get, (SERVER, FORK)) if each and each.status != "ended")
    )


def fork_alone_listens(seen: Seen) -> bool:
    """Whether the port has no PID but the fork's, and the first process is gone."""
    return listeners(seen.here) == (endpoint(seen.here, FORK).pid,) and new(seen).status == "ended"


def row_and_workers_before(seen: Seen) -> str:
    """Who listens, and who did before the step."""
    return f"{row(seen.here)}; before: PID {' and '.join(map(str, workers(seen.start)))}"


def listeners(world: World) -> tuple[int, ...]:
    """The PIDs that have the lab's port, by the table."""
    return listen_row(world, lab_port(world)).pids


def shared(seen: Seen, *, listening: int, by: int) -> bool:
    """Whether the port has so many listening rows, each with so many PIDs."""
    found = listen_rows(seen.here, seen.port)
    return len(found) == listening and all(len(each.pids) == by for each in found)


# --- another machine


def inside(seen: Seen) -> tuple[str, str]:
    """The server's PID as each of the two machines numbers it: what os.getpid() said there."""
    return result(seen.kept["here"], SERVER), result(seen.kept["there"], SERVER)


def same_pid(seen: Seen) -> bool:
    """Whether the server has one PID on both machines."""
    here, there = inside(seen)
    return int(here) == int(there)


def same_port(seen: Seen) -> bool:
    """The server listens on the lab's port on both machines."""
    away = seen.labs[AWAY]
    return lab_port(away) == seen.port and all(
        listeners(world) == (endpoint(world, SERVER).pid,) for world in (seen.here, away)
    )
