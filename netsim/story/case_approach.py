"""How each aim of the case is approached: the next order, of what is known.

Law: it looks at worlds and at the record, keeps nothing and never waits by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import assert_never

from netsim.model.commands import CloseGate, Kill, OpenGate, StartEndpoint, Step
from netsim.model.world import Endpoint, Row, World
from netsim.story.calls import READING, is_ready
from netsim.story.case_aims import (
    CLIENT,
    REACHED,
    WAIT,
    Aim,
    Ask,
    Before,
    Crowd,
    Do,
    Gate,
    Gone,
    Knock,
    Leave,
    Listed,
    LookUp,
    Open,
    OpenLab,
    Order,
    Probe,
    Prove,
    Refused,
    Run,
    Seen,
    Serve,
    Stand,
    Visit,
)
from netsim.story.case_record import Record


def approach(aim: Aim, worlds: Mapping[str, World], record: Record, before: Before, proofs: frozenset[int]) -> Order:
    """The next order on the way to an aim."""
    match aim:
        case Open():
            world = worlds.get(aim.lab)
            return OpenLab(aim.lab) if world is None else REACHED if world.lab is not None else WAIT
        case Prove():
            return REACHED if aim.exhibit in proofs else Run(aim.exhibit)
        case _:
            pass
    world = worlds[aim.lab]
    if world.lab is None:
        return WAIT
    match aim:
        case Gone():
            return _gone(world, aim.lab, aim.names)
        case Serve():
            return _serve(world, aim, record, before)
        case Refused():
            return _refused(world, aim, before)
        case Visit():
            return _visit(world, aim, before)
        case Knock():
            return _knock(world, aim, record, before)
        case Stand():
            found = _fresh(world, aim.lab, _client(aim.program), before)
            return found if not isinstance(found, Endpoint) else REACHED if found.status == "stopped" else WAIT
        case Leave():
            return _leave(world, aim)
        case LookUp():
            return _look_up(world, aim, record, before)
        case Crowd():
            return _crowd(world, aim, record, before)
        case Probe():
            return _probe(world, aim, record, before)
        case Gate():
            return _gate(world, aim)
        case Seen():
            rows = rows_of_last(world, record, aim.lab)
            seen = any(row.state == aim.state and row.whose == "kernel" for row in rows)
            return REACHED if seen else _others(world, aim.lab) or WAIT
        case Listed():
            named = {pid for slot in world.slots if (row := slot.row) and row.state == "LISTEN" for pid in row.pids}
            return REACHED if all(each.pid in named for each in family(world, aim.names)) else WAIT
        case _:
            assert_never(aim)


def rows_of_last(world: World, record: Record, lab: str, exhibit: int = 0) -> list[Row]:
    """The table's rows about the connection that was tried last, in this exhibit."""
    mine = (each.local for each in reversed(record.attempts) if each.lab == lab and exhibit in (0, each.exhibit))
    local = next(mine, 0)
    return [
        slot.row
        for slot in world.slots
        if slot.row is not None
        and slot.row.key.peer is not None
        and local in (slot.row.key.port, slot.row.key.peer.port)
    ]


def family(world: World, names: Iterable[str]) -> list[Endpoint]:
    """These endpoints and all that they have forked, as far as they live."""
    wanted = set(names)
    found: list[Endpoint] = []
    for each in world.endpoints.values():
        if each.who in wanted or each.forked_from in wanted:
            wanted.add(each.who)
            found.append(each)
    return [each for each in found if each.status != "ended"]


def _gone(world: World, lab: str, names: tuple[str, ...]) -> Order:
    for each in family(world, names):
        return WAIT if each.who in world.under_way else Do(lab, Kill(who=each.who))
    return WAIT if any(name in world.under_way for name in names) else REACHED


def _fresh(world: World, lab: str, start: StartEndpoint, before: Before) -> Order | Endpoint:
    """A process of that name which was not there when the aim was begun; until then what to do for one."""
    if start.who in world.under_way:
        return WAIT
    endpoint = world.endpoints.get(start.who)
    if endpoint is None or (endpoint.status == "ended" and endpoint.pid == before.pids.get(start.who)):
        return Do(lab, start)
    if endpoint.pid == before.pids.get(start.who):
        return Do(lab, Kill(who=start.who))
    return endpoint


def _server(who: str, program: str) -> StartEndpoint:
    return StartEndpoint(who=who, program=program, role="server", transport="tcp")


def _client(program: str) -> StartEndpoint:
    return StartEndpoint(who=CLIENT, program=program, role="client", transport="tcp")


def _serve(world: World, aim: Serve, record: Record, before: Before) -> Order:
    found = _fresh(world, aim.lab, _server(aim.who, aim.program), before)
    if not isinstance(found, Endpoint):
        return found
    if found.status == "stopped" and found.next_call and found.next_call.name == "accept":
        if aim.asleep:
            return Do(aim.lab, Step(who=aim.who))
        return REACHED
    if found.status == "stopped":
        return Do(aim.lab, Step(who=aim.who))
    if found.status == "asleep":
        forks = [each for each in family(world, (aim.who,)) if each.forked_from and each.status == "asleep"]
        return REACHED if len(forks) >= aim.forks else WAIT
    if found.status == "ended":
        return REACHED
    binds = [each for each in record.binds if each.pid == found.pid]
    wanted = sum(not each.error for each in binds)
    listening = sum(slot.row is not None and slot.row.state == "LISTEN" and found.pid in slot.row.pids
                    for slot in world.slots)  # fmt: skip
    return REACHED if len(binds) >= aim.ports > 1 and listening >= wanted else WAIT


