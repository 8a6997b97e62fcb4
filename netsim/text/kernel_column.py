"""The kernel's lanes: what it holds of the conversation in focus, on the client's side and on the server's.

Law: every number is the kernel's own, and "not known here" stands where it can't be asked. The connection's ends are
opposite each other; below the server's, the listener and who waits there.
"""

from __future__ import annotations

from netsim.model.address import Conversation, Role
from netsim.model.events import KernelSocket, SocketRef
from netsim.model.strangers import stranger
from netsim.model.views import (
    WAITING_STATES,
    conversation_in_focus,
    end_of,
    kernel_socket,
    local_of,
    remote_of,
    shown_pair,
    unowned_ends,
    waiting,
)
from netsim.model.world import Endpoint, World
from netsim.text.charset import Charset
from netsim.text.kernel_end import END_ROWS, draw_kernels, draw_own, draw_strangers, name_of, ref_in_focus
from netsim.text.kernel_rows import NAME, UNKNOWN, WHO, Side
from netsim.text.layout import fill
from netsim.text.lines import Line, Span, Style
from netsim.text.marks import is_new, state
from netsim.text.sockets import without_sockets


def draw_kernel_head(width: int, charset: Charset, *, role: Role) -> Line:
    """One machine has one kernel; it has two sides of a conversation."""
    head = [Span(f"{charset.dash} ", "rule"), Span("KERNEL", "head"), Span(f", {role} side ")]
    return fill(head, width, charset.dash, "rule")


def draw_kernel(
    world: World, width: int, height: int, charset: Charset, *, role: Role, now: float | None = None
) -> list[Line]:
    """What the kernel holds on the side of `role`. `now`: the lab's clock, for its timers."""
    client, server = shown_pair(world)
    endpoint = client if role == "client" else server
    side = Side(world, endpoint, role, width, charset, world.at if now is None else now)
    strangers = world.focus.stranger if role == "client" else None
    if strangers is not None:
        lines = draw_strangers(side, stranger(world, strangers))
    elif endpoint is not None:
        lines = _lines(side, endpoint, conversation_in_focus(world), height)
    else:
        lines = []
    return (lines + side.gap(height - len(lines)))[: max(0, height)]


def _lines(side: Side, endpoint: Endpoint, conversation: Conversation | None, height: int) -> list[Line]:
    ref = ref_in_focus(side, conversation)
    kernels = end_of(side.world, conversation, side.role) if conversation and ref is None else None
    others = [each for each in side.sockets if each != ref]
    door = _door_in_focus(side, others, conversation)
    if ref is not None:
        top = draw_own(side, ref, conversation)
    elif kernels is not None:
        top = draw_kernels(side, kernels, conversation)
    else:
        top = side.text("no connection here") if door else []
    below = _door(side, endpoint, door, height) if door else side.text(*without_sockets(endpoint))
    if top and below:
        top += side.gap(END_ROWS + 1 - len(top))
    lines = top + below
    return lines + _rest(side, endpoint, [each for each in others if each != door], kernels, height - len(lines))


# --- the listener


def _door_in_focus(side: Side, refs: list[SocketRef], conversation: Conversation | None) -> SocketRef | None:
    """A server's socket for which connections come, or are to come: the one that the conversation came for."""
    if side.role == "client" or side.is_udp:
        return None
    doors = [ref for ref in refs if remote_of(side.world, ref) is None]
    called = conversation.server.port if conversation else 0
    for ref in doors:
        local = local_of(side.world, ref)
        if local is not None and local.port == called:
            return ref
    return doors[0] if doors else None


def _door(side: Side, server: Endpoint, ref: SocketRef, height: int) -> list[Line]:
    local, kernel = local_of(side.world, ref), kernel_socket(side.world, ref)
    name = [name_of(side, ref), Span("  ")]
    if local is None:
        return [side.row(NAME, [*name, Span("no port yet")])]
    name += [side.port("tcp", local)]
    if kernel is None or kernel.state != "LISTEN":
        return [side.row(NAME, name, [Span("bound")])]
    ends = [end for end in unowned_ends(side.world, server) if end.local.port == kernel.local.port]
    half_open = [end for end in ends if end.state == "SYN_RECV"]
    queue = [end for end in waiting(side.world, server) if end in ends]
    who = [_waits(side, end) for end in (*queue, *half_open)]
    if side.world.kernel_complete:
        style: Style = "bold" if any(is_new(side.world, end) for end in half_open) else ""
        length = f"{kernel.receive_queue} of {kernel.send_queue}"
        facts = [
            side.fact("half open", Span(str(len(half_open)), style)),
            side.fact("accept queue", Span(length, "bold" if is_new(side.world, kernel) else "")),
        ]
    else:
        facts = [side.fact("queue", Span(UNKNOWN))]
    lines = [side.row(NAME, name, [state(side.world, kernel)]), *facts]
    return lines + side.as_many(who, height - END_ROWS - 1 - len(lines), WHO)


def _waits(side: Side, end: KernelSocket) -> Line:
    """One that no process has: waiting for accept(), or half open."""
    peer = [side.port("tcp", end.remote)] if end.remote else []
    return side.row(WHO, peer, [state(side.world, end)])


# --- what else there is


def _rest(side: Side, endpoint: Endpoint, refs: list[SocketRef], shown: KernelSocket | None, height: int) -> list[Line]:
    """The process's other sockets, and what the kernel alone still keeps on the server's port."""
    rows = [_short(side, ref) for ref in refs]
    if side.role == "server":
        for end in unowned_ends(side.world, endpoint):
            if end != shown and end.state not in (*WAITING_STATES, "SYN_RECV"):
                peer = [side.port("tcp", end.remote)] if end.remote else []
                rows.append(side.row(NAME, [Span("-   "), *peer], [state(side.world, end)]))
    return [*side.gap(1), *side.as_many(rows, height - 1, NAME)] if rows else []


def _short(side: Side, ref: SocketRef) -> Line:
    local = local_of(side.world, ref)
    addresses = side.addresses(ref.transport, local, remote_of(side.world, ref)) if local else [Span("no port yet")]
    return side.row(NAME, [Span(f"fd {ref.fd}".ljust(6)), *addresses])
