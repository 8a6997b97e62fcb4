"""How much of what others do is told: all while it is little, of a flood so much a second. No judgement of whose."""

from __future__ import annotations

from collections.abc import Callable


class Budget:
    """`burst` at once, then `rate` a second by `clock` (seconds, monotonic)."""

    def __init__(self, burst: int, rate: float, clock: Callable[[], float]) -> None:
        self._burst, self._rate, self._clock = burst, rate, clock
        self._left = float(burst)
        self._at = clock()

    @property
    def is_whole(self) -> bool:
        """Whether nothing was taken for so long that all of it is there again."""
        self._fill()
        return self._left >= self._burst

    def take(self) -> bool:
        """Take one; False if none is left."""
        self._fill()
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True

    def _fill(self) -> None:
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
