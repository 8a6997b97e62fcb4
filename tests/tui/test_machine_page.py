"""The page of `p`: the machine's ports, asked for once a second, drawn where they can be seen."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from netsim.model.address import Address
from netsim.model.machine import MachinePorts, MachineRow
from netsim.model.machine_rows import rows_of
from netsim.model.world import Row
from netsim.story.cells import Column
from netsim.text import machine as drawing
from netsim.text.charset import ASCII, UNICODE, Charset
from netsim.text.lines import plain
from netsim.text.machine import Sight, columns_of, draw_machine, rows_at
from netsim.tui.pages import machine as page
from tests.script import at
from tests.tui.pages import ListedMachine, tools
from tests.tui.stage import Stage, stage

SERVER = MachineRow("tcp", at(8888), None, "LISTEN", 41233, "python3", "ada", held=True, send=5)
CURL = MachineRow("tcp", at(51324), Address("10.123.123.123", 443), "ESTABLISHED", 77, "curl", "ada", held=True)
HIDDEN = MachineRow("tcp", Address("0.0.0.0", 22), None, "LISTEN", held=True, owner="root")
LEFT = MachineRow("tcp", at(51324), Address("10.123.123.123", 443), "TIME_WAIT", held=False, expires_ms=60_000)
EVIL = MachineRow("udp", Address("::", 5353), None, "", 99, "a\x1b[2J\nb\u202e", "eve\x07", held=True)


def many(count: int) -> list[MachineRow]:
    return [replace(SERVER, local=at(10_000 + number), pid=number + 1) for number in range(count)]


async def opened(it: Stage, *rows: MachineRow) -> ListedMachine:
    """The page, and its first table."""
    machine = ListedMachine()
    it.board.tools = tools(machine)
    await it.open()
    await it.press("p")
    if rows:
        machine.answer(*rows)
        await it.until(lambda: "asking psutil" not in it.screen())
    return machine


def cursor(it: Stage) -> str:
    found = re.findall(r"\[([^\]]*)\]", "\n".join(it.rows()[2:-4]))
    assert len(found) == 1, it.screen()
    return str(found[0])


class TestAsking:
    async def test_it_waits_for_the_table_and_asks_again_a_second_after_it(self) -> None:
        async with stage() as it:
            machine = await opened(it)
            assert "asking psutil for every socket" in it.screen()
            assert len(machine.asked) == 1
            await it.pilot.pause()
            assert len(machine.asked) == 1  # the last has not come
            it.board.later = lambda seconds, deed: waiting.append((seconds, deed))  # type: ignore[method-assign]
            waiting: list[tuple[float, object]] = []
            machine.answer(SERVER)
            await it.until(lambda: waiting)
            assert "8888/tcp" in it.screen()
            ((seconds, again),) = waiting
            assert (seconds, len(machine.asked)) == (page.APART, 1)
            again()  # type: ignore[operator]
            assert len(machine.asked) == 2

    async def test_the_helper_ends_with_the_page_and_is_not_heard_any_more(self) -> None:
        async with stage() as it:
            machine = await opened(it, SERVER)
            await it.press("p")
            assert it.board.page is None
            await it.until(lambda: machine.closed)
            asked = len(machine.asked)
            machine.answer(HIDDEN)
            await it.pilot.pause()
            assert len(machine.asked) == asked
            assert it.board.page is None

    async def test_a_failure_is_told_and_asked_again(self) -> None:
        async with stage() as it:
            machine = await opened(it)
            it.board.later = lambda _seconds, deed: deed()  # type: ignore[method-assign]
            machine.answer(failure="psutil can't be imported: \x1b no.")
            await it.until(lambda: len(machine.asked) == 2)
            assert r"psutil can't be imported: \x1b no." in it.screen()

    async def test_where_there_is_no_helper(self) -> None:
        async with stage() as it:
            await it.open()
            await it.press("p")
            assert "netsim ports shows them" in it.screen()


class TestRows:
    async def test_who_had_it_is_remembered(self) -> None:
        async with stage() as it:
            machine = await opened(it, SERVER, CURL)
            machine.answer(SERVER, LEFT)
            await it.until(lambda: "TIME_WAIT" in it.screen())
            row = next(row for row in it.rows() if "TIME_WAIT" in row)
            assert "77 → -" in row
            await it.press("down", "right", "right", "right", "right")
            assert "No PID: 77 closed it." in it.screen()

    async def test_the_labs_own_are_marked(self) -> None:
        async with stage((120, 36)) as it:
            await opened(it, SERVER)
            assert "server (lab)" in it.screen()
            assert "its programs are marked (lab)" in it.screen()

    async def test_what_may_not_be_seen_says_whose_it_is(self) -> None:
        async with stage() as it:
            await opened(it, HIDDEN)
            assert "1 hidden (?): another user's" in it.screen()
            await it.press("right", "right", "right", "right")
            assert "root's process has it; which one can't be seen here." in it.screen()

    async def test_nothing_reaches_the_terminal_unescaped(self) -> None:
        async with stage((200, 50)) as it:
            await opened(it, EVIL)
            assert r"a\x1b[2J\nb\u202e" in it.screen()
            assert r"eve\x07" in it.screen()
            copied: list[str] = []
            it.app.copy_to_clipboard = copied.append  # type: ignore[method-assign]
            await it.press("y", "right", "right", "right", "right", "right", "right")
            assert copied[0].isprintable()
            assert all(row.isprintable() for row in it.rows())

    async def test_thousands_come_and_go(self) -> None:
        async with stage() as it:
            machine = await opened(it, *many(3000))
            assert "1-18 of 3000" in it.screen()
            await it.press("end")
            assert "2983-3000 of 3000" in it.screen()
            machine.answer(*[replace(LEFT, local=at(20_000 + number)) for number in range(4000)])
            await it.until(lambda: "of 4000" in it.screen())
            assert cursor(it)
            machine.answer()
            await it.until(lambda: " 0 rows" in it.screen())
            await it.press("down", "right", "y", "s", "end", "space", "pageup")
            machine.answer(SERVER)
            await it.until(lambda: "8888/tcp" in it.screen())
            assert cursor(it)


class TestMoving:
    async def test_the_cursor_stays_with_its_row(self) -> None:
        async with stage() as it:
            machine = await opened(it, SERVER, CURL)
            await it.press("down")
            assert cursor(it) == "51324/tcp"
            machine.answer(HIDDEN, *many(3), SERVER, CURL)
            await it.until(lambda: "10002/tcp" in it.screen())
            assert cursor(it) == "51324/tcp"

    async def test_space_goes_through_all_rows_and_begins_again(self) -> None:
        async with stage() as it:
            await opened(it, *many(40))
            seen = []
            for _ in range(4):
                seen.append(re.search(r"(\S+) of 40", it.screen())[1])  # type: ignore[index]
                await it.press("space")
            assert seen == ["1-18", "19-36", "23-40", "1-18"]

    async def test_sort_and_filter(self) -> None:
        async with stage() as it:
            await opened(it, SERVER, CURL, HIDDEN)
            await it.press("s", "s", "s")
            assert it.rows()[-2].rstrip().endswith("by PID  3 rows")
            assert [row.split()[0].strip("[]") for row in it.rows()[2:5]] == ["51324/tcp", "8888/tcp", "22/tcp"]
            await it.press("slash", *"listen", "enter")
            assert it.rows()[-2].rstrip().endswith("/ listen  2 of 3")
            await it.press("slash", *"pid", "enter")
            assert "pid what?" in it.screen()
            await it.press("escape", "escape")
            assert it.board.page is not None
            assert "3 rows" in it.screen()
            await it.press("escape")
            assert it.board.page is None

    @pytest.mark.parametrize("width", [80, 100, 116, 200])
    def test_no_count_takes_the_head_of_a_column(self, width: int) -> None:
        rows, _ = rows_of(MachinePorts(0, tuple(many(3000))), {}, 0.0)
        lines = [plain(line) for line in draw_machine(Sight(rows, len(rows)), width, 24, UNICODE)]
        assert all(drawing.HEADS[column] in lines[1] for column in columns_of(width))
        assert lines[-2].endswith("1-18 of 3000 rows ")

    def test_one_row_is_not_rows(self) -> None:
        rows, _ = rows_of(MachinePorts(0, (SERVER,)), {}, 0.0)
        lines = [plain(line) for line in draw_machine(Sight(rows, 1), 80, 24, UNICODE)]
        assert lines[-2].endswith(" 1 row ")

    async def test_nothing_fits(self) -> None:
        async with stage() as it:
            await opened(it, SERVER)
            await it.press("slash", *"nobody", "enter")
            assert "no row fits the filter: esc shows all" in it.screen()

    async def test_no_key_acts_behind_it(self) -> None:
        async with stage() as it:
            await opened(it, SERVER)
            await it.press("c", "x", "r", "K", "n", "i", "u", "b", "a", "d", "f", "o", "m", "1", "tab", "enter", "z")
            assert it.asked == []
            assert it.board.page is not None

    async def test_what_is_typed_ahead_is_the_pages(self) -> None:
        async with stage() as it:
            machine = ListedMachine()
            it.board.tools = tools(machine)
            await it.open()
            await it.pilot.press("p", "slash", "u", "d", "p", "enter", "s")  # as one piece, as a slow line delivers it
            await it.until(lambda: "/ udp" in it.screen())
            assert "by port" in it.screen()
            await it.pilot.press("escape", "p", "p")
            await it.until(lambda: len(machine.asked) == 2)
            assert it.asked == []

    async def test_every_size(self) -> None:
        async with stage((200, 50)) as it:
            await opened(it, *many(60))
            await it.press("end")
            for size in ((80, 24), (100, 30), (120, 36), (60, 20), (80, 24)):
                await it.resize(*size)
                if size[0] >= 80:
                    assert cursor(it) == "10059/tcp"


# --- the drawing


def rows(*told: MachineRow) -> tuple[Row, ...]:
    return rows_of(MachinePorts(1, told), {}, 0.0)[0]


@pytest.mark.parametrize("charset", [UNICODE, ASCII])
@pytest.mark.parametrize(("width", "height"), [(80, 24), (99, 24), (100, 30), (115, 24), (116, 36), (200, 50)])
def test_lines_are_exactly_as_wide_as_asked(charset: Charset, width: int, height: int) -> None:
    shown = rows(
        SERVER, CURL, HIDDEN, LEFT, EVIL, replace(SERVER, others=(41299, 41300), local=Address("::ffff:1:2:3:4:5:6", 8))
    )
    for column in range(len(columns_of(width))):
        lines = draw_machine(Sight(shown, len(shown), cursor=drawing.Cursor(1, column)), width, height, charset)
        assert len(lines) == height
        for line in lines:
            assert len(plain(line)) == width
            assert charset is UNICODE or plain(line).isascii()


def test_wide_screens_have_more_columns() -> None:
    first: tuple[Column, ...] = ("port", "address", "state", "peer", "pid", "program")
    assert columns_of(80) == columns_of(100) == first
    assert columns_of(120) == (*first, "user")


def test_one_thing_is_reversed_and_only_if_a_press_does_something() -> None:
    shown = rows(*many(40))
    for sight, count in ((Sight(shown, 40), 1), (Sight(shown[:5], 5), 0)):
        lines = draw_machine(sight, 80, 24, UNICODE)
        assert [span.style for line in lines for span in line].count("next") == count


class Watched(list[Row]):
    """Rows that count how many of them are looked at."""

    touched = 0

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        self.touched += 1 if isinstance(index, int) else len(range(*index.indices(len(self))))
        return super().__getitem__(index)

    def __iter__(self):  # type: ignore[no-untyped-def]
        self.touched += len(self)
        return super().__iter__()


def test_only_the_rows_that_can_be_seen_are_touched() -> None:
    watched = Watched(rows(*many(10_000)))
    draw_machine(Sight(watched, 10_000, above=5000), 80, 24, UNICODE)
    assert watched.touched == rows_at(24)
