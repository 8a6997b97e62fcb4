"""Whose conversation is shown: it follows what is stepped, so that panes, ladder and bottom lines speak of the same."""

from __future__ import annotations

from msgspec.structs import replace

from netsim.model.address import Conversation
from netsim.model.events import FocusMoved, PacketHeld, SocketsObserved
from netsim.model.kernel import same_address
from netsim.model.strangers import is_strangers
from netsim.model.views import CROWD, clients, conversation_in_focus, conversation_of, held_packets, same_conversation
from netsim.model.world import Focus, World


def turn_to(world: World, who: str, *, take_role: bool) -> World:
    """Turn to the conversation of `who`; a server is everybody's, so the client (or stranger) in focus stays."""
    endpoint = world.endpoints.get(who)
    if endpoint is None:
        return world
    role = endpoint.role if take_role else world.focus.role
    if endpoint.role == "server" and world.focus.transport == endpoint.transport:
        return replace(world, focus=replace(world.focus, role=role))
    return replace(world, focus=Focus(endpoint.transport, endpoint.number if endpoint.role == "client" else 1, role))


def turn_to_stranger(world: World, conversation: Conversation, *, take_role: bool) -> World:
    """Turn to the conversation of a client that is none of ours. Which of ours was shown before is kept."""
    number = world.focus.number if world.focus.transport == conversation.transport else 1
    role = "client" if take_role else world.focus.role
    return replace(world, focus=Focus(conversation.transport, number, role, conversation))


def turn_to_conversation(world: World, conversation: Conversation) -> World:
    """Turn to whoever called, one of ours or a stranger; nothing changes while that is not known."""
    for client in clients(world, conversation.transport):
        had = conversation_of(world, client)
        if had is not None and same_address(had.client, conversation.client):
            return replace(world, focus=Focus(conversation.transport, client.number, world.focus.role))
    if is_strangers(world, conversation):
        return turn_to_stranger(world, conversation, take_role=False)
    return world


def follow_held(world: World) -> World:
    """A packet is held anew: where none is in the conversation in focus, turn to that of the oldest one.

    In a crowd of strangers one of our clients, once it was turned to, stays in focus.
    """
    held = held_packets(world)
    if len(held) > CROWD and world.focus.stranger is None:
        return world
    shown = conversation_in_focus(world)
    if not held or (shown is not None and any(same_conversation(each.conversation, shown) for each in held)):
        return world
    return turn_to_conversation(world, held[0].conversation)


def follow_held_late(world: World) -> World:
    """The same with the first look at the kernel's sockets after it: now it may be known who called."""
    for event in reversed(world.since):
        match event:
            case PacketHeld():
                return follow_held(world)
            case SocketsObserved() | FocusMoved():
                break
    return world
