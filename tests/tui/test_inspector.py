"""The inspector by its keys: from a held SYN to the PID, through fields, bytes, packets, coats, and back."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace

from netsim.model import events as e
from netsim.model.address import Conversation
from netsim.model.inspected import packet_numbered
from netsim.story.fields import NO_PID
from netsim.tui.pages.inspector import InspectorPage
from tests.model import wire_bytes
from tests.model.test_decode import CLIENT, SERVER
from tests.script import at, ref, tcp
from tests.text.inspected import SYN_OPTIONS
from tests.tui.stage import Stage, stage

TCP = Conversation("tcp", at(51324), at(8888))
SYN = wire_bytes.tcp(CLIENT, SERVER, "SYN", seq=999, window=64240, options=SYN_OPTIONS)
ANSWER = wire_bytes.tcp(SERVER, CLIENT, "SYN ACK", seq=4999, ack=1000, window=65160, options=SYN_OPTIONS)
LISTENER = tcp("LISTEN", 8888, inode=40)


@asynccontextmanager
async def held_syn(size: tuple[int, int] = (80, 24)) -> AsyncIterator[Stage]:
    """A server that listens in a private net, a client in connect(), and its SYN at the gate."""
    async with stage(size) as there:
        script = there.script
        script.events[0] = replace(script.events[0], net="private", gate="nft")
        script.open()
        for name in ("socket", "bind", "listen"):
            script.call("server", name, socket=ref(3, 40, None if name == "socket" else 8888))
        script.kernel(LISTENER)
        script.call("client1", "socket", socket=ref(3, 51))
        script.begin("client1", "connect", socket=ref(3, 51))
        script.add(e.PacketHeld(at=script.now, number=1, raw=SYN, conversation=TCP, sender="client", seq=0))
        script.kernel(LISTENER, tcp("SYN_SENT", 51324, 8888, inode=51))
        script.sleep("client1", "connect")
        await there.deliver()
        there.arm()
        await there.pilot.pause()
        yield there


async def answer(there: Stage) -> None:
    """The SYN is delivered, and the SYN-ACK held."""
    there.script.add(e.PacketReleased(at=there.script.now, number=1))
    there.script.add(
        e.PacketHeld(at=there.script.now, number=2, raw=ANSWER, conversation=TCP, sender="server", seq=0, ack=1)
    )
    there.script.kernel(LISTENER, tcp("SYN_SENT", 51324, 8888, inode=51), tcp("SYN_RECV", 8888, 51324))
    await there.deliver()


def lit(there: Stage) -> str:
    """What is in reverse video above the SPACE line."""
    lines = there.board._draw(*there.board.shown_size)
    return "".join(span.text for line in lines[:-2] for span in line if span.style == "next")


async def test_from_the_held_syn_to_the_pid_in_four_keys() -> None:
    async with held_syn() as there:
        await there.press("enter")
        assert re.search(r"► +destination port +8888", there.screen())
        assert lit(there) == "22 b8"
        await there.press("v")
        await there.press("end")
        assert "PID 41233  server" in there.screen()
        assert "It was found, not read" in there.screen()
        await there.press("escape", "escape")
        assert "deliver the SYN to port 8888" in there.screen()
        assert there.asked == []  # looking has asked the lab for nothing


async def test_space_alone_goes_there_too() -> None:
    async with held_syn() as there:
        await there.press("enter")
        assert "SPACE  the way from port 8888 to the process" in there.screen()
        steps = []
        for _ in range(7):
            await there.press("space")
            steps.append(lit(there).split()[-1])
        assert steps == ["address", "protocol", "port", "four-tuple", "socket", "fd", "process"]
        assert "SPACE  back to the bytes" in there.screen()
        await there.press("pagedown")
        assert lit(there) == "22 b8"


async def test_fields_light_up_bytes_and_bytes_choose_fields() -> None:
    async with held_syn() as there:
        await there.press("enter", "up")
        assert (lit(there), "source port bytes 20 to 21" in there.screen()) == ("c8 7c", True)
        await there.press("right", "right")
        assert "[c8]7c" not in there.screen()
        assert "c8[7c]" in there.screen()
        await there.press("right")
        assert "destination port bytes 22 to 23" in there.screen()
        await there.press("home")
        assert lit(there) == "45"
        assert ".... ...." not in there.screen()
        assert "0100 ...." in there.screen()
        await there.press("left", "left")
        assert "version byte 0" in there.screen()
        await there.press("end")
        assert "window scale byte 59" in there.screen()
        await there.press("right", "right", "right")
        assert "window scale byte 59" in there.screen()
        assert NO_PID in there.screen()


async def test_other_packets_of_the_conversation() -> None:
    async with held_syn() as there:
        await answer(there)
        await there.press("enter")
        assert "2 of 2 · SYN-ACK  server → client, held" in there.screen()
        assert re.search(r"► +destination port +51324", there.screen())
        await there.press("left_square_bracket")
        assert "1 of 2 · SYN  client → server, delivered" in there.screen()
        await there.press("left_square_bracket")
        assert "1 of 2" in there.screen()
        await there.press("right_square_bracket", "v", "end")
        assert "PID 41240  client" in there.screen()
        await there.press("right_square_bracket", "left_square_bracket")
        assert "PID 41233  server" in there.screen()


async def test_what_comes_meanwhile_is_shown() -> None:
    async with held_syn() as there:
        await there.press("enter")
        assert "1 of 1 · SYN  client → server, held" in there.screen()
        await answer(there)
        assert "1 of 2 · SYN  client → server, delivered" in there.screen()


async def test_the_port_is_covered() -> None:
    async with held_syn() as there:
        await there.press("enter", "c")
        assert "?? ??" in there.screen()
        assert "22 b8" not in there.screen()
        assert "SPACE  the way without a port: whose could it be?" in there.screen()
        await there.press("v", "end")
        assert "one of 2 processes" in there.screen()
        assert "Without the port the kernel can't know whose it is" in there.screen()
        await there.press("c")
        assert "PID 41233  server" in there.screen()


async def test_the_coats() -> None:
    async with held_syn() as there:
        await there.press("enter", "w")
        assert "on the main screen press s" in there.screen()
        assert "SPACE  back to the bytes" in there.screen()
        raw = wire_bytes.tcp(CLIENT, SERVER, "PSH ACK", seq=1000, ack=5000, payload=b"hello")
        held = e.PacketHeld(at=there.script.now, number=3, raw=raw, conversation=TCP, sender="client", seq=1, ack=1)
        there.script.add(held)
        await there.deliver()
        assert lit(there) == "hello"
        await there.press("space")
        assert "TCP adds 20 bytes" in there.screen()
        await there.press("down")
        assert "IPv4 adds 20 bytes" in there.screen()
        await there.press("tab")
        assert "IPv4 adds" not in there.screen()
        await there.press("tab", "w")
        assert "BYTES" in there.screen()


async def test_without_a_packet_a_sentence_says_how_to_get_one() -> None:
    async with stage() as there:
        await there.open()
        await there.press("enter")
        assert "There is no packet yet: press space until one is sent, then enter opens it." in there.screen()
        assert there.board.page is None


@pytest.mark.parametrize("key", ["x", "1", "f5", "question_mark", "s", "ctrl+z"])
async def test_other_keys_do_nothing_here(key: str) -> None:
    async with held_syn() as there:
        await there.press("enter")
        before = there.screen()
        await there.press(key)
        assert there.screen() == before
        assert there.asked == []


async def test_it_follows_the_size() -> None:
    async with held_syn() as there:
        await there.press("enter")
        for size in ((120, 36), (200, 50), (80, 24)):
            await there.resize(*size)
            assert re.search(r"► +destination port +8888", there.screen())
            assert lit(there) == "22 b8"


async def test_in_the_past_the_way_is_that_of_the_past() -> None:
    async with held_syn() as there:
        await answer(there)
        await there.press("comma", "comma", "enter")
        assert "the past" in there.screen()
        assert "1 of 1 · SYN  client → server" in there.screen()
        await there.press("v", "end")
        assert "at that moment" in there.screen()


async def test_an_icmp_error_is_opened_at_the_port_that_finds_the_sender() -> None:
    async with held_syn() as there:
        sent = wire_bytes.udp(("127.0.0.1", 40113), SERVER, b"anybody?")
        error = wire_bytes.icmp("127.0.0.1", "127.0.0.1", 3, 3, sent)
        udp = Conversation("udp", at(40113), at(8888))
        there.script.add(e.PacketHeld(at=there.script.now, number=2, raw=error, conversation=udp, sender="server"))
        await there.deliver()
        error_packet = packet_numbered(there.session.world, 2)
        assert error_packet is not None
        there.board.page = InspectorPage(there.board, error_packet)
        there.board.paint()
        assert re.search(r"► +source port +40113", there.screen())
        assert "ICMP message" in there.rows()[0]
        assert "with this port the kernel finds the socket that had sent" in " ".join(there.screen().split())
