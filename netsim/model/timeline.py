"""The timeline: all events in order, and the world after any number of them. Going back in time is a smaller index."""

from __future__ import annotations

from netsim.model.events import AnyEvent
from netsim.model.fold import fold, fold_all
from netsim.model.world import World

CHECKPOINT_EVERY = 64  # events between kept worlds: `at` folds at most so many


class Timeline:
    """Append-only. `at(i)` is the world after the first i events; `now` the world after all of them."""

    def __init__(self) -> None:
        self._events: list[AnyEvent] = []
        self._checkpoints: list[World] = [World()]
        self._now = World()

    def __len__(self) -> int:
        return len(self._events)

    @property
    def now(self) -> World:
        """The world after every event so far."""
        return self._now

    @property
    def events(self) -> tuple[AnyEvent, ...]:
        """Every event so far, oldest first."""
        return tuple(self._events)

    def append(self, event: AnyEvent) -> World:
        """Fold one more event; returns the new present."""
        self._now = fold(self._now, event)
        self._events.append(event)
        if len(self._events) % CHECKPOINT_EVERY == 0:
            self._checkpoints.append(self._now)
        return self._now

    def at(self, index: int) -> World:
        """The world after the first `index` events; raises IndexError outside 0..len."""
        if not 0 <= index <= len(self._events):
            raise IndexError(f"the timeline has {len(self._events)} events, not {index}")
        if index == len(self._events):
            return self._now
        nearest = index // CHECKPOINT_EVERY
        return fold_all(self._checkpoints[nearest], self._events[nearest * CHECKPOINT_EVERY : index])
