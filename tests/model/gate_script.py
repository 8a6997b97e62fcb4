"""A small language for the gate's rules: what comes in, and what has to come of it, one line each.

    C SYN seq=0                => held 1
    release 1                  => +1, released 1

Left of the arrow: a packet (C or S sends it; the TCP flags, seq, ack, len, win; or "udp len=2"; or "icmp" about the
other side's datagram; or "bytes" that are none) or an order (release N, drop N, release all, open, close, lose queue).
Packets get the queue's ids 1, 2, ... in the order of the lines. Right of it, in order: the verdicts +ID (deliver) and
-ID (throw away); "held N", "seen N" with "again M" (a repetition of packet M; "again" of one forgotten) and "waiting";
"released N", "dropped N", "lost N", "overrun N", "opened", "closed"; counted copies: "copy N x2", "echo N x1", "answer
N x1".
"""

from __future__ import annotations

from netsim.model.gate_rules import GateRules, NotHeldError, Outcome
from netsim.model.happenings import (
    Closed,
    CopyCounted,
    Dropped,
    GatePacket,
    Happening,
    Held,
    Opened,
    Overran,
    Released,
    Seen,
)
from tests.model import wire_bytes

CLIENT, SERVER = ("127.0.0.1", 51324), ("127.0.0.1", 8888)
FIRST = {"C": 2**32 - 2, "S": 1000}  # raw sequence numbers; the client's goes around the corner at once
COUNTED = {"held": "copy", "delivered": "echo", "answer": "answer"}


class Script:
    """Plays lines to fresh rules, and says what came of each in the language above."""

    def __init__(self, *, is_open: bool = False) -> None:
        self.rules = GateRules(is_open=is_open)
        self.id = 0

    def play(self, line: str) -> str:
        word, _, rest = line.partition(" ")
        try:
            match word:
                case "release":
                    return told(self.rules.release_all() if rest == "all" else self.rules.release(int(rest)))
                case "drop":
                    return told(self.rules.drop(int(rest)))
                case "open":
                    return told(self.rules.open())
                case "close":
                    return told(self.rules.close())
                case "lose":
                    return told(self.rules.lose_queue())
        except NotHeldError:
            return "not held"
        self.id += 1
        return told(self.rules.arrive(self.id, packet(line)))


def packet(line: str) -> bytes:
    """The bytes of a packet line. A number after C or S is another port: "C2" has 51325."""
    side, *words = line.split()
    if side == "bytes":
        return b"\x00" * 9
    values = {name: int(value) for name, _, value in (word.partition("=") for word in words) if value}
    names = [word for word in words if "=" not in word]
    client = (CLIENT[0], CLIENT[1] + int(side[1:] or 1) - 1)
    source, destination = (client, SERVER) if side[0] == "C" else (SERVER, client)
    payload = bytes(values.get("len", 0))
    if names == ["udp"]:
        return wire_bytes.udp(source, destination, payload)
    if names == ["icmp"]:
        return wire_bytes.icmp(source[0], destination[0], 3, 3, wire_bytes.udp(destination, source, payload))
    mine, theirs = FIRST[side[0]], FIRST["S" if side[0] == "C" else "C"]
    return wire_bytes.tcp(
        source,
        destination,
        " ".join(names),
        seq=(mine + values.get("seq", 0) + values.get("life", 0)) % 2**32,
        ack=(theirs + values.get("ack", 0)) % 2**32 if "ACK" in names else 0,
        window=values.get("win", 512),
        payload=payload,
    )


def told(outcome: Outcome) -> str:
    verdicts = [f"{'+' if each.accept else '-'}{each.id}" for each in outcome.verdicts]
    return ", ".join(verdicts + [_told(each) for each in outcome.happenings]) or "nothing"


def _told(happening: Happening) -> str:
    match happening:
        case Held(packet, was_waiting):
            return f"held {_packet(packet)}" + (" waiting" if was_waiting else "")
        case Seen(packet):
            return f"seen {_packet(packet)}"
        case Released(number):
            return f"released {number}"
        case Dropped(number, by):
            return f"dropped {number}" if by == "order" else f"lost {number}"
        case CopyCounted(number, copies, reason):
            return f"{COUNTED[reason]} {number} x{copies}"
        case Overran(packets):
            return f"overrun {packets}"
        case Opened():
            return "opened"
        case Closed():
            return "closed"


def _packet(packet: GatePacket) -> str:
    again = f" again {packet.copy_of or ''}".rstrip() if packet.repeats else ""
    return f"{packet.number}{again}"
