"""The port table: whose each port is."""

from __future__ import annotations

from msgspec.structs import replace

from netsim.model.address import Address
from netsim.model.rows import row_name
from netsim.model.world import Row, RowKey, Slot, World
from netsim.text.charset import UNICODE
from netsim.text.grid import Grid
from netsim.text.lines import Span, plain
from netsim.text.table import draw_table, draw_table_area, draw_table_head
from tests.script import at, ref, tcp
from tests.text.frames import ALL, LISTENING
from tests.worlds import build, had, program

CONNECTION = RowKey(8888, "tcp", "127.0.0.1", at(51324))
LISTEN = RowKey(8888, "tcp", "127.0.0.1")


def table(*rows: Row | None, now: float = 0.0, width: int = 80, height: int = 4, offset: int = 0) -> list[str]:
    world = replace(build(), slots=tuple(map(Slot, rows)))
    return [plain(line).rstrip() for line in draw_table(world, width, height, UNICODE, now=now, offset=offset)]


def head(world: World, width: int = 80, offset: int = 0) -> str:
    return plain(draw_table_head(world, width, 1, UNICODE, rows=4, offset=offset)[0])


def kernels(state: str, **more: object) -> Row:
    return Row(key=CONNECTION, state=state, whose="kernel", **more)  # type: ignore[arg-type]


def test_nothing_yet() -> None:
    assert table() == [" -          no port is in use by this lab", "", "", ""]
    assert head(build()) == "─PORT ──────STATE ───────PEER ─────PID ────────────PROGRAM ──────────── 0 rows ─"


def test_who_waits_at_a_listener() -> None:
    assert table(Row(key=LISTEN, state="LISTEN", pids=(41233,), name="server", waiting=6, backlog=5))[0] == (
        " 8888/tcp   LISTEN       -         41233           server   6 wait, backlog 5"
    )


def test_the_kernels_rows_say_why_they_have_no_process() -> None:
    rows = [
        kernels("SYN_RECV"),
        kernels("ESTABLISHED"),
        kernels("CLOSE_WAIT"),
        kernels("FIN_WAIT1", former_pid=41233),
        kernels("TIME_WAIT", expires_at=60.0),
        kernels("TIME_WAIT"),
        kernels("FIN_WAIT2"),
    ]
    assert [line[35:] for line in table(*rows, now=3.2, height=7)] == [
        "-               the kernel's: half open",
        "-               the kernel's: not accepted",
        "-               the kernel's: not accepted",
        "41233 → -       the kernel's: 41233 is gone",
        "-               the kernel's, 57 s left",
        "-               the kernel's, up to 60 s",
        "-               the kernel's",
    ]


def test_a_row_of_a_process_that_lives_was_closed_by_it() -> None:
    world = build(
        program("server", sockets=(LISTENING,)),
        kernel=(tcp("FIN_WAIT2", 8888, 51324),),
        remembered=had(8888, 41233, remote=51324),
    )
    assert plain(draw_table(world, 80, 1, UNICODE)[0])[35:].rstrip() == "41233 → -       the kernel's: closed"


def test_time_wait_never_counts_below_zero() -> None:
    assert table(kernels("TIME_WAIT", expires_at=60.0), now=90.0)[0].endswith("the kernel's, 0 s left")


def test_several_pids() -> None:
    row = Row(key=LISTEN, state="LISTEN", pids=(41233, 41302), name="server")
    assert table(row)[0][35:] == "41233 41302     server   2 processes"
    many = replace(row, pids=(41233, 41302, 41303, 41304))
    assert table(many)[0][35:] == "41233 41302 +2  server   4 processes"
    long = replace(row, pids=(4194301, 4194302, 4194303))
    assert table(long)[0][35:] == "4194301 +2      server   3 processes"


def test_what_is_not_known() -> None:
    row = Row(key=replace(LISTEN, transport="udp"), state="", whose="unknown")
    assert table(row)[0] == " 8888/udp   -            -         ?               not to be known"


def test_a_peer_elsewhere_is_spelled_out() -> None:
    row = Row(key=replace(CONNECTION, peer=Address("10.0.0.2", 51324)), state="ESTABLISHED", pids=(1,), name="server")
    assert table(row)[0] == " 8888/tcp   ESTABLISHED  10.0.0... 1               server"
    assert table(row, width=160)[0].startswith(" 8888/tcp           ESTABLISHED         10.0.0.2:51324 ")


def test_a_row_that_vanished_leaves_its_place_blank() -> None:
    row = Row(key=LISTEN, state="LISTEN", pids=(41233,), name="server")
    assert [bool(line) for line in table(row, None, row)] == [True, False, True, False]


def test_how_many_rows_there_are_and_which_are_shown() -> None:
    world = ALL["queue"]().world
    for offset, shown in (
        (0, "─ 4 of 7, tab ─"),
        (1, "─ 2-5 of 7, tab ─"),
        (3, "─ 4-7 of 7, tab ─"),
        (9, "─ 4-7 of 7, tab ─"),
    ):
        assert head(world, offset=offset).endswith(shown)
    assert head(build(program("server", sockets=(ref(3, 30, 8888),)), kernel=world.kernel[:1])).endswith(" 1 row ─")
    for columns, rows in ((120, 36), (160, 45), (200, 50)):
        grid = Grid.of(columns, rows)
        assert grid is not None
        area = [plain(line) for line in draw_table_area(world, grid, UNICODE, offset=3)]
        assert area[0].endswith("─ 7 rows ─")
        assert len([line for line in area[1:] if line.strip()]) == 7


def test_scrolling_ends_with_the_last_row_at_the_bottom() -> None:
    world = ALL["queue"]().world
    for offset in (3, 9):
        rows = [plain(line) for line in draw_table(world, 80, 4, UNICODE, offset=offset)]
        assert [row[1:20].split()[0] for row in rows] == ["8888/tcp", "51324/tcp", "51338/tcp", "51350/tcp"]


def test_a_place_that_is_blank_is_not_counted() -> None:
    row = Row(key=LISTEN, state="LISTEN", pids=(41233,), name="server")
    world = replace(build(), slots=tuple(map(Slot, (row, None, row, None, row, row))))
    assert head(world).endswith("─ 2 of 4, tab ─")
    assert head(world, offset=2).endswith("─ 2-4 of 4, tab ─")


def test_a_hostile_name_is_shown_safe() -> None:
    row = Row(key=LISTEN, state="LISTEN", pids=(7,), name="a\x1b]0;x\x07\u202e")
    assert table(row)[0][35:] == r"7               a\x1b]0;x\x07\u202e"


def test_colours_tell_the_sides_and_bold_what_changed() -> None:
    world = ALL["syn_ack"]().world
    half_open = world.slots[1].row
    assert half_open is not None
    changed = replace(world, changed=frozenset({row_name(half_open.key)}))
    lines = draw_table(changed, 80, 3, UNICODE)
    assert [line[1] for line in lines] == [
        Span("8888/tcp", "server"), Span("8888/tcp", "server"), Span("51324/tcp", "client"),
    ]  # fmt: skip
    assert Span(":51324", "client") in lines[1]
    assert [span.text for line in lines for span in line if span.style == "bold"] == ["SYN_RECV", "-"]
