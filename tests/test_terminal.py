"""The tests' own terminal: it has to see what a person would see."""

from __future__ import annotations

import signal
import sys

import pytest

from tests.terminal import Terminal

WAIT_FOR_LINES = "import sys\nfor line in sys.stdin: print('got', line.strip(), flush=True)"


def python(source: str, columns: int = 80, rows: int = 24) -> Terminal:
    return Terminal([sys.executable, "-I", "-c", source], columns=columns, rows=rows)


def test_what_is_typed_arrives_and_the_answer_is_seen() -> None:
    with python(WAIT_FOR_LINES) as terminal:
        terminal.type("hello")
        terminal.press("enter")
        terminal.wait_for(r"^got hello$")
        assert terminal.bytes_written == len("hello\r\ngot hello\r\n")
        assert terminal.bytes_during(0.05) == 0


def test_it_stands_where_the_program_put_it_even_in_pieces() -> None:
    pieces = (
        r"import sys,os; [os.write(1, bytes([b])) for b in '\x1b[3;5H\x1b]0;title\x07\x1b[1mé│\x1b[>4;1m!'.encode()]"
    )
    with python(pieces) as terminal:
        terminal.wait_for_end()
        assert terminal.lines()[2] == "    é│!"
        assert terminal.screen.buffer[2][4].bold


def test_a_sequence_that_was_cut_off_does_not_swallow_the_next() -> None:
    with python(r"print(end='\x1b[?1049h\x1b[38;5\x1b[?1049l\x1b]0;ti\x1b\\there')") as terminal:
        terminal.wait_for(r"^there")
        assert terminal.left_behind() == set()


def test_a_wait_ends_with_the_screen_when_its_time_is_over() -> None:
    with python("print('here'); input()") as terminal, pytest.raises(AssertionError, match=r"(?s)waited.*here"):
        terminal.wait_for("there", timeout=0.3)


def test_a_wait_ends_with_the_program() -> None:
    with python("print('here')") as terminal, pytest.raises(AssertionError, match=r"(?s)the end came.*here"):
        terminal.wait_for("there")


@pytest.mark.parametrize(
    ("spoil", "name"),
    [
        ("print(end='\\x1b[?1049h')", "alternate screen"),
        ("print(end='\\x1b[?25l')", "hidden cursor"),
        ("print(end='\\x1b[?1003;1006h')", "mouse"),
        ("import tty; tty.setcbreak(0)", "line settings (echo, line editing, signals)"),
    ],
)
def test_what_is_left_behind_is_named(spoil: str, name: str) -> None:
    with python(spoil) as terminal:
        assert terminal.wait_for_end() == 0
        assert terminal.left_behind() == {name}
    with python("print('calm')") as terminal:
        assert terminal.wait_for_end() == 0
        assert terminal.left_behind() == set()


def test_the_line_can_be_lost() -> None:
    with python(WAIT_FOR_LINES) as terminal:
        terminal.type("hello\r")
        terminal.wait_for("got hello")
        terminal.hang_up()
        assert terminal.wait_for_end() == -signal.SIGHUP


def test_the_size_is_the_size() -> None:
    size = "import os\nwhile True: print('size', *os.get_terminal_size(), flush=True); input()"
    with python(size, columns=100, rows=30) as terminal:
        terminal.wait_for(r"size 100 30")
        terminal.resize(80, 24)
        terminal.press("enter")
        terminal.wait_for(r"size 80 24")
