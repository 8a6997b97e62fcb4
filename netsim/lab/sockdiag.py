"""The kernel's own list of sockets: NETLINK_SOCK_DIAG, which needs no privilege and names no process.

It shows what /proc/net/tcp shows and more (SYN_RECV, timers, a listener's queue, TCP_INFO), in one go. Linux only:
elsewhere the module can be imported and a dump is an OSError.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Literal, NamedTuple, TypeVar

from netsim.lab import netlink
from netsim.model.address import Address, Transport
from netsim.model.events import Counters, KernelSocket, TcpState

# linux/netlink.h, linux/sock_diag.h, linux/inet_diag.h
_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_TCPDIAG_GETSOCK = 18  # the older request: it has no family, so one walk through the kernel's table gives both
_INET_DIAG_INFO = 2
_WANT_INFO = 1 << (_INET_DIAG_INFO - 1)
_ALL_STATES = 0xFFFF_FFFF  # with bit 13, since Linux 6.8: TCP sockets that are bound and do nothing yet

# net/tcp_states.h; 12 (NEW_SYN_RECV) and 13 (BOUND_INACTIVE) are the kernel's own shades of two others
_STATES: dict[int, TcpState] = {
    1: "ESTABLISHED", 2: "SYN_SENT", 3: "SYN_RECV", 4: "FIN_WAIT1", 5: "FIN_WAIT2", 6: "TIME_WAIT", 7: "CLOSE",
    8: "CLOSE_WAIT", 9: "LAST_ACK", 10: "LISTEN", 11: "CLOSING", 12: "SYN_RECV", 13: "CLOSE",
}  # fmt: skip
_Timer = Literal["", "retransmit", "keepalive", "timewait", "probe"]
_TIMERS: dict[int, _Timer] = {1: "retransmit", 2: "keepalive", 3: "timewait", 4: "probe"}

_REQUEST = struct.Struct("=BBBBI48x")  # inet_diag_req_v2: family, protocol, extensions, pad, states, (no) socket id
_REQUEST_HEAD = struct.Struct("=BBBBI")  # the same, and behind it inet_diag_sockid:
_SOCKET_ID = struct.Struct("=2s2s16s16sIII")  # ports, addresses, device, cookie
_ANY_DEVICE, _ANY_COOKIE = 0, (0xFFFF_FFFF, 0xFFFF_FFFF)  # INET_DIAG_NOCOOKIE
_OLD_REQUEST = struct.Struct("=BBBB48xII")  # inet_diag_req: family, two lengths, extensions, id, states, dbs
_ADDRESSES = struct.Struct("=BBBB2s2s16s16s")  # inet_diag_msg: family, state, timer, retrans; ports, addresses
_REST = struct.Struct("=IIIII")  # at 52: expires, rqueue, wqueue, uid, inode
_REST_AT, _MESSAGE_SIZE = 52, 72
# linux/tcp.h, struct tcp_info: offsets, checked in tests against getsockopt(TCP_INFO)
_INFO_NEEDED = 208  # up to and with bytes_sent (Linux 4.19); a shorter one gives no counters
_INFO_RETRANS = struct.Struct("=I")
_INFO_RETRANS_AT = 100
_INFO_BYTES_SEGS = struct.Struct("=QQIIIIII")  # bytes_acked, bytes_received, segs_out, segs_in, -, -, data in, data out
_INFO_BYTES_SEGS_AT = 120
_INFO_SENT = struct.Struct("=Q")
_INFO_SENT_AT = 200

_BUFFER = 1 << 16  # the kernel fills at most 32 KiB a message batch
_TIMEOUT = struct.pack("@ll", 2, 0)  # seconds, microseconds; the answer is made while we ask, so it never takes long
_Answer = TypeVar("_Answer")
_V4_MAPPED = bytes(10) + b"\xff\xff"


class Entry(NamedTuple):
    """One socket of a whole machine, as `KernelSocket` has it; `remote_port` 0: it has no peer."""

    transport: Transport
    host: str
    port: int
    remote_host: str
    remote_port: int
    inode: int
    uid: int
    receive_queue: int
    send_queue: int
    time_wait_ms: int


class Listed(NamedTuple):
    """One socket of an answer at a glance, to choose by. Both ends as the kernel writes them: address and port."""

    body: memoryview
    transport: Transport
    state: TcpState
    inode: int
    local: bytes
    remote: bytes

    @property
    def is_connected(self) -> bool:
        """Whether it has a peer."""
        return self.state != "LISTEN" and self.remote[-2:] != b"\0\0"


Choose = Callable[[list[Listed]], list[Listed]]


class SockDiag:
    """An open netlink socket, to ask again and again. Not for two threads at once; usable as a context manager."""

    def __init__(self) -> None:
        family = getattr(socket, "AF_NETLINK", None)
        if family is None:
            raise OSError(errno.EAFNOSUPPORT, "sock_diag: this system has no netlink")
        self._socket = socket.socket(family, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_SOCK_DIAG)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _TIMEOUT)
        self._sequence = 0
        self._both_families_at_once = True

    def close(self) -> None:
        """Give the socket back. A dump afterwards is an OSError."""
        self._socket.close()

    def __enter__(self) -> SockDiag:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def dump(
        self, ports: frozenset[int] | None = None, choose: Choose = lambda listed: listed
    ) -> tuple[KernelSocket, ...]:
        """The TCP and UDP sockets of this network namespace on loopback and wildcard addresses, sorted.

        With `ports`, only those whose local or remote port is among them. TCP in every state, in this order: by
        transport, local port, local host, peer. `choose` may leave some out, before they are read any further: there
        may be ten thousand. Raises OSError where the kernel does not answer (no sock_diag).
        The list is not atomic: of two sockets one may be seen a few microseconds before the other.
        """
        found = [_listed(body, "tcp", ports) for body in self._tcp()]
        for family in (socket.AF_INET, socket.AF_INET6):
            found += [_listed(body, "udp", ports) for body in self._ask_v2(family, socket.IPPROTO_UDP)]
        chosen = choose([each for each in found if each is not None])
        return tuple(sorted((_socket(each) for each in chosen), key=_order))

    def holder_of(self, transport: Transport, local: tuple[bytes, int], remote: tuple[bytes, int]) -> int:
        """The inode of the socket with these ends (addresses in network order), of an unconnected UDP one likewise.

        0 where there is none, or no process has it; a listener is none. Raises OSError as `dump` does.
        """
        family = socket.AF_INET if len(local[0]) == 4 else socket.AF_INET6
        protocol = socket.IPPROTO_TCP
        one, other = local, remote
        if transport == "udp":
            protocol = socket.IPPROTO_UDP
            one, other = remote, local  # "src and dst are swapped for historical reasons" (net/ipv4/udp_diag.c)
        name = _SOCKET_ID.pack(
            one[1].to_bytes(2, "big"), other[1].to_bytes(2, "big"), one[0], other[0], _ANY_DEVICE, *_ANY_COOKIE
        )
        request = _REQUEST_HEAD.pack(family, protocol, 0, 0, _ALL_STATES) + name
        message = next(self._converse(_SOCK_DIAG_BY_FAMILY, netlink.NLM_F_REQUEST, request))
        if message.type == netlink.NLMSG_ERROR:
            with contextlib.suppress(FileNotFoundError):
                netlink.raise_error(message)
            return 0
        listed = _listed(message.body, transport, None)
        if listed is None or listed.state == "LISTEN" or listed.local[-2:] != local[1].to_bytes(2, "big"):
            return 0
        return listed.inode

    def entries(self) -> Iterator[Entry]:
        """All TCP and UDP sockets of this network namespace, on every address, without counters and in no order.

        For tables of a whole machine: it costs a third of a dump. Raises OSError as `dump` does.
        """
        for body in self._tcp(extensions=0):
            yield from _entry(body, "tcp")
        for family in (socket.AF_INET, socket.AF_INET6):
            for body in self._ask_v2(family, socket.IPPROTO_UDP, extensions=0):
                yield from _entry(body, "udp")

    def _tcp(self, extensions: int = _WANT_INFO) -> list[memoryview]:
        if self._both_families_at_once:
            try:
                return self._ask(_TCPDIAG_GETSOCK, _OLD_REQUEST.pack(0, 0, 0, extensions, _ALL_STATES, 0))
            except OSError as error:
                if error.errno not in (errno.EINVAL, errno.ENOENT, errno.EOPNOTSUPP):
                    raise
                self._both_families_at_once = False  # a kernel without the old request
        return [
            body
            for family in (socket.AF_INET, socket.AF_INET6)
            for body in self._ask_v2(family, socket.IPPROTO_TCP, extensions)
        ]

    def _ask_v2(self, family: int, protocol: int, extensions: int = _WANT_INFO) -> list[memoryview]:
        try:
            return self._ask(_SOCK_DIAG_BY_FAMILY, _REQUEST.pack(family, protocol, extensions, 0, _ALL_STATES))
        except OSError as error:
            if family == socket.AF_INET6 and error.errno == errno.ENOENT:
                return []  # a kernel without IPv6
            raise

    def _ask(self, type_: int, request: bytes) -> list[memoryview]:
        """Every body of the answer. An answer that was disturbed is asked for once more, then taken as it is."""
        bodies, disturbed = self._ask_once(type_, request)
        return self._ask_once(type_, request)[0] if disturbed else bodies

    def _ask_once(self, type_: int, request: bytes) -> tuple[list[memoryview], bool]:
        bodies: list[memoryview] = []
        disturbed = False
        for message in self._converse(type_, netlink.NLM_F_REQUEST | netlink.NLM_F_DUMP, request):
            disturbed = disturbed or bool(message.flags & netlink.NLM_F_DUMP_INTR)
            if message.type == netlink.NLMSG_DONE:
                break
            if message.type == netlink.NLMSG_ERROR:
                netlink.raise_error(message)
            bodies.append(message.body)
        return bodies, disturbed

    def _converse(self, type_: int, flags: int, request: bytes) -> Iterator[netlink.Message]:
        """The messages that answer a request; who asks knows which is the last one, and stops there."""
        self._sequence = self._sequence % 0xFFFF_FFFF + 1
        self._socket.send(netlink.message(type_, flags, self._sequence, request))
        while True:
            for message in netlink.messages(self._socket.recv(_BUFFER)):
                if message.sequence == self._sequence:  # else the rest of an earlier answer that was given up
                    yield message


_shared: SockDiag | None = None


def dump(ports: frozenset[int] | None = None, choose: Choose = lambda listed: listed) -> tuple[KernelSocket, ...]:
    """`SockDiag.dump` on one socket that the module keeps open; of the network namespace of the first call."""
    return _on_shared(lambda diag: diag.dump(ports, choose))


def holder_of(transport: Transport, local: tuple[bytes, int], remote: tuple[bytes, int]) -> int:
    """`SockDiag.holder_of` on that same socket."""
    return _on_shared(lambda diag: diag.holder_of(transport, local, remote))


def _on_shared(ask: Callable[[SockDiag], _Answer]) -> _Answer:
    global _shared
    if _shared is None:
        _shared = SockDiag()
    try:
        return ask(_shared)
    except OSError:
        with contextlib.suppress(OSError):
            _shared.close()
        _shared = None
        raise


def _listed(body: memoryview, transport: Transport, ports: frozenset[int] | None) -> Listed | None:
    """One inet_diag_msg at a glance; None for a socket that was not asked for or of a kind that we don't know."""
    if len(body) < _MESSAGE_SIZE:
        return None
    family, number, _, _, here, there, local_ip, remote_ip = _ADDRESSES.unpack_from(body)
    if ports is not None and int.from_bytes(here, "big") not in ports and int.from_bytes(there, "big") not in ports:
        return None
    state = _STATES.get(number)
    if state is None or _local_host(family, local_ip) is None:
        return None
    inode = _REST.unpack_from(body, _REST_AT)[-1]
    return Listed(body, transport, state, inode, _end(local_ip, here), _end(remote_ip, there))


