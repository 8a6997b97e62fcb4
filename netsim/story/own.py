"""A person's own programs in the story: where they are, what they wait for outside of their socket calls, what to do.

Law: what such a program means by its calls nobody knows here; only what the system says of it is told.
"""

from __future__ import annotations

import re

from netsim.model.address import Role, Transport
from netsim.model.commands import StartEndpoint
from netsim.model.events import CallReturned, CallStarted
from netsim.model.views import client_name, clients, listener, local_of, ports_of, server_name
from netsim.model.world import Endpoint, World
from netsim.story.action import Action
from netsim.story.calls import opening, speaker

MOST_CLIENTS = 9  # as many as there are keys to choose one
_READY = frozenset(("poll", "ppoll", "select", "pselect6", "epoll_wait", "epoll_pwait"))
_TIMERS = frozenset(("nanosleep", "clock_nanosleep"))
_LOCKS = frozenset(("flock", "fcntl"))  # of a file
_CHILDREN = frozenset(("wait4", "waitid"))
_STDIN = re.compile(r"\bsys\.stdin\b|\binput\(")
_THREADS = re.compile(r"(?i)thread")
_PORT = re.compile(r",\s*(\d{1,5})\b")


def is_own(world: World) -> bool:
    """Whether this lab runs programs of the person's own."""
    return any(endpoint.own is not None for endpoint in world.endpoints.values())


def first_own(world: World) -> Endpoint | None:
    """One of them: the server, if there is one."""
    own = [endpoint for endpoint in world.endpoints.values() if endpoint.own is not None]
    return min(own, key=lambda endpoint: (endpoint.role != "server", endpoint.number), default=None)


def one_more(world: World) -> StartEndpoint | None:
    """One more of the person's clients, as the first one; None if there is none, or as many as there are keys."""
    first = next((each for each in world.endpoints.values() if each.own is not None and each.role == "client"), None)
    if first is None:
        return None
    number = len(clients(world, first.transport)) + 1
    if number > MOST_CLIENTS:
        return None
    return StartEndpoint(
        who=client_name(first.transport, number), program=first.program, role="client", transport=first.transport,
        number=number, own=first.own,
    )  # fmt: skip


# --- what is not there


def absent(world: World, role: Role) -> tuple[str, str]:
    """Why a pane of the person's lab is empty, and the command that helps; both "" where it is not so."""
    own = first_own(world)
    if own is None or any(each.role == role for each in world.endpoints.values()):
        return "", ""
    host, port = reached_at(world, own.transport)
    udp = "u" if own.transport == "udp" else ""
    prefix = "netsim shell -- " if world.lab is not None and world.lab.net == "private" else ""
    if role == "client":
        return "No client here. In another terminal:", f"{prefix}nc {f'-{udp} ' if udp else ''}{host} {port}"
    return "No server here. In another terminal:", f"{prefix}nc -l{udp} {port}"


def reached_at(world: World, transport: Transport) -> tuple[str, int]:
    """Where the server of this lab is called: its socket's address as far as it has one, else the lab's."""
    server = world.endpoints.get(server_name(transport))
    fallback = world.lab.port if world.lab else 8888
    if server is None:
        return "127.0.0.1", fallback
    listening = listener(world, server)
    local = listening.local if listening is not None else None
    for ref in server.sockets if local is None else ():
        local = local or local_of(world, ref)
    if local is None:
        return "127.0.0.1", min(ports_of(world, server), default=fallback)
    any_host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}
    return any_host.get(local.host, local.host), local.port


def port_of(event: CallReturned, world: World) -> int:
    """The port that a call is about: named in its arguments, or its socket's own; else the lab's."""
    for each in reversed(world.since):
        if isinstance(each, CallStarted) and (each.who, each.call) == (event.who, event.call):
            named = _PORT.search(each.arguments)
            if event.name in ("bind", "connect", "connect_ex", "sendto") and named:
                return int(named[1])
    local = event.socket.local if event.socket is not None else None
    if event.name in ("bind", "listen", "accept") and local is not None and local.port:
        return local.port
    return world.lab.port if world.lab else 8888


# --- what they do outside of their calls