def _refused(world: World, aim: Refused, before: Before) -> Order:
    found = _fresh(world, aim.lab, _server(aim.who, aim.program), before)
    if not isinstance(found, Endpoint):
        return found
    if found.status == "ended":
        return REACHED
    has_bound = any(mark.call == "bind" for mark in found.marks.values())
    if found.status == "stopped":
        return Do(aim.lab, Kill(who=aim.who) if has_bound else Step(who=aim.who))
    return WAIT


def _visit(world: World, aim: Visit, before: Before) -> Order:
    found: Order | Endpoint | None = world.endpoints.get(CLIENT)
    if aim.fresh or found is None:
        found = _fresh(world, aim.lab, _client(aim.program), before)
    if not isinstance(found, Endpoint):
        return found
    if found.status == "ended" or any(mark.call == aim.call for mark in found.marks.values()):
        return REACHED if found.status in ("stopped", "ended") else WAIT
    if found.status == "stopped":
        return Do(aim.lab, Step(who=CLIENT))
    return (_others(world, aim.lab) if aim.served else None) or WAIT


def _knock(world: World, aim: Knock, record: Record, before: Before) -> Order:
    client = world.endpoints.get(CLIENT)
    asked = record.attempts[before.attempts :]
    if CLIENT in world.under_way:
        return WAIT
    if client is None or client.status == "ended":
        return REACHED if asked else Do(aim.lab, _client(aim.program))
    if client.status == "stopped":
        return REACHED if asked and asked[-1].said else Do(aim.lab, Step(who=CLIENT))
    return _others(world, aim.lab) or WAIT


def _leave(world: World, aim: Leave) -> Order:
    client = world.endpoints.get(CLIENT)
    if client is not None and client.status == "stopped":
        return Do(aim.lab, Step(who=CLIENT))
    if client is not None and client.status in ("starting", "running"):
        return WAIT
    return (_others(world, aim.lab) if aim.served else None) or (
        REACHED if client is None or client.status == "ended" else WAIT
    )


def _look_up(world: World, aim: LookUp, record: Record, before: Before) -> Order:
    had = [each.port for each in record.binds if not each.error and each.exhibit == record.binds[-1].exhibit]
    asked = record.attempts[before.attempts :]
    found = _fresh(world, aim.lab, _client(aim.program), before)
    if not isinstance(found, Endpoint):
        return found
    if found.status == "ended":
        return REACHED
    is_next = (
        found.status == "stopped" and found.next_call is not None and found.next_call.name in ("connect", "socket")
    )
    if is_next and len(asked) >= len(had):
        return Do(aim.lab, Kill(who=CLIENT))
    if found.status == "stopped":
        return Do(aim.lab, Step(who=CLIENT))
    return _others(world, aim.lab) or WAIT


def _crowd(world: World, aim: Crowd, record: Record, before: Before) -> Order:
    client = world.endpoints.get(CLIENT)
    if client is None or client.status == "ended" or client.pid == before.pids.get(CLIENT):
        waiting = _to_sleep(world, aim)
        if waiting is not None:
            return waiting
        served = {record.served_by(each) for each in record.attempts[before.attempts :] if each.said}
        if None in served:  # that accept() is about to be told
            return WAIT
        pids = {each.pid for each in family(world, aim.names)}
        if pids <= served or len(record.attempts) - before.attempts >= aim.most:
            return REACHED
        if CLIENT in world.under_way:
            return WAIT
        if client is not None and client.status != "ended":
            return Do(aim.lab, Kill(who=CLIENT))
        return Do(aim.lab, _client(aim.program))
    if client.status == "stopped":
        return Do(aim.lab, Step(who=CLIENT))
    return _others(world, aim.lab) or WAIT


def _to_sleep(world: World, aim: Crowd) -> Order | None:
    """Every process of the servers waits in accept(), so that the kernel alone chooses; None once it is so."""
    for each in family(world, aim.names):
        if each.status == "stopped":
            return Do(aim.lab, Step(who=each.who))
        if each.status != "asleep" or each.call is None or each.call.name != "accept":
            return WAIT
    return None


def _others(world: World, lab: str) -> Order | None:
    """A server's next call, if that does not sleep; None if there is none to be made."""
    for each in world.endpoints.values():
        if each.role == "server" and each.status == "stopped" and each.who not in world.under_way:
            reads = each.next_call is not None and each.next_call.name in READING
            if not reads or is_ready(each):
                return Do(lab, Step(who=each.who))
    return None


def _probe(world: World, aim: Probe, record: Record, before: Before) -> Order:
    answered = {each.pid for each in record.probes[before.probes :]}
    for endpoint in family(world, aim.names) if not aim.former else _named(world, aim.names):
        pid = endpoint.pid
        if aim.former and endpoint.status != "ended":
            pid = endpoint.former_pids[-1] if endpoint.former_pids else endpoint.pid
        if pid not in answered:
            return Ask(pid, record.began(pid))
    return REACHED


def _named(world: World, names: tuple[str, ...]) -> list[Endpoint]:
    return [world.endpoints[name] for name in names if name in world.endpoints]


def _gate(world: World, aim: Gate) -> Order:
    if world.gate == ("closed" if aim.open else "open"):
        return Do(aim.lab, OpenGate() if aim.open else CloseGate())
    return REACHED
