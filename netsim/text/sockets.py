"""A pane's sockets: the process's file numbers, and beside the server's the kernel's connections that no process has.

Law: a number before a socket is a file number of the process; "-" and "queue" are the kernel's and belong to nobody.
"""

from __future__ import annotations

from typing import NamedTuple

from netsim.model.address import Address
from netsim.model.events import KernelSocket, SocketRef
from netsim.model.kernel import same_address
from netsim.model.strangers import Stranger
from netsim.model.views import (
    WAITING_STATES,
    conversation_of,
    conversation_shown,
    datagrams_waiting,
    end_of,
    is_held,
    kernel_socket,
    local_of,
    port_role,
    remote_of,
    unacknowledged_bytes,
    unowned_ends,
    unread_bytes,
    waiting,
)
from netsim.model.world import Endpoint, World
from netsim.text.charset import Charset, cells
from netsim.text.layout import Cell, as_many, blank, fill, first_that_fits, placed, spread, width_of, wrapped
from netsim.text.lines import Line, Span, Style
from netsim.text.marks import is_new, port, state
from netsim.text.others import draw_others

INDENT = 7  # where addresses and notes begin: after " fd 3  "


class Entry(NamedTuple):
    """One socket: its label, its addresses, what stands at the right, and notes for rows of their own if there is room.

    `short`: what stands at the right instead where a note has no row of its own, the longest first.
    """

    label: str
    addresses: list[Span]
    right: list[list[Span]]  # variants, the longest first
    notes: tuple[str, ...] = ()
    short: tuple[str, ...] = ()


def draw_sockets(
    world: World, width: int, height: int, charset: Charset, *, endpoint: Endpoint | None, target: str = ""
) -> list[Line]:
    """The endpoint's sockets in `height` rows: its own, the kernel's, then (for a client) the other clients.

    `target`: as for those.
    """
    if endpoint is None or height <= 0:
        return [blank(width)] * max(0, height)
    others = draw_others(world, width, charset, target=target) if endpoint.role == "client" else []
    entries = _entries(world, endpoint, width, charset)
    texts = error_text(endpoint, width, height - len(others), charset) or without_sockets(endpoint)
    return _draw(entries, texts, others, width, height)


def draw_strangers_socket(
    world: World, width: int, height: int, charset: Charset, *, known: Stranger, target: str = ""
) -> list[Line]:
    """A stranger's socket, by what the kernel and the table say of it, then the other clients."""
    others = draw_others(world, width, charset, target=target)
    here = port(world, known.conversation.transport, known.conversation.client, charset)
    if known.socket is None:
        texts, entries = ["not among the sockets shown" if known.unlisted else "the kernel keeps nothing of it"], []
    elif known.conversation.transport == "udp":
        there = port(world, "udp", known.conversation.server, charset)
        texts, entries = [], [Entry("fd ?", [here, Span(f" {charset.to} "), there], [[]])]
    else:
        label = "fd ?" if known.holds else "-"
        remote = known.conversation.server
        texts = []
        entries = [_connection(world, label, known.socket.local, remote, known.socket, charset)]
    return _draw(entries, texts, others, width, height)


def _draw(entries: list[Entry], texts: list[str], others: list[Line], width: int, height: int) -> list[Line]:
    lines = [_text(line, width) for line in texts]
    room = height - len(others) - len(lines)
    own_rows = sum(1 + len(entry.notes) for entry in entries) <= room
    for entry in entries:
        lines.append(_row(entry, width, short=not own_rows))
        if own_rows:
            lines += [_text(note, width, INDENT) for note in entry.notes]
    lines = lines[: height - len(others)]
    return lines + [blank(width)] * (height - len(others) - len(lines)) + others


# --- what there is


def _entries(world: World, endpoint: Endpoint, width: int, charset: Charset) -> list[Entry]:
    shown = [_own(world, endpoint, ref, charset) for ref in _by_interest(world, endpoint)]
    if endpoint.transport == "udp":
        return shown
    if endpoint.role == "client":
        conversation = conversation_of(world, endpoint)
        end = end_of(world, conversation, "client") if conversation else None
        return shown if end is None or is_held(world, end) else [*shown, _unowned(world, end, charset)]
    queue = waiting(world, endpoint)
    ends = [end for end in unowned_ends(world, endpoint) if end not in queue or len(queue) == 1]
    kernels = [_unowned(world, end, charset) for end in sorted(ends, key=lambda end: not _in_focus(world, end))]
    if len(queue) > 1:
        kernels.append(_queue(world, queue, width, charset))
    return shown + kernels


def _by_interest(world: World, endpoint: Endpoint) -> list[SocketRef]:
    """Listeners first, then the connection of the conversation in focus, then the others by fd."""
    return sorted(endpoint.sockets, key=lambda ref: (_interest(world, ref), ref.fd))


def _interest(world: World, ref: SocketRef) -> int:
    remote = remote_of(world, ref)
    if remote is None:
        return 0
    return 1 if _is_focused_peer(world, ref.transport == "tcp", remote) else 2


def _in_focus(world: World, end: KernelSocket) -> bool:
    return end.remote is not None and _is_focused_peer(world, end.transport == "tcp", end.remote)


def _is_focused_peer(world: World, tcp: bool, remote: Address) -> bool:
    conversation = conversation_shown(world, "tcp" if tcp else "udp")
    return conversation is not None and same_address(conversation.client, remote)


