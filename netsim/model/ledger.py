"""The ledger: what inference knows between two events. Per connection what was seen and said, and what is already told.

Three kinds of knowledge stay apart: what the kernel listed, what calls reported, and what packets tell already.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from netsim.model.address import Address, Conversation, Role
from netsim.model.events import CallStarted, Counters, KernelSocket, TcpState


class Chunk(Struct, frozen=True):
    """The bytes of one send: where they begin in the stream (from 0), how many, the first of them, and when it was.

    `order` numbers what calls did, over the whole lab: a smaller one was reported earlier. `after`: how many of the
    other end's bytes the same program had received before, its end of the stream counted as one; so much must have
    crossed before these.
    """

    start: int
    size: int
    data: bytes
    order: int
    after: int = 0


class Told(Struct, frozen=True):
    """What packets tell already of one end's sending. Sequence and acknowledgement numbers are relative."""

    sent: int = 0  # payload bytes, without repeats
    segments: int = 0  # data segments that carried them
    repeats: int = 0  # segments sent again, the SYN's not among them
    repeated: int = 0  # their bytes
    acks: int = 0  # segments with nothing but an acknowledgement, the handshake's among them
    acked: int = 0  # the highest acknowledgement number
    fin: bool = False
    fin_alone: bool = True  # False: it was on a data segment


class Side(Struct, frozen=True, kw_only=True):
    """One end of a TCP connection."""

    # what the kernel listed
    seen: KernelSocket | None = None  # in the newest list; None: not in it
    last: KernelSocket | None = None  # as it was last listed
    counters: Counters | None = None  # the last ones known, and the state that they were listed with
    counted: TcpState | None = None
    inode: int = 0  # the last that was not 0
    unread: int = 0  # bytes received and not read when last listed, without the FIN that counts as one
    gone_at: float | None = None  # since when it is not listed any more
    expires: float | None = None  # when the timer that it was last listed with ends it by itself
    # what calls reported
    who: str = ""  # whose calls they are; "" for a socket of nobody who reports
    sending: bool = False  # a send has begun and not come back
    asleep: bool = False  # and sleeps: what it has handed over so far is reported when it is back
    offered: int = 0  # bytes that sends said to have taken
    offered_then: int = 0  # the same when its counters were last read
    chunks: tuple[Chunk, ...] = ()  # those of them that no packet tells yet
    taken: int = 0  # bytes that receives returned
    ended: bool = False  # a receive returned b''
    reset: str = ""  # the call that failed with ECONNRESET
    finished: int = 0  # order of the close, shutdown or end of the process; 0: none
    finished_after: int = 0  # how much it had received before that, counted as in Chunk.after
    farewell: str = ""  # its words: "close()"
    closed: bool = False  # it was a close or the end of the process: nobody can read there any more
    told: Told = Told()

    @property
    def received(self) -> int:
        """What receives returned, the end of the stream (b'') counted as one byte."""
        return self.taken + self.ended

    @property
    def state(self) -> TcpState | None:
        """The state that it was last listed in."""
        return self.last.state if self.last else None

    @property
    def current(self) -> Counters | None:
        """Its counters, if they are those of the newest list."""
        return self.counters if self.seen is not None and self.seen.counters is not None else None


class Connection(Struct, frozen=True, kw_only=True):
    """One TCP connection, from the first SYN to its end. A later one of the same four-tuple is another."""

    conversation: Conversation
    born: float  # when it was first heard of
    client: Side = Side()
    server: Side = Side()
    missing: bool = False  # the newest list has neither end
    connected: bool = False  # connect() returned
    syns: int = 0  # SYNs told, lost ones among them
    syn_arrived: bool = False  # one of them is told as delivered
    syn_ack: bool = False
    opened: bool = False  # the handshake's last ACK is told
    reset: bool = False  # a RST is told
    over: bool = False  # nothing more can come of it
    held_since: float | None = None  # something is to be told that waits for its call's report

    def side(self, role: Role) -> Side:
        """The end that `role` names."""
        return self.client if role == "client" else self.server


class Datagram(Struct, frozen=True):
    """A UDP datagram that a send handed to the kernel."""

    conversation: Conversation
    sender: Role
    size: int
    data: bytes
    at: float  # when its send came back
    unsure: bool = False  # others were under way at the same time: that the queue did not grow says nothing


class Receipt(Struct, frozen=True):
    """A receive that came back before any send of the same datagram was known. `told`: a packet tells of it.

    `full`: it filled its buffer, so that the datagram may have been longer.
    """

    receiver: Address
    sender: Address
    size: int
    data: bytes
    full: bool
    told: bool


class Datagrams(Struct, frozen=True, kw_only=True):
    """What is known of UDP."""

    sockets: tuple[KernelSocket, ...] = ()  # in the newest list
    bound: frozenset[Address] = frozenset()  # addresses that calls reported since then
    grown: Mapping[Address, int] = {}  # bytes that queues grew by without a known send, by local address
    footprints: Mapping[int, int] = {}  # bytes of queue that a datagram of a size takes, as seen
    read: frozenset[Address] = frozenset()  # local addresses of which a receive came back since the newest list
    waiting: tuple[Datagram, ...] = ()  # their fate is not known yet
    queued: tuple[Datagram, ...] = ()  # told as delivered, not yet returned by a receive
    lost: tuple[Datagram, ...] = ()  # told as lost
    receipts: tuple[Receipt, ...] = ()
    pairs: frozenset[Conversation] = frozenset()  # who spoke first to whom


class Ledger(Struct, frozen=True, kw_only=True):
    """What has been explained so far: per conversation the counters and states that packets already account for."""

    connections: Mapping[Conversation, Connection] = {}
    listeners: tuple[KernelSocket, ...] = ()  # in the newest list
    ports: frozenset[Address] = frozenset()  # addresses that ever had a listening socket
    gated: bool = False  # a gate shows the real packets: there is nothing to infer
    complete: bool = True  # lists come with counters
    listed: bool = False  # there has been a list
    past: frozenset[tuple[Address, Address | None]] = frozenset()  # ends that the first list had as mere remains
    calls: Mapping[tuple[str, int], CallStarted] = {}  # in progress, by who and the call's number
    roles: Mapping[str, Role] = {}  # by who
    datagrams: Datagrams = Datagrams()
    order: int = 0  # calls counted
    count: int = 0  # packets told
