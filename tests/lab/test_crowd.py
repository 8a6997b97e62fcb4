"""Whose packets are told, held, passed untold and dropped in a flood; whose sockets are listed."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from netsim.lab.budget import Budget
from netsim.lab.crowd import HELD, HELD_OF_KNOWN, OURS_AT_ONCE, REMEMBERED, STALE, TOLD_AT_ONCE, Crowd, Flow, glance
from netsim.lab.gate import Drop, Gate, Open, Release
from netsim.lab.nftables import Installed
from netsim.lab.sockdiag import Listed
from netsim.lab.strangers import CONNECTIONS, OWN, Strangers
from netsim.model.events import TcpState
from netsim.model.gate_rules import GateRules
from netsim.model.happenings import Dropped, Held, Released
from tests.clock import Clock
from tests.lab.test_gate import FakeQueue
from tests.model.gate_script import CLIENT, SERVER, packet
from tests.model.wire_bytes import icmp, udp

OURS = 1  # the number of the client that is ours: "C1"


class Machine:
    """A crowd whose kernel knows the sockets of one client of ours, and of strangers those in `open`."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.asked = 0
        self.closed: set[int] = set()  # ports whose socket is gone
        self.crowd = Crowd(self.is_ours, self.clock)

    def is_ours(self, flow: Flow) -> bool | None:
        self.asked += 1
        port = flow.source[1]
        if port in self.closed or port == SERVER[1]:
            return None
        return port == CLIENT[1] + OURS - 1


@pytest.fixture
def machine() -> Machine:
    return Machine()


class Queue(FakeQueue):
    """One that takes every verdict."""

    def _judge(self, what: str, id_: int) -> None:
        self.verdicts.append((what, id_))


@pytest.fixture
def queue() -> FakeQueue:
    return Queue()


@pytest.fixture
def gate(machine: Machine, queue: FakeQueue) -> Gate:
    return Gate(Installed("nft queue", ("inet",)), queue, GateRules(), machine.crowd)


def syns(count: int, first: int = 2) -> list[bytes]:
    return [packet(f"C{number} SYN seq=0") for number in range(first, first + count)]


def read(gate: Gate, queue: FakeQueue) -> list[object]:
    found: list[object] = list(gate.read())
    while queue.waiting:
        found += gate.read()
    return found


def test_a_budget_is_spent_and_comes_back_with_time() -> None:
    clock = Clock()
    budget = Budget(3, 2.0, clock)
    assert [budget.take() for _ in range(4)] == [True, True, True, False]
    clock.now += 0.5
    assert [budget.take() for _ in range(2)] == [True, False]
    assert not budget.is_whole
    clock.now += 1.5
    assert budget.is_whole


@pytest.mark.parametrize("line", ["C2 SYN seq=0", "C2 udp len=3", "S2 SYN ACK seq=0 ack=1"])
def test_a_glance_sees_both_ends(line: str) -> None:
    flow = glance(packet(line))
    assert flow is not None
    ends = [(bytes([127, 0, 0, 1]), CLIENT[1] + 1), (bytes([127, 0, 0, 1]), SERVER[1])]
    assert [flow.source, flow.destination] == (ends if line[0] == "C" else ends[::-1])
    assert flow.begins == (line == "C2 SYN seq=0")


def test_an_icmp_error_is_of_the_flow_that_it_quotes() -> None:
    datagram = udp(("::1", 5000), ("::1", 53), b"x")
    flow, quoted = glance(datagram), glance(icmp("::1", "::1", 1, 4, datagram))
    assert flow is not None
    assert flow == quoted


@pytest.mark.parametrize("raw", [b"", b"\x45", bytes(20), b"\x45" + bytes(19), b"\x60" + bytes(60), bytes(4000)])
def test_what_can_t_be_read_is_a_stranger_s(raw: bytes, machine: Machine) -> None:
    assert glance(raw) is None
    assert sum(machine.crowd.lets(raw, is_open=True) for _ in range(1000)) == TOLD_AT_ONCE


def test_the_closed_gate_holds_so_many_of_strangers_and_drops_the_rest(gate: Gate, queue: FakeQueue) -> None:
    queue.waiting += syns(1000)
    assert [type(each) for each in read(gate, queue)] == [Held] * HELD
    assert gate.losses() == (0, 1000 - HELD)
    assert len(queue.verdicts) == 1000 - HELD


def test_ours_is_held_whatever_strangers_do(gate: Gate, queue: FakeQueue) -> None:
    queue.waiting += [*syns(5000), packet("C SYN seq=0"), *syns(5000, 5002)]
    ours = [each for each in read(gate, queue) if isinstance(each, Held) and each.packet.raw == packet("C SYN seq=0")]
    assert len(ours) == 1
    queue.waiting += [packet("S SYN ACK seq=0 ack=1")]
    assert [type(each) for each in read(gate, queue)] == [Held]  # nor is what the server answers it


