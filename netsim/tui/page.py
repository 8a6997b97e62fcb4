"""What a page is, and what it may ask of the screen that it is on.

Law: a page draws lines from what it knows and takes keys; only `Stage` leads out of it. All of it runs on the screen's
thread, but for `Stage.call_soon`, which may be called on any.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from netsim.model.machine import MachinePorts, Probed
from netsim.model.world import Row, World
from netsim.session import Lab, Session
from netsim.text.charset import Charset
from netsim.text.lines import Line


class Machine(Protocol):
    """Questions to the machine outside the lab (netsim.lab.machine); answers come on another thread."""

    def ports(self, on_ports: Callable[[MachinePorts], None]) -> None:
        """All sockets of the machine."""

    def probe(self, pid: int, on_probed: Callable[[Probed], None], started: float | None = None) -> None:
        """Whether anybody is there by that number, and with `started`: still the same one."""

    def close(self) -> None:
        """End the helper."""


class Files(Protocol):
    """The files that are written when the person wishes it (netsim.files.desk). Each answer is one sentence."""

    def record(self) -> str:
        """Write all that happened, and from now on all that happens, to a new file; says its name, or why not."""

    def export(self) -> str:
        """Write the packets whose bytes are known to a new file; says its name, or why not."""

    def save(self, files: Sequence[tuple[str, str]]) -> tuple[str, str]:
        """Write files (names and texts) into a new folder; its path, "" if there is none, and a sentence on it."""

    def trouble(self) -> str:
        """What has gone wrong with a recording since this was asked last, "" if nothing has."""


class Tools(NamedTuple):
    """What the composition root hands to the screen of the rooms that the screen may not import.

    `make_lab`: one more lab beside the session's, in the same kind of net ("private" or "host"). In the host net it
    listens on the given port. Who makes one closes it; what is still there at the end is killed with the screen.
    `files`: None where no file may be written.
    `run_aside`: a command as in another terminal, in the net of the lab that has this process in it (0: the machine's);
    its output comes from another thread. `free_port`: the first port above this one that can be had, and the one after
    it. Both None where nothing but a session is there.
    `kiosk`: the person at the keyboard is a stranger (`netsim --kiosk`): no file is written or read by their wish.
    """

    make_lab: Callable[[str, int], Lab]
    make_machine: Callable[[], Machine]
    kiosk: bool = False
    files: Files | None = None
    run_aside: Callable[[Sequence[str], int, Callable[[str], None]], None] | None = None
    free_port: Callable[[int], int | None] | None = None


class Stage(Protocol):
    """The screen, as a page sees it."""

    session: Session
    tools: Tools | None  # None in tests, and where nothing but a session is there
    charset: Charset
    clock: Callable[[], float]  # seconds, monotonic
    pointed: Row | None  # the row of the port table that was chosen last

    @property
    def shown_world(self) -> World:
        """The world that is to be drawn: now, or a moment of the past. Only `session.world` is always now."""

    def repaint(self) -> None:
        """Draw the page again: what it shows has changed."""

    def call_soon(self, deed: Callable[[], None]) -> None:
        """Do this on the screen's thread; from any thread."""

    def later(self, seconds: float, deed: Callable[[], None]) -> None:
        """Do this on the screen's thread in so many seconds, if the page is still open."""

    def close_page(self) -> None:
        """Back to the main screen."""

    def open_page(self, name: str) -> None:
        """Put another page in this one's place."""

    def take_over(self, session: Session) -> None:
        """Go on with this session's lab on the main screen, in the place of the one that was there."""

    def copy(self, text: str) -> None:
        """Into the clipboard of the person's terminal (OSC 52: over SSH, too)."""


class Page(Protocol):
    """One page, from opening to closing."""

    def draw(self, width: int, height: int) -> list[Line]:
        """At most `height` lines of exactly `width` cells; the size is never below the smallest grid's."""

    def press(self, key: str, character: str | None) -> bool:
        """Take a key by Textual's name; False closes the page."""

    def came(self) -> None:
        """The main session has folded new events."""

    def close(self) -> None:
        """The page is taken away: end what it started."""
