"""The kernel's packet queue: whole packets come out of it, and for each a verdict goes back. No judgement here.

A packet without a verdict stays where it is, for as long as the queue is open; when it is closed, the kernel throws
away what it still holds. Sources: linux/netfilter/nfnetlink_queue.h, net/netfilter/nfnetlink_queue.c.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
from typing import NamedTuple

from netsim.lab import asking, netlink
from netsim.lab.asking import attribute, netfilter
from netsim.lab.nftables import GateError
from netsim.lab.steps import step

# What the kernel drops above LENGTH it counts where an ordinary user can't read it; what finds the receive buffer full
# it counts at our socket. So the buffer is the bound that is met: 10,000 small packets at most (832 bytes each), and
# with what the gate's rules hold (two queued packets for each of theirs) less than LENGTH.
LENGTH = 16384  # packets, waiting and held together
RECEIVE_BUFFER = 4 << 20  # bytes, which the kernel doubles; it may allow less (net.core.rmem_max)
MOST_BYTES = 4096  # of each packet; a TCP segment has at most 1500, only huge datagrams are cut

_SUBSYSTEM = 3  # NFNL_SUBSYS_QUEUE
_PACKET, _VERDICT, _CONFIG = (_SUBSYSTEM << 8 | number for number in range(3))
_CFG_CMD, _CFG_PARAMS, _CFG_QUEUE_MAXLEN = 1, 2, 3
_CFG_CMD_BIND = 1
_COPY_PACKET = 2
_PACKET_HDR, _VERDICT_HDR, _PAYLOAD = 1, 2, 10
_DROP, _ACCEPT = 0, 1
_NETLINK_NO_ENOBUFS = 5
_SO_RCVBUFFORCE = 33
_SO_MEMINFO = 55  # asm-generic/socket.h
_MEMINFO = struct.Struct("=9I")  # linux/sock_diag.h: SK_MEMINFO_RMEM_ALLOC ... SK_MEMINFO_DROPS
_DROPS = 8
_HEADER = struct.Struct(">IHB")  # nfqnl_msg_packet_hdr: id, hw_protocol, hook
_NFGENMSG = 4
_COUNTERS = "/proc/self/net/netfilter/nfnetlink_queue"


class QueuedPacket(NamedTuple):
    """A packet that waits for its verdict: the queue's number for it, the netfilter hook, its bytes from IP on."""

    id: int
    hook: int
    payload: bytes


class Losses(NamedTuple):
    """How many packets were lost for want of room: unread, in the reader's buffer; and as too many held at once."""

    unread: int
    too_many: int | None  # None: the kernel does not say


