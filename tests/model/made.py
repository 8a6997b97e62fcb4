"""Made-up observations for what is hard to record: lists of sockets and calls, written as short as they can be."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from netsim.model.address import Address, Role, Transport
from netsim.model.events import (
    AnyEvent,
    CallError,
    CallReturned,
    CallSlept,
    CallStarted,
    Counters,
    EndpointStarted,
    KernelSocket,
    ProcessExited,
    SocketRef,
    SocketsObserved,
    TcpState,
)

HERE = "127.0.0.1"
SERVER, CLIENT = Address(HERE, 8888), Address(HERE, 51324)
LISTENING, CALLING, ACCEPTED = 100, 101, 102  # inodes


class Count(Struct, frozen=True):
    """Counters, written short: segments out and in, data segments out and in, bytes sent, acknowledged, received."""

    out: int
    in_: int
    data_out: int = 0
    data_in: int = 0
    sent: int = 0
    acked: int = 0
    received: int = 0
    retransmits: int = 0

    def counters(self) -> Counters:
        return Counters(
            segs_out=self.out,
            segs_in=self.in_,
            data_segs_out=self.data_out,
            data_segs_in=self.data_in,
            bytes_sent=self.sent,
            bytes_acked=self.acked,
            bytes_received=self.received,
            retransmits=self.retransmits,
        )


def listener(waiting: int = 0, limit: int = 5, local: Address = SERVER) -> KernelSocket:
    return KernelSocket("tcp", "LISTEN", local, None, LISTENING, waiting, limit)


def client(state: TcpState, count: Count | None = None, **more: Any) -> KernelSocket:
    return _end(state, count, **{"inode": CALLING, "local": CLIENT, "remote": SERVER, **more})


def server(state: TcpState, count: Count | None = None, **more: Any) -> KernelSocket:
    return _end(state, count, **{"inode": ACCEPTED, "local": SERVER, "remote": CLIENT, **more})


def _end(
    state: TcpState, count: Count | None, *, inode: int, unread: int = 0, unsent: int = 0, **more: Any
) -> KernelSocket:
    """An end that has sent its FIN is taken for closed: nobody's."""
    inode = inode if state in ("SYN_SENT", "ESTABLISHED", "CLOSE_WAIT") else 0
    counters = count.counters() if count else None
    return KernelSocket(
        transport="tcp", state=state, inode=inode, receive_queue=unread, send_queue=unsent, counters=counters, **more
    )


OPEN = (client("ESTABLISHED", Count(2, 1, acked=1)), server("ESTABLISHED", Count(0, 2)))  # after the handshake


def udp(port: int = 8888, queue: int = 0, inode: int = 200, remote: Address | None = None) -> KernelSocket:
    return KernelSocket("udp", "CLOSE", Address(HERE, port), remote, inode, queue, 0)


class Made:
    """Events, one after the other, a hundredth of a second apart unless `wait` says more."""

    def __init__(self) -> None:
        self.events: list[AnyEvent] = []
        self._at = 0.0
        self._calls = 0
        self.began("server", "server")
        self.began("client1", "client")

    def _next(self) -> float:
        self._at = round(self._at + 0.01, 4)
        return self._at

    def wait(self, seconds: float) -> Made:
        self._at += seconds
        return self

    def began(self, who: str, role: Role, transport: Transport = "tcp") -> Made:
        self.events.append(
            EndpointStarted(
                at=self._next(),
                who=who,
                pid=1,
                inner_pid=1,
                role=role,
                transport=transport,
                number=1,
                program="",
                source=(),
            )
        )
        return self

    def sees(self, *sockets: KernelSocket, complete: bool = True) -> Made:
        self.events.append(SocketsObserved(at=self._next(), sockets=sockets, complete=complete))
        return self

    def begins(self, who: str, name: str, ref: SocketRef | None, arguments: str = "") -> Made:
        self._calls += 1
        self.events.append(
            CallStarted(
                at=self._next(),
                who=who,
                pid=1,
                inner_pid=1,
                call=self._calls,
                name=name,
                line=1,
                arguments=arguments,
                socket=ref,
            )
        )
        return self

    def sleeps(self, who: str) -> Made:
        self.events.append(CallSlept(at=self._next(), who=who, pid=1, inner_pid=1, call=self._calls))
        return self

    def returns(
        self, who: str, name: str, ref: SocketRef | None, *, error: str = "", call: int = 0, **more: Any
    ) -> Made:
        self.events.append(
            CallReturned(
                at=self._next(),
                who=who,
                pid=1,
                inner_pid=1,
                call=call or self._calls,
                name=name,
                line=1,
                result="",
                error=CallError("OSError", None, error, "") if error else None,
                microseconds=1.0,
                socket=ref,
                **more,
            )
        )
        return self

    def calls(self, who: str, name: str, ref: SocketRef | None, arguments: str = "", **more: Any) -> Made:
        return self.begins(who, name, ref, arguments).returns(who, name, ref, **more)

    def ends(self, who: str, status: int = 0) -> Made:
        self.events.append(ProcessExited(at=self._next(), who=who, pid=1, inner_pid=1, status=status))
        return self


def ref(local: Address, remote: Address | None, inode: int, transport: Transport = "tcp") -> SocketRef:
    return SocketRef(3, inode, transport, local, remote)


CLIENTS, SERVERS = ref(CLIENT, SERVER, CALLING), ref(SERVER, CLIENT, ACCEPTED)


def connected() -> Made:
    """Both ends are ESTABLISHED, connected and accepted by programs that report."""
    made = Made().sees(listener()).calls("client1", "connect", CLIENTS).sees(listener(), *OPEN)
    return made.calls("server", "accept", ref(SERVER, None, LISTENING), accepted=SERVERS, peer=CLIENT)
