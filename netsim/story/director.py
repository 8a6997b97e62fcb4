"""The director: what `space` does next. The first rule that fits, and it looks at nothing but the world.

Deliver a held packet; wait for one that was lost; run a call that has something waiting; run a call that will not
sleep; run one that will; begin UDP; the end. The conversation in focus comes first in each.
"""

from __future__ import annotations

from collections.abc import Iterable

from netsim.model.commands import AnyCommand, ReleasePacket, StartEndpoint, Step
from netsim.model.packet import Packet
from netsim.model.views import client_name, clients, conversation_in_focus, end_of, packets_of
from netsim.model.world import Endpoint, World
from netsim.story.action import Action
from netsim.story.calls import came_back_empty, describe, is_ready, speaker, the, would_sleep
from netsim.story.own import MOST_CLIENTS, is_own, one_more, type_a_line, type_all_the_same
from netsim.story.packets import describe_delivery, is_of_a_crowd, oldest_held

OPENING: tuple[StartEndpoint, ...] = (
    StartEndpoint(who="server", program="tcp_server.py", role="server", transport="tcp"),
    StartEndpoint(who="client1", program="tcp_client.py", role="client", transport="tcp"),
)
UDP_PAIR: tuple[StartEndpoint, ...] = (
    StartEndpoint(who="udpserver", program="udp_server.py", role="server", transport="udp"),
    StartEndpoint(who="udpclient1", program="udp_client.py", role="client", transport="udp"),
)


def new_client(world: World) -> StartEndpoint | None:
    """One more TCP client, None if there are as many as can be chosen by a key."""
    if is_own(world):
        return one_more(world)
    number = len(clients(world, "tcp")) + 1
    if number > MOST_CLIENTS:
        return None
    who = client_name("tcp", number)
    return StartEndpoint(who=who, program="tcp_client.py", role="client", transport="tcp", number=number)


def next_action(world: World) -> Action:
    """What a press of space would do now, and what the SPACE line says about it."""
    if world.ended is not None:
        return Action(id="ended", cap="", label="the lab is gone: b begins again with a fresh one, q quits")
    if len(world.endpoints) < len(OPENING) and world.step == 0 and not is_own(world):
        return Action(id="starting", cap="", label="starting the lab ...")
    for rule in RULES:
        action = rule(world)
        if action is not None:
            return action
    return _end(world)


def deliver_next(world: World) -> Action | None:
    """Rule 3: packets are held; the oldest of the conversation in focus, or of all. A crowd's come last."""
    packet = oldest_held(world)
    if packet is None or is_of_a_crowd(world, packet):
        return None
    return _deliver(world, packet)


def _deliver_a_crowds(world: World) -> Action | None:
    """Rule 8: nothing is left to be done but to let one of many strangers' packets go on."""
    packet = oldest_held(world)
    return _deliver(world, packet) if packet is not None else None


def _deliver(world: World, packet: Packet) -> Action:
    return Action(
        id=f"{world.step}:packet {packet.number}",
        label=describe_delivery(packet, world),
        packet=packet.number,
        commands=(ReleasePacket(number=packet.number),),
    )


def _wait_for_the_lost(world: World) -> Action | None:
    """Rule 4: the conversation in focus has lost a packet, and a timer of the kernel's runs that will send again.

    Only where the copy will be held: a SYN that the kernel ignores for a full queue is lost until somebody accepts.
    """
    conversation = conversation_in_focus(world)
    if world.gate != "closed" or conversation is None or conversation.transport != "tcp":
        return None
    packets = packets_of(world, conversation)
    lost = [packet for packet in packets if packet.fate == "lost"]
    if not lost or any(later.number > lost[-1].number and later.fate != "lost" for later in packets):
        return None
    ends = (end_of(world, conversation, role) for role in ("client", "server"))
    timers = [end.expires_ms for end in ends if end is not None and end.timer == "retransmit"]
    if not timers:
        return None
    return Action(
        id=f"{world.step}:lost {lost[-1].number}",
        cap="WAIT",
        label="the kernel sends again in {left}; space does nothing until then",
        until=world.observed_at + min(timers) / 1000,
    )


def _run_what_waits(world: World) -> Action | None:
    """Rule 5: a stopped program's next call has something waiting; focus first, then who has waited longest."""
    ready = [endpoint for endpoint in world.endpoints.values() if is_ready(endpoint)]
    ready.sort(key=lambda endpoint: (not _in_focus(world, endpoint), endpoint.ready_at or 0.0))
    return _step(world, ready)


