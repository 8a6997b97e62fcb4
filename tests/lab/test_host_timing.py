"""What is due when in the lab host: its timers, its looks at the kernel, its questions to psutil."""

from __future__ import annotations

import pytest

from netsim.lab.owners import APART, QUIET, Owners
from netsim.lab.ports import Question
from netsim.lab.sampling import BURST, IDLE, Sampler
from netsim.lab.timers import Timers
from netsim.model.address import Address
from netsim.model.events import KernelSocket, Owner
from tests.clock import Clock


class TurnedClock(Clock):
    """A clock that a test turns."""

    def run(self, timers: Timers, until: float) -> None:
        """Let every timer fire at its time."""
        while (wait := timers.wait()) is not None and self.now + wait <= until:
            self.now += wait
            timers.run()
        self.now = until


# --- timers


def test_timers_fire_in_order_and_once() -> None:
    clock = TurnedClock(0.0)
    timers, fired = Timers(clock), list[str]()
    timers.after(0.2, lambda: fired.append("second"))
    timers.after(0.1, lambda: fired.append("first"))
    timers.after(0.15, lambda: fired.append("never")).cancel()
    timers.after(0.2, lambda: fired.append("third"))
    assert timers.wait() == pytest.approx(0.1)
    clock.run(timers, 1)
    clock.run(timers, 2)
    assert fired == ["first", "second", "third"]
    assert timers.wait() is None


def test_a_timer_that_a_timer_cancels_does_not_fire() -> None:
    clock = TurnedClock(0.0)
    timers, fired = Timers(clock), list[int]()
    timers.after(0.1, lambda: later.cancel())
    later = timers.after(0.1, lambda: fired.append(1))
    timers.after(0.1, lambda: timers.after(0, lambda: fired.append(2)) and None)
    clock.run(timers, 1)
    assert fired == [2]


# --- when the kernel is looked at


def a_socket(port: int, **fields: object) -> KernelSocket:
    return KernelSocket(
        **{  # type: ignore[arg-type]
            "transport": "tcp",
            "state": "TIME_WAIT",
            "local": Address("127.0.0.1", port),
            "remote": None,
            "inode": 0,
            "receive_queue": 0,
            "send_queue": 0,
            **fields,
        }
    )


class Kernel:
    """A sampler on a list of sockets that a test changes."""

    def __init__(self, *, blind: bool = False) -> None:
        self.clock = TurnedClock(0.0)
        self.timers = Timers(self.clock)
        self.looks: list[float] = []
        self.sockets: tuple[KernelSocket, ...] = ()
        self.told: list[tuple[KernelSocket, ...]] = []
        self.busy, self.cost, self.blind = True, 0.0, 0
        self.sampler = Sampler(
            None if blind else self.dump, lambda: frozenset({8888}), self.told.append, self.timers, lambda: self.busy,
            self.look_blindly,
        )  # fmt: skip

    def look_blindly(self) -> None:
        self.blind += 1

    def dump(self, ports: frozenset[int]) -> tuple[KernelSocket, ...]:
        assert ports == {8888}
        self.looks.append(round(self.clock.now, 6))
        self.clock.now += self.cost
        return self.sockets


def test_activity_makes_a_burst_of_looks_and_then_one_a_second() -> None:
    kernel = Kernel()
    kernel.sampler.stir()
    kernel.clock.run(kernel.timers, 3)
    assert kernel.looks == pytest.approx([*BURST, BURST[-1] + IDLE, BURST[-1] + 2 * IDLE])
    assert kernel.told == []


def test_more_activity_begins_the_burst_anew() -> None:
    kernel = Kernel()
    kernel.sampler.stir()
    kernel.clock.run(kernel.timers, 0.003)
    kernel.sampler.stir()
    kernel.clock.run(kernel.timers, 0.0045)
    assert kernel.looks == pytest.approx([0.001, 0.002, 0.004])


def test_when_nobody_lives_and_nothing_is_there_it_does_not_look() -> None:
    kernel = Kernel()
    kernel.busy = False
    kernel.sockets = (a_socket(8888),)
    kernel.sampler.stir()
    kernel.clock.run(kernel.timers, 5)
    assert len(kernel.looks) == len(BURST) + 4  # somebody has to see TIME_WAIT end
    kernel.sockets = ()
    kernel.clock.run(kernel.timers, 20)
    assert len(kernel.looks) == len(BURST) + 5
    assert kernel.told[-1] == ()


