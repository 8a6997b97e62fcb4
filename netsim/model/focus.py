"""Whose conversation is shown: it follows what is stepped, so that panes, ladder and bottom lines speak of the same."""

from __future__ import annotations

from msgspec.structs import replace

from netsim.model.address import Address, Transport
from netsim.model.views import clients, conversation_of
from netsim.model.world import Focus, World


def turn_to(world: World, who: str, *, take_role: bool) -> World:
    """Turn to the conversation of `who`; a server is everybody's, so the client in focus stays."""
    endpoint = world.endpoints.get(who)
    if endpoint is None:
        return world
    number = endpoint.number if endpoint.role == "client" else 1
    if endpoint.role == "server" and world.focus.transport == endpoint.transport:
        number = world.focus.number
    role = endpoint.role if take_role else world.focus.role
    return replace(world, focus=Focus(endpoint.transport, number, role))


def turn_to_client_at(world: World, transport: Transport, address: Address) -> World:
    """Turn to the client that calls from this address; a stranger's changes nothing."""
    for client in clients(world, transport):
        conversation = conversation_of(world, client)
        if conversation is not None and conversation.client == address:
            return replace(world, focus=Focus(transport, client.number, world.focus.role))
    return world
