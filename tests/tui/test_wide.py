"""The five lanes under Pilot: each is a tile of its own, and a change in one paints no other."""

from __future__ import annotations

from netsim.text.grid import LANES
from netsim.tui.widgets.lines_view import LinesView
from tests.script import ref, tcp
from tests.tui.stage import Stage, stage

HEADS = ("CLIENT program", "KERNEL, client side", "WIRE", "KERNEL, server side", "SERVER program")


async def connect(it: Stage) -> None:
    """A client is connected, and nobody has accepted it."""
    it.script.call("server", "socket", socket=ref(3, 30, 8888))
    it.script.call("client1", "connect", socket=ref(3, 40, 51324, 8888))
    it.script.kernel(
        tcp("LISTEN", 8888, inode=30, receive=1, send=5),
        tcp("ESTABLISHED", 8888, 51324),
        tcp("ESTABLISHED", 51324, 8888, inode=40),
    )
    await it.deliver()
    await it.until(lambda: ":51324" in it.screen())


async def test_a_terminal_that_grows_gets_five_lanes_and_loses_nothing() -> None:
    async with stage((159, 45)) as it:
        await it.open()
        await connect(it)
        assert "KERNEL" not in it.screen()
        for columns, rows in ((160, 45), (200, 50), (160, 24), (159, 45), (160, 24)):
            await it.resize(columns, rows)
            found = it.rows()
            assert [len(row) for row in found] == [columns] * rows
            assert ("KERNEL" in it.screen()) == (columns >= 160)
            assert ":51324" in it.screen()
            assert found[-1].startswith(" c connect")
        heads = it.rows()[1]
        assert [heads.index(head) for head in HEADS] == sorted(heads.index(head) for head in HEADS)
        assert "accept queue  1 of 5" in it.screen()


async def test_a_lane_is_painted_only_for_its_own() -> None:
    async with stage((200, 50)) as it:
        await it.open()
        await connect(it)
        painted: set[str | None] = set()
        for tile in it.app.screen.query(LinesView):
            tile.refresh = lambda *_, name=tile.id, **__: painted.add(name)  # type: ignore[method-assign]
        it.script.kernel(
            tcp("LISTEN", 8888, inode=30, receive=1, send=5),
            tcp("ESTABLISHED", 8888, 51324, receive=5),
            tcp("ESTABLISHED", 51324, 8888, inode=40),
        )
        await it.deliver()
        assert painted & set(LANES) == {"right-kernel"}
