"""From what is proved of an open connection to the packets that must have crossed, in an order that is possible.

Each packet is told once: what is told is subtracted from what is proved, and only the rest makes packets.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import Literal, NamedTuple

from netsim.model import tcp_reasons as reasons
from netsim.model.address import Role
from netsim.model.ledger import Connection
from netsim.model.tcp import ROLES, SAYS, acknowledgement, other
from netsim.model.tcp_draft import Draft
from netsim.model.tcp_facts import (
    acknowledged,
    bytes_arrived,
    data_segments,
    fin_arrived,
    pure_acks,
    repeated_bytes,
    repeats,
)


class Move(NamedTuple):
    """Something that one end sent: bytes of its stream or its FIN. `order` as the calls had it; infinite: unknown.

    `after`: how much of the other end's sending must have come before it, its FIN counted as one byte.
    """

    role: Role
    kind: Literal["data", "fin"]
    order: float
    number: int  # the acknowledgement number that covers it
    after: int = 0
    size: int = 0
    data: bytes = b""
    segments: int = 1  # 0: in how many can't be known
    push: bool = False
    reported: bool = False  # the sending call is known
    fin: bool = False  # the FIN is on the data


def waits_for_report(connection: Connection, *, young: bool) -> bool:
    """Whether something shows already that a call did, before that call has reported it.

    `young`: it is not known yet whether the two ends are of programs that report.
    """
    for role in ROLES:
        side = connection.side(role)
        arrived = bytes_arrived(connection, role)
        unreported = arrived > max(side.offered, side.told.sent) or (side.sending and side.seen is None)
        leaving = fin_arrived(connection, role) and not side.told.fin and not side.finished
        if (side.who or young) and ((unreported and not side.asleep) or leaving):
            return True
    return False


def tell_exchange(draft: Draft) -> None:
    """Data, FINs and their acknowledgements."""
    if not draft.connection.opened or draft.connection.reset:
        return
    _tell_early_acks(draft)
    moves = _merged(draft)
    plans = {role: _plan_acks(draft, moves, role) for role in ROLES}
    for index, move in enumerate(moves):
        _tell_move(draft, move)
        answering = other(move.role)
        for number in plans[answering].get(index, ()):
            of_fin = move.kind == "fin" or move.fin
            why = reasons.acknowledgement(draft.connection, answering, of_fin=of_fin)
            draft.ack(answering, number, why if number is not None else f"{why}; how far it reached can't be known")
    for role in ROLES:
        _tell_repeats(draft, role)
        _tell_window_updates(draft, role)


def _tell_move(draft: Draft, move: Move) -> None:
    if move.kind == "fin":
        draft.fin(move.role, reasons.fin(draft.connection, move.role))
        return
    why = reasons.data(draft.connection, move.role, move.size, move.segments, reported=move.reported)
    draft.data(move.role, move.size, move.data, why, segments=move.segments, push=move.push or move.fin, fin=move.fin)


# --- what each end sent


def _merged(draft: Draft) -> list[Move]:
    """Both ends' moves: each end's in its own order, between them by what was received before, then by the calls."""
    waiting = {role: list(_moves(draft, role)) for role in ROLES}
    sent = {role: draft.told(role).sent + draft.told(role).fin for role in ROLES}
    first = _first_to_close(draft.connection) or "client"
    merged = []
    while waiting["client"] or waiting["server"]:
        heads = [waiting[role][0] for role in (first, other(first)) if waiting[role]]
        move = min(heads, key=lambda each: (each.after > sent[other(each.role)], each.order, each.kind == "fin"))
        sent[move.role] += move.size + (move.kind == "fin" or move.fin)
        merged.append(waiting[move.role].pop(0))
    return merged


def _first_to_close(connection: Connection) -> Role | None:
    """Who closed actively, so that its FIN came before the other's: None where the states don't say."""
    for role in ROLES:
        here, there = connection.side(role).state, connection.side(other(role)).state
        if there in ("CLOSE_WAIT", "LAST_ACK") or (here == "TIME_WAIT" and there not in ("TIME_WAIT", "CLOSING")):
            return role
    return None


def _moves(draft: Draft, role: Role) -> Iterator[Move]:
    connection, side, told = draft.connection, draft.side(role), draft.told(role)
    pieces = list(_pieces(connection, role))
    closes = fin_arrived(connection, role) and not told.fin
    if closes and pieces and _fin_was_on_data(connection, role):
        pieces[-1] = pieces[-1]._replace(fin=True, number=pieces[-1].number + 1)
        closes = False
    yield from pieces
    if closes:
        arrived = pieces[-1].number if pieces else 1 + told.sent
        passive = _first_to_close(connection) == other(role)
        after = bytes_arrived(connection, other(role)) + 1 if passive else side.finished_after
        yield Move(role, "fin", side.finished or inf, arrived + 1, after)


def _fin_was_on_data(connection: Connection, role: Role) -> bool:
    count, _ = pure_acks(connection, role)
    return count is not None and count < connection.side(role).told.acks


def _pieces(connection: Connection, role: Role) -> Iterator[Move]:
    """The bytes that are not told yet: one arrow for each send if there were as many segments, else one for all."""
    side, told = connection.side(role), connection.side(role).told
    start, end = told.sent, bytes_arrived(connection, role)
    if end <= start:
        return
    counted = data_segments(connection, role)
    segments = max(1, counted - told.segments) if counted is not None else 0
    whole = [each for each in side.chunks if start <= each.start and each.start + each.size <= end]
    covered = bool(whole) and whole[0].start == start and sum(each.size for each in whole) == end - start
    if covered and len(whole) == segments:
        for each in whole:
            number = 1 + each.start + each.size
            yield Move(role, "data", each.order, number, each.after, each.size, each.data, 1, True, True)
        return
    cut = [each for each in side.chunks if each.start < end and start < each.start + each.size]
    data = b""
    for each in cut:  # as long as the bytes are known without a gap
        if each.start > start + len(data):
            break
        data += each.data[start + len(data) - each.start : end - each.start]
        if len(each.data) < each.size:
            break
    order, after = (cut[0].order, cut[0].after) if cut else (inf, 0)
    push = any(each.start + each.size == end for each in cut)  # Linux sets PSH where a send ends (tcp.c, tcp_push)
    yield Move(role, "data", order, 1 + end, after, end - start, data, segments, push, bool(cut))


# --- what each end only acknowledged


def _tell_early_acks(draft: Draft) -> None:
    """Acknowledgements of what is told already, where they are counted beside those of anything new (delayed ACKs)."""
    for role in ROLES:
        peer = other(role)
        moves = len(list(_moves(draft, peer)))
        count, _ = pure_acks(draft.connection, role)
        before, goal = acknowledgement(draft.side(peer)), acknowledged(draft.connection, peer)
        number = min(before, goal)
        if number <= draft.told(role).acked:
            continue
        if count is None:
            due = not moves and not any(_moves(draft, role))
        else:
            fresh = count - draft.told(role).acks
            due = fresh > moves or (fresh > 0 and goal <= before)
        if due:
            of_fin = draft.told(peer).fin and number == acknowledgement(draft.side(peer))
            draft.ack(role, number, reasons.acknowledgement(draft.connection, role, of_fin=of_fin))


def _plan_acks(draft: Draft, moves: list[Move], role: Role) -> dict[int, list[int | None]]:
    """After which of the other end's moves `role` sent segments that only acknowledge, and with which numbers."""
    peer = other(role)
    goal = acknowledged(draft.connection, peer)
    candidates: list[tuple[int, int]] = []
    reached = draft.told(role).acked
    for index, move in enumerate(moves):
        if move.role == peer and min(move.number, goal) > reached:
            reached = min(move.number, goal)
            candidates.append((index, reached))
    count, _ = pure_acks(draft.connection, role)
    if count is None:
        carried = max((_covered(moves[:i], peer) for i, move in enumerate(moves) if move.role == role), default=0)
        return {candidates[-1][0]: [reached]} if candidates and carried < reached else {}
    due = max(0, count - draft.told(role).acks)
    answered = {index for index, _ in candidates if index + 1 < len(moves) and moves[index + 1].role == role}
    # What the other end's own data follows at once needed no such segment, but for the first: a new connection
    # acknowledges at once (quick ACKs), and saves the segment when it has seen that the program answers.
    chosen = sorted(candidates, key=lambda each: (each[0] in answered, each[0] if each[0] in answered else -each[0]))
    chosen = chosen[:due]
    plan: dict[int, list[int | None]] = {index: [number] for index, number in sorted(chosen)}
    due -= len(chosen)
    for index in plan:  # one arrow for several segments may have drawn several acknowledgements
        more = min(due, moves[index].segments - 1) if moves[index].segments else due
        plan[index] = [*([None] * more), *plan[index]]
        due -= more
    return plan


def _covered(moves: list[Move], role: Role) -> int:
    return max((move.number for move in moves if move.role == role), default=0)


def _tell_window_updates(draft: Draft, role: Role) -> None:
    """Segments that acknowledge nothing new: only where both ends count them and no FIN can be taken for one."""
    count, certain = pure_acks(draft.connection, role)
    if count is None or not certain or draft.told(role).acked < acknowledged(draft.connection, other(role)):
        return
    for _ in range(count - draft.told(role).acks):
        number = draft.told(role).acked
        draft.ack(role, number, reasons.window_update(draft.connection, role))


def _tell_repeats(draft: Draft, role: Role) -> None:
    """Data that was sent again; a repeated FIN or SYN-ACK carries no bytes and is not told."""
    told = draft.told(role)
    count = repeats(draft.connection, role) - told.repeats
    size = repeated_bytes(draft.connection, role) - told.repeated
    if count > 0 and size > 0 and not SAYS[draft.side(role).state].fin_acked:
        outstanding = acknowledgement(draft.side(role)) - acknowledged(draft.connection, role)
        seq = acknowledged(draft.connection, role) if size == outstanding else None
        draft.repeat(role, count, size, seq, reasons.repeat(draft.connection, role, count))
