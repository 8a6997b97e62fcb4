"""The session: the one mutable object. It holds the timeline and an attached lab; commands go down, events come up.

Events arrive on the lab's own thread and wait in a queue; only `drain`, on the caller's thread, folds them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Protocol

from msgspec.structs import replace

from netsim.model.address import Conversation
from netsim.model.commands import AnyCommand
from netsim.model.events import AnyEvent, CommandAccepted, CommandRefused, FocusMoved
from netsim.model.timeline import Timeline
from netsim.model.world import World


class Lab(Protocol):
    """What a session needs of a lab; netsim.lab.client.LabClient is one, a list of events in a test is another."""

    def start(self, on_event: Callable[[AnyEvent], None]) -> None:
        """Begin to deliver events, in order, from any one thread."""

    def send(self, command: AnyCommand) -> None:
        """Ask for something, also before `start`; a lab that is gone ignores it."""

    def close(self) -> None:
        """End the lab and everything in it; no event comes after that."""

    def kill_now(self) -> None:
        """The same from a signal handler: at once, without waiting."""


class Session:
    """One sitting in front of one lab at a time.

    `make_lab` makes a fresh one, at the start and to begin again; `opening` is what every lab is asked for first.
    `recording`: the name of what is replayed, "" where a real lab is there; `note`: what is to be said of it.
    """

    def __init__(
        self, make_lab: Callable[[], Lab], opening: Sequence[AnyCommand] = (), *, recording: str = "", note: str = ""
    ) -> None:
        self._make_lab = make_lab
        self.recording = recording
        self.note = note
        self._opening = opening
        self._wake: Callable[[], None] = lambda: None
        self._queue: SimpleQueue[tuple[int, AnyEvent]] = SimpleQueue()
        self._listeners: list[Callable[[AnyEvent], None]] = []
        self._generation = 0
        self._last_id = 0
        self._unanswered: set[int] = set()
        self.timeline = Timeline()
        self._lab = make_lab()
        self._open()  # at once: the programs start while the screen is still being made

    # --- what is known

    @property
    def world(self) -> World:
        """The world now: after every event that was drained."""
        return self.timeline.now

    @property
    def unanswered(self) -> bool:
        """Whether a command has no answer yet, or a process that it asked for is not there (or not gone) yet."""
        return self.world.ended is None and bool(self._unanswered or self.world.under_way)

    @property
    def pending(self) -> bool:
        """Whether something asked for is not done yet: a command without an answer, or a program that runs."""
        if self.world.ended is not None or self.recording:
            return False
        return bool(self._unanswered or self.world.under_way) or any(
            endpoint.is_on_its_way for endpoint in self.world.endpoints.values()
        )

    # --- events come up

    def attach(self, wake: Callable[[], None]) -> None:
        """Start the lab's events; `wake` is called, on the lab's thread, whenever `drain` has something to do."""
        self._wake = wake
        self._start_lab()

    def subscribe(self, listener: Callable[[AnyEvent], None]) -> None:
        """Call `listener` with every event after it was folded, on the thread that drains."""
        self._listeners.append(listener)

    def drain(self, seconds: float | None = None) -> int:
        """Fold every event that has come, or for so long; returns how many. What is left is announced as if it came."""
        count, end = 0, None if seconds is None else monotonic() + seconds
        while True:
            if end is not None and count and monotonic() > end:
                self._wake()
                return count
            try:
                generation, event = self._queue.get_nowait()
            except Empty:
                return count
            if generation == self._generation:
                self._append(event)
                count += 1

    # --- commands go down

    def dispatch(self, command: AnyCommand) -> int:
        """Send a command to the lab; returns the id under which its answer will come."""
        self._last_id += 1
        self._unanswered.add(self._last_id)
        self._lab.send(replace(command, id=self._last_id))
        return self._last_id

    def focus(self, who: str, stranger: Conversation | None = None) -> None:
        """Turn to the conversation and pane of an endpoint, or of a stranger; an event, of the person's own making."""
        self._append(FocusMoved(at=self.world.at, who=who, stranger=stranger))

    # --- beginnings and endings

    def restart_lab(self) -> None:
        """End the lab, forget what happened, and begin again with a fresh one."""
        self._generation += 1
        self._lab.close()
        self.timeline = Timeline()
        self._unanswered.clear()
        self._lab = self._make_lab()
        self._open()
        self._start_lab()

    def take_over(self, other: Session) -> None:
        """End the lab, and go on with another session's in its place, with all that happened there.

        The other one is not to be used any more. Listeners hear its events from the beginning.
        """
        self._lab.close()
        self._queue, self._generation = other._queue, other._generation
        self.timeline, self._lab = other.timeline, other._lab
        self._last_id, self._unanswered = other._last_id, other._unanswered
        other._wake = lambda: self._wake()
        for event in self.timeline.events:
            for listener in self._listeners:
                listener(event)
        self._wake()

    def close(self) -> None:
        """End the lab and everything in it."""
        self._generation += 1
        self._lab.close()

    def kill_now(self) -> None:
        """End everything at once, from a signal handler."""
        self._lab.kill_now()

    def _start_lab(self) -> None:
        generation = self._generation

        def receive(event: AnyEvent) -> None:
            self._queue.put((generation, event))
            self._wake()

        self._lab.start(receive)

    def _open(self) -> None:
        for command in self._opening:
            self.dispatch(command)

    def _append(self, event: AnyEvent) -> None:
        if isinstance(event, CommandAccepted | CommandRefused):
            self._unanswered.discard(event.id)
        self.timeline.append(event)
        for listener in self._listeners:
            listener(event)
