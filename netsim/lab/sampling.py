"""When the kernel's socket list is looked at, and when that is news.

Before and after every call at once, then in a burst of looks that catches what settles a little later, then once a
second. Only a difference is told, and a timer that runs down is none; one that was set anew is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec.structs import replace

from netsim.lab.timers import Timer, Timers
from netsim.model.events import KernelSocket

# Seconds after the last activity. A delayed ACK comes after 40 ms, at the latest after 200 (TCP_DELACK_MAX, net/tcp.h).
BURST = (0.001, 0.002, 0.005, 0.010, 0.020, 0.035, 0.050, 0.100, 0.210)
IDLE = 1.0  # seconds
CROWDED = 0.5  # seconds between two tellings of what strangers do in a flood
COUNTED = 1.0  # seconds between two tellings of nothing but how many more there are
RESET = 300  # ms by which a timer is off what was told of it before it counts as set anew
_RARELY = 12  # looks that cost much are as many times as long apart when nothing happens
_SHARE = 4  # on a machine with ten thousand sockets a look takes 30 ms: at most a quarter of the time goes into them


class Sampler:
    """Looks at the kernel's sockets with `dump(ports)`, and calls `tell` with them when they have changed.

    `dump` None: they can't be had here; then each look is a call of `blind` instead. `busy`: whether anything lives
    that may still change. `left_out`: how many more sockets there were in the last dump than it has told; while there
    are, changes are told twice a second, but those of what `ours` finds in the list at once.
    """

    def __init__(
        self,
        dump: Callable[[frozenset[int] | None], tuple[KernelSocket, ...]] | None,
        ports: Callable[[], frozenset[int] | None],
        tell: Callable[[tuple[KernelSocket, ...]], None],
        timers: Timers,
        busy: Callable[[], bool],
        blind: Callable[[], None],
        left_out: Callable[[], int] = lambda: 0,
        ours: Callable[[tuple[KernelSocket, ...]], object] = lambda sockets: sockets,
    ) -> None:
        self._ours = ours
        self._dump, self._ports, self._tell = dump, ports, tell
        self._timers, self._busy, self._blind = timers, busy, blind
        self._left_out, self._left_out_told, self._told_at = left_out, 0, timers.clock()
        self._clock = timers.clock
        self._looked_at = -1.0
        self._cost = 0.0  # of the last look, in seconds
        self._timer: Timer | None = None
        self._burst = 0
        self._told: tuple[KernelSocket, ...] = ()  # without their timers' times
        self._expiries: tuple[float, ...] = ()  # when those that were told run out, by our clock; 0: no timer
        self.sockets: tuple[KernelSocket, ...] = ()

    def look(self) -> None:
        """Look now; tell if it differs from what was told last."""
        if self._dump is None:
            self._blind()
            return
        began = self._clock()
        try:
            self.sockets = self._dump(self._ports())
        except OSError:  # out of memory, say: the next look will tell
            return
        now = self._clock()
        self._cost, self._looked_at = now - began, now
        timeless = tuple(replace(each, expires_ms=0) if each.expires_ms else each for each in self.sockets)
        expiries = tuple(now + each.expires_ms / 1000 if each.timer else 0.0 for each in self.sockets)
        counts = self._left_out() != self._left_out_told and now >= self._told_at + COUNTED
        if self._left_out() and now < self._told_at + CROWDED and self._ours(timeless) == self._ours(self._told):
            return
        if timeless != self._told or counts or _set_anew(self._expiries, expiries, now):
            self._told, self._expiries = timeless, expiries
            self._left_out_told, self._told_at = self._left_out(), now
            self._tell(self.sockets)

    @property
    def rest(self) -> float:
        """Seconds until it may look again, where nobody needs to know more exactly: 0 if a look costs little."""
        return max(0.0, self._looked_at + (_SHARE - 1) * self._cost - self._clock())

    def stir(self) -> None:
        """Something has happened: look again, often at first."""
        self._burst = 0
        self._schedule(BURST[0])

    def _schedule(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._timers.after(seconds, self._due)

    def _due(self) -> None:
        self._timer = None
        self._burst += 1
        self.look()
        if self._burst < len(BURST):
            self._schedule(max(BURST[self._burst] - BURST[self._burst - 1], (_SHARE - 1) * self._cost))
        elif self._busy() or self.sockets:
            self._schedule(max(IDLE, _RARELY * self._cost))


def _set_anew(told: Iterable[float], found: Iterable[float], now: float) -> bool:
    """Whether a timer of the same sockets runs out at another time than was told. One that is overdue says "now"."""
    return any(abs(max(before, now) - after) > RESET / 1000 for before, after in zip(told, found, strict=True) if after)