def _end(ip: bytes, port: bytes) -> bytes:
    """An end of a connection, the same for IPv4 and for an IPv6 socket that has it (::ffff:127.0.0.1)."""
    return (ip[12:] + bytes(12) if ip.startswith(_V4_MAPPED) else ip) + port


def _socket(listed: Listed) -> KernelSocket:
    """A socket of the list decoded."""
    body, transport, state, inode = listed.body, listed.transport, listed.state, listed.inode
    family, _, timer, expirations, here, there, local_ip, remote_ip = _ADDRESSES.unpack_from(body)
    host = _local_host(family, local_ip)
    assert host is not None
    remote = None
    if listed.is_connected:
        remote = Address(_host(family, remote_ip), int.from_bytes(there, "big"))
    expires, receive_queue, send_queue, uid, _ = _REST.unpack_from(body, _REST_AT)
    return KernelSocket(
        transport=transport,
        state=state,
        local=Address(host, int.from_bytes(here, "big")),
        remote=remote,
        inode=inode,
        receive_queue=receive_queue,
        send_queue=send_queue,
        uid=uid,
        timer=_TIMERS.get(timer, ""),
        expires_ms=expires,
        expirations=expirations,
        counters=_counters(body) if transport == "tcp" and remote is not None else None,
    )


def _entry(body: memoryview, transport: Transport) -> Iterator[Entry]:
    """One inet_diag_msg as an entry, or nothing if it is of a kind that we don't know."""
    if len(body) < _MESSAGE_SIZE:
        return
    family, number, timer, _, here, there, local_ip, remote_ip = _ADDRESSES.unpack_from(body)
    state = _STATES.get(number)
    if state is None or family not in (socket.AF_INET, socket.AF_INET6):
        return
    expires, receive_queue, send_queue, uid, inode = _REST.unpack_from(body, _REST_AT)
    port = 0 if state == "LISTEN" else int.from_bytes(there, "big")
    yield Entry(
        transport, _host(family, local_ip), int.from_bytes(here, "big"), _host(family, remote_ip) if port else "", port,
        inode, uid, receive_queue, send_queue, expires if _TIMERS.get(timer) == "timewait" else 0,
    )  # fmt: skip


