"""The table on the main screen: its cell cursor, its order, its filter, its row for the clipboard, its proof."""

from __future__ import annotations

import re

import pytest

from tests.script import ref, tcp
from tests.tui.pages import Terminal, tools
from tests.tui.stage import Stage, stage


async def in_table(it: Stage, ports: int = 3) -> None:
    """Some listeners, and the cursor on the first one's port."""
    await it.open()
    it.script.kernel(*(tcp("LISTEN", 9000 + number, inode=900 + number, send=5) for number in range(ports)))
    await it.deliver()
    await it.press("tab", "tab")


def cursor(it: Stage) -> str:
    """What stands between the brackets of the table."""
    found = re.findall(r"\[([^\]]*)\]", "\n".join(it.rows()[16:21]))
    assert len(found) == 1, it.screen()
    return str(found[0])


class TestTurning:
    async def test_tab_goes_to_the_server_to_the_table_and_to_the_client(self) -> None:
        async with stage() as it:
            await it.open()
            roles = []
            for _ in range(4):
                await it.press("tab")
                roles.append((it.session.world.focus.role, it.board.in_table))
            assert roles == [("server", False), ("server", True), ("client", False), ("server", False)]

    async def test_an_empty_table_says_so(self) -> None:
        async with stage() as it:
            await it.open()
            await it.press("tab", "tab", "down", "right", "enter", "y", "s")
            assert "no port is in use by this lab" in it.screen()
            assert "[" not in "".join(it.rows()[16:21])

    async def test_escape_leaves_it_and_never_quits(self) -> None:
        async with stage() as it:
            await in_table(it)
            await it.press("escape", "escape", "escape")
            assert not it.board.in_table
            assert it.app.is_running


class TestCells:
    async def test_arrows_move_a_cursor_that_is_not_reversed(self) -> None:
        async with stage() as it:
            await in_table(it)
            before = it.reversed_parts()
            seen = [cursor(it)]
            for key in ("down", "right", "right", "left", "up", "left", "left", "up"):
                await it.press(key)
                seen.append(cursor(it))
            assert seen == [
                "9000/tcp", "9001/tcp", "LISTEN", "-", "LISTEN", "LISTEN", "9000/tcp", "9000/tcp", "9000/tcp",
            ]  # fmt: skip
            assert it.reversed_parts() == before

    async def test_the_why_row_says_what_the_value_means(self) -> None:
        async with stage() as it:
            await in_table(it)
            await it.press("right", "right")
            assert " A listener has no peer: it takes calls from anyone." in it.screen()
            await it.press("right")
            assert "A process has it that the lab may not look into" in it.screen()

    async def test_what_happens_is_said_instead_until_the_next_arrow(self) -> None:
        async with stage() as it:
            await in_table(it)
            it.script.call("server", "socket", socket=ref(3, 501))
            await it.deliver()
            assert "socket(): the kernel made an endpoint." in it.screen()
            await it.press("right")
            assert "LISTEN: the kernel takes calls" in it.screen()

    async def test_the_cursor_stays_with_its_row(self) -> None:
        async with stage() as it:
            await in_table(it)
            await it.press("down")
            it.script.kernel(*(tcp("LISTEN", port, inode=port) for port in (80, 443, 9000, 9001, 9002)))
            await it.deliver()
            assert cursor(it) == "9001/tcp"
            it.script.kernel(tcp("LISTEN", 9002, inode=9002))
            await it.deliver()
            assert cursor(it) == "9002/tcp"  # its row is gone: the nearest

    async def test_it_scrolls_with_the_cursor(self) -> None:
        async with stage() as it:
            await in_table(it, ports=9)
            await it.press(*["down"] * 5)
            assert cursor(it) == "9005/tcp"
            assert "9000/tcp" not in it.screen()
            await it.press(*["up"] * 5)
            assert cursor(it) == "9000/tcp"

    @pytest.mark.parametrize("size", [(80, 24), (120, 36), (160, 45), (200, 50)])
    async def test_every_size_shows_it_without_moving_a_column(self, size: tuple[int, int]) -> None:
        async with stage(size) as it:
            await in_table(it)
            at = next(y for y, row in enumerate(it.rows()) if "9000/tcp" in row)
            plain = it.rows()[at].replace("[", " ").replace("]", " ")
            for _ in range(5):
                assert it.rows()[at].count("[") == 1
                assert it.rows()[at].replace("[", " ").replace("]", " ") == plain
                await it.press("right")


