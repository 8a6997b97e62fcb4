"""When psutil is asked: soon after things have settled, at most ten times a second while they happen, else never."""

from __future__ import annotations

from collections.abc import Callable

from netsim.lab.ports import Question, Worker
from netsim.lab.timers import Timer, Timers
from netsim.model.events import Owner

QUIET = 0.04  # seconds without news, after which things count as settled
APART = 0.1  # seconds between two questions, and the longest that news waits for one
_SHARE = 3  # among ten thousand sockets an answer takes long: after it there is none for so many times that long,
_REST = 0.9  # but for no more seconds than this


class Owners:
    """Has questions (`ask` makes one from what is known then) answered by a worker, and calls `tell` with changes.

    `answered` is called in the worker's thread; `take` has to be called in ours after that.
    """

    def __init__(
        self,
        ask: Callable[[], Question],
        tell: Callable[[tuple[Owner, ...]], None],
        timers: Timers,
        clock: Callable[[], float],
        answered: Callable[[], None],
    ) -> None:
        self._ask, self._tell, self._timers, self._clock = ask, tell, timers, clock
        self._worker = Worker(answered)
        self._timer: Timer | None = None
        self._first_news = self._last_news = 0.0
        self._asked = -APART
        self._rested = 0.0  # when the next question may be asked: an answer that took long is not asked for at once
        self._told: tuple[Owner, ...] = ()

    def stir(self) -> None:
        """There is news: the table may have changed."""
        self._last_news = self._clock()
        if self._timer is None:
            self._first_news = self._last_news
            self._timer = self._timers.after(QUIET, self._due)

    def take(self) -> None:
        """An answer has come; tell it if it is another than the last."""
        owners = self._worker.take()
        now = self._clock()
        self._rested = now + min(_SHARE * (now - self._asked), _REST)
        if owners != self._told:
            self._told = owners
            self._tell(owners)

    def _due(self) -> None:
        now = self._clock()
        due = max(min(self._last_news + QUIET, self._first_news + APART), self._asked + APART, self._rested)
        if self._worker.busy:
            due = max(due, now + QUIET)
        if now < due:
            self._timer = self._timers.after(due - now, self._due)
            return
        self._timer = None
        self._asked = now
        self._worker.ask(self._ask())
