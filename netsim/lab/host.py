"""The lab host: one loop, one thread (psutil's aside), commands in, events out; it reports and does not judge.

Every event is written in the order in which things were found out, and that order is what everything above is built
on: a call is told, then the kernel's sockets are looked at, then the call is let go; when it has returned that is
told, then they are looked at again. What has come to the gate by then is told before anything else.
"""

from __future__ import annotations

import os
import select
import selectors
import sys
import time
from collections.abc import Callable
from typing import Literal, Protocol, get_args

from netsim.lab.containment import Containment
from netsim.lab.family import Family
from netsim.lab.gatekeeper import GateKeeper
from netsim.lab.orders import Orders
from netsim.lab.outbox import Outbox
from netsim.lab.owners import Owners
from netsim.lab.ports import Question, question
from netsim.lab.printing import Printing
from netsim.lab.sampling import Sampler
from netsim.lab.strangers import Strangers
from netsim.lab.timers import Timers
from netsim.lab.watching import Watching
from netsim.model import events
from netsim.model.events import (
    AnyEvent,
    KernelSocket,
    LabStarted,
    Owner,
    OwnersObserved,
    SocketsObserved,
    TcpState,
)

_STATES: dict[str, TcpState] = {state: state for state in get_args(TcpState)}


class _HasFileno(Protocol):
    def fileno(self) -> int: ...


_File = int | _HasFileno
Turn = Literal[0, 1, 2]  # the gate; what programs report; all else