def test_a_stranger_that_is_held_is_stepped_on_in_the_flood(gate: Gate, queue: FakeQueue) -> None:
    queue.waiting += syns(1000)
    first = read(gate, queue)[0]
    assert isinstance(first, Held)
    queue.waiting += [packet("C2 SYN seq=0")]  # its timer fired
    assert len(read(gate, queue)) == 1
    assert gate.obey(Release(first.packet.number)) == [Released(first.packet.number)]
    queue.waiting += [*syns(1, 1500), packet("S2 SYN ACK seq=0 ack=1")]
    held = [each.packet.raw for each in read(gate, queue) if isinstance(each, Held)]
    assert packet("S2 SYN ACK seq=0 ack=1") in held


def test_what_is_released_or_dropped_makes_room(gate: Gate, queue: FakeQueue) -> None:
    queue.waiting += syns(HELD + 1)
    held = [each.packet.number for each in read(gate, queue) if isinstance(each, Held)]
    assert gate.obey(Drop(held[0])) == [Dropped(held[0])]
    gate.obey(Release(held[1]))
    queue.waiting += syns(3, 5000)
    assert [type(each) for each in read(gate, queue)] == [Held, Held]


def test_even_of_known_conversations_not_all_is_held(gate: Gate, queue: FakeQueue) -> None:
    queue.waiting += [packet(f"C2 ACK seq={number} len=1") for number in range(1, 3000)]
    assert len(read(gate, queue)) == HELD_OF_KNOWN


def test_the_open_gate_lets_all_pass_and_tells_so_many(gate: Gate, queue: FakeQueue, machine: Machine) -> None:
    gate.obey(Open())
    queue.waiting += [packet("C2 udp len=1")] * 2000
    assert len(read(gate, queue)) == TOLD_AT_ONCE
    assert gate.left_out == (2000 - TOLD_AT_ONCE, 0)
    assert queue.verdicts == [("accept", number) for number in range(1, 2001)]
    machine.clock.now += 5
    queue.waiting += [packet("C2 udp len=1"), packet("C3 udp len=1")]
    assert len(read(gate, queue)) == 1  # the flood goes on, and another has its turn
    machine.clock.now += 60
    queue.waiting += [packet("C2 udp len=1")]
    assert len(read(gate, queue)) == 1  # it was quiet for a while: it is told again


def test_ours_is_told_among_strangers_and_is_bounded_for_itself_alone(gate: Gate, queue: FakeQueue) -> None:
    gate.obey(Open())
    queue.waiting += [each for _ in range(2000) for each in (packet("C2 udp len=1"), packet("C udp len=1"))]
    assert len(read(gate, queue)) == TOLD_AT_ONCE + 2000
    queue.waiting += [packet("C udp len=1")] * OURS_AT_ONCE
    assert len(read(gate, queue)) == OURS_AT_ONCE - 2000
    assert gate.left_out == (2000 - TOLD_AT_ONCE + 2000, 2000)


def test_the_kernel_is_asked_once_of_each_conversation(machine: Machine) -> None:
    for _ in range(100):
        machine.crowd.lets(packet("C2 udp len=1"), is_open=True)
        machine.crowd.lets(packet("S2 udp len=1"), is_open=True)
    assert machine.asked == 1
    machine.clock.now += STALE  # an unconnected socket's port may be another's by now
    machine.crowd.lets(packet("C2 udp len=1"), is_open=True)
    assert machine.asked == 2


def test_whose_it_is_is_remembered_after_its_socket_was_closed(machine: Machine) -> None:
    assert machine.crowd.lets(packet("C udp len=1"), is_open=False)
    machine.closed.add(CLIENT[1])
    machine.clock.now += 2 * STALE
    for number in range(2, 2 + HELD):
        machine.crowd.held(number, packet(f"C{number} udp len=1"))
    assert machine.crowd.lets(packet("C udp len=1"), is_open=False)
    assert not machine.crowd.lets(packet("C900 udp len=1"), is_open=False)


def test_a_port_that_another_takes_over_is_its_own(machine: Machine) -> None:
    machine.closed.add(CLIENT[1])
    for raw in syns(HELD):
        machine.crowd.held(len(raw), raw)
    for number in range(HELD):
        machine.crowd.held(number, packet("C2 udp len=1"))
    assert not machine.crowd.lets(packet("C SYN seq=0"), is_open=False)  # nobody is found who sent it
    machine.closed.clear()
    assert machine.crowd.lets(packet("C SYN seq=0 life=9"), is_open=False)


