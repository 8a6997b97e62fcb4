"""Lesson 6: a stream of bytes, and messages that stay apart."""

from __future__ import annotations

from netsim.model.events import CallReturned
from netsim.model.world import World
from netsim.story.deeds import extra, let_come, open_gate, run, run_to, start, start_to, through
from netsim.story.lesson import GATE, KERNEL_TABLE, Answer, Ask, Claim, Lesson, Mistake, Seen, Step
from netsim.story.sights import endpoint, error_of, flags, kernels, packets, result

CLIENT, SERVER = "udpclient1", "udpserver"
TO = "('127.0.0.1', {port})"


def _received(seen: Seen, who: str) -> bytes:
    """What the last call that received something took."""
    calls = [event for event in seen.here.since if isinstance(event, CallReturned) and event.who == who]
    return next(call.data for call in reversed(calls) if call.name.startswith("recv") and call.data is not None)


def _took(seen: Seen, who: str) -> str:
    return f"{_received(seen, who)!r}"


def _sizes(seen: Seen, names: tuple[str, ...], who: str) -> list[int]:
    return [int(result(seen.kept[name], who)) for name in names]


def _unread(world: World) -> int:
    return kernels(world, "server", 1).receive_queue


def _unacknowledged(world: World) -> int:
    return kernels(world, "client1").send_queue


def _all_acknowledged(world: World) -> bool:
    return _unread(world) == 5 and _unacknowledged(world) == 0


def _both_ways(seen: Seen) -> dict[str, int]:
    ways = {"client": 0, "server": 0}
    for packet in packets(seen.here):
        ways[packet.sender] += packet.length
    return ways


