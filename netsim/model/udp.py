"""UDP: which datagrams left, and which of them arrived. A send proves the one; a queue or a receive proves the other.

A datagram whose fate nothing shows is not told.
"""

from __future__ import annotations

from msgspec.structs import replace

from netsim.model.address import Address, Conversation, Role
from netsim.model.events import AnyEvent, CallReturned, CallStarted, SocketRef, SocketsObserved
from netsim.model.ledger import Datagram, Datagrams, Ledger, Receipt
from netsim.model.packet import Fate, Packet
from netsim.model.tcp import is_loopback, matches, reached, source_for
from netsim.model.tcp_called import RECEIVES, SENDS
from netsim.model.udp_fates import KEPT, give_up, seen_by_queues, took


def explain(ledger: Ledger, event: AnyEvent, started: CallStarted | None) -> tuple[Datagrams, list[Packet]]:
    """The datagrams that `event` shows, and what is known of UDP after it.

    `started`: how the call began that has returned, if `event` is about one.
    """
    known = ledger.datagrams
    told: list[tuple[Datagram, Fate, str]] = []
    match event:
        case SocketsObserved():
            known, told = seen_by_queues(known, event)
        case CallReturned() if event.socket is not None and event.socket.transport == "udp":
            known, told = _returned(ledger, known, event, event.socket, started)
        case _:
            pass
    if known.waiting and ledger.complete:
        reading = {
            call.socket.local for call in ledger.calls.values()
            if call.socket is not None and call.socket.local is not None and call.name in RECEIVES
        }  # fmt: skip
        known, late = give_up(known, event.at, reading)
        told += late
    return known, [_packet(datagram, fate, because, event.at) for datagram, fate, because in told]


def _returned(
    ledger: Ledger, known: Datagrams, event: CallReturned, ref: SocketRef, started: CallStarted | None
) -> tuple[Datagrams, list[tuple[Datagram, Fate, str]]]:
    if ref.local is not None and event.error is None:
        closed = event.name in ("close", "detach")
        known = replace(known, bound=known.bound - {ref.local} if closed else known.bound | {ref.local})
    peer = event.peer or ref.remote
    if event.error is not None:
        if event.error.name == "ECONNREFUSED" and event.name != "connect" and peer and ref.local:
            return _refused(known, source_for(ref.local, peer), peer, event.name)
        return known, []
    if event.size is None or peer is None or ref.local is None:
        return known, []
    if event.name in SENDS:
        return _sent(ledger, known, event, source_for(ref.local, reached(peer)), reached(peer))
    if event.name in RECEIVES and not (started and "PEEK" in started.arguments):
        full = event.name.endswith("_into") or (started is not None and _first(started.arguments) == str(event.size))
        receipt = Receipt(ref.local, peer, event.size, event.data or b"", full=full, told=True)
        return _received(ledger, known, event, receipt)
    return known, []


# --- a send came back


def _sent(
    ledger: Ledger, known: Datagrams, event: CallReturned, here: Address, there: Address
) -> tuple[Datagrams, list[tuple[Datagram, Fate, str]]]:
    size, data = event.size or 0, event.data or b""
    conversation, sender = _orient(ledger, known, event.who, here, there)
    known = replace(known, pairs=known.pairs | {conversation})
    datagram = Datagram(conversation, sender, size, data, event.at)
    sent = took(datagram)
    for receipt in known.receipts:
        if receipt.sender == here and matches(receipt.receiver, there) and _same(datagram, receipt):
            left = tuple(each for each in known.receipts if each is not receipt)
            known = replace(known, receipts=left)
            because = f"{sent}, and a receive on port {there.port}/udp returned it"
            return known, ([] if receipt.told else [(datagram, "delivered", because)])
    takers = [each.local for each in known.sockets if matches(each.local, there) and each.remote in (None, here)]
    bound = any(matches(each, there) for each in known.bound)
    if not takers and not bound and is_loopback(there) and ledger.listed:
        why = f"no socket has port {there.port}/udp: the kernel answered with ICMP port unreachable"
        known = replace(known, lost=(*known.lost, datagram)[-KEPT:])
        return known, [(datagram, "lost", f"{why}, which only a connected socket hears of")]
    for taker in takers:
        if known.grown.get(taker):
            known = replace(known, grown={**known.grown, taker: 0}, queued=(*known.queued, datagram)[-KEPT:])
            return known, [(datagram, "delivered", f"{sent}, and the queue of port {there.port}/udp grew")]
    if not is_loopback(there):
        return known, []
    return replace(known, waiting=(*known.waiting, datagram)[-KEPT:]), []


