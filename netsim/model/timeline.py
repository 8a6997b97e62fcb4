"""The timeline: all events in order, and the world after any number of them. Going back in time is a smaller index.

Law: an index counts events from the lab's start and never changes its meaning. At most `MOST` events are kept (of large
ones fewer); what is older has become one world, from which all later ones are folded.
"""

from __future__ import annotations

from collections.abc import Sequence

from netsim.model.events import AnyEvent, OwnersObserved, PacketHeld, PacketSeen, SocketsObserved
from netsim.model.fold import fold, fold_all
from netsim.model.visible import Moments, kind_of
from netsim.model.world import World

CHECKPOINT_EVERY = 256  # events between kept worlds: `at` folds at most so many, some milliseconds' work
MOST = 100_000  # events in memory; a large one counts for several, about one for each kilobyte
_FEW, _SOCKETS, _BYTES = 16, 3, 2048  # sockets of a list that weigh nothing; how many of the others, or bytes, weigh 1


class Timeline:
    """Append-only. `at(i)` is the world after the first i events; `now` the world after all of them."""

    def __init__(self, most: int = MOST, every: int = CHECKPOINT_EVERY) -> None:
        self._every = every
        self._most = max(most, every)
        self._first = 0  # events that were forgotten: a multiple of `every`
        self._events: list[AnyEvent] = []
        self._checkpoints: list[World] = [World()]  # the first one is the world after what was forgotten
        self._moments = Moments()
        self._now = World()
        self._weight = 0  # of the events that are kept

    def __len__(self) -> int:
        """How many events there were, the forgotten ones among them."""
        return self._first + len(self._events)

    @property
    def now(self) -> World:
        """The world after every event so far."""
        return self._now

    @property
    def first(self) -> int:
        """The smallest index that there is a world for: how many events were forgotten."""
        return self._first

    @property
    def events(self) -> tuple[AnyEvent, ...]:
        """Every event that is kept, oldest first."""
        return tuple(self._events)

    @property
    def moments(self) -> Sequence[int]:
        """The indices before `now` at which something visible had happened, oldest first; see netsim.model.visible."""
        return self._moments.ends

    def append(self, event: AnyEvent) -> World:
        """Fold one more event; returns the new present."""
        before, self._now = self._now, fold(self._now, event)
        self._moments.take(len(self), kind_of(before, event, self._now), event.at)
        self._events.append(event)
        self._weight += _weight(event)
        if len(self._events) % self._every == 0:
            self._checkpoints.append(self._now)
        if self._weight > self._most:
            self._forget()
        return self._now

    def at(self, index: int) -> World:
        """The world after the first `index` events; raises IndexError outside first..len."""
        if not self._first <= index <= len(self):
            kept = f", and the first {self._first} are not kept" if self._first else ""
            raise IndexError(f"the timeline has {len(self)} events{kept}, not {index}")
        if index == len(self):
            return self._now
        kept_index = index - self._first
        nearest = kept_index // self._every
        return fold_all(self._checkpoints[nearest], self._events[nearest * self._every : kept_index])

    def between(self, start: int, end: int) -> Sequence[AnyEvent]:
        """The events that lead from the world at `start` to that at `end`; both must be within first..len."""
        return self._events[start - self._first : end - self._first]

    def _forget(self) -> None:
        """Let the oldest sixteenth go: seldom, so that it costs little for each event."""
        worlds = 0
        while worlds < len(self._checkpoints) - 1 and (not worlds or self._weight > self._most - self._most // 16):
            going = self._events[worlds * self._every : (worlds + 1) * self._every]
            self._weight -= sum(map(_weight, going))
            worlds += 1
        del self._events[: worlds * self._every]
        del self._checkpoints[:worlds]
        self._first += worlds * self._every
        self._moments.forget(self._first)


def _weight(event: AnyEvent) -> int:
    """How much memory an event takes, about in kilobytes; of most it is little."""
    match event:
        case SocketsObserved(sockets=listed):
            return 1 + max(0, len(listed) - _FEW) // _SOCKETS
        case OwnersObserved(owners=owners):
            return 1 + max(0, len(owners) - _FEW) // _SOCKETS
        case PacketHeld(raw=raw) | PacketSeen(raw=raw):
            return 1 + len(raw) // _BYTES
        case _:
            return 1
