"""The way to a goal: the next command, seen from the world as it is.

Law: it keeps no state, so a goal can be dropped at any moment, and what came in between is no surprise.
"""

from __future__ import annotations

from typing import assert_never

from netsim.model.commands import Kill, ReleasePacket, RunExtraLine, StartEndpoint, Step
from netsim.model.world import Endpoint, World
from netsim.story.calls import CONNECTING, READING, SENDING, opening, socket_of, speaker, the, would_sleep
from netsim.story.director import OPENING, UDP_PAIR
from netsim.story.goals import (
    Advance,
    Close,
    Connect,
    Datagram,
    DeliverAll,
    Do,
    Finish,
    Goal,
    NotOurs,
    Reached,
    Restart,
    Send,
    Stuck,
    Wait,
    client_in_focus,
    server_of,
    waits_for_clients,
)
from netsim.story.own import absent, is_own, paused, reached_at, spins, waits
from netsim.story.packets import oldest_held


def advance(world: World, goal: Goal) -> Advance:
    """The next command on the way to the goal."""
    if world.ended is not None:
        return Stuck("The lab is gone: press b to begin again.")
    if world.under_way:
        return Wait()
    match goal:
        case Connect(who):
            return _connect(world, who)
        case Send(who, text):
            return _towards(world, who, SENDING, text)
        case Close(who):
            return _towards(world, who, frozenset({"close"}), None)
        case Datagram(text):
            return _datagram(world, text)
        case Restart():
            return _restart(world, goal)
        case Finish():
            return _finish(world, goal)
        case NotOurs(why):
            return Stuck(why)
        case DeliverAll(last):
            packet = oldest_held(world)
            if packet is None or packet.number > last:
                return Reached() if last else Stuck("No packet is held: space goes on.")
            return Do(ReleasePacket(number=packet.number))
        case _:
            assert_never(goal)


def _connect(world: World, who: str) -> Advance:
    server = world.endpoints.get(server_of(who))
    client = world.endpoints.get(who)
    if client is None or client.status == "ended":
        return _start_again(world, who)
    if server is not None and _is_on_the_way_to_clients(server):
        return _run(server)
    return _towards(world, who, CONNECTING, None)


def _datagram(world: World, text: str) -> Advance:
    if is_own(world):
        return _own_datagram(world, text)
    for command in UDP_PAIR:
        endpoint = world.endpoints.get(command.who)
        if endpoint is None:
            return Do(command)
    client, server = world.endpoints["udpclient1"], world.endpoints["udpserver"]
    if client.status == "ended":
        return Do(UDP_PAIR[1])
    if _is_on_the_way_to_clients(server):
        return _run(server)
    return _towards(world, "udpclient1", SENDING, text)


def _own_datagram(world: World, text: str) -> Advance:
    client = world.endpoints.get(client_in_focus(world))
    if client is None or client.transport != "udp":
        return Stuck("None of these programs is a UDP client: netsim without run has a UDP pair.")
    if client.status == "ended":
        return _start_again(world, client.who)
    return _towards(world, client.who, SENDING, text)


def _restart(world: World, goal: Restart) -> Advance:
    server = world.endpoints.get(goal.who)
    if server is None:
        return _start_again(world, goal.who)
    if server.pid == goal.old_pid:
        return _start_again(world, goal.who) if server.status == "ended" else Do(Kill(who=goal.who))
    if server.is_on_its_way:
        return Wait()
    if goal.listened and _is_on_the_way_to_clients(server):
        return _run(server)
    return Reached()


def _finish(world: World, goal: Finish) -> Advance:
    endpoint = world.endpoints.get(goal.who)
    if endpoint is None or endpoint.status != "asleep" or endpoint.call is None or endpoint.call.call != goal.call:
        return Wait() if endpoint is not None and endpoint.status == "running" else Reached()
    packet = oldest_held(world)
    if packet is None:
        return Stuck(f"No packet is held, and {the(speaker(endpoint, world))} sleeps on in {endpoint.call.name}().")
    return Do(ReleasePacket(number=packet.number))


def _towards(world: World, who: str, targets: frozenset[str], message: str | None) -> Advance:
    """Run `who` to its next call among `targets`, with all that must come first; an extra line if none is ahead."""
    endpoint = world.endpoints.get(who)
    if endpoint is None:
        return Stuck("There is no such program: press b to begin again.")
    if endpoint.paused_by:
        return Stuck(paused(endpoint, speaker(endpoint, world)))
    match endpoint.status:
        case "starting" | "running":
            return Stuck(spins(speaker(endpoint, world))) if endpoint.spins else Wait()
        case "ended":
            return Stuck(_ended_text(endpoint, world))
        case "asleep":
            return _let_the_other_side_move(world, endpoint)
        case "stopped":
            pass
    ahead = endpoint.next_call
    server = world.endpoints.get(server_of(who))
    if ahead is not None and ahead.name in CONNECTING and server is not None and _is_on_the_way_to_clients(server):
        return _run(server)
    if ahead is not None and ahead.name in targets:
        return Do(Step(who=who, message=message), final=True)
    if not _is_ahead(endpoint, targets):
        if ahead is not None and not ahead.target:  # a library's: nothing in the text says what comes
            return Stuck(f"{opening(speaker(endpoint, world))} stands in another file's call: press space to go on.")
        return _extra(endpoint, world, targets, message)
    if would_sleep(endpoint):
        return _let_the_other_side_move(world, endpoint)
    return Do(Step(who=who))