def _own(world: World, endpoint: Endpoint, ref: SocketRef, charset: Charset) -> Entry:
    label = f"fd {ref.fd}"
    local, remote, kernel = local_of(world, ref), remote_of(world, ref), kernel_socket(world, ref)
    if local is None:
        return Entry(label, [Span("no port yet")], [[]])
    here = port(world, ref.transport, local, charset)
    if ref.transport == "udp":
        to = [Span(f" {charset.to} "), port(world, "udp", remote, charset)] if remote else []
        return Entry(label, [here, *to], _datagrams(world, ref))
    if kernel is not None and kernel.state == "LISTEN":
        style: Style = "bold" if is_new(world, kernel) else ""
        return Entry(label, [here, Span("  "), state(world, kernel)], _queue_length(world, kernel, style))
    if remote is None:
        if kernel is None:
            return Entry(label, [here], [[Span("bound")]])
        return Entry(label, [here], [[Span("bound, "), state(world, kernel)], [state(world, kernel)]])
    fresh = f"socket {endpoint.who} {ref.fd}" in world.changed
    return _connection(world, label, local, remote, kernel, charset, fresh=fresh)


def _unowned(world: World, end: KernelSocket, charset: Charset) -> Entry:
    known = world.kernel_complete or end.state not in WAITING_STATES
    return _connection(world, "-" if known else "?", end.local, end.remote or end.local, end, charset)


def _connection(
    world: World,
    label: str,
    local: Address,
    remote: Address,
    kernel: KernelSocket | None,
    charset: Charset,
    *,
    fresh: bool = False,
) -> Entry:
    arrow = charset.back if port_role(world, "tcp", local.port) == "server" else charset.to
    ends = [port(world, "tcp", local, charset), Span(f" {arrow} "), port(world, "tcp", remote, charset)]
    if kernel is None:
        return Entry(label, ends, [[]])
    notes: list[str] = []
    short: list[str] = []
    if unread := unread_bytes(kernel):
        notes.append(f"{bytes_text(unread)} in the kernel, unread")
        short += [f"{bytes_text(unread)} unread", f"{unread} unread"]
    if kept := unacknowledged_bytes(kernel):
        notes.append(f"{bytes_text(kept)} kept until acknowledged")
        short += [f"{bytes_text(kept)} kept", f"{kept} kept"]
    shown = Span(kernel.state, "bold") if fresh else state(world, kernel)
    return Entry(label, ends, [[shown]], tuple(notes), tuple(short))


def _queue(world: World, queue: tuple[KernelSocket, ...], width: int, charset: Charset) -> Entry:
    ports = [port(world, "tcp", end.remote, charset) for end in queue if end.remote is not None]
    right = [Span("no fd")]
    room = width - 1 - INDENT - width_of(right) - 1
    return Entry("queue", as_many([[each] for each in ports], room), [right])


def _queue_length(world: World, kernel: KernelSocket, style: Style) -> list[list[Span]]:
    if not world.kernel_complete:
        return [[]]  # psutil knows nothing of queues
    text = f"waiting {kernel.receive_queue}"
    return [[Span(f"{text}, backlog {kernel.send_queue}", style)], [Span(text, style)]]


def _datagrams(world: World, ref: SocketRef) -> list[list[Span]]:
    kernel = kernel_socket(world, ref)
    if kernel is None or not kernel.receive_queue:
        return [[]]
    least, exact = datagrams_waiting(world, ref)
    if not least:
        return [[Span("a datagram is waiting")]]
    text = bytes_text(least)
    if exact:
        return [[Span(f"{text} {'is' if least == 1 else 'are'} waiting")], [Span(f"{text} wait")]]
    return [[Span(f"{text} or more are waiting")], [Span(f"{text} or more wait")]]


def bytes_text(count: int) -> str:
    """ "1 byte", "19 bytes"."""
    return f"{count} byte" if count == 1 else f"{count} bytes"


# --- where there is none


def error_text(endpoint: Endpoint, width: int, height: int, charset: Charset) -> list[str]:
    """What ended the program, as Python says it; nothing where no error did."""
    if endpoint.error is None:
        return []
    message = f": {endpoint.error.message}" if endpoint.error.message else ""
    return wrapped(charset.visible(endpoint.error.type + message), width - 2, height)


def without_sockets(endpoint: Endpoint) -> list[str]:
    """Why there is no socket; nothing where the process has some."""
    if endpoint.sockets:
        return []
    if endpoint.status == "starting":
        return ["starting"]
    closed = [mark for mark in endpoint.marks.values() if mark.ok and mark.call in ("close", "detach")]
    if closed:
        opened = next((mark.text for mark in endpoint.marks.values() if mark.ok and mark.call == "socket"), "")
        which = opened.removeprefix("→ ") or "it"
        return [f"no socket: {which} was given back"]
    if endpoint.status == "ended":
        return ["no socket: the process is gone"]
    return ["no socket yet"]


# --- rows


def _row(entry: Entry, width: int, *, short: bool) -> Line:
    """A socket's row: label, addresses, and the longest of what belongs at the right that fits."""
    variants = [[Span(text, "bold")] for text in entry.short] if short and entry.short else entry.right
    start = INDENT if cells(entry.label) < INDENT - 1 else cells(entry.label) + 2
    room = width - 1 - start - width_of(entry.addresses) - 1
    right = first_that_fits(variants, max(0, room))
    left = placed(
        [Cell(1, [Span(entry.label)]), Cell(start, entry.addresses)], width - 1 - width_of(right) - bool(right)
    )
    return fill(spread(left, right, width - 1), width)


def _text(text: str, width: int, column: int = 1) -> Line:
    return placed([Cell(column, [Span(text)])], width)
