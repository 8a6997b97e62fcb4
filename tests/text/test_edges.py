"""The rows at the edges: the title, the panes' heads, the bottom, and the grid that they stand in."""

from __future__ import annotations

from itertools import pairwise

import pytest
from msgspec.structs import replace

from netsim.model.events import LabEnded
from netsim.model.world import Focus, World
from netsim.text.bottom import draw_keys, draw_space, draw_why
from netsim.text.charset import ASCII, UNICODE, cells
from netsim.text.grid import Grid, wide_widths
from netsim.text.lines import Span, plain
from netsim.text.panes import draw_head
from netsim.text.screen import draw_too_small
from netsim.text.title import draw_title
from tests.script import Script
from tests.text.frames import ALL, KEYS
from tests.worlds import build, program


class TestGrid:
    def test_the_smallest(self) -> None:
        grid = Grid.of(80, 24)
        assert grid is not None
        areas = (
            grid.title, grid.heads, grid.listing, grid.sockets, grid.wires, grid.ends, grid.packets, grid.table_head,
            grid.table, grid.why, grid.space, grid.keys,
        )  # fmt: skip
        rows = [(area.top + 1, area.top + area.height) for area in areas]
        assert rows == [
            (1, 1), (2, 2), (3, 7), (8, 9), (10, 10), (11, 11), (12, 16), (17, 17), (18, 21), (22, 22), (23, 23),
            (24, 24),
        ]  # fmt: skip
        assert list(grid.table.rows) == [17, 18, 19, 20]
        assert (grid.left, grid.right) == (39, 40)

    def test_a_usual_larger_one(self) -> None:
        assert Grid.of(120, 36) == Grid(120, 36, 9, 3, 8, 7, 2)

    @pytest.mark.parametrize("columns", [80, 159, 160, 240])
    def test_every_size_is_filled_and_none_shrinks(self, columns: int) -> None:
        before = Grid.of(columns, 24)
        for rows in range(24, 120):
            grid = Grid.of(columns, rows)
            assert grid is not None
            assert before is not None
            assert grid.keys.top == rows - 1
            assert all(now >= then for now, then in zip(grid[2:], before[2:], strict=True))
            before = grid

    @pytest.mark.parametrize("columns", [80, 121, 159, 160, 161, 177, 199, 200, 201, 350])
    def test_lanes_and_tiles_fill_every_width(self, columns: int) -> None:
        grid = Grid.of(columns, 24)
        assert grid is not None
        lanes, tiles = grid.lanes, grid.tiles
        assert lanes[0].start == tiles[0].start == 0
        assert lanes[-1].end == tiles[-1].end == columns
        assert all(one.end + 1 == other.start for one, other in pairwise(lanes))
        assert all(one.end == other.start for one, other in pairwise(tiles))
        assert (grid.left, grid.right) == (lanes[0].width, lanes[-1].width)

    def test_five_lanes(self) -> None:
        assert wide_widths(160) == (38, 24, 30, 24, 40)
        assert wide_widths(200) == (44, 24, 60, 24, 44)
        for columns in range(160, 400):
            now, then = wide_widths(columns + 1), wide_widths(columns)
            assert all(now[lane] >= then[lane] for lane in (0, 1, 3, 4)), columns
            assert now[2] >= 30, columns

    def test_the_smallest_wide_one(self) -> None:
        grid = Grid.of(160, 24)
        assert grid is not None
        areas = grid.heads, grid.wires, grid.ends, grid.packets, grid.datagrams, grid.body, grid.table_head, grid.keys
        rows = [(area.top + 1, area.top + area.height) for area in areas]
        assert rows == [(2, 2), (3, 3), (4, 4), (5, 11), (14, 16), (3, 16), (17, 17), (24, 24)]

    @pytest.mark.parametrize("size", [(79, 24), (80, 23), (2, 1), (0, 0)])
    def test_too_small(self, size: tuple[int, int]) -> None:
        assert Grid.of(*size) is None
        lines = [plain(line) for line in draw_too_small(*size)]
        assert [len(line) for line in lines] == [size[0]] * size[1]

    def test_what_is_said_then(self) -> None:
        lines = [plain(line).rstrip() for line in draw_too_small(40, 5)]
        assert lines == ["netsim needs 80 columns and 24 rows;", "these are 40 and 5. Please enlarge.", "", "", ""]


def title(world: World, **more: object) -> str:
    return plain(draw_title(world, 80, 1, UNICODE, **more)[0])  # type: ignore[arg-type]


class TestTitle:
    def test_it_says_how_packets_are_known(self) -> None:
        end = "                step 7   ? help "
        assert title(build(net="host", step=7)) == " netsim   host net · packets inferred · 127.0.0.1   " + end[4:]
        assert title(build(step=7)) == " netsim   private net · packets held · 127.0.0.1" + end
        assert " private net · RECORDED · 127.0.0.1 " in title(build(), recorded=True)

    def test_that_it_plays_by_itself_is_said_for_as_long_as_it_does(self) -> None:
        assert " private net · packets held · PLAYING, a stops it " in title(build(step=130), playing=True)
        seen = title(build(step=130, gate="open"), playing=True)
        assert " private net · seen passing · PLAYING, a stops it " in seen

    def test_before_and_after_the_lab(self) -> None:
        assert title(World()).startswith(" netsim   starting the lab ")
        assert " the lab has ended " in title(replace(build(), ended=LabEnded(at=1.0, reason="It was killed.")))

    def test_the_past(self) -> None:
        assert title(build(step=7), steps=25).endswith(" step 7 of 25   ? help ")


