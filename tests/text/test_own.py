"""The pane of a person's own program: its lines, its console, the line that is pointed at, and nobody at all."""

from __future__ import annotations

import pytest

from netsim.model import events as e
from netsim.model.world import World
from netsim.text.charset import ASCII, UNICODE, Charset
from netsim.text.grid import Grid
from netsim.text.layout import width_of
from netsim.text.lines import plain
from netsim.text.screen import Scene, draw_screen
from tests.own_script import OwnScript

SIZES = [(80, 24), (100, 30), (120, 36), (159, 50), (160, 45), (200, 50)]


def drawn(world: World, size: tuple[int, int] = (80, 24), charset: Charset = UNICODE, **scene: object) -> list[str]:
    grid = Grid.of(*size)
    assert grid is not None
    lines = draw_screen(world, grid, charset, Scene(**scene))  # type: ignore[arg-type]
    assert {width_of(line) for line in lines} == {size[0]}
    return [plain(line) for line in lines]


def reversed_texts(world: World, **scene: object) -> list[str]:
    grid = Grid.of(80, 24)
    assert grid is not None
    lines = draw_screen(world, grid, UNICODE, Scene(**scene))  # type: ignore[arg-type]
    return [span.text for line in lines for span in line if span.style == "next"]


def both() -> OwnScript:
    script = OwnScript()
    script.start_own("server")
    script.start_own("client1")
    return script


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("charset", [UNICODE, ASCII])
def test_what_it_prints_and_where_it_sleeps_is_to_be_seen(size: tuple[int, int], charset: Charset) -> None:
    script = both()
    script.accept("Step", "client1")
    script.show("client1", "\x1b[31mhello\nname: ")
    script.fall_asleep("client1", "read", 3, fd=0)
    rows = "\n".join(drawn(script.world, size, charset))
    assert "zzz read" in rows
    assert "name:" in rows
    assert "\x1b" not in rows
    assert not charset.ascii or rows.isascii()


def test_the_console_has_its_row_from_the_start() -> None:
    script = both()
    before = drawn(script.world)
    assert before[6].startswith(" out ")
    script.show("client1", "one\ntwo\n")
    after = drawn(script.world)
    assert after[6].startswith(" out two ")
    assert [row for index, row in enumerate(after) if index != 6] == [row for i, row in enumerate(before) if i != 6]


def test_inside_a_class_the_call_is_still_to_be_seen() -> None:
    script = OwnScript()
    text = "class Server:\n    def run(self):\n        while True:\n            client, _address = self.sock.accept()\n"
    script.start_own("server", text=f"import socket\n\n\n{text}            client.close()\n\n\n# end\n\n")
    script.stand("server", 7, e.CallAhead("accept", 7, "self.sock", 3))
    assert ".. = self.sock.accept()" in "\n".join(drawn(script.world))


def test_what_was_typed_stands_behind_the_prompt() -> None:
    script = both()
    script.show("client1", "name: ")
    script.fall_asleep("client1", "read", 3, fd=0)
    script.typed("client1", "bob")
    assert drawn(script.world)[6].startswith(" out name: bob ")


@pytest.mark.parametrize("line", [1, 5, 9])
def test_the_line_that_is_pointed_at_is_shown_and_is_the_only_one_reversed(line: int) -> None:
    texts = reversed_texts(both().world, aim=("server", line))
    assert len(texts) == 1
    assert texts[0].startswith(f"{line}: ")


def test_a_very_long_program_shows_the_lines_around_the_one_that_matters() -> None:
    script = OwnScript()
    text = "".join(f"x = {number}\n" for number in range(1, 12_001))
    script.start_own("server", text=text)
    script.stand("server", 9_000)
    assert "x = 9000" in "\n".join(drawn(script.world))
    assert reversed_texts(script.world, aim=("server", 12_000)) == ["12000: x = 12000"]
    assert reversed_texts(script.world, aim=("server", 1)) == ["1: x = 1"]


@pytest.mark.parametrize("size", SIZES)
def test_where_nobody_is_the_pane_says_who_could_be(size: tuple[int, int]) -> None:
    script = OwnScript()
    script.start_own("server")
    rows = "\n".join(drawn(script.world, size))
    assert "No client here. In another terminal:" in rows
    assert "nc 127.0.0.1 8888" in rows
    alone = OwnScript()
    alone.start_own("client1")
    assert "nc -l 8888" in "\n".join(drawn(alone.world, size))
