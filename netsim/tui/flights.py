"""Packets on their way across the ladder: which are still moving, and how far they have come.

Law: a function of when packets were first seen and of the clock; what happened does not wait for it. More than `MOST`
are never on their way: of a flood every packet is drawn where it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from netsim.model.packet import Packet

FLIGHT = 0.3  # seconds from wall to wall
MOST = 6  # that fly one after the other; of a longer burst the older ones have arrived already
CALM = 1.0  # seconds without a packet after which a flood is over
FRAMES_PER_SECOND = 7  # two for each packet; one costs 200 bytes, and 2 kB/s is the most a slow line should bear


class Flights:
    """Packets that came together fly one after the other, in the order in which they crossed."""

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled
        self._seen = 0
        self._starts: dict[int, float] = {}
        self._flooded_until = 0.0

    def look(self, packets: Iterable[Packet], now: float) -> None:
        """Take note of packets that are new."""
        fresh = [packet.number for packet in packets if packet.number > self._seen]
        self._seen = max(fresh, default=self._seen)
        self.fly(fresh, now)

    def fly(self, fresh: Sequence[int], now: float) -> None:
        """Let these packets, by their numbers, be on their way from now on."""
        if not self._enabled or not fresh:
            return
        underway = self.progress(now)
        if now < self._flooded_until or (underway and len(underway) + len(fresh) > MOST):
            self._starts.clear()  # else each look would put its own behind all that wait, and none would ever arrive
            self._flooded_until = now + CALM
            return
        for number in fresh[-MOST:]:
            last = max(self._starts.values(), default=now - FLIGHT)
            self._starts[number] = max(now, last + FLIGHT)

    def land(self) -> None:
        """Let everything arrive now: the person goes on."""
        self._starts.clear()
        self._flooded_until = 0.0

    def forget(self) -> None:
        """A fresh lab: packets are counted from 1 again."""
        self._seen = 0
        self.land()

    def progress(self, now: float) -> dict[int, float]:
        """How far the packets on their way have come, 0.0 to 1.0, by number."""
        self._starts = {number: start for number, start in self._starts.items() if now < start + FLIGHT}
        return {number: max(0.0, (now - start) / FLIGHT) for number, start in self._starts.items()}
