"""How single things of the world are spelled and coloured everywhere: ports, states, what changed.

Law: one meaning, one style: a port is the client's or the server's wherever it stands, and bold means "since the last
press".
"""

from __future__ import annotations

from netsim.model.address import Address, Role, Transport
from netsim.model.events import KernelSocket
from netsim.model.rows import row_name
from netsim.model.views import port_role
from netsim.model.world import RowKey, World
from netsim.text.charset import Charset
from netsim.text.lines import Span, Style

HOME = frozenset({"127.0.0.1", "0.0.0.0", "::1", "::", ""})  # said in the title; others are spelled out
BOLD: dict[Role, Style] = {"client": "client-bold", "server": "server-bold"}


def port_text(address: Address, charset: Charset) -> str:
    """An address in short: ":8888"; with its host where that is not this machine's loopback."""
    return f":{address.port}" if address.host in HOME else charset.shown(str(address), 48)


def port(world: World, transport: Transport, address: Address, charset: Charset) -> Span:
    """The address in the colour of the side whose port it is."""
    return Span(port_text(address, charset), port_role(world, transport, address.port))


def is_new(world: World, socket: KernelSocket) -> bool:
    """Whether the table's row of this socket changed since the last press."""
    key = RowKey(socket.local.port, socket.transport, socket.local.host, socket.remote)
    return row_name(key) in world.changed


def state(world: World, socket: KernelSocket) -> Span:
    """The state as the kernel spells it, bold if it is new."""
    return Span(socket.state, "bold" if is_new(world, socket) else "")
