"""The two ladders: TCP left, UDP right; for each the ends of the shown conversation and its newest packets.

Law: an arrow touches the wall only if the packet arrived; a label stays where it is from the moment its packet is
known; what was inferred is dashed, and the head says INFERRED.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from netsim.model.address import Conversation, Transport
from netsim.model.packet import Packet
from netsim.model.strangers import stranger
from netsim.model.views import (
    clients,
    conversation_shown,
    end_of,
    listener,
    local_of,
    packets_of,
    pair_of,
    stranger_shown,
)
from netsim.model.world import Endpoint, World
from netsim.text.arrows import SIDE, draw_arrow, lifelines
from netsim.text.charset import Charset
from netsim.text.grid import Grid
from netsim.text.layout import blank, fill, first_that_fits, joined, spread
from netsim.text.lines import Line, Span
from netsim.text.marks import port, state

TRANSPORTS: tuple[Transport, Transport] = ("tcp", "udp")
LONGEST_NAME = 12
UNSEEN = "packets pass unseen: o restarts"  # the gate has failed


def draw_ladders(
    world: World,
    grid: Grid,
    charset: Charset,
    *,
    target: str = "",
    progress: Mapping[int, float] | None = None,
    now: float | None = None,
) -> list[Line]:
    """Rows `grid.wires` to `grid.packets`. `target`: "packet 7" if SPACE will deliver that one.

    `progress`: how far packets have got that are still on their way, 0.0 to 1.0, by number. `now`: the lab's clock.
    """
    widths = (grid.left, grid.right)
    tees = [Span(charset.up, "rule"), *[Span(" ")] * (1 + grid.packets.height)]
    columns = [
        [
            *draw_ladder_head(world, width, 1, charset, transport=transport),
            *draw_ends(world, width, 1, charset, transport=transport),
            *draw_packets(
                world,
                width,
                grid.packets.height,
                charset,
                transport=transport,
                target=target,
                progress=progress,
                now=now,
            ),
        ]
        for transport, width in zip(TRANSPORTS, widths, strict=True)
    ]
    return [joined([*left, tee, *right]) for left, tee, right in zip(columns[0], tees, columns[1], strict=True)]


def draw_ladder_head(
    world: World, width: int, height: int, charset: Charset, *, transport: Transport, inferred: bool = True
) -> list[Line]:
    """The ladder's head in its rule: the protocol, which of several clients, and what was counted.

    `inferred` False: another head says INFERRED.
    """
    packets = packets_of(world, conversation_shown(world, transport))
    which = _which(world, transport, charset)
    start = [Span(f"{charset.dash} ", "rule"), Span(transport.upper(), "head"), Span(which)]
    variants = [
        [*start, *rest, Span(" ")]
        for rest in _counts(packets, inferred=inferred and any_inferred(packets), some=_some(world, transport))
    ]
    head = fill(first_that_fits(variants, width), width, charset.dash, "rule")
    return [head, *(fill((), width, charset.dash, "rule") for _ in range(height - 1))][: max(0, height)]


def draw_ends(
    world: World, width: int, height: int, charset: Charset, *, transport: Transport, states: bool = True
) -> list[Line]:
    """Both ends' ports, each above its lifeline, with their states; the roles' names where there is no port yet."""
    client, server = pair_of(world, transport)
    conversation = conversation_shown(world, transport)
    left = _client_end(world, conversation, client, charset, transport)
    right = _server_end(world, conversation, server, charset, transport)
    if not states:
        left, right = left[:1], right[-1:]
    line = fill(spread([Span(" "), *left], right, width - 1), width)
    return [line, *([blank(width)] * (height - 1))][: max(0, height)]


def draw_packets(
    world: World,
    width: int,
    height: int,
    charset: Charset,
    *,
    transport: Transport,
    target: str = "",
    progress: Mapping[int, float] | None = None,
    now: float | None = None,
    side: int = SIDE,
) -> list[Line]:
    """The conversation's newest packets, the newest at the bottom; from the top while there are few."""
    conversation = conversation_shown(world, transport)
    packets = packets_of(world, conversation)
    rows = [
        draw_arrow(
            packet,
            width,
            charset,
            touched=target == f"packet {packet.number}",
            new=f"packet {packet.number}" in world.changed,
            progress=(progress or {}).get(packet.number, 1.0),
            side=side,
        )
        for packet in packets[-max(1, height) :]
    ]
    if packets and packets[-1].fate == "lost" and conversation is not None:
        again = _sent_again(world, packets[-1], conversation, world.at if now is None else now)
        rows += [lifelines(width, charset, again, side=side)] if again else []
    if world.gate == "failed" and transport == world.focus.transport:
        rows += [lifelines(width, charset, UNSEEN, side=side)]
    empty = lifelines(width, charset, side=side)
    return (rows + [empty] * (height - len(rows)))[-height:] if height > 0 else []