class PacketQueue:
    """One open queue of this network namespace. Not for two threads at once."""

    def __init__(self, number: int = 0, *, length: int = LENGTH, receive_buffer: int = RECEIVE_BUFFER) -> None:
        """Open and configure it; raises GateError (EPERM: another process reads this queue, or no say in this net)."""
        self.number = number
        with step("queue socket", GateError):
            self._socket = asking.open_socket(asking.NETLINK_NETFILTER)
        try:
            self._configure(length, receive_buffer)
        except BaseException:
            self._socket.close()
            raise

    def _configure(self, length: int, receive_buffer: int) -> None:
        with step("queue socket options", GateError):
            # A reader that falls behind must not be told so by an error that loses more: the kernel's counters tell.
            self._socket.setsockopt(asking.SOL_NETLINK, _NETLINK_NO_ENOBUFS, 1)
            try:
                self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, receive_buffer)
            except PermissionError:  # only the machine's root may exceed net.core.rmem_max
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        for name, body in configuration(self.number, length):
            with step(name, GateError):
                asking.ask(self._socket, _CONFIG, 0, body)

    def fileno(self) -> int:
        """For select() and poll(): readable while packets wait to be read. -1 once closed."""
        return self._socket.fileno()

    def close(self) -> None:
        """Stop reading. What is still held is dropped by the kernel; what comes later passes (the rule's bypass)."""
        self._socket.close()

    def read(self, most: int = 256) -> list[QueuedPacket]:
        """The packets that have come, at most so many, without waiting; [] if there are none.

        Raises OSError where the queue can't be read any more.
        """
        found: list[QueuedPacket] = []
        while len(found) < most:
            try:
                received = self._socket.recv(MOST_BYTES + 1024, socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno != errno.ENOBUFS:  # said once per loss by kernels without NO_ENOBUFS; counted elsewhere
                    raise
                continue
            found += packets(received)
        return found

    def accept(self, id_: int) -> None:
        """Deliver this packet. The receiving socket has it, and has answered, when this comes back."""
        self._socket.send(verdict(self.number, id_, _ACCEPT))

    def drop(self, id_: int) -> None:
        """Throw this packet away."""
        self._socket.send(verdict(self.number, id_, _DROP))

    def dropped(self) -> Losses:
        """What this queue has lost, by the kernel's counters of our socket and, where it can be read, of the queue.

        /proc/net/netfilter/nfnetlink_queue can only be read where the net's user namespace maps root: a user who is
        mapped to himself can't, nor can anybody if the net was made before or with its user namespace.
        """
        memory = self._socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
        unread = _MEMINFO.unpack(memory)[_DROPS] if len(memory) == _MEMINFO.size else 0
        with contextlib.suppress(OSError, ValueError), open(_COUNTERS, encoding="ascii") as file:
            for line in file:
                fields = [int(each) for each in line.split()]
                if fields[0] == self.number:
                    return Losses(fields[6], fields[5])  # queue_user_dropped, queue_dropped
        return Losses(unread, None)


# --- the messages


def configuration(queue: int, length: int) -> tuple[tuple[str, bytes], ...]:
    """The bodies of the NFQNL_MSG_CONFIG messages that make this socket the queue's reader, each with its name."""
    bind = attribute(_CFG_CMD, struct.pack(">BBH", _CFG_CMD_BIND, 0, 0))
    params = attribute(_CFG_PARAMS, struct.pack(">IB", MOST_BYTES, _COPY_PACKET))
    # NFQA_CFG_F_GSO stays off: then the kernel cuts large sends into the segments that a wire would carry.
    most = attribute(_CFG_QUEUE_MAXLEN, struct.pack(">I", length))
    return (
        (f"queue {queue}: bind", netfilter(0, queue, bind)),
        (f"queue {queue}: copy packets", netfilter(0, queue, params)),
        (f"queue {queue}: length", netfilter(0, queue, most)),
    )


def verdict(queue: int, id_: int, what: int) -> bytes:
    """An NFQNL_MSG_VERDICT message: NF_DROP (0) or NF_ACCEPT (1) for one packet. No answer unless it fails."""
    body = netfilter(0, queue, attribute(_VERDICT_HDR, struct.pack(">II", what, id_)))
    return netlink.message(_VERDICT, netlink.NLM_F_REQUEST, 0, body)


def packets(received: bytes) -> list[QueuedPacket]:
    """The packets in what one recv() gave. Raises OSError for an error message of the kernel's.

    A verdict about a packet that has gone (ENOENT: its device went down) is no error: there is nothing left to do.
    """
    found: list[QueuedPacket] = []
    for message in netlink.messages(received):
        if message.type == netlink.NLMSG_ERROR:
            if asking.answer(message)[0] != errno.ENOENT:
                netlink.raise_error(message)
        elif message.type == _PACKET:
            parts = dict(netlink.attributes(message.body[_NFGENMSG:]))
            if len(parts.get(_PACKET_HDR, b"")) < _HEADER.size:
                raise OSError(errno.EBADMSG, "a queued packet without its header")
            id_, _, hook = _HEADER.unpack_from(parts[_PACKET_HDR])
            found.append(QueuedPacket(id_, hook, bytes(parts.get(_PAYLOAD, b""))))
    return found