class TestOrder:
    async def test_s_sorts_and_comes_back_to_the_places(self) -> None:
        async with stage() as it:
            await it.open()
            kernel = (tcp("TIME_WAIT", 8888, 51324), tcp("LISTEN", 9000, inode=3), tcp("LISTEN", 100, inode=4))
            it.script.kernel(*kernel)
            await it.deliver()
            await it.press("tab", "tab")
            seen = []
            for _ in range(4):
                seen.append([row.split()[0].strip("[]") for row in it.rows()[17:20]])
                await it.press("s")
            by_place, by_port, by_state, _ = seen
            assert by_place == ["8888/tcp", "100/tcp", "9000/tcp"]  # the lab's own port first
            assert by_port == ["100/tcp", "8888/tcp", "9000/tcp"]
            assert by_state == ["100/tcp", "9000/tcp", "8888/tcp"]
            assert [row.split()[0].strip("[]") for row in it.rows()[17:20]] == by_place
            assert it.asked == []

    async def test_outside_of_the_table_s_is_for_a_message(self) -> None:
        async with stage() as it:
            await in_table(it)
            await it.press("tab", "s")
            assert it.board.typed is not None
            assert it.board.typed.verb == "send"


class TestFilter:
    async def test_it_is_typed_shown_in_the_head_and_cleared_by_escape(self) -> None:
        async with stage() as it:
            await in_table(it)
            await it.press("slash")
            assert " FILTER " in it.screen()
            await it.press(*":9001", "space", *"listen", "enter")
            assert "/ :9001 listen  1 of 3" in it.rows()[16]
            assert cursor(it) == "9001/tcp"
            assert "9000/tcp" not in it.screen()
            await it.press("escape")
            assert it.board.in_table
            assert "9000/tcp" in it.screen()
            assert cursor(it) == "9001/tcp"
            assert it.asked == []

    async def test_an_error_keeps_the_line_and_says_what_to_type(self) -> None:
        async with stage() as it:
            await in_table(it)
            await it.press("slash", *"pid", "enter")
            assert "pid what? for example: pid 41233" in it.rows()[22]
            await it.press("space", *"7", "enter")
            assert "no row fits the filter: esc shows all" in it.screen()
            assert it.board.typed is None

    async def test_escape_keeps_the_filter_before(self) -> None:
        async with stage() as it:
            await in_table(it)
            await it.press("slash", *":9001", "enter", "slash", *"zz", "escape")
            assert "/ :9001  1 of 3" in it.rows()[16]

    async def test_a_long_one_does_not_push_the_count_out(self) -> None:
        async with stage() as it:
            await in_table(it)
            await it.press("slash", *"tcp-like-name-that-is-much-too-long-for-the-head", "enter")
            assert ".." in it.rows()[16]
            assert "0 of 3" in it.rows()[16]

    async def test_slash_goes_to_the_table_by_itself(self) -> None:
        async with stage() as it:
            await it.open()
            await it.press("slash", *"udp", "enter")
            assert it.board.in_table


class TestCopy:
    async def test_y_copies_the_row(self) -> None:
        async with stage() as it:
            await in_table(it)
            copied: list[str] = []
            it.app.copy_to_clipboard = copied.append  # type: ignore[method-assign]
            await it.press("y")
            assert copied == ["9000/tcp  127.0.0.1:9000  LISTEN  -  ?  not to be known"]
            assert "Copied: 9000/tcp" in it.screen()

    async def test_outside_of_the_table_it_says_where_to_go(self) -> None:
        async with stage() as it:
            await it.open()
            await it.press("y")
            assert "tab goes there" in it.screen()


class TestProof:
    async def test_enter_runs_the_commands_for_real_and_shows_what_they_print(self) -> None:
        async with stage() as it:
            terminal = Terminal()
            it.board.tools = tools(terminal=terminal)
            await in_table(it)
            await it.press("enter")
            assert terminal.run[0] == (("ss", "-tlnop", "sport = :9000"), 0)  # the host net needs no way in
            assert " ► $ ss -tlnop 'sport = :9000'" in it.screen()
            terminal.printed[0]("State\nLISTEN 0 5 \x1b[2J\n")
            await it.until(lambda: r"LISTEN 0 5 \x1b[2J" in it.screen())
            copied: list[str] = []
            it.app.copy_to_clipboard = copied.append  # type: ignore[method-assign]
            await it.press("down", "y")
            assert copied == ["lsof -nPw -iTCP:9000 -sTCP:LISTEN"]
            await it.press("enter")
            assert terminal.run[-1][0][0] == "lsof"
            await it.press("escape")
            assert cursor(it) == "9000/tcp"
            terminal.printed[0]("too late")
            await it.pilot.pause()
            assert "too late" not in it.screen()

    async def test_space_leads_through_it_and_back(self) -> None:
        async with stage() as it:
            terminal = Terminal()
            it.board.tools = tools(terminal=terminal)
            await in_table(it)
            await it.press("enter")
            await it.press(*["space"] * (len(terminal.run) - 1))
            assert "SPACE  back to the table" in it.screen()
            await it.press("space")
            assert it.board.page is None
            assert it.asked == []

    async def test_where_nothing_can_be_run_it_says_so(self) -> None:
        async with stage() as it:
            await in_table(it)
            await it.press("enter")
            assert "netsim shell -- ss -tanp" in it.screen()
            assert it.board.page is None
