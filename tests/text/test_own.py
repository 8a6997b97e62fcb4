"""The pane of a person's own program: its lines, its console, the line that is pointed at, and nobody at all."""

from __future__ import annotations

import pytest

from netsim.model import events as e
from netsim.model.world import World
from netsim.story.narrator import narrate
from netsim.text.charset import ASCII, UNICODE, Charset
from netsim.text.grid import Grid
from netsim.text.layout import width_of
from netsim.text.lines import plain
from netsim.text.screen import Scene, draw_screen
from tests.own_script import OwnScript
from tests.script import ref

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


def test_an_empty_line_at_the_end_takes_nothing_away() -> None:
    script = both()
    script.show("client1", "one\ntwo\n\n\n")
    assert drawn(script.world)[6].startswith(" out two ")
    assert " +3 O │" in drawn(script.world)[6]


@pytest.mark.parametrize("size", SIZES)
def test_what_another_thread_does_has_a_row_that_names_it(size: tuple[int, int]) -> None:
    script = both()
    script.thread_call("server", 2, 7, "recv", line=5)
    row = _row_of(script, "thread 2: ", size)
    assert row.startswith("z thread 2: self.request.s")
    assert "zzz" in row
    script.thread_call("server", 1, 8, "recv", line=5, size=4)
    assert "thread 2: " not in "\n".join(drawn(script.world, size))
    assert _row_of(script, "thread 1: ", size).startswith("  thread 1: self.request.s")
    assert "→ 4" in _row_of(script, "thread 1: ", size)


def test_in_a_module_of_its_own_the_head_names_that_and_its_lines_have_their_numbers() -> None:
    script = both()
    first = len(script.world.endpoints["client1"].source) + 1
    text = ("import socket", "def ask(port):", "    s = socket.socket()", "    return s")
    script.add(e.ModuleRead(at=script.now, **script.of("client1"), module="wi\x1bre.py", first=first, source=text))
    before = drawn(script.world)
    script.stand("client1", first + 3)
    rows = drawn(script.world)
    assert "  tcp ─" in before[1][:38]
    assert "pid 42002  wi\\x1bre.py ─" in rows[1]
    assert any(row.startswith(" •   s = socket.socket() ") for row in rows[2:6])
    aimed = drawn(script.world, aim=("client1", first + 3))
    assert any(row.startswith(" • 3: ") for row in aimed[2:6])
    assert narrate(script.world).startswith("Nothing has run yet")
    script.accept("Step", "client1")
    script.stand("client1", first + 4)
    assert narrate(script.world).startswith("ask.py has run to line 4 of wi")


def test_where_there_is_room_a_result_says_whose_it_is() -> None:
    script = both()
    script.stand("server", 7)
    script.thread_call("server", 1, 8, "recv", line=5, size=4)
    script.own_call("server", "bind", "", ref(3, 9), line=7)
    assert "thread 1 → 4" in _row_of(script, "  self.request.sendall", (120, 36))
    assert "thread" not in _row_of(script, "with socketserver", (120, 36))


def _row_of(script: OwnScript, text: str, size: tuple[int, int]) -> str:
    """The part of the server's pane from the mark before this text on."""
    row = next(row for row in drawn(script.world, size) if text in row)
    return row[max(0, row.index(text) - 2) :]


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


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("charset", [UNICODE, ASCII])
def test_the_line_that_has_ended_the_program_is_marked_and_told(size: tuple[int, int], charset: Charset) -> None:
    script = both()
    script.accept("Step", "client1")
    error = e.CallError("ValueError", None, None, "invalid literal for int() with base 10: " + "'nine' " * 20)
    script.add(e.ProgramEnded(at=script.now, **script.of("client1"), line=5, error=error, traceback="Traceback"))
    for exited in (False, True):
        if exited:
            script.exit_own("client1", 1)
        told = narrate(script.world)
        rows = drawn(script.world, size, charset, why=told)
        marked = [row for row in rows if row.startswith(" ! ")]
        assert len(marked) == 1
        assert marked[0].startswith(" ! s.sendall(")
        assert "ValueError" in marked[0]
        assert told.startswith("The client ended at line 5 with ValueError: invalid literal for")
        assert told.endswith(".. O shows it.")
        assert any(told in row for row in rows)


def test_the_sentence_about_a_call_names_the_line_that_has_ended_the_program_with_it() -> None:
    script = both()
    script.accept("Step", "client1")
    refused = e.CallError("ConnectionRefusedError", 111, "ECONNREFUSED", "[Errno 111] Connection refused")
    script.own_call("client1", "connect", "('localhost', 5000)", ref(3, 77), line=4, error="ECONNREFUSED")
    before = narrate(script.world)
    script.add(e.ProgramEnded(at=script.now, **script.of("client1"), line=4, error=refused, traceback="Traceback"))
    assert before == "Refused: nobody listens on port 5000. The kernel answered RST at once."
    assert narrate(script.world) == "Line 4: Refused: nobody listens on port 5000. The kernel answered RST."
    assert any(row.startswith(" ! s = socket.cre") and "ECONNREFUSED" in row for row in drawn(script.world))
