"""Worlds made by hand, for everything that draws them: shorter than events, and they can show what no lab does yet.

    client = program("client1", stands="s.connect", status="asleep", sockets=(ref(3, 41),))
    kernel = (tcp("SYN_SENT", 51324, 8888, inode=41),)
    world = build(client, kernel=kernel, packets=packets("> SYN seq=0"))

What follows from these (the table) is worked out by the model itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import get_args

from msgspec.structs import replace

from netsim.model import events as e
from netsim.model.address import Address, Conversation, Role, Transport
from netsim.model.packet import Evidence, Fate, Flag, Packet
from netsim.model.rows import update_rows
from netsim.model.world import Endpoint, Focus, Holder, Mark, RowKey, Status, World
from tests.script import FILES, HERE, PIDS, PROGRAMS, at

MARKS = {
    "s = socket": "socket",
    "connect": "connect",
    "accept": "accept",
    "recv": "recv",
    "send": "send",
    "close": "close",
}
FLAGS: tuple[Flag, ...] = get_args(Flag)


def program(
    who: str,
    *,
    stands: str = "socket.socket",
    status: Status = "stopped",
    results: Mapping[str, str] | None = None,
    source: tuple[str, ...] | None = None,
    pid: int = 0,
    **more: object,
) -> Endpoint:
    """One endpoint. `stands`: text of the line where it stands; `results`: marks, by text of their lines."""
    name = who.rstrip("0123456789")
    lines = (PROGRAMS / FILES[name]).read_text().splitlines() if source is None else list(source)
    role: Role = "server" if "server" in who else "client"
    transport: Transport = "udp" if who.startswith("udp") else "tcp"
    endpoint = Endpoint(
        who=who, role=role, transport=transport, number=int(who[len(name) :] or 1), program=FILES[name],
        source=tuple(lines), pid=pid or PIDS[who], inner_pid=2, status=status, line=line_of(lines, stands),
        marks={line_of(lines, text): mark(text, result) for text, result in (results or {}).items()},
    )  # fmt: skip
    return replace(endpoint, **more)


def line_of(source: Iterable[str], text: str) -> int:
    """The number of the first line of code with this text."""
    return next(
        (number for number, line in enumerate(source, 1) if text in line and not line.startswith(('"""', "import"))), 0
    )


def mark(text: str, result: str) -> Mark:
    """What stands beside a line with this text."""
    call = next((name for part, name in MARKS.items() if part in text), "call")
    return Mark(result, not result.startswith("E"), call)


def packet(
    text: str, *, number: int = 1, client: int = 51324, server: int = 8888, transport: Transport = "tcp",
    evidence: Evidence = "seen", fate: Fate = "delivered", data: bytes = b"",
) -> Packet:  # fmt: skip
    """One packet from words like "> SYN seq=0", "< 19 bytes seq=1", "> ACK ack=20"; ">" is the client's."""
    size = re.search(r"(\d+) byte", text)
    seq, ack = re.search(r"seq=(\d+)", text), re.search(r"ack=(\d+)", text)
    return Packet(
        number=number, at=number / 10, conversation=Conversation(transport, at(client), at(server)),
        sender="client" if text.startswith(">") else "server",
        flags=frozenset(flag for flag in FLAGS if flag in text) | ({"ACK"} if size and transport == "tcp" else set()),
        seq=int(seq[1]) if seq else None, ack=int(ack[1]) if ack else None,
        length=int(size[1]) if size else len(data), data=data, evidence=evidence, fate=fate,
    )  # fmt: skip


def packets(*texts: str, first: int = 1, **more: object) -> tuple[Packet, ...]:
    """Several, numbered; one that ends in " held" or " lost" is."""
    made = []
    for number, text in enumerate(texts, first):
        words, _, last = text.rpartition(" ")
        fate = last if last in ("held", "lost") else ""
        options = {**more, **({"fate": fate} if fate else {})}
        made.append(packet(words if fate else text, number=number, **options))  # type: ignore[arg-type]
    return tuple(made)


def datagram(text: str, data: bytes, *, number: int = 1, client: int = 40113) -> Packet:
    """One UDP packet; `text` is ">" or "<"."""
    return packet(text, number=number, client=client, transport="udp", data=data)


def udp(local: int, *, inode: int = 0, receive: int = 0, host: str = HERE) -> e.KernelSocket:
    """One of the kernel's UDP sockets."""
    return e.KernelSocket("udp", "CLOSE", Address(host, local), None, inode, receive, 0)


def lab(net: str = "private", port: int = 8888) -> e.LabStarted:
    """The lab's first event."""
    return e.LabStarted(
        at=0.0, net=net, port=port, system="Linux 6.18", python="3.11.7", contained=True,  # type: ignore[arg-type]
        contained_because="user and pid namespaces", sock_diag=True, gate="nft" if net == "private" else "",
    )  # fmt: skip


def had(
    local: int, *pids: int, remote: int | None = None, transport: Transport = "tcp", name: str = "server"
) -> dict[RowKey, tuple[Holder, ...]]:
    """What the table remembers of a row: who has had it."""
    key = RowKey(local, transport, HERE, at(remote) if remote else None)
    return {key: tuple(Holder(pid, name) for pid in pids)}


def build(
    *endpoints: Endpoint,
    kernel: tuple[e.KernelSocket, ...] = (),
    packets: tuple[Packet, ...] = (),
    remembered: Mapping[RowKey, tuple[Holder, ...]] | None = None,
    focus: Focus | None = None,
    net: str = "private",
    step: int = 0,
    **more: object,
) -> World:
    """A world in which these programs live and the kernel lists these sockets; the table follows from both.

    Nothing in it counts as changed, unless `changed` says so.
    """
    world = World(
        lab=lab(net), step=step, endpoints={each.who: each for each in endpoints}, kernel=kernel, packets=packets,
        remembered=remembered or {}, focus=focus or Focus(),
    )  # fmt: skip
    slots, holders, _ = update_rows(replace(world, **more))
    return replace(world, slots=slots, remembered=holders, **more)