def _orient(ledger: Ledger, known: Datagrams, who: str, here: Address, there: Address) -> tuple[Conversation, Role]:
    """The conversation, seen from who spoke first, unless the program is known to be a server."""
    call, answer = Conversation("udp", here, there), Conversation("udp", there, here)
    if answer in known.pairs or (ledger.roles.get(who) == "server" and call not in known.pairs):
        return answer, "server"
    return call, "client"


# --- a receive came back


def _received(
    ledger: Ledger, known: Datagrams, event: CallReturned, receipt: Receipt
) -> tuple[Datagrams, list[tuple[Datagram, Fate, str]]]:
    local, peer = receipt.receiver, receipt.sender
    known = replace(known, read=known.read | {local})
    for datagram in known.queued:
        if _is_for(datagram, local, peer) and _same(datagram, receipt):
            return replace(known, queued=tuple(each for each in known.queued if each is not datagram)), []
    because = f"{event.name}() returned its {receipt.size} byte{'' if receipt.size == 1 else 's'}"
    skipped: list[tuple[Datagram, Fate, str]] = []
    for datagram in known.waiting:
        if not _is_for(datagram, local, peer):
            continue
        if _same(datagram, receipt):
            gone = {id(datagram), *(id(each) for each, _, _ in skipped)}
            waiting = tuple(each for each in known.waiting if id(each) not in gone)
            return replace(known, waiting=waiting), [*skipped, (datagram, "delivered", because)]
        skipped.append((datagram, "lost", f"{event.name}() returned a later datagram of the same sender first"))
    for datagram in known.lost:  # wrongly: nobody had looked for a while; it shows no second packet
        if _is_for(datagram, local, peer) and _same(datagram, receipt):
            return replace(known, lost=tuple(each for each in known.lost if each is not datagram)), []
    # Its send is not known (yet). One that is under way will report; of anybody else's, this is all there is.
    under_way = any(
        call.name in SENDS and call.socket is not None and call.socket.transport == "udp"
        and (call.socket.local is None or call.socket.local.port == peer.port)
        for call in ledger.calls.values()
    )  # fmt: skip
    known = replace(known, receipts=(*known.receipts, replace(receipt, told=not under_way))[-KEPT:])
    if under_way:
        return known, []
    here = source_for(local, peer)
    conversation, sender = _orient(ledger, known, "", peer, here)
    known = replace(known, pairs=known.pairs | {conversation})
    datagram = Datagram(conversation, sender, receipt.size, receipt.data, event.at)
    return known, [(datagram, "delivered", because)]


def _is_for(datagram: Datagram, local: Address, peer: Address) -> bool:
    here, there = _ends(datagram)
    return here == peer and matches(local, there)


def _ends(datagram: Datagram) -> tuple[Address, Address]:
    pair = datagram.conversation
    return (pair.client, pair.server) if datagram.sender == "client" else (pair.server, pair.client)


def _same(datagram: Datagram, receipt: Receipt) -> bool:
    """Whether a receive can have returned it; a buffer that was too small cuts it."""
    if receipt.size == datagram.size:
        return receipt.data == datagram.data
    cut = receipt.full and receipt.size < datagram.size
    return cut and datagram.data.startswith(receipt.data[: len(datagram.data)])


def _first(arguments: str) -> str:
    return arguments.split(",")[0].strip()


def _refused(
    known: Datagrams, here: Address, there: Address, call: str
) -> tuple[Datagrams, list[tuple[Datagram, Fate, str]]]:
    """ECONNREFUSED on a connected socket: an earlier datagram drew ICMP port unreachable (udp(7))."""
    lost = [each for each in known.waiting if _ends(each) == (here, there)]
    kept = tuple(each for each in known.waiting if each not in lost)
    why = f"{call}() failed with ECONNREFUSED: an ICMP port unreachable came back"
    return replace(known, waiting=kept), [(each, "lost", why) for each in lost]


def _packet(datagram: Datagram, fate: Fate, because: str, at: float) -> Packet:
    return Packet(
        number=0,  # given by `infer`
        at=at,
        conversation=datagram.conversation,
        sender=datagram.sender,
        length=datagram.size,
        data=datagram.data,
        fate=fate,
        because=because,
    )