def _run_what_will_not_sleep(world: World) -> Action | None:
    """Rule 6: a next call that will not sleep, or connect(); last mover, then server, then client 1 to n."""
    able = [
        endpoint
        for endpoint in world.endpoints.values()
        if endpoint.status == "stopped" and not would_sleep(endpoint) and not is_ready(endpoint)
    ]
    able.sort(
        key=lambda endpoint: (not _focused_transport(world, endpoint), endpoint.who != world.mover, *_rank(endpoint))
    )
    return _step(world, able)


def _run_to_sleep(world: World) -> Action | None:
    """Rule 7: only calls that will wait are left; server first. One that asks again and again lets the others go."""
    sleepy = [endpoint for endpoint in world.endpoints.values() if would_sleep(endpoint)]

    def order(endpoint: Endpoint) -> tuple[bool, bool, bool, bool, int]:
        asked = came_back_empty(endpoint)
        away = not _focused_transport(world, endpoint)
        return away, asked, asked and endpoint.who == world.mover, *_rank(endpoint)

    sleepy.sort(key=order)
    return _step(world, sleepy)


def _begin_udp(world: World) -> Action | None:
    """Rule 8: UDP has not been played yet. A person's own programs are played alone."""
    if is_own(world) or any(endpoint.transport == "udp" for endpoint in world.endpoints.values()):
        return None
    return Action(
        id=f"{world.step}:udp",
        label="UDP: start a server and a client that talk without connecting",
        who="udpclient1",
        commands=UDP_PAIR,
    )


def _end(world: World) -> Action:
    """Rule 9: all asleep or ended."""
    if world.under_way:
        return Action(id=f"{world.step}:under way", cap="", label="a process is starting, or ending ...")
    busy = next((each for each in world.endpoints.values() if each.is_on_its_way), None)
    if busy is not None:
        label = f"{the(speaker(busy, world))} runs; i interrupts it"
        return Action(id=f"{world.step}:busy", cap="", label=label)
    halted = next((each for each in world.endpoints.values() if each.paused_by), None)
    if halted is not None:
        label = f"{the(speaker(halted, world))} is stopped by {halted.paused_by}; kill -CONT {halted.pid}"
        return Action(id=f"{world.step}:paused", cap="", label=label)
    if is_own(world):
        return _end_of_own(world)
    return Action(
        id=f"{world.step}:end",
        label="the end: begin again with a fresh lab?  (or r restart, u UDP)",
        begin_again=True,
    )


def _end_of_own(world: World) -> Action:
    """Nothing is left that a step could do: the person's programs sleep, or have ended."""
    spinning = next((each for each in world.endpoints.values() if each.spins), None)
    if spinning is not None:
        label = f"{the(speaker(spinning, world))} runs without a stop; i interrupts it"
        return Action(id=f"{world.step}:spins", cap="", label=label)
    asleep = [each for each in world.endpoints.values() if each.status == "asleep"]
    if asleep:
        label = f"nothing to step: {the(speaker(asleep[0], world))} sleeps; i interrupts it, b begins again"
        return Action(id=f"{world.step}:asleep", cap="", label=label)
    return Action(
        id=f"{world.step}:end", label="all have ended: begin again with a fresh lab?  (or r restart)", begin_again=True
    )


def _step(world: World, candidates: Iterable[Endpoint]) -> Action | None:
    for endpoint in candidates:
        if endpoint.paused_by:
            continue
        command: AnyCommand = Step(who=endpoint.who)
        call = endpoint.next_call
        what = f"{endpoint.line}:{call.name if call else ''}:{is_ready(endpoint)}"
        return Action(
            id=f"{world.step}:{endpoint.who}:{endpoint.pid}:{what}",
            label=describe(endpoint, world),
            who=endpoint.who,
            commands=(command,),
        )
    return None


def _focused_transport(world: World, endpoint: Endpoint) -> bool:
    return endpoint.transport == world.focus.transport


def _in_focus(world: World, endpoint: Endpoint) -> bool:
    shown = endpoint.role == "server" or (endpoint.number == world.focus.number and world.focus.stranger is None)
    return shown and _focused_transport(world, endpoint)


def _rank(endpoint: Endpoint) -> tuple[bool, int]:
    return (endpoint.role != "server", endpoint.number)


RULES = (
    deliver_next, _wait_for_the_lost, _run_what_waits, _run_what_will_not_sleep, type_a_line, _run_to_sleep,
    type_all_the_same, _deliver_a_crowds, _begin_udp,
)  # fmt: skip