def _counters(body: memoryview) -> Counters | None:
    info = next((value for type_, value in netlink.attributes(body[_MESSAGE_SIZE:]) if type_ == _INET_DIAG_INFO), None)
    if info is None or len(info) < _INFO_NEEDED:
        return None
    (retransmits,) = _INFO_RETRANS.unpack_from(info, _INFO_RETRANS_AT)
    acked, received, out, in_, _, _, data_in, data_out = _INFO_BYTES_SEGS.unpack_from(info, _INFO_BYTES_SEGS_AT)
    (sent,) = _INFO_SENT.unpack_from(info, _INFO_SENT_AT)
    return Counters(
        segs_out=out,
        segs_in=in_,
        data_segs_out=data_out,
        data_segs_in=data_in,
        bytes_sent=sent,
        bytes_acked=acked,
        bytes_received=received,
        retransmits=retransmits,
    )


@lru_cache(maxsize=4096)  # remote ones, too
def _host(family: int, ip: bytes) -> str:
    """An address as text; an IPv4 address that an IPv6 socket has (::ffff:127.0.0.1) as the IPv4 address it is."""
    if family == socket.AF_INET6 and ip.startswith(_V4_MAPPED):
        return socket.inet_ntop(socket.AF_INET, ip[12:16])
    return socket.inet_ntop(family, ip if family == socket.AF_INET6 else ip[:4])


@lru_cache(maxsize=256)
def _local_host(family: int, ip: bytes) -> str | None:
    """The same for a local address; None if it is neither loopback nor wildcard."""
    if family not in (socket.AF_INET, socket.AF_INET6):
        return None
    host = _host(family, ip)
    return host if host in ("0.0.0.0", "::", "::1") or host.startswith("127.") else None


def _order(each: KernelSocket) -> tuple[str, int, str, bool, Address, int]:
    local, remote = each.local, each.remote
    return (each.transport, local.port, local.host, remote is not None, remote or local, each.inode)
