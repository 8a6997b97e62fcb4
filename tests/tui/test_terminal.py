"""The screen on a real terminal, in front of a lab that acts: what it writes, and how it leaves."""

from __future__ import annotations

import re
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from netsim.tui.app import STILL
from netsim.tui.theme import DARK
from tests.terminal import PATIENCE, Terminal

ROOT = Path(__file__).parent.parent.parent
STEP = 6000  # bytes that one press may cost at 80x24
ARMED = 0.7  # seconds of quiet after which a label that came by itself has armed
GRACE = 1.5  # seconds after which the hard way is taken


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

    def test_an_event_loop_that_hangs_is_left_after_a_while(self) -> None:
        with screen("stuck") as terminal:
            started(terminal).press("ctrl+c")
            terminal.wait_for("stuck now")
            begun, written = time.monotonic(), terminal.bytes_written
            terminal.kill(signal.SIGTERM)
            terminal.wait_until(lambda: terminal.bytes_written > written, "anything")
            assert time.monotonic() - begun > GRACE / 2  # the soft way has its time
            assert terminal.wait_for_end() == 128 + signal.SIGTERM
            assert terminal.left_behind() == set()

    def test_a_second_signal_does_not_wait(self) -> None:
        with screen("stuck", "patient") as terminal:
            started(terminal).press("ctrl+c")
            terminal.wait_for("stuck now")
            terminal.kill(signal.SIGTERM)
            terminal.kill(signal.SIGINT)
            assert terminal.wait_for_end() in (128 + signal.SIGTERM, 128 + signal.SIGINT)
            assert terminal.left_behind() == set()

    def test_a_terminal_that_no_longer_reads_is_left(self) -> None:
        """The writer's queue is full and the event loop waits in it: only the hard way is left."""
        with screen("flood") as terminal:
            started(terminal).press("ctrl+c")
            process = psutil.Process(terminal.pid)
            terminal.kill(signal.SIGTERM)
            assert process.wait(PATIENCE) == 128 + signal.SIGTERM  # and nobody reads meanwhile


class TestBytes:
    def test_idle_writes_nothing(self) -> None:
        with screen() as terminal:
            started(terminal)
            assert terminal.bytes_during(2) == 0
            cost(terminal, "s", "h")
            assert terminal.bytes_during(2) == 0  # no blinking cursor

    def test_the_first_frame_is_written_once(self) -> None:
        with screen() as terminal:
            assert started(terminal).bytes_written < 12_000

    def test_no_step_costs_more_than_its_budget(self) -> None:
        with screen() as terminal:
            started(terminal)
            costs = []
            while "begin again" not in terminal.text():
                costs.append(cost(terminal, "space"))
                assert costs[-1] < STEP, terminal.text()
            assert len(costs) > 15
            assert terminal.bytes_during(3) < 600  # TIME_WAIT is counted down, once a second
            assert "s left" in terminal.text()

    def test_asking_costs_little(self) -> None:
        with screen() as terminal:
            started(terminal)
            assert cost(terminal, "s") < 800
            assert cost(terminal, "x") < 200
            assert cost(terminal, "escape") < 1000
            assert cost(terminal, "?") < STEP
            assert cost(terminal, "?") < 8000

    def test_dragging_a_corner_costs_two_screens_and_not_twenty(self) -> None:
        with screen() as terminal:
            started(terminal)
            before, last, stood = terminal.bytes_written, time.monotonic(), 0
            for columns in range(101, 121):
                terminal.resize(columns, 30)
                stood += time.monotonic() - last > STILL / 2  # a busy machine: it looked as if the hand had stopped
                last = time.monotonic()
                terminal.bytes_during(0.03)
            terminal.wait_for(r"\? help$")
            terminal.wait_quiet(0.4)
            assert all(len(line) <= 120 for line in terminal.lines())
            assert terminal.lines()[0].endswith("? help")
            assert len(terminal.lines()[1]) == 120
            assert terminal.bytes_written - before < 60_000 + stood * 2 * STEP

    @pytest.mark.parametrize("calm", [{"TEXTUAL_ANIMATIONS": "none"}, {}])
    def test_motion_only_where_it_is_wanted(self, calm: dict[str, str]) -> None:
        with screen("animation", env=calm) as terminal:
            started(terminal)
            while "connect() calls" not in terminal.lines()[22]:
                cost(terminal, "space")
            terminal.press("space")
            terminal.wait_for("TCP  INFERRED")
            terminal.wait_quiet(1.5)
            whole = terminal.text()
            assert "►┤" in whole
            assert terminal.bytes_during(1) == 0


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
