"""What is due when: a heap of one-shot timers for a single-threaded loop."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count


class Timer:
    """One action that is due once; `cancel` makes it never happen."""

    __slots__ = ("action",)

    def __init__(self, action: Callable[[], None]) -> None:
        self.action: Callable[[], None] | None = action

    def cancel(self) -> None:
        """Forget it; harmless after it happened."""
        self.action = None


class Timers:
    """Timers on one clock (seconds, monotonic)."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self._heap: list[tuple[float, int, Timer]] = []
        self._order = count()

    def after(self, seconds: float, action: Callable[[], None]) -> Timer:
        """Have `action` called by `run` once `seconds` have passed."""
        timer = Timer(action)
        heapq.heappush(self._heap, (self.clock() + seconds, next(self._order), timer))
        return timer

    def wait(self) -> float | None:
        """Seconds until the next timer is due (0 if one is), None if there is none."""
        while self._heap and self._heap[0][2].action is None:
            heapq.heappop(self._heap)
        return max(0.0, self._heap[0][0] - self.clock()) if self._heap else None

    def run(self) -> None:
        """Call what is due now; what these calls add waits for the next time."""
        now = self.clock()
        due = []
        while self._heap and self._heap[0][0] <= now:
            due.append(heapq.heappop(self._heap)[2])
        for timer in due:
            action, timer.action = timer.action, None
            if action is not None:
                action()
