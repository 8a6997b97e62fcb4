"""What each coat around a message is for, and how to get the other transport's to compare. Mostly data."""

from __future__ import annotations

from netsim.model.address import Transport
from netsim.model.fields import LayerKind
from netsim.model.inspected import Wrapped
from netsim.story.calls import plural

COATS: dict[LayerKind, str] = {
    "TCP": "ports, to find the service; numbers, so that no byte is lost or out of order; flags, window, checksum.",
    "UDP": "ports, to find the service; a length and a checksum. Nothing to find out what was lost.",
    "IPv4": "addresses, to find the machine; what it carries (TCP or UDP), how long it is, how far it may go.",
    "IPv6": "addresses, to find the machine; what it carries (TCP or UDP), how long it is, how far it may go.",
    "extension": "an extension header of IPv6.",
}
LINK = "The loopback adds nothing to that. On an Ethernet cable there would be 14 bytes more in front, and 4 behind."
HOW: dict[Transport, str] = {
    "tcp": "No TCP message with known bytes yet: on the main screen press s, type one, and enter.",
    "udp": "No UDP message with known bytes yet: on the main screen press u, type one, and enter.",
}
NO_BYTES = "No bytes were seen here, so there are no coats to show. In a private net there are: netsim --net private"


def coat(found: Wrapped, index: int) -> str:
    """What the coat `index` adds, and what for; index len(coats) is the message itself."""
    if index >= len(found.coats):
        return f"The message: {plural(len(found.message), 'byte')} that the program gave to the kernel. No header yet."
    layer = found.coats[index]
    return f"{layer.kind} adds {layer.length} bytes: {COATS.get(layer.kind, 'a header.')}"


def compared(tcp: Wrapped | None, udp: Wrapped | None) -> str:
    """The two side by side, in one sentence; "" where one is missing."""
    if tcp is None or udp is None:
        return ""
    headers = {name: each.total - len(each.message) for name, each in (("TCP", tcp), ("UDP", udp))}
    more = headers["TCP"] - headers["UDP"]
    return (
        f"Headers: {headers['TCP']} bytes with TCP, {headers['UDP']} with UDP: {more} more for each segment. "
        "TCP's handshake, ACKs and goodbye are packets of their own besides."
    )