def waits(endpoint: Endpoint, who: str) -> str:
    """One sentence about a program that sleeps outside of its socket calls; names the system call."""
    syscall = endpoint.syscall
    named = f" ({syscall})" if syscall else ""
    over = endpoint.traceback or (endpoint.error is not None)
    if over and syscall == "futex":
        return f"{opening(who)}'s program is over; other threads of its process are not{named}."
    if endpoint.reads_input:
        return f"{opening(who)} waits {_where_it_reads(endpoint)} for a line{named}: T types one."
    if syscall in _TIMERS:
        return f"{opening(who)} sleeps for a while{named}: a timer wakes it."
    if syscall in _READY:
        return f"{opening(who)} sleeps{named} until one of its sockets is ready."
    if syscall == "futex":
        return f"{opening(who)} sleeps{named}: it waits for a thread, a lock or a queue."
    if syscall in _CHILDREN:
        return f"{opening(who)} sleeps{named} until a child process ends."
    if syscall in _LOCKS:
        return f"{opening(who)} sleeps{named}: another process has the lock on that file."
    if syscall is None:
        return f"{opening(who)} sleeps, but in no socket call; in which can't be read here."
    return f"{opening(who)} sleeps in {syscall}(), which is no socket call."


def _where_it_reads(endpoint: Endpoint) -> str:
    return "on its standard input" if "stdin" in endpoint.text(endpoint.line) else "in input()"


def typing_for(endpoint: Endpoint, who: str) -> str:
    """What is said while a line is typed for it."""
    if endpoint.reads_input:
        return f"{opening(who)} waits {_where_it_reads(endpoint)}: it gets the line that you type now."
    return f"{opening(who)} may read a line later: what you type now waits for that."


def spins(who: str) -> str:
    """One sentence about a program that runs and runs."""
    return f"{opening(who)} runs on and on, without a call or a sleep: i interrupts it."


def paused(endpoint: Endpoint, who: str) -> str:
    """One sentence about a process that a signal from outside has stopped."""
    return f"{opening(who)} is stopped by {endpoint.paused_by}. In a shell: kill -CONT {endpoint.pid}"


def type_a_line(world: World) -> Action | None:
    """A program sleeps in input(): the person is asked for the line, first the one in focus."""
    waiting = [each for each in world.endpoints.values() if each.reads_input and not each.paused_by]
    return _typed_for(world, waiting, "{} waits in input(): type a line")


def type_all_the_same(world: World) -> Action | None:
    """Everything sleeps, and one of them may read its standard input in a select(): its text says so.

    One that sleeps in a call of a socket's reads nothing else, but in a thread.
    """
    waiting = [
        each
        for each in world.endpoints.values()
        if each.own is not None
        and each.status == "asleep"
        and not each.paused_by
        and not each.forked_from
        and reads_lines(each)
        and (each.call is None or _speaks_of(_THREADS, each))
    ]
    return _typed_for(world, waiting, "type a line for the {}")


def reads_lines(endpoint: Endpoint) -> bool:
    """Whether its text speaks of standard input."""
    return _speaks_of(_STDIN, endpoint)


def _speaks_of(words: re.Pattern[str], endpoint: Endpoint) -> bool:
    return any(words.search(line) for line in endpoint.source)


def _typed_for(world: World, waiting: list[Endpoint], label: str) -> Action | None:
    if not waiting:
        return None
    first = min(waiting, key=lambda each: (each.transport != world.focus.transport, each.number != world.focus.number))
    several = first.role == "client" and len(clients(world, first.transport)) > 1
    name = f"client {first.number}" if several else first.role
    return Action(
        id=f"{world.step}:type {first.who}:{first.pid}:{first.line}:{len(first.printed)}",
        label=label.format(name),
        who=first.who,
        types=True,
    )


def welcome(world: World) -> str:
    """What is said before anything of theirs has run; "" once something has."""
    if world.step:
        return ""
    own = first_own(world)
    if own is None or own.own is None:
        return ""
    user = f" ({own.own.user})" if own.own.user else ""
    return f"Nothing has run yet. Your programs run as you{user}."


def came_to(world: World) -> str:
    """Where the program that moved last is, when there is no call of it to tell of; "" for netsim's own."""
    endpoint = world.endpoints.get(world.mover) or first_own(world)
    if endpoint is None or endpoint.own is None:
        return ""
    if endpoint.paused_by:
        return paused(endpoint, speaker(endpoint, world))
    if endpoint.spins:
        return spins(endpoint.role)
    if endpoint.status == "asleep" and endpoint.call is None:
        return waits(endpoint, endpoint.role)
    if endpoint.status == "ended":
        return f"{endpoint.program} has ended." if not world.under_way else f"{endpoint.program} is started again."
    if endpoint.status != "stopped":
        return f"{endpoint.program} runs."
    return f"{endpoint.program} has run to {endpoint.place(endpoint.line)}, without a socket call on the way."