def test_ours_is_not_forgotten_for_strangers(machine: Machine) -> None:
    machine.crowd.lets(packet("C SYN seq=0"), is_open=True)
    machine.closed.add(CLIENT[1])
    for number in range(2, REMEMBERED + 2000):
        machine.crowd.lets(packet(f"C{number} SYN seq=0"), is_open=True)
    asked = machine.asked
    assert machine.crowd.lets(packet("C FIN ACK seq=1 ack=1"), is_open=True)
    assert machine.asked == asked


# --- the list of sockets

PORT = 8888


def end(port: int) -> bytes:
    return bytes([127, 0, 0, 1]).ljust(16, b"\0") + port.to_bytes(2, "big")


def listed(local: int, remote: int = 0, inode: int = 0, state: TcpState = "ESTABLISHED") -> Listed:
    return Listed(memoryview(b""), "tcp", state, inode, end(local), end(remote))


def stranger(port: int, state: TcpState = "ESTABLISHED", *, waits: bool = False) -> list[Listed]:
    """A connection of a stranger with our port: its end, and ours where the kernel has one."""
    ours = [listed(PORT, port, state=state)] if waits else []
    return [listed(port, PORT, inode=0 if state == "TIME_WAIT" else 10_000 + port, state=state), *ours]


def crowd_of(count: int, state: TcpState = "SYN_SENT", first: int = 20_000) -> list[Listed]:
    return [each for port in range(first, first + count) for each in stranger(port, state)]


OUR_SOCKETS = [
    listed(PORT, inode=1, state="LISTEN"), listed(40_000, PORT, inode=2), listed(PORT, 40_000, inode=0),
]  # fmt: skip


class Choice:
    def __init__(self) -> None:
        self.clock = Clock()
        self.ours = {1, 2}
        self.strangers = Strangers(self.ours, self.clock)

    def __call__(self, *parts: Iterable[Listed]) -> set[Listed]:
        return set(self.strangers.choose([each for part in parts for each in part]))


@pytest.fixture
def choose() -> Choice:
    return Choice()


def test_few_are_all_told(choose: Choice) -> None:
    few = [*OUR_SOCKETS, *crowd_of(CONNECTIONS)]
    assert choose(few) == set(few)
    assert choose.strangers.left_out == 0


def test_of_ten_thousand_some_are_told_and_the_rest_is_counted(choose: Choice) -> None:
    told = choose(crowd_of(5000), OUR_SOCKETS, crowd_of(5000, first=30_000))
    assert set(OUR_SOCKETS) < told
    assert len(told) == CONNECTIONS + len(OUR_SOCKETS)
    assert choose.strangers.left_out == 10_000 - CONNECTIONS


def test_what_was_told_stays_told_while_it_is_there(choose: Choice) -> None:
    crowd = crowd_of(5000)
    first = choose(crowd)
    assert choose(reversed(crowd)) == first


def test_what_waits_for_accept_comes_first_and_what_is_over_last(choose: Choice) -> None:
    waits = [each for port in range(7) for each in stranger(1000 + port, waits=True)]
    told = choose(crowd_of(500, "TIME_WAIT"), crowd_of(300, first=30_000), waits)
    assert set(waits) < told
    assert not any(each.state == "TIME_WAIT" for each in told)


def test_what_is_held_at_the_gate_is_listed(choose: Choice) -> None:
    crowd = crowd_of(5000)
    choose(crowd)
    late = crowd_of(9, first=60_000)
    address = bytes([127, 0, 0, 1])
    choose.strangers.waiting = lambda: [Flow(6, (address, port), (address, PORT)) for port in range(60_000, 60_009)]
    told = choose(crowd, late)
    assert set(late) < told
    assert len(told) == CONNECTIONS


def test_short_connections_that_come_and_go_are_told_so_many_a_second(choose: Choice) -> None:
    seen: set[Listed] = set()
    for turn in range(100):
        seen |= choose(crowd_of(50, first=10_000 + 50 * turn))
        choose.clock.now += 0.1
    assert CONNECTIONS <= len(seen) <= CONNECTIONS + 21


def test_ours_stays_ours_when_the_kernel_alone_has_it(choose: Choice) -> None:
    choose(OUR_SOCKETS)
    over = listed(40_000, PORT, state="TIME_WAIT")
    assert over in choose(crowd_of(5000), [over])


def test_of_ours_there_is_an_end_too_but_not_of_listeners(choose: Choice) -> None:
    choose.ours.update(range(100, 3000))
    mine = [listed(PORT, port, inode=port) for port in range(100, 3000)]
    told = choose(OUR_SOCKETS, mine)
    assert OUR_SOCKETS[0] in told
    assert len(told) <= OWN + 1 + CONNECTIONS * 2
    assert choose.strangers.left_out > 2000