class Host:
    """The lab behind three descriptors: commands come on `commands`, events go to `out`, the end of `life` ends it."""

    def __init__(
        self, *, port: int, endpoint: str, containment: Containment, started: float, commands: int, out: int, life: int
    ) -> None:
        self.port, self.endpoint = port, endpoint
        self._containment = containment
        self._private = containment.net == "private"
        self.contained = containment.contained
        self._started = started
        self._selector = selectors.DefaultSelector()
        self._outbox = Outbox(out)
        self._commands, self._received = commands, bytearray()
        self._ended = False
        self._noticed: tuple[tuple[object, ...], ...] = ()  # of the sockets that were told, what programs can notice
        self.inodes: set[int] = set()  # of sockets that endpoints have reported
        self.strangers = Strangers(self.inodes, time.monotonic, lambda inode: self.family.has(inode))
        self._dump = self.strangers.dump if _has_sock_diag() else None
        self.timers = Timers(time.monotonic)
        self.printing = Printing(self)
        self.watching = Watching(self)
        self.family = Family(self)
        self.sampler = Sampler(
            self._dump,
            self.ports,
            self._tell_sockets,
            self.timers,
            lambda: self._private or bool(self.family.living),  # into a private net a stranger may come at any time
            self._blind,
            lambda: self.strangers.left_out,
            lambda sockets: tuple(each for each in sockets if each.inode in self.inodes),
        )
        self._answered, answer = os.pipe()
        self._owners = Owners(self._question, self._tell_owners, self.timers, time.monotonic, lambda: _poke(answer))
        self.gate = GateKeeper(self)
        if self._private:
            self.gate.install()  # before any endpoint: no packet gets by
        self._orders = Orders(self)
        self.watch(commands, self._take_commands)
        self.watch(life, self._end)
        self.watch(self._answered, self._take_answer)

    def run(self) -> int:
        """Serve until the commands end or nobody reads the events any more; returns the exit status."""
        system = os.uname()
        try:
            self.emit(
                LabStarted(
                    at=self.now(),
                    net=self._containment.net,
                    port=self.port,
                    system=f"{system.sysname} {system.release}",
                    python=sys.version.split()[0],
                    contained=self._containment.contained,
                    contained_because=self._containment.because,
                    sock_diag=self._dump is not None,
                    net_because=self._containment.net_because,
                    gate=self.gate.way,
                    gate_because=self.gate.because,
                )
            )
            self.sampler.look()  # somebody may have the port already
            if self._private:
                self.sampler.stir()
            while not self._ended:
                self._turn()
        except BrokenPipeError:
            pass  # the screen is gone
        finally:
            self.family.kill()
        return 0

    # --- for the parts

    def now(self) -> float:
        """The lab's clock: seconds since its outermost process began."""
        return time.monotonic() - self._started

    def emit(self, event: AnyEvent) -> None:
        """Tell the screen."""
        self._outbox.put(events.encode(event) + b"\n")

    def ports(self) -> frozenset[int] | None:
        """The ports whose sockets are told; None: all, because the net is the lab's own."""
        return None if self._private else self.family.ports()

    def stir(self) -> None:
        """Something has happened: look at the kernel's sockets, and ask psutil, in a moment."""
        self.sampler.stir()
        self._owners.stir()

    def watch(self, file: _File, action: Callable[[], None], *, turn: Turn = 2) -> None:
        """Call `action` whenever there is something to read; of what is ready together a lower `turn` comes first."""
        self._selector.register(file, selectors.EVENT_READ, (turn, action))

    def forget(self, file: _File) -> None:
        """Watch it no more; harmless if it is not watched."""
        try:
            self._selector.unregister(file)
        except KeyError:
            pass

    # --- the loop

    def _turn(self) -> None:
        out = self._outbox.descriptor
        if self._outbox.full:  # take in nothing until the screen has read some
            select.select([], [out], [])
            self._outbox.flush()
            return
        waiting = self._outbox.waiting
        if waiting:
            self._selector.register(out, selectors.EVENT_WRITE, (0, self._outbox.flush))
        ready = self._selector.select(self.timers.wait())
        if waiting:
            self._selector.unregister(out)
            self._outbox.flush()
        for key, _ in sorted(ready, key=lambda each: int(each[0].data[0])):
            if self._selector.get_map().get(key.fd) is key:  # else one before it has ended it
                key.data[1]()
        self.timers.run()
        self._orders.start_next()

    def _end(self) -> None:
        self._ended = True

    def _take_commands(self) -> None:
        data = os.read(self._commands, 65536)
        if not data:
            self._end()
        self._received += data
        *lines, rest = self._received.split(b"\n")
        self._received = bytearray(rest)
        for line in lines:
            self._orders.carry_out(bytes(line))

    # --- the kernel's sockets, and psutil's owners

    def _tell_sockets(self, sockets: tuple[KernelSocket, ...]) -> None:
        self.emit(SocketsObserved(at=self.now(), sockets=sockets, left_out=self.strangers.left_out))
        noticed = tuple(_noticeable(each) for each in sockets)
        if noticed != self._noticed:  # a timer alone changes no owner, and wakes nobody
            self._noticed = noticed
            self._owners.stir()
            self.family.poll()

    def _blind(self) -> None:
        """A look where there is no sock_diag: psutil stands in, later, and the endpoints are asked each time."""
        self._owners.stir()
        self.family.poll()

    def _question(self) -> Question:
        pids = (child.pid for child in self.family.living if child.pid)
        return question(self.ports(), pids, self.sampler.sockets, self.inodes, self._dump is None)

    def _take_answer(self) -> None:
        os.read(self._answered, 1)
        self._owners.take()

    def _tell_owners(self, owners: tuple[Owner, ...]) -> None:
        if self._dump is None:
            sockets = tuple(_as_socket(owner) for owner in owners)
            self.emit(SocketsObserved(at=self.now(), sockets=sockets, complete=False))
        self.emit(OwnersObserved(at=self.now(), owners=owners))


def _has_sock_diag() -> bool:
    """Whether the kernel's own socket list can really be had."""
    from netsim.lab import sockdiag

    try:
        sockdiag.dump(frozenset())
    except OSError:
        return False
    return True


def _noticeable(each: KernelSocket) -> tuple[object, ...]:
    return each.transport, each.local, each.remote, each.inode, each.state, each.receive_queue


def _as_socket(owner: Owner) -> KernelSocket:
    """What psutil tells of a socket, without what only the kernel knows. The inode says: somebody's, or nobody's."""
    return KernelSocket(
        transport=owner.transport,
        state=_STATES.get(owner.state, "CLOSE"),
        local=owner.local,
        remote=owner.remote,
        inode=0 if owner.pid is None else 1,
        receive_queue=0,
        send_queue=0,
    )


def _poke(descriptor: int) -> None:
    os.write(descriptor, b".")


def main(port: int, endpoint: str, containment: Containment, started: float, life: int) -> int:
    """The lab host's process, on standard input and output."""
    sys.setswitchinterval(0.001)  # psutil's thread must not keep a program's call waiting
    out = os.dup(1)
    os.dup2(2, 1, inheritable=False)  # whatever else prints here must not get between the events
    return Host(
        port=port, endpoint=endpoint, containment=containment, started=started, commands=0, out=out, life=life
    ).run()
