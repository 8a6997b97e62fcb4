"""Deeds: what a lesson's step can do, each as a line that reads like what happens.

Law: a deed looks at the world and says the next command; it knows no lab, keeps nothing and never waits by itself.
"""

from __future__ import annotations

from collections.abc import Callable

from netsim.model.commands import (
    AnyCommand,
    CloseGate,
    DropPacket,
    Interrupt,
    Kill,
    OpenGate,
    ReleasePacket,
    RunExtraLine,
    StartEndpoint,
    Step,
)
from netsim.model.packet import Packet
from netsim.model.world import World
from netsim.story import towards
from netsim.story.director import next_action
from netsim.story.goals import Advance, Do, Goal, Reached, Stuck, Wait
from netsim.story.lesson import HERE, Act, fill
from netsim.story.packets import held_packets, oldest_held

Condition = Callable[[World], bool]


def start(who: str, program: str, *, lab: str = HERE, keep: str = "") -> Act:
    """Start `program` as `who`: "server", "client2", "udpserver", "udpclient1", or a name of its own.

    Its role is the server's unless `who` has "client" in it, its transport TCP unless `who` begins with "udp". One that
    has ended, or runs another program, is ended first.
    """
    transport = "udp" if who.startswith("udp") else "tcp"
    digits = who[len(who.rstrip("0123456789")) :]
    order = StartEndpoint(
        who=who, program=program, role="client" if "client" in who else "server",
        transport="udp" if transport == "udp" else "tcp", number=int(digits or "1"),
    )  # fmt: skip

    def advance(world: World) -> Advance:
        before = world.endpoints.get(who)
        if who in world.under_way or (before is not None and before.status == "starting"):
            return Wait()
        if before is not None and before.status != "ended":
            return Do(Kill(who=who))
        return Do(order, final=True)

    def done(world: World) -> bool:
        return who not in world.under_way and who in world.endpoints and _is_at_rest(who)(world)

    return Act(words=f"start {program}", next=advance, done=done, lab=lab, keep=keep)


def run(who: str, message: str | None = None, *, lab: str = HERE, keep: str = "") -> Act:
    """Run a stopped program through its next socket call; `message` is sent in place of its own text.

    A program that runs on by itself from there (in select(), say) is run by `run_until`.
    """

    def advance(world: World) -> Advance:
        return _if_stopped(world, who) or Do(Step(who=who, message=message), final=True)

    return Act(words=f"{who} runs its next call", next=advance, done=_is_at_rest(who), lab=lab, keep=keep)


def run_to(who: str, call: str, *, lab: str = HERE, keep: str = "") -> Act:
    """Run a program until it stands before its next `call` ("accept"): not further, and not at all if it does."""

    def advance(world: World) -> Advance:
        endpoint = world.endpoints.get(who)
        if endpoint is not None and endpoint.next_call is not None and endpoint.next_call.name == call:
            return Reached()
        return _if_stopped(world, who) or Do(Step(who=who))

    return Act(words=f"{who} runs to {call}()", next=advance, done=_is_at_rest(who), lab=lab, keep=keep)


def runs(*order: str, lab: str = HERE) -> tuple[Act, ...]:
    """Each of these programs runs its next call, one after the other; one may come several times."""
    return tuple(run(who, lab=lab) for who in order)


def start_to(who: str, program: str, call: str, *, lab: str = HERE) -> tuple[Act, ...]:
    """Start `program` as `who`, and run it until it stands before its first `call` ("accept")."""
    return start(who, program, lab=lab), run_to(who, call, lab=lab)


def through(who: str, call: str, *, lab: str = HERE, keep: str = "") -> Act:
    """Run a program through its first `call` ("connect"), and deliver the packets that it waits for on the way."""

    def advance(world: World) -> Advance:
        endpoint = world.endpoints.get(who)
        if endpoint is not None and any(mark.call == call for mark in endpoint.marks.values()):
            return Reached()
        if endpoint is not None and endpoint.status == "asleep":
            packet = oldest_held(world)
            return Wait() if packet is None else Do(ReleasePacket(number=packet.number))
        return _if_stopped(world, who) or Do(Step(who=who))

    return Act(words=f"{who} comes through {call}()", next=advance, done=_is_at_rest(who), lab=lab, keep=keep)