def _let_the_other_side_move(world: World, endpoint: Endpoint) -> Advance:
    """`endpoint` waits (or would wait) for something: run the other program as far as it can do something about it."""
    packet = oldest_held(world)
    if packet is not None:
        return Do(ReleasePacket(number=packet.number))
    other = world.endpoints.get(client_in_focus(world) if endpoint.role == "server" else server_of(endpoint.who))
    if (other is not None and other.is_on_its_way) or _has_come(world, endpoint):
        return Wait()
    if other is not None and other.status == "stopped":
        if not would_sleep(other):
            return Do(Step(who=other.who))
        if _has_come(world, other):
            return Wait()
    who = speaker(endpoint, world)
    if endpoint.status == "asleep" and endpoint.call is None:
        return Stuck(waits(endpoint, who))
    call = endpoint.call.name if endpoint.call else endpoint.next_call.name if endpoint.next_call else "a call"
    sleeps = "sleeps in" if endpoint.status == "asleep" else "would sleep in"
    wakes = {"accept": "a client that connects wakes it (c)", "recvfrom": "a datagram wakes it (u)"}.get(
        call, "bytes from the other side wake it (tab, s)"
    )
    return Stuck(
        f"{opening(who)} {sleeps} {call}(): {wakes}" + ("; i interrupts." if endpoint.status == "asleep" else ".")
    )


def _has_come(world: World, endpoint: Endpoint) -> bool:
    """The kernel has what its call waits for: that poll() says so too, or that it wakes, is on its way to us."""
    ahead, call = endpoint.next_call, endpoint.call
    fd = ahead.fd if ahead else call.socket.fd if call and call.socket and call.name in READING else None
    socket = socket_of(endpoint, fd, world)
    return socket is not None and socket.receive_queue > 0 and not endpoint.paused_by


def _is_ahead(endpoint: Endpoint, targets: frozenset[str]) -> bool:
    """Whether one of the calls is reached in the program's text on the socket it is about, before a new accept()."""
    for call in endpoint.ahead:
        if call.name in targets:
            return True
        if call.name == "accept" and any(ref.remote is not None for ref in endpoint.sockets):
            return False
    return False


def _extra(endpoint: Endpoint, world: World, targets: frozenset[str], message: str | None) -> Advance:
    """One line that is not in the program, on the socket that its text ahead speaks of."""
    open_fds = {ref.fd: ref for ref in endpoint.sockets}
    named = [call for call in endpoint.ahead if call.fd in open_fds]
    named.sort(key=lambda call: open_fds[call.fd].remote is None if call.fd is not None else True)
    if not named:
        return Stuck(f"{opening(speaker(endpoint, world))} has no open socket to do that with: press space to go on.")
    target = named[0].target
    host, port = reached_at(world, endpoint.transport)
    if targets & SENDING:
        text = message or ""
        data = repr(text.encode()) if text.isascii() else f"{text!r}.encode('ascii')"
        unconnected = endpoint.transport == "udp" and all(ref.remote is None for ref in endpoint.sockets)
        line = f"{target}.sendto({data}, ({host!r}, {port}))" if unconnected else f"{target}.send({data})"
    elif targets & CONNECTING:
        line = f"{target}.connect(({host!r}, {port}))"
    else:
        line = f"{target}.close()"
    return Do(RunExtraLine(who=endpoint.who, source=line), final=True)


def _is_on_the_way_to_clients(server: Endpoint) -> bool:
    """A server that has not come to the call in which it waits for clients."""
    if server.is_on_its_way:
        return True
    return server.status == "stopped" and not _has_waited(server) and not waits_for_clients(server)


def _has_waited(server: Endpoint) -> bool:
    return any(mark.call in READING for mark in server.marks.values())


def _run(endpoint: Endpoint) -> Advance:
    return Wait() if endpoint.is_on_its_way else Do(Step(who=endpoint.who))


def _start_again(world: World, who: str) -> Advance:
    before = world.endpoints.get(who)
    if before is not None:
        return Do(
            StartEndpoint(
                who=who, program=before.program, role=before.role, transport=before.transport, number=before.number,
                own=before.own,
            )
        )  # fmt: skip
    if is_own(world):
        return Stuck(" ".join(absent(world, "client" if "client" in who else "server")))
    return next((Do(command) for command in OPENING + UDP_PAIR if command.who == who), Stuck("Press b to begin again."))


def _ended_text(endpoint: Endpoint, world: World) -> str:
    who = speaker(endpoint, world)
    if endpoint.role == "client":
        return f"{opening(who)} has ended, and its socket with it: c starts it again and connects."
    return f"{opening(who)} has ended: press r to start it again."
