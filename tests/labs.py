"""A lab that does nothing but take down what it is asked, for tests of those who ask."""

from __future__ import annotations

from collections.abc import Callable

from netsim.model import events as e
from netsim.model.commands import AnyCommand


class ListedLab:
    """A lab that does nothing but take down what it is asked, and delivers what the test gives it."""

    def __init__(self) -> None:
        self.sent: list[AnyCommand] = []
        self.closed = False
        self.killed = False
        self.deliver: Callable[[e.AnyEvent], None] = lambda _event: None

    def start(self, on_event: Callable[[e.AnyEvent], None]) -> None:
        self.deliver = on_event

    def send(self, command: AnyCommand) -> None:
        self.sent.append(command)

    def close(self) -> None:
        self.closed = True

    def kill_now(self) -> None:
        self.killed = True


class Labs(list[ListedLab]):
    """Makes labs and keeps them."""

    def __call__(self) -> ListedLab:
        self.append(ListedLab())
        return self[-1]
