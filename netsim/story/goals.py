"""Goals: what the keys c, s, x, u, r and f ask for, reached by running the programs' own lines one call at a time.

Law: a goal says what shall be so, not how; netsim.story.towards says the next command on the way to it.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from netsim.model.commands import AnyCommand
from netsim.model.world import Endpoint, World
from netsim.story.callers import not_ours
from netsim.story.calls import CONNECTING, READING
from netsim.story.own import is_own
from netsim.story.packets import held_packets


class Connect(Struct, frozen=True):
    """Run `who` up to and including its next connect()."""

    who: str


class Send(Struct, frozen=True):
    """Run `who` to its next send, which sends `text`."""

    who: str
    text: str


class Close(Struct, frozen=True):
    """Run `who` up to and including its next close()."""

    who: str


class Datagram(Struct, frozen=True):
    """Send `text` as one UDP datagram."""

    text: str


class Restart(Struct, frozen=True):
    """End the server's process `old_pid` and run its program again: to where it waits for clients, if it `listened`."""

    who: str
    old_pid: int
    listened: bool


class Finish(Struct, frozen=True):
    """Deliver packets until `who` comes back from the call (number `call`) in which it sleeps."""

    who: str
    call: int


class DeliverAll(Struct, frozen=True):
    """Deliver what is held now, up to packet `last`: for where no program sleeps."""

    last: int


class NotOurs(Struct, frozen=True):
    """A stranger is in focus, and no program of ours is asked for: `why` nothing will come of it."""

    why: str


Goal = Connect | Send | Close | Datagram | Restart | Finish | DeliverAll | NotOurs


class Do(Struct, frozen=True):
    """Dispatch this; `final`: with it the goal is reached."""

    command: AnyCommand
    final: bool = False


class Wait(Struct, frozen=True):
    """Something is under way; ask again after the next event."""


class Reached(Struct, frozen=True):
    """Nothing is left to do."""


class Stuck(Struct, frozen=True):
    """It can't be reached from here; `why` is one sentence that ends with what to press."""

    why: str


Advance = Do | Wait | Reached | Stuck


def connect(world: World) -> Goal:
    """What `c` asks for: the client in focus connects; TCP's first, where a UDP client is in focus.

    One that sleeps in connect() does so already: what it waits for is delivered.
    """
    who = client_in_focus(world) if world.focus.transport == "tcp" else "client1"
    endpoint = world.endpoints.get(who)
    if endpoint is not None and endpoint.call is not None and endpoint.call.name in CONNECTING:
        return Finish(who, endpoint.call.call)
    return Connect(who)


def send(world: World, text: str) -> Goal:
    """What `s` asks for: the program in focus sends `text`."""
    if world.focus.stranger is not None and world.focus.role == "client":
        return NotOurs(not_ours(world, world.focus.stranger))
    return Datagram(text) if world.focus.transport == "udp" else Send(_focused(world), text)


def with_text(goal: Goal, text: str) -> Goal:
    """The same goal with what was typed since."""
    return replace(goal, text=text) if isinstance(goal, Send | Datagram) else goal


def close(world: World) -> Goal:
    """What `x` asks for: the program in focus closes."""
    if world.focus.stranger is not None and world.focus.role == "client":
        return NotOurs(not_ours(world, world.focus.stranger))
    return Close(_focused(world))


def restart(world: World) -> Goal:
    """What `r` asks for: the server in focus ends and starts again."""
    who = "udpserver" if world.focus.transport == "udp" else "server"
    server = world.endpoints.get(who)
    listened = server is not None and bool(server.sockets) and (server.status == "asleep" or waits_for_clients(server))
    later = server is not None and any(ref.remote is not None for ref in server.sockets)
    return Restart(who, server.pid if server else 0, listened or later or _has_ended(server))


def finish(world: World) -> Goal:
    """What `f` asks for: deliver until the sleeping call returns; the client's in focus, or else the server's."""
    server = server_of(client_in_focus(world))
    for who in (client_in_focus(world), server) if world.focus.stranger is None else (server,):
        endpoint = world.endpoints.get(who)
        if endpoint is not None and endpoint.status == "asleep" and endpoint.call is not None:
            return Finish(who, endpoint.call.call)
    return DeliverAll(max((packet.number for packet in held_packets(world)), default=0))


def waits_for_clients(server: Endpoint) -> bool:
    """Whether its next call is one in which a server waits for clients: accept(), recvfrom() and the like."""
    return server.next_call is not None and server.next_call.name in READING


def _has_ended(server: Endpoint | None) -> bool:
    return server is not None and server.status == "ended"


def client_in_focus(world: World) -> str:
    """The name of the client in focus: "client2", "udpclient1"; there need not be such a program yet."""
    prefix = "udpclient" if world.focus.transport == "udp" else "client"
    return f"{prefix}{world.focus.number}"


def _focused(world: World) -> str:
    client, server = client_in_focus(world), server_of(client_in_focus(world))
    if is_own(world) and client not in world.endpoints:
        return server
    if is_own(world) and server not in world.endpoints:
        return client
    return client if world.focus.role == "client" else server


def server_of(client: str) -> str:
    """The name of the server that this client calls."""
    return "udpserver" if client.startswith("udp") else "server"
