"""A client that netsim did not start, under Pilot: the screen follows it, and what the keys do about it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from netsim.model import events as e
from netsim.model.commands import ReleasePacket, Step
from tests.gated import LISTENER, Gated
from tests.script import ref
from tests.tui.stage import Stage, stage


@asynccontextmanager
async def called() -> AsyncIterator[tuple[Stage, Gated]]:
    """A stage on which nc's SYN is held."""
    async with stage() as it:
        script = it.script = Gated()
        script.listening()
        await it.deliver()
        it.arm()
        assert "─ CLIENT  pid 41240" in it.screen()
        script.stranger_calls()
        script.named()
        await it.deliver()
        it.arm()
        assert "─ CLIENT  pid 41299  nc, not ours" in it.screen()
        yield it, script


async def test_space_delivers_its_packet() -> None:
    async with called() as (it, _):
        await it.press("space")
        assert it.asked == [ReleasePacket(id=3, number=1)]


async def test_digits_turn_to_ours_and_zero_back() -> None:
    async with called() as (it, _):
        await it.press("1")
        assert "─ CLIENT  pid 41240" in it.screen()
        assert "0 ■ :40112 nc" in it.screen()
        await it.press("0")
        assert "nc, not ours" in it.screen()
        await it.press("0")
        assert "nc, not ours" in it.screen()
        assert it.asked == []


async def test_zero_without_one_says_so() -> None:
    async with stage() as it:
        await it.open()
        await it.press("0")
        assert "Only ours are here. From another terminal: nc 127.0.0.1 8888" in it.screen()


async def test_into_a_private_net_one_calls_through_netsim_shell() -> None:
    async with stage() as it:
        script = it.script = Gated()
        script.listening()
        await it.deliver()
        it.arm()
        await it.press("0")
        assert "Only ours are here. From another terminal: netsim shell -- nc 127.0.0.1 8888" in it.screen()


async def test_enter_opens_no_packet_of_another_client() -> None:
    async with called() as (it, _):
        await it.press("1", "enter")
        assert it.board.page is None
        assert "This client has no packet yet: press space until it has sent one." in it.screen()
        await it.press("0", "enter")
        assert it.board.page is not None


async def test_tab_goes_to_the_server_and_back_to_it() -> None:
    async with called() as (it, _):
        await it.press("tab")
        assert it.session.world.focus.role == "server"
        assert "nc, not ours" in it.screen()
        await it.press("tab", "tab")  # the table is between
        assert it.session.world.focus.role == "client"
        assert "nc, not ours" in it.screen()


async def test_in_the_past_it_is_found_too() -> None:
    async with called() as (it, script):
        script.add(e.FocusMoved(at=script.now, who="client1"))
        script.release(1)
        script.add(e.FocusMoved(at=script.now, who="client1"))
        await it.deliver()
        await it.press("comma", "1")
        assert "─ CLIENT  pid 41240" in it.screen()
        await it.press("0")
        assert "nc, not ours" in it.screen()


async def test_no_key_moves_it() -> None:
    async with called() as (it, _):
        for key in ("s", "x", "K"):
            await it.press(key)
            assert "nc is not ours: it does what it wants. 1 shows our client" in it.screen()
            await it.press("1", "0")
        assert it.asked == []


async def test_a_message_is_sent_by_whom_it_was_begun_for() -> None:
    async with stage() as it:
        script = it.script = Gated()
        script.listening()
        script.call("client1", "connect", socket=ref(3, 601, 51324, 8888))
        script.stop("client1", script.line("client1", "s.send"), s=3)
        await it.deliver()
        it.arm()
        await it.press("s", "h", "i")
        script.stranger_calls(LISTENER)
        await it.deliver()
        assert it.session.world.focus.stranger is not None
        await it.press("enter")
        assert it.asked == [Step(id=3, who="client1", message="hi")]


async def test_the_ladder_says_that_a_failed_gate_sees_nothing() -> None:
    async with called() as (it, script):
        script.add(e.GateFailed(at=script.now, reason="its queue is gone"))
        await it.deliver()
        assert "packets pass unseen: o restarts" in it.screen()