def run_until(words: str, who: str, until: Condition, *, lab: str = HERE, keep: str = "") -> Act:
    """Run a program call after call, whenever it stands, until the world is so."""

    def advance(world: World) -> Advance:
        if until(world):
            return Reached()
        endpoint = world.endpoints.get(who)
        if endpoint is not None and endpoint.status == "asleep":
            return Wait()
        return _if_stopped(world, who) or Do(Step(who=who))

    return Act(words=words, next=advance, done=lambda _: True, lab=lab, keep=keep)


def in_turns(words: str, order: tuple[str, ...], until: Condition, *, lab: str = HERE, keep: str = "") -> Act:
    """The first of these programs runs until it sleeps, then the second, and so on until the world is so."""

    def advance(world: World) -> Advance:
        if until(world):
            return Reached()
        who = next((who for who in order if world.endpoints[who].status == "stopped"), None)
        return Wait() if who is None else Do(Step(who=who))

    return Act(words=words, next=advance, done=lambda _: True, lab=lab, keep=keep)


def run_out(who: str, *, lab: str = HERE, keep: str = "") -> Act:
    """Run a program to its end."""

    def advance(world: World) -> Advance:
        endpoint = world.endpoints.get(who)
        if endpoint is not None and endpoint.status == "ended":
            return Reached()
        return _if_stopped(world, who) or Do(Step(who=who))

    return Act(words=f"{who} runs to its end", next=advance, done=lambda _: True, lab=lab, keep=keep)


def extra(who: str, line: str, *, lab: str = HERE, keep: str = "") -> Act:
    """Run one line more than the program has, in the stopped program; its result or exception is data.

    `{port}` and `{port+1}` are filled in. A call in it that sleeps keeps the program, and the lesson gives up.
    """

    def advance(world: World) -> Advance:
        source = fill(line, world.lab.port if world.lab else 8888)
        return _if_stopped(world, who) or Do(RunExtraLine(who=who, source=source), final=True)

    def has_come_back(world: World) -> bool:  # a call in it may sleep for a moment, while its packets pass
        endpoint = world.endpoints.get(who)
        return _is_at_rest(who)(world) and (endpoint is None or endpoint.status != "asleep")

    return Act(words=f"{who}: >>> {line}", next=advance, done=has_come_back, lab=lab, keep=keep)


def kill(who: str, *, lab: str = HERE, keep: str = "") -> Act:
    """End a process at once: SIGKILL."""

    def done(world: World) -> bool:
        return who not in world.under_way and world.endpoints[who].status == "ended"

    return Act(words=f"kill {who}", next=lambda _: Do(Kill(who=who), final=True), done=done, lab=lab, keep=keep)


def interrupt(who: str, *, lab: str = HERE, keep: str = "") -> Act:
    """Interrupt the call in which a program sleeps, as Ctrl-C would."""
    return Act(
        words=f"interrupt {who}", next=lambda _: Do(Interrupt(who=who), final=True), lab=lab, keep=keep
    )  # fmt: skip


def pursue(words: str, make: Callable[[World], Goal], *, lab: str = HERE, keep: str = "") -> Act:
    """What a key does (netsim.story.goals): `pursue("the client connects", lambda _: goals.Connect("client1"))`.

    `make` is asked again each time, so it must give the same goal on the way: not goals.restart.
    """
    return Act(words=words, next=lambda world: towards.advance(world, make(world)), lab=lab, keep=keep)


def space(words: str, until: Condition, *, lab: str = HERE, keep: str = "") -> Act:
    """Go on as the space bar would on the main screen, until the world is so."""

    def advance(world: World) -> Advance:
        if until(world):
            return Reached()
        action = next_action(world)
        if action.cap == "WAIT":
            return Wait()
        return Do(action.commands[0]) if action.commands else Stuck(f"It ended before this: {words}.")

    return Act(words=words, next=advance, lab=lab, keep=keep)