def head(world: World, who: str, width: int = 39) -> str:
    role = "server" if "server" in who else "client"
    return plain(draw_head(world, width, 1, UNICODE, endpoint=world.endpoints.get(who), role=role)[0])


class TestHeads:
    def test_alive_ended_killed_and_none(self) -> None:
        client = program("client1")
        for changes, text in (
            ({}, "─ CLIENT  pid 41240  tcp ──────────────"),
            ({"status": "ended", "exit_status": 0}, "─ CLIENT  pid 41240  ended ────────────"),
            ({"status": "ended", "exit_status": 1}, "─ CLIENT  pid 41240  ended ────────────"),
            ({"status": "ended", "exit_status": -9}, "─ CLIENT  pid 41240  killed ───────────"),
            ({"status": "ended", "exit_status": -2}, "─ CLIENT  pid 41240  interrupted ──────"),
            ({"status": "ended", "exit_status": -11}, "─ CLIENT  pid 41240  signal 11 ────────"),
        ):
            world = build(replace(client, **changes))
            assert head(world, "client1") == text
        assert head(build(), "server") == "─ SERVER  no process yet ──────────────"

    def test_what_has_to_go_goes_last_the_pid(self) -> None:
        client = program("client1", pid=4194302, former_pids=(41233, 4194301))
        world = build(client, program("client2"))
        assert head(world, "client1", 50) == "─ CLIENT 1 of 2  pid 4194302, was 4194301  tcp ───"
        assert head(world, "client1", 44) == "─ CLIENT 1 of 2  pid 4194302, was 4194301 ──"
        assert head(world, "client1") == "─ CLIENT 1 of 2  pid 4194302  tcp ─────"

    def test_the_pane_that_has_the_keys_and_a_process_that_is_new(self) -> None:
        script = Script()
        script.open()
        line = draw_head(script.world, 39, 1, UNICODE, endpoint=script.world.endpoints["client1"], role="client")[0]
        assert Span("CLIENT", "client-bold") in line
        assert Span("pid 41240", "bold") in line
        server = replace(script.world, focus=Focus("tcp", 1, "server"))
        line = draw_head(server, 39, 1, UNICODE, endpoint=server.endpoints["client1"], role="client")[0]
        assert Span("CLIENT", "client") in line


class TestBottom:
    def test_a_sentence_is_broken_at_words(self) -> None:
        text = "Closed by both. Who closed first (the client) leaves its port in TIME_WAIT."
        assert [plain(line).rstrip() for line in draw_why(text, 50, 2, UNICODE)] == [
            " Closed by both. Who closed first (the client)",
            " leaves its port in TIME_WAIT.",
        ]
        assert [plain(line) for line in draw_why(text, 30, 1, UNICODE)] == [" Closed by both. Who closed.. "]
        assert [plain(line) for line in draw_why("", 5, 2, UNICODE)] == ["     ", "     "]

    def test_the_cap_is_reversed_only_while_a_press_counts(self) -> None:
        line = draw_space("SPACE", "server: accept()", 30, 1, UNICODE)[0]
        assert line == (Span(" "), Span("SPACE", "next"), Span("  "), Span("server: accept()", "bold"), Span(" " * 6))
        for cap, armed in (("SPACE", False), ("WAIT", True)):
            line = draw_space(cap, "label", 30, 1, UNICODE, armed=armed)[0]
            assert not any(span.style == "next" for span in line)
        assert plain(draw_space("WAIT", "label", 20, 1, UNICODE)[0]) == " WAIT   label       "
        assert plain(draw_space("", "label", 20, 1, UNICODE)[0]) == " label              "

    def test_keys_that_fit(self) -> None:
        assert plain(draw_keys(KEYS, 80, 1, UNICODE)[0]).rstrip() == (
            " c connect  s send  x close  u udp  n client  d drop  f finish  w why  ? help"
        )
        assert plain(draw_keys(KEYS, 40, 1, UNICODE)[0]).rstrip() == " c connect  s send  x close  ? help"
        assert plain(draw_keys(KEYS, 3, 1, UNICODE)[0]) == "   "
        assert plain(draw_keys((), 3, 1, UNICODE)[0]) == "   "

    def test_ascii(self) -> None:
        assert plain(draw_why("41233 → 41302", 20, 1, ASCII)[0]).strip() == "41233 > 41302"


@pytest.mark.parametrize("name", ALL)
def test_the_same_world_is_drawn_the_same(name: str) -> None:
    assert ALL[name]() == ALL[name]()
    assert cells("→") == 1
