"""The screen on a real terminal, in front of a lab that acts: its colours, and how it leaves."""

from __future__ import annotations

import re
import signal
import sys
from pathlib import Path

import psutil
import pytest

from netsim.tui.theme import DARK
from tests.terminal import Terminal

ROOT = Path(__file__).parent.parent.parent
ARMED = 0.7  # seconds of quiet after which a label that came by itself has armed
GRACE = 2.0  # seconds after which the hard way is taken


def screen(*options: str, **more: object) -> Terminal:
    command = [sys.executable, "-m", "tests.tui.acting", *options]
    return Terminal(command, cwd=ROOT, **more)  # type: ignore[arg-type]


def started(terminal: Terminal) -> Terminal:
    terminal.wait_for(r"^ SPACE  server: ask the kernel for a socket")
    terminal.wait_quiet(ARMED)
    return terminal


def cost(terminal: Terminal, *keys: str, quiet: float = 0.25) -> int:
    """The bytes that these keys cost, until all is quiet."""
    before, text = terminal.bytes_written, terminal.text()
    terminal.press(*keys)
    terminal.wait_until(lambda: terminal.text() != text, f"anything after {keys}")
    terminal.wait_quiet(quiet)
    return terminal.bytes_written - before


class TestEndings:
    @pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGQUIT"])
    def test_a_signal_leaves_the_terminal_as_it_was(self, name: str) -> None:
        with screen() as terminal:
            started(terminal).kill(signal.Signals[name])
            assert terminal.wait_for_end() == 128 + signal.Signals[name]
            assert terminal.left_behind() == set()

    def test_a_lost_line_ends_it(self) -> None:
        with screen() as terminal:
            started(terminal).hang_up()
            assert terminal.wait_for_end() == 128 + signal.SIGHUP

    def test_a_hangup_that_only_says_so_leaves_the_terminal_as_it_was(self) -> None:
        with screen() as terminal:
            started(terminal).kill(signal.SIGHUP)
            assert terminal.wait_for_end() == 128 + signal.SIGHUP
            assert terminal.left_behind() == set()

    @pytest.mark.parametrize("keys", [("q",), ("ctrl+c", "ctrl+c")], ids=" ".join)
    def test_a_key_leaves_the_terminal_as_it_was(self, keys: tuple[str, ...]) -> None:
        with screen() as terminal:
            started(terminal).press(*keys)
            assert terminal.wait_for_end() == 0
            assert terminal.left_behind() == set()

    def test_while_a_message_is_typed(self) -> None:
        with screen() as terminal:
            cost(started(terminal), "s", "h", "i")
            terminal.kill(signal.SIGTERM)
            assert terminal.wait_for_end() == 128 + signal.SIGTERM
            assert terminal.left_behind() == set()

    def test_an_event_loop_that_hangs_is_left_after_two_seconds(self) -> None:
        with screen("stuck") as terminal:
            started(terminal).press("ctrl+c")
            terminal.wait_for("stuck now")
            terminal.kill(signal.SIGTERM)
            assert terminal.bytes_during(GRACE / 2) == 0  # the soft way has its time
            assert terminal.wait_for_end() == 128 + signal.SIGTERM
            assert terminal.left_behind() == set()

    def test_a_second_signal_does_not_wait(self) -> None:
        with screen("stuck") as terminal:
            started(terminal).press("ctrl+c")
            terminal.wait_for("stuck now")
            terminal.kill(signal.SIGTERM)
            terminal.kill(signal.SIGINT)
            assert terminal.wait_for_end(GRACE / 2) in (128 + signal.SIGTERM, 128 + signal.SIGINT)
            assert terminal.left_behind() == set()

    def test_a_terminal_that_no_longer_reads_is_left(self) -> None:
        """The writer's queue is full and the event loop waits in it: only the hard way is left."""
        with screen("flood") as terminal:
            started(terminal).press("ctrl+c")
            process = psutil.Process(terminal.pid)
            terminal.kill(signal.SIGTERM)
            assert process.wait(GRACE + 3) == 128 + signal.SIGTERM  # and nobody reads meanwhile


def test_textuals_own_way_out_is_closed() -> None:
    """ctrl+q would quit without asking."""
    with screen() as terminal:
        cost(started(terminal), "space")
        terminal.press("ctrl+q")
        assert cost(terminal, "q") > 0
        assert "q again quits" in terminal.text()


class TestColours:
    def test_sixteen_are_named_and_different(self) -> None:
        with screen(term="xterm") as terminal:
            started(terminal)
            assert colour_of(terminal, "CLIENT") == "cyan"
            assert colour_of(terminal, "SERVER") == "brown"  # what pyte calls yellow
            assert background_of(terminal, "CLIENT") == "default"

    def test_true_colours_are_the_ones_of_the_table(self) -> None:
        with screen(env={"COLORTERM": "truecolor"}) as terminal:
            started(terminal)
            assert colour_of(terminal, "CLIENT") == "56b4e9"
            assert colour_of(terminal, "SERVER") == "e69f00"
            assert f"#{background_of(terminal, 'CLIENT')}" == str(DARK.background).lower()

    @pytest.mark.parametrize("env", [{}, {"NO_COLOR": "1"}, {"COLORTERM": "truecolor"}])
    def test_without_colour_what_space_touches_is_still_reversed(self, env: dict[str, str]) -> None:
        with screen(env=env) as terminal:
            started(terminal)
            x = terminal.lines()[22].index("SPACE")
            cap = terminal.screen.buffer[22][x]
            assert cap.reverse or cap.bg != terminal.screen.buffer[22][x + 10].bg


def place(terminal: Terminal, text: str) -> tuple[int, int]:
    for y, line in enumerate(terminal.lines()):
        if found := re.search(rf"\b{text}\b", line):
            return y, found.start()
    raise AssertionError(f"no {text}:\n{terminal.text()}")


def colour_of(terminal: Terminal, text: str) -> str:
    y, x = place(terminal, text)
    return str(terminal.screen.buffer[y][x].fg)


def background_of(terminal: Terminal, text: str) -> str:
    y, x = place(terminal, text)
    return str(terminal.screen.buffer[y][x].bg)