def wait(words: str, until: Condition, *, patience: float = 10.0, lab: str = HERE, keep: str = "") -> Act:
    """Do nothing until the world is so, for at most `patience` seconds: for the kernel's timers."""
    return Act(
        words=words, next=lambda world: Reached() if until(world) else Wait(), done=lambda _: True, lab=lab,
        patience=patience, keep=keep,
    )  # fmt: skip


def let_come(words: str, until: Condition, *, patience: float = 3.0, lab: str = HERE, keep: str = "") -> Act:
    """Give it a moment to become so, and go on in any case: for what a table is a little late to show."""

    def is_so(world: World) -> bool:
        try:
            return until(world)
        except LookupError:
            return False

    return Act(
        words=words, next=lambda world: Reached() if is_so(world) else Wait(), done=lambda _: True, lab=lab,
        patience=patience, keep=keep, hopes=True,
    )  # fmt: skip


# --- packets; where none are held, these do nothing


def deliver(*, lab: str = HERE, keep: str = "") -> Act:
    """Deliver one held packet: the oldest of the conversation in focus, or of all."""
    return Act(words="deliver a packet", next=_deliver_one, lab=lab, keep=keep, calm=True)


def deliver_all(*, lab: str = HERE, keep: str = "") -> Act:
    """Deliver packets until none is held."""

    def advance(world: World) -> Advance:
        packet = oldest_held(world)
        return Reached() if packet is None else Do(ReleasePacket(number=packet.number))

    return Act(words="deliver all packets", next=advance, lab=lab, keep=keep, calm=True)


def drop(which: Callable[[Packet], bool] = lambda _: True, *, lab: str = HERE, keep: str = "") -> Act:
    """Throw the oldest held packet away of which `which` is true."""

    def advance(world: World) -> Advance:
        packet = next((each for each in held_packets(world) if which(each)), None)
        if packet is None:
            return Stuck("No packet can be held here.") if world.gate == "none" else Wait()
        return Do(DropPacket(number=packet.number), final=True)

    return Act(words="drop a packet", next=advance, lab=lab, keep=keep, calm=True)


def open_gate(*, lab: str = HERE, keep: str = "") -> Act:
    """Let packets pass from now on; where none are held they pass anyway."""
    return _gate("let packets pass", OpenGate(), "closed", lab, keep)


def close_gate(*, lab: str = HERE, keep: str = "") -> Act:
    """Hold packets from now on; where none can be held this does nothing."""
    return _gate("hold packets", CloseGate(), "open", lab, keep)


def _gate(words: str, command: AnyCommand, when: str, lab: str, keep: str) -> Act:
    def advance(world: World) -> Advance:
        return Do(command, final=True) if world.gate == when else Reached()

    return Act(words=words, next=advance, lab=lab, keep=keep)


def _deliver_one(world: World) -> Advance:
    packet = oldest_held(world)
    if packet is None:
        return Reached() if world.gate == "none" else Wait()
    return Do(ReleasePacket(number=packet.number), final=True)


def _is_at_rest(who: str) -> Condition:
    """Whether it stands, sleeps or has ended. Others may run: a server in select() does."""

    def condition(world: World) -> bool:
        endpoint = world.endpoints.get(who)
        return endpoint is None or endpoint.status not in ("starting", "running")

    return condition


def _if_stopped(world: World, who: str) -> Advance | None:
    """What stands in the way of a command to this program; None if it stands stopped."""
    endpoint = world.endpoints.get(who)
    if endpoint is None:
        return Wait() if who in world.under_way else Stuck(f"There is no program {who}.")
    match endpoint.status:
        case "stopped":
            return None
        case "starting" | "running" | "asleep":  # on a busy machine its call may be about to come back
            return Wait()
        case "ended":
            return Stuck(f"{who} has ended.")
