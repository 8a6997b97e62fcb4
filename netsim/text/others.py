"""The clients that are not shown, ours and strangers, in one row, and the keys that show them.

Law: a held packet is seen here too: its mark stands beside its client, reversed if it is what SPACE will deliver.
"""

from __future__ import annotations

from netsim.model.address import Conversation
from netsim.model.packet import Packet
from netsim.model.strangers import stranger, strangers
from netsim.model.views import clients, conversation_of, held_packets, pair_of, same_conversation
from netsim.model.world import World
from netsim.text.charset import Charset
from netsim.text.layout import as_many, fill, spread, width_of
from netsim.text.lines import Line, Span
from netsim.text.marks import port, port_text

LONGEST_NAME = 12


def draw_others(world: World, width: int, charset: Charset, *, target: str = "") -> list[Line]:
    """One row, or none where there is nobody else. `target`: "packet 7" if SPACE will deliver that one."""
    shown, _ = pair_of(world, world.focus.transport)
    ours = clients(world, "tcp" if world.focus.stranger is not None else world.focus.transport)  # whom digits choose
    others = [each for each in ours if each is not shown]
    strange = [each for each in strangers(world) if each != world.focus.stranger]
    if not others and not strange:
        return []
    held = held_packets(world)
    pieces: list[list[Span]] = []
    for client in others:
        conversation = conversation_of(world, client)
        name = port(world, client.transport, conversation.client, charset) if conversation else Span("-", "client")
        pieces.append([Span(f"{client.number} "), *_marked(name, conversation, held, charset, target)])
    for conversation in strange:
        name = Span(_strangers_name(world, conversation, charset), "client")
        pieces.append([Span("0 "), *_marked(name, conversation, held, charset, target)])
    pieces.sort(key=lambda piece: piece[-1].style != "next")  # where there is no room for all, that is to be seen
    numbers = f"1-{ours[-1].number}" if len(ours) > 1 else "1" if others else ""
    keys = ",".join(each for each in ("0" if strange else "", numbers) if each)
    right = [Span(keys, "key"), Span(" choose")]
    left = [Span(" "), *as_many(pieces, width - 3 - width_of(right))]
    return [fill(spread(left, right, width - 1), width)]


def _strangers_name(world: World, conversation: Conversation, charset: Charset) -> str:
    name = stranger(world, conversation).name
    called = port_text(conversation.client, charset)
    return f"{called} {charset.shown(name, LONGEST_NAME)}" if name else called


def _marked(
    name: Span, conversation: Conversation | None, held: tuple[Packet, ...], charset: Charset, target: str
) -> list[Span]:
    """The name, and before it the mark of a packet that is held."""
    mine = [each for each in held if conversation and same_conversation(each.conversation, conversation)]
    if not mine:
        return [name]
    if any(target == f"packet {each.number}" for each in mine):
        return [Span(f"{charset.held} {name.text}", "next")]
    return [Span(f"{charset.held} "), name]
