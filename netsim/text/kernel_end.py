"""One end of the conversation in focus, as its kernel has it: who holds it, its state, its bytes, its timer.

Law: the rows are the same on both sides and stay where they are; what the kernel does not keep has no row.
"""

from __future__ import annotations

from netsim.model.address import Conversation
from netsim.model.events import KernelSocket, SocketRef
from netsim.model.kernel import same_address
from netsim.model.strangers import Stranger
from netsim.model.views import (
    WAITING_STATES,
    datagrams_waiting,
    end_of,
    is_held,
    kernel_socket,
    local_of,
    remote_of,
    unacknowledged_bytes,
    unread_bytes,
)
from netsim.text.kernel_changes import Changes, changes_of, is_new_ref
from netsim.text.kernel_rows import FACT, NAME, UNKNOWN, Side
from netsim.text.kernel_timer import countdown
from netsim.text.lines import Line, Span
from netsim.text.marks import state
from netsim.text.sockets import bytes_text

END_ROWS = 5  # name and state, addresses, to send, to read, timer
MINI_STATES = ("SYN_RECV", "TIME_WAIT")  # the kernel keeps such an end without buffers


def ref_in_focus(side: Side, conversation: Conversation | None) -> SocketRef | None:
    """The process's socket of the conversation; a client's newest, where nothing is left of its last conversation."""
    refs = side.sockets
    if not refs or side.is_udp:
        return refs[0] if refs else None
    connected = [ref for ref in refs if remote_of(side.world, ref) is not None]
    if side.role == "server":
        caller = conversation.client if conversation else None
        return next((ref for ref in connected if caller and same_address(remote_of(side.world, ref), caller)), None)
    if connected:
        return connected[-1]
    return None if conversation and end_of(side.world, conversation, "client") else refs[-1]


def draw_own(side: Side, ref: SocketRef, conversation: Conversation | None) -> list[Line]:
    """An end that the process has open."""
    name = name_of(side, ref)
    kernel = kernel_socket(side.world, ref)
    local, remote = local_of(side.world, ref), remote_of(side.world, ref)
    if local is None:
        return [side.row(NAME, [name]), side.row(FACT, [Span("no port yet")])]
    head = side.row(FACT, side.addresses(ref.transport, local, remote))
    if ref.transport == "udp":
        return [side.row(NAME, [name], [Span("UDP")]), head, *_datagrams(side, ref, kernel, conversation)]
    if kernel is None:
        return [side.row(NAME, [name], [Span("closed" if remote else "bound")]), head]
    return [
        side.row(NAME, [name], [state(side.world, kernel)]), head, *_bytes(side, kernel, conversation, own=True),
    ]  # fmt: skip


def draw_kernels(side: Side, kernel: KernelSocket, conversation: Conversation | None) -> list[Line]:
    """An end that the process does not have open: it is the kernel's alone."""
    name = side.row(NAME, [_holder(side, kernel)], [state(side.world, kernel)])
    addresses = side.row(FACT, side.addresses("tcp", kernel.local, kernel.remote))
    return [name, addresses, *_bytes(side, kernel, conversation, own=False)]


def draw_strangers(side: Side, known: Stranger) -> list[Line]:
    """The end of a stranger, whose file number is not known."""
    if known.socket is None:
        return side.text("no socket any more")
    if known.conversation.transport == "tcp":
        return draw_kernels(side, known.socket, known.conversation)
    name = Span(f"pid {known.pids[0]}" if known.pids else "process ?")
    head = side.row(FACT, side.addresses("udp", known.conversation.client, known.conversation.server))
    facts = [side.fact("to send", Span(bytes_text(known.socket.send_queue)))] if side.world.kernel_complete else []
    return [side.row(NAME, [name], [Span("UDP")]), head, *facts]


def name_of(side: Side, ref: SocketRef) -> Span:
    """ "fd 3", bold if the process has got it since the last press."""
    return Span(f"fd {ref.fd}", "bold" if is_new_ref(side.world, side.who, ref) else "")


def _holder(side: Side, kernel: KernelSocket) -> Span:
    """What stands in place of a file number: that no process has the socket, or which other one."""
    if is_held(side.world, kernel):
        rows = [slot.row for slot in side.world.slots if slot.row and slot.row.key.peer == kernel.remote]
        pids = next((row.pids for row in rows if row.key.port == kernel.local.port and row.pids), ())
        return Span(f"pid {pids[0]}" if pids else "process ?")
    known = side.world.kernel_complete or kernel.state not in WAITING_STATES
    return Span("no process" if known else "process ?")


def _bytes(side: Side, kernel: KernelSocket, conversation: Conversation | None, *, own: bool) -> list[Line]:
    if not side.world.kernel_complete:
        return [side.fact("bytes", Span(UNKNOWN)), side.fact("timer", Span(UNKNOWN))]
    running = countdown(side.world, kernel, side.now)
    timer = [side.fact(running.what, Span(running.left))] if running else []
    if not own and (kernel.state in MINI_STATES or kernel.timer == "timewait"):
        return timer
    send, read = unacknowledged_bytes(kernel), unread_bytes(kernel)
    changes = _changes(side, conversation, send, read)
    return [*_buffers(side, bytes_text(send), bytes_text(read), changes), *timer]


def _datagrams(
    side: Side, ref: SocketRef, kernel: KernelSocket | None, conversation: Conversation | None
) -> list[Line]:
    """UDP has no states and no timers."""
    if kernel is None or not side.world.kernel_complete:
        return [side.fact("bytes", Span(UNKNOWN))]
    waits = kernel.receive_queue
    least, exact = datagrams_waiting(side.world, ref)
    read = "a datagram" if waits and not least else bytes_text(least) if exact else f"{least} or more"
    changes = _changes(side, conversation, kernel.send_queue, waits)
    return _buffers(side, bytes_text(kernel.send_queue), read, changes)


def _buffers(side: Side, send: str, read: str, changes: Changes) -> list[Line]:
    return [
        side.fact("to send", Span(send, "bold" if changes.to_send else "")),
        side.fact("to read", Span(read, "bold" if changes.to_read else "")),
    ]


def _changes(side: Side, conversation: Conversation | None, to_send: int, to_read: int) -> Changes:
    if conversation is None:
        return Changes()
    return changes_of(side.world, side.who, side.role, conversation, to_send=to_send, to_read=to_read)