# --- the head


def _which(world: World, transport: Transport, charset: Charset) -> str:
    """Which of several clients, or which stranger."""
    strangers = stranger_shown(world, transport)
    if strangers is not None:
        return f" {charset.shown(stranger(world, strangers).name, LONGEST_NAME) or 'not ours'}"
    client, _ = pair_of(world, transport)
    everyone = clients(world, transport)
    return f" {client.number} of {len(everyone)}" if client and len(everyone) > 1 else ""


def any_inferred(packets: Sequence[Packet]) -> bool:
    """Whether a head has to say INFERRED."""
    return any(packet.evidence == "inferred" for packet in packets)


def _some(world: World, transport: Transport) -> bool:
    """Whether the conversation may have had more packets than are shown."""
    strangers = stranger_shown(world, transport) is not None
    return bool(world.ours_left_out or world.packets_forgotten or (strangers and world.packets_left_out))


def _counts(packets: Sequence[Packet], *, inferred: bool, some: bool) -> list[list[Span]]:
    """What the head says of the packets, the longest variant first."""
    if not packets:
        return [[Span("  no packet yet")]]
    how = [Span("  "), Span("INFERRED", "head")] if inferred else []
    lost = sum(packet.fate == "lost" for packet in packets)
    number = [Span(f"  {_plural(len(packets), 'packet')}{' shown' if some else ''}")]
    gone = [Span("  "), Span(f"{lost} lost", "lost")] if lost else []
    size = _plural(sum(packet.length for packet in packets if packet.fate != "lost"), "byte")
    return [
        [*how, *number, *gone, Span(f"  {size} of data")],
        [*how, *number, *gone, Span(f"  {size}")],
        [*how, *number, *gone],
        [*how, *number],
    ]


# --- the ends


def _client_end(
    world: World, conversation: Conversation | None, client: Endpoint | None, charset: Charset, transport: Transport
) -> list[Span]:
    if conversation is not None and conversation.client.port:
        here = port(world, transport, conversation.client, charset)
        return [here] if transport == "udp" else [here, Span(" "), _client_state(world, conversation)]
    return _bound_port(world, client, charset, transport) or [Span("client", "client")]


def _server_end(
    world: World, conversation: Conversation | None, server: Endpoint | None, charset: Charset, transport: Transport
) -> list[Span]:
    """The connection's end; where there is none (yet or any more) the listener's, as the one that would answer."""
    listening = listener(world, server) if server else None
    if listening is not None and conversation is not None and listening.local.port != conversation.server.port:
        listening = None  # it was another port that was called
    end = end_of(world, conversation, "server") if conversation else None
    shown = end or listening
    if shown is not None and transport == "tcp":
        return [state(world, shown), Span(" "), port(world, transport, shown.local, charset)]
    if conversation is not None:
        closed = [Span("closed ")] if transport == "tcp" and not world.sockets_left_out else []
        return [*closed, port(world, transport, conversation.server, charset)]
    bound = _bound_port(world, server, charset, transport)
    return bound or [Span("server", "server")]


def _bound_port(world: World, endpoint: Endpoint | None, charset: Charset, transport: Transport) -> list[Span]:
    """The first port that the endpoint has claimed; empty while it has none."""
    for ref in endpoint.sockets if endpoint else ():
        local = local_of(world, ref)
        if local is not None:
            return [port(world, transport, local, charset)]
    return []


def _client_state(world: World, conversation: Conversation) -> Span:
    end = end_of(world, conversation, "client")
    if end is None:
        return Span("" if world.sockets_left_out else "closed")  # it may be one of those that were not told
    return state(world, end)


# --- the rows


def _sent_again(world: World, packet: Packet, conversation: Conversation, now: float) -> str:
    """When the sender's kernel will send a lost packet again by itself; "" if nothing is known of that."""
    end = end_of(world, conversation, packet.sender)
    if end is None or end.timer != "retransmit":
        return ""
    left = max(0.0, world.observed_at + end.expires_ms / 1000 - now)
    return f"sent again by itself in {left:.1f} s"


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