LESSON = Lesson(
    number=6,
    name="stream",
    title="A stream of bytes",
    question="One program sends twice. Does the other receive twice?",
    steps=(
        Step(
            text=(
                "First a TCP connection: the server greets, the client reads. Packets pass by themselves in this "
                "lesson. "
                "Then the server stops before its recv()."
            ),
            label="connect, accept, greet, read",
            do=(
                open_gate(),
                run_to("server", "accept"),
                through("client1", "connect"),
                run_to("server", "recv"),
                through("client1", "recv"),
            ),
            shows=(
                Claim(
                    sentence="The client has read the greeting.",
                    holds=lambda seen: _received(seen, "client1") == b"Connection received",
                    saw=lambda seen: f"recv() returned {_took(seen, 'client1')}",
                ),
            ),
        ),
        Step(
            text=(
                "Now the client sends twice: s.send(b'hel'), then s.send(b'lo'). The server has not called recv() yet."
            ),
            label="the client sends 'hel', then 'lo'",
            do=(extra("client1", "s.send(b'hel')", keep="hel"), extra("client1", "s.send(b'lo')", keep="lo")),
            shows=(
                Claim(
                    sentence="Two calls of send(), 3 bytes and 2 bytes.",
                    holds=lambda seen: _sizes(seen, ("hel", "lo"), "client1") == [3, 2],
                    saw=lambda seen: f"send() returned {_sizes(seen, ('hel', 'lo'), 'client1')}",
                ),
            ),
        ),
        Step(
            text=(
                "Has the server read them? The kernel, server side, has acknowledged every byte: look at both ends' "
                "queues."
            ),
            label="look at both ends' queues",
            do=(let_come("the ACK has come", _all_acknowledged),),
            needs=(KERNEL_TABLE,),
            shows=(
                Claim(
                    sentence="All 5 bytes are acknowledged, and none of them is read.",
                    holds=lambda seen: _all_acknowledged(seen.here),
                    saw=lambda seen: f"unread {_unread(seen.here)}, unacknowledged {_unacknowledged(seen.here)}",
                    rows=("P2",),
                ),
            ),
            after=(
                "So an ACK says that the kernel at the other end has the bytes, and not that a program has read them."
            ),
        ),
        Step(
            text="The server now calls conn.recv(1024), once: give me what is there, 1024 bytes at most.",
            ask=Ask(
                "What does this one recv() return?",
                (
                    Answer(
                        "b'hel'",
                        lambda seen: _received(seen, "server") == b"hel",
                        "The kernel does not remember where one send() ended and the next began.",
                    ),
                    Answer("b'hello'", lambda seen: _received(seen, "server") == b"hello"),
                    Answer(
                        "nothing yet: it waits for 1024 bytes",
                        lambda seen: endpoint(seen.here, "server").status == "asleep",
                        "1024 is the most that it takes. It waits only where there is nothing at all.",
                    ),
                ),
            ),
            label="the server calls recv() once",
            do=(run("server"),),
            shows=(
                Claim(
                    sentence="Two sends, one recv: TCP carries bytes, not messages.",
                    holds=lambda seen: _received(seen, "server") == b"hello",
                    saw=lambda seen: f"recv() returned {_took(seen, 'server')}",
                    rows=("P6",),
                ),
            ),
            after="And one send can take many recvs. Who wants messages in a stream must mark where each one ends.",
        ),
        Step(
            text=(
                "The greeting went from the server to the client, 'hello' from the client to the server: over the same "
                "connection. Each direction counts its own bytes."
            ),
            label="add up both directions",
            needs=(GATE,),
            shows=(
                Claim(
                    sentence="Data went both ways over one connection.",
                    holds=lambda seen: _both_ways(seen) == {"client": 5, "server": 19},
                    saw=lambda seen: (
                        f"{_both_ways(seen)['server']} bytes to the client, {_both_ways(seen)['client']} to the server"
                    ),
                    rows=("P2",),
                ),
                Claim(
                    sentence="One handshake served all of it: there was a single SYN.",
                    holds=lambda seen: [flags(packet) for packet in packets(seen.here)].count("SYN") == 1,
                    saw=lambda seen: (
                        f"{[flags(packet) for packet in packets(seen.here)].count('SYN')} SYN "
                        f"among {len(packets(seen.here))} packets"
                    ),
                    rows=("P2",),
                ),
            ),
        ),
        Step(
            text="Now the same with UDP: two programs more. The client sends b'hel' and b'lo', as two datagrams.",
            ask=Ask(
                "The UDP server calls recvfrom(1024) once. What does it get?",
                (
                    Answer("b'hel'", lambda seen: _received(seen, SERVER) == b"hel"),
                    Answer(
                        "b'hello'",
                        lambda seen: _received(seen, SERVER) == b"hello",
                        "That was TCP. UDP keeps every datagram whole, and apart from the next.",
                    ),
                    Answer(
                        "b'lo', the newest",
                        lambda seen: _received(seen, SERVER) == b"lo",
                        "They are kept in the order in which they came.",
                    ),
                ),
            ),
            label="two datagrams, one recvfrom()",
            do=(
                *start_to(SERVER, "udp_server.py", "recvfrom"),
                start(CLIENT, "udp_client.py"),
                run(CLIENT),
                extra(CLIENT, f"s.sendto(b'hel', {TO})"),
                extra(CLIENT, f"s.sendto(b'lo', {TO})"),
                run(SERVER),
            ),
            shows=(
                Claim(
                    sentence="One recvfrom() took one datagram.",
                    holds=lambda seen: _received(seen, SERVER) == b"hel",
                    saw=lambda seen: f"recvfrom() returned {_took(seen, SERVER)}",
                    rows=("P6",),
                ),
            ),
        ),
        Step(
            text="It calls recvfrom() again.",
            label="recvfrom() once more",
            do=(run(SERVER),),
            shows=(
                Claim(
                    sentence="The second recvfrom() took the second datagram.",
                    holds=lambda seen: _received(seen, SERVER) == b"lo",
                    saw=lambda seen: f"recvfrom() returned {_took(seen, SERVER)}",
                    rows=("P6",),
                ),
            ),
        ),
        Step(
            text=(
                "And if a datagram is larger than what one asks for? The client sends b'hello', the server asks for 2 "
                "bytes, and then looks whether anything is left."
            ),
            ask=Ask(
                "recvfrom(2) takes b'he'. Where is the rest?",
                (
                    Answer(
                        "it waits for the next recvfrom()",
                        lambda seen: seen.kept["rest"].endpoints[SERVER].extra_error is None,
                        "That is how a stream does it. A datagram is taken out whole, or cut.",
                    ),
                    Answer("it is gone", lambda seen: error_of(seen.kept["rest"], SERVER).name == "EAGAIN"),
                ),
            ),
            label="recvfrom(2), and then once more without waiting",
            do=(
                extra(CLIENT, f"s.sendto(b'hello', {TO})"),
                extra(SERVER, "s.recvfrom(2)", keep="cut"),
                extra(SERVER, "s.recvfrom(1024, socket.MSG_DONTWAIT)", keep="rest"),
            ),
            shows=(
                Claim(
                    sentence="A datagram was cut short, and the rest of it is gone.",
                    holds=lambda seen: (
                        result(seen.kept["cut"], SERVER).startswith("(b'he',")
                        and error_of(seen.kept["rest"], SERVER).name == "EAGAIN"
                    ),
                    saw=lambda seen: (
                        f"{result(seen.kept['cut'], SERVER)}, then {error_of(seen.kept['rest'], SERVER).type}"
                    ),
                    rows=("P6",),
                ),
            ),
            after="So a UDP program asks for as much as the largest datagram that it expects.",
        ),
    ),
    point="TCP delivers bytes in order, and forgets where one send ended; UDP delivers datagrams, each one whole.",
    mistake=Mistake(
        "One send() is one recv().",
        "It often looks so in a test, because the first recv() came before the second send(). It is never promised.",
    ),
    small_print=(
        "The segments on the wire are not messages either: the kernel may join small sends into one segment (Nagle's "
        "algorithm) or cut a large one into many. And send() may take fewer bytes than it was given: sendall() goes on."
    ),
)
