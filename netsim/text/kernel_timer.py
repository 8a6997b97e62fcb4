"""The timer that the kernel runs for a socket: what it will do when it is over, and how long that is.

Law: the kernel's own number, counted down by the lab's clock; nothing where no timer runs.
"""

from __future__ import annotations

from math import ceil
from typing import NamedTuple

from netsim.model.events import KernelSocket
from netsim.model.kernel import sockets
from netsim.model.views import unacknowledged_bytes
from netsim.model.world import World

TENTHS_BELOW = 10.0  # seconds: a longer time is said in whole ones
_AGAIN = {  # the longest has no room for "in"
    "SYN_SENT": "SYN again in", "SYN_RECV": "SYN-ACK again", "FIN_WAIT1": "FIN again in", "LAST_ACK": "FIN again in",
    "CLOSING": "FIN again in",
}  # fmt: skip


class Countdown(NamedTuple):
    """A running timer in words: "SYN again in", "0.4 s"."""

    what: str
    left: str


def countdown(world: World, socket: KernelSocket, now: float) -> Countdown | None:
    """The socket's timer, None where none runs. `now`: the lab's clock."""
    if not socket.timer:
        return None
    left = max(0.0, world.observed_at + socket.expires_ms / 1000 - now)
    if socket.timer == "timewait":
        return Countdown("ends in", f"{ceil(left)} s")  # in whole seconds, as the port table says it
    text = f"{left:.1f} s" if left < TENTHS_BELOW else f"{ceil(left)} s"
    return Countdown(_what(socket), text)


def counts_down(world: World) -> bool:
    """Whether some number on the screen is to change as time passes."""
    return any(socket.timer for socket in sockets(world))


def _what(socket: KernelSocket) -> str:
    if socket.timer == "keepalive":
        return "ends in" if socket.state == "FIN_WAIT2" and not socket.inode else "keepalive in"
    if socket.timer == "probe":
        return "probe in"
    return "sent again in" if unacknowledged_bytes(socket) else _AGAIN.get(socket.state, "sent again in")
