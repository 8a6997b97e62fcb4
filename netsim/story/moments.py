"""Moments: places in the story that a teacher wants to be at, reached by really running there from a fresh lab.

Law: a moment is data (its name, what the world must show, how to steer); it is there when the world shows it.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from netsim.model.commands import AnyCommand, DropPacket, Kill, StartEndpoint, Step
from netsim.model.packet import Packet
from netsim.model.views import client_name, clients, server_name, waiting
from netsim.model.world import World
from netsim.story import goals, towards
from netsim.story.director import new_client, next_action
from netsim.story.goals import Advance, Do, Reached, Stuck, Wait
from netsim.story.packets import held_packets, oldest_held

QUEUE = 3  # clients in the accept queue
FOR_THE_PAIR = ("3", "5", "7")  # moments that are steered with netsim's own programs
OWN = ("bind", "listen", "send", "close")  # what the simplest server does without waiting for anybody


class Moment(Struct, frozen=True):
    """`is_there` looks at the world; `steer` says the next command, or to wait, or None to go on as space would."""

    key: str
    name: str
    words: str  # what one sees there
    needs_gate: bool
    is_there: Callable[[World], bool]
    steer: Callable[[World], AnyCommand | Wait | None] = lambda _world: None


def approach(world: World, moment: Moment) -> Advance:
    """The next command on the way to a moment."""
    if world.ended is not None:
        return Stuck("The lab is gone: press b to begin again.")
    if moment.is_there(world):
        return Reached()
    if moment.needs_gate and world.gate == "none":
        return Stuck("Packets can't be held here: netsim doctor says why, and what to do.")
    if world.under_way or any(each.is_on_its_way for each in world.endpoints.values()):
        return Wait()
    command = moment.steer(world)
    if isinstance(command, Wait):
        return command
    if command is not None:
        return Do(command)
    action = next_action(world)
    if action.cap == "WAIT":
        return Wait()
    if not action.commands:
        return Stuck("The story has gone past that: press b to begin again, then m.")
    return Do(action.commands[0])


def _held(world: World, test: Callable[[Packet], bool]) -> bool:
    return any(test(packet) for packet in held_packets(world))


def _is_syn(packet: Packet) -> bool:
    return packet.flags == {"SYN"}


def _server_end(world: World, *states: str) -> bool:
    port = world.lab.port if world.lab else 0
    return any(each.local.port == port and each.remote is not None and each.state in states for each in world.kernel)


def _in_queue(world: World) -> int:
    server = world.endpoints.get(server_name("tcp"))
    return len(waiting(world, server)) if server is not None else 0


def _steer_to_queue(world: World) -> AnyCommand | Wait | None:
    """Bring the server to accept(), then one client after the other to its connect(), delivering what they send.

    The kernel's list, in which the last of them waits, comes after the news that its packet was delivered.
    """
    server = world.endpoints.get(server_name("tcp"))
    if server is not None and server.status == "stopped" and server.next_call and server.next_call.name != "accept":
        return Step(who=server.who)
    packet = oldest_held(world)
    if packet is not None:
        return None
    everyone = clients(world, "tcp")
    for client in everyone:
        if client.status == "stopped" and client.next_call and client.next_call.name in ("socket", "connect"):
            return Step(who=client.who)
    has_accepted = server is not None and any(mark.call == "accept" for mark in server.marks.values())
    return new_client(world) if len(everyone) < QUEUE or has_accepted else Wait()


def _steer_to_loss(world: World) -> AnyCommand | None:
    """Drop the client's data as soon as it is held."""
    mine = (packet for packet in held_packets(world) if packet.sender == "client" and packet.length)
    packet = next(mine, None)
    return DropPacket(number=packet.number) if packet is not None and packet.transport == "tcp" else None


def _is_lost(world: World) -> bool:
    return any(packet.fate == "lost" and packet.length and packet.transport == "tcp" for packet in world.packets)


def _client_has_read(world: World) -> bool:
    client = world.endpoints.get(client_name("tcp", 1))
    return client is not None and any(mark.call == "recv" for mark in client.marks.values())


def _steer_to_restart(world: World) -> AnyCommand | None:
    """Once the client has its greeting, the server is killed and started again."""
    if not _client_has_read(world) or held_packets(world):
        return None
    server = world.endpoints.get(server_name("tcp"))
    if server is None:
        return None
    old = server.former_pids[-1] if server.former_pids else server.pid
    step = towards.advance(world, goals.Restart(server.who, old, listened=True))
    return step.command if isinstance(step, Do) else None


def _steer_to_rebind(world: World) -> AnyCommand | None:
    """The simplest pair, whose server closes first and does not set SO_REUSEADDR: once its port is left in TIME_WAIT,
    it is killed and started again."""
    pair = (StartEndpoint(who="server", program="simple_server.py", role="server", transport="tcp"),
            StartEndpoint(who="client1", program="simple_client.py", role="client", transport="tcp"))  # fmt: skip
    for start in pair:
        before = world.endpoints.get(start.who)
        if before is not None and before.program != start.program:
            return start if before.status == "ended" else Kill(who=start.who)
    server = world.endpoints.get("server")
    if server is None:
        return None
    if not _server_end(world, "TIME_WAIT"):
        to_clients = server.status == "stopped" and server.next_call and server.next_call.name in OWN
        first = server.status == "stopped" and not server.marks
        return Step(who="server") if first or to_clients else None
    if len(server.former_pids) < 2:
        return pair[0] if server.status == "ended" else Kill(who="server")
    return Step(who="server") if server.status == "stopped" else None


def _bind_is_refused(world: World) -> bool:
    server = world.endpoints.get("server")
    return server is not None and any(mark.text == "EADDRINUSE" for mark in server.marks.values())


def _is_restarted(world: World) -> bool:
    server = world.endpoints.get(server_name("tcp"))
    return bool(server and server.former_pids and server.next_call and server.next_call.name == "accept")


MOMENTS: tuple[Moment, ...] = (
    Moment("1", "SYN held", "the client sleeps in connect()", True, lambda world: _held(world, _is_syn)),
    Moment("2", "SYN_RECV", "the kernel has answered, no program knows", True, lambda w: _server_end(w, "SYN_RECV")),
    Moment("3", "queue", "three connections that nobody has accepted", False,
           lambda world: _in_queue(world) >= QUEUE, _steer_to_queue),
    Moment("4", "lost", "the sender's kernel keeps the bytes", True, _is_lost, _steer_to_loss),
    Moment("5", "restart", "a new PID, the same port", False, _is_restarted, _steer_to_restart),
    Moment("6", "TIME_WAIT", "a port that no process has", False,
           lambda w: any(each.row and each.row.state == "TIME_WAIT" and each.row.former_pid for each in w.slots)),
    Moment("7", "rebind", "the port of a connection in TIME_WAIT is refused to bind()", False,
           _bind_is_refused, _steer_to_rebind),
)  # fmt: skip
