"""What a person's program prints is told at once, and in a flood in gulps: a screen can follow those.

Law: the order stays: whatever else is told of a process comes after what it has printed before. Only what no eye could
read is left out, in the middle of a gulp, and the gap says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from netsim.model.events import ProgramPrinted

if TYPE_CHECKING:
    from netsim.lab.children import Child
    from netsim.lab.host import Host

WINDOW = 0.030  # seconds in which what follows is gathered
_MOST = 200_000  # characters of a gulp; of more its beginning and its end are kept
_KEPT = 50_000
_GAP = "\n[... more than can be shown was printed here ...]\n"


class Gathered:
    """What a process has printed and what was not told yet: all of one stream."""

    def __init__(self, like: ProgramPrinted) -> None:
        self.like = like
        self.texts: list[str] = []
        self.length = 0

    def add(self, text: str) -> None:
        """One more text."""
        self.texts.append(text)
        self.length += len(text)
        if self.length > _MOST:
            whole = "".join(self.texts)
            self.texts = [whole[:_KEPT], _GAP, whole[-_KEPT:]]
            self.length = 2 * _KEPT + len(_GAP)


class Printing:
    """Tells what programs print."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def take(self, child: Child, event: ProgramPrinted) -> None:
        """Tell it now, or with what follows if something was told a moment ago."""
        if child.order.own is None:
            self._host.emit(event)
            return
        gathered = child.gathered
        if gathered is None:
            self._host.emit(event)
            self._open(child, event)
            return
        if gathered.like.stream != event.stream:
            self.flush(child)
            gathered.like = event
        gathered.add(event.text)

    def flush(self, child: Child) -> None:
        """Tell what was gathered; harmless if nothing was."""
        gathered = child.gathered
        if gathered is not None and gathered.texts:
            self._host.emit(replace(gathered.like, at=self._host.now(), text="".join(gathered.texts)))
            gathered.texts.clear()
            gathered.length = 0

    def _open(self, child: Child, event: ProgramPrinted) -> None:
        child.gathered = Gathered(event)
        self._host.timers.after(WINDOW, lambda: self._close(child))

    def _close(self, child: Child) -> None:
        gathered = child.gathered
        if gathered is not None and gathered.texts:
            self.flush(child)
            self._host.timers.after(WINDOW, lambda: self._close(child))
        else:
            child.gathered = None