def test_a_timer_that_runs_down_is_no_news_but_comes_along() -> None:
    kernel = Kernel()
    for expires, queue in ((900, 0), (800, 0), (700, 1)):
        kernel.sockets = (a_socket(8888, timer="timewait", expires_ms=expires, receive_queue=queue),)
        kernel.sampler.look()
    assert [[each.expires_ms for each in told] for told in kernel.told] == [[900], [700]]


def test_slow_looks_are_fewer() -> None:
    """At most a quarter of the time, whatever the machine has for sockets."""
    kernel = Kernel()
    kernel.cost = 0.03
    kernel.sampler.stir()
    kernel.clock.run(kernel.timers, 1)
    between = [after - before for before, after in zip(kernel.looks[1:], kernel.looks[2:], strict=False)]
    assert min(between) >= 0.03 * 4 - 1e-6


def test_a_look_that_fails_is_left_out() -> None:
    kernel = Kernel()
    kernel.sockets = (a_socket(8888),)
    kernel.sampler.look()
    kernel.dump = None  # type: ignore[assignment]

    def fail(ports: frozenset[int]) -> tuple[KernelSocket, ...]:
        raise OSError("no memory")

    kernel.sampler._dump = fail
    kernel.sampler.look()
    assert len(kernel.told) == 1
    assert kernel.sampler.sockets == kernel.sockets


def test_without_sock_diag_a_look_is_somebody_else_s() -> None:
    kernel = Kernel(blind=True)
    kernel.sampler.look()
    kernel.sampler.stir()
    kernel.clock.run(kernel.timers, BURST[-1])
    assert kernel.blind == 1 + len(BURST)
    assert kernel.told == []


# --- when psutil is asked


class Asked:
    """Owners with a worker that answers when the test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = TurnedClock(0.0)
        self.timers = Timers(self.clock)
        self.at: list[float] = []
        self.told: list[tuple[Owner, ...]] = []
        self.answer: tuple[Owner, ...] = ()
        self.busy = False
        monkeypatch.setattr("netsim.lab.owners.Worker", lambda answered: self)
        empty = Question(frozenset(), frozenset(), frozenset(), False)
        self.owners = Owners(lambda: empty, self.told.append, self.timers, self.clock, lambda: None)

    def ask(self, question: Question) -> None:
        self.at.append(round(self.clock.now, 6))
        self.busy = True

    def take(self) -> tuple[Owner, ...]:
        self.busy = False
        return self.answer

    def reply(self) -> None:
        if self.busy:
            self.owners.take()


def test_psutil_is_asked_once_things_have_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(monkeypatch)
    asked.owners.stir()
    asked.clock.run(asked.timers, 0.02)
    asked.owners.stir()
    asked.clock.run(asked.timers, 5)
    assert asked.at == pytest.approx([0.02 + QUIET])


def test_psutil_is_asked_ten_times_a_second_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(monkeypatch)
    while asked.clock.now < 1:
        asked.owners.stir()
        asked.clock.run(asked.timers, asked.clock.now + 0.01)
        asked.reply()
    asked.clock.run(asked.timers, 5)
    assert 8 <= len(asked.at) <= 11
    assert min(after - before for before, after in zip(asked.at, asked.at[1:], strict=False)) >= APART - 1e-6


def test_psutil_is_not_asked_while_it_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(monkeypatch)
    asked.owners.stir()
    asked.clock.run(asked.timers, 0.1)
    asked.owners.stir()
    asked.clock.run(asked.timers, 2)
    assert len(asked.at) == 1
    asked.reply()
    asked.clock.run(asked.timers, 3)
    assert len(asked.at) == 2


def test_the_same_owners_are_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(monkeypatch)
    one = (Owner("udp", Address("127.0.0.1", 1), None, "", 1, "x"),)
    for asked.answer in ((), one, one, ()):
        asked.busy = True
        asked.reply()
    assert asked.told == [one, ()]
