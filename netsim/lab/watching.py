"""Looks now and then at the programs that run on by themselves: do they sleep outside of a socket call, or spin?

Law: it asks /proc and the page that an endpoint shares, never the program: who sleeps can't answer. Only news is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netsim.lab import procfs
from netsim.lab.children import Child
from netsim.model.events import ProcessSlept, ProcessSpun

if TYPE_CHECKING:
    from netsim.lab.host import Host

FIRST_LOOK = 0.020  # seconds after a program was let run
_LOOKS = 0.5  # seconds between two looks, at most
SPINNING = 1.0  # seconds of a processor's time after which a program that never sleeps is told of


class Watching:
    """One look after the other, per child, while it runs outside of a call."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def begin(self, child: Child) -> None:
        """It runs from now on (or again): nothing is known of it any more. Harmless if it is watched already."""
        child.looks += 1
        child.told = None
        if not child.watched and not child.forked:
            child.watched = True
            self._later(child, FIRST_LOOK, since=self._ran(child))

    def _ran(self, child: Child) -> float:
        """How long it has had a processor: one that only waits for its turn spins as little as one that sleeps.

        Where that is not known, by the clock.
        """
        seconds = procfs.processor_seconds(child.pid)
        return self._host.now() if seconds is None else seconds

    def _later(self, child: Child, seconds: float, since: float) -> None:
        looks = child.looks
        self._host.timers.after(seconds, lambda: self._look(child, looks, seconds, since))

    def _look(self, child: Child, looks: int, waited: float, since: float) -> None:
        if child.exited or child.state not in ("running", "ended"):
            child.watched = False
            return
        now, ran = self._host.now(), self._ran(child)
        if looks != child.looks:  # it has made a call or a stop since: begin anew
            self._later(child, FIRST_LOOK, since=ran)
            return
        sleep = procfs.asleep_in(child.pid)
        if sleep is None and procfs.is_paused(child.pid):
            since = ran  # by a signal, or a debugger
        elif sleep is None:
            if ran - since >= SPINNING and child.told != "spins":
                child.told = "spins"
                self._host.printing.flush(child)
                self._host.emit(
                    ProcessSpun(at=now, who=child.who, pid=child.pid, inner_pid=child.inner_pid, line=child.line())
                )
        elif not child.channel.has_input():  # or it sleeps because it has reported, and we have not read it
            since = ran
            line = child.line()
            if child.told != (sleep, line):
                child.told = (sleep, line)
                syscall, fd = sleep
                self._host.printing.flush(child)
                self._host.emit(
                    ProcessSlept(
                        at=now, who=child.who, pid=child.pid, inner_pid=child.inner_pid, line=line,
                        syscall=syscall, fd=fd,
                    )
                )  # fmt: skip
        self._later(child, min(2 * waited, _LOOKS), since)
