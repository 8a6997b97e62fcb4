"""A monkey at the keyboard: seeded random keys, pastes, clicks, resizes and signals in a real terminal.

`NETSIM_MONKEY=100000 pytest tests/e2e/test_monkey.py` makes 100,000 actions (half an hour);
`python -m tests.e2e.test_monkey --seed 7 --net host` runs one session again. The seed gives the actions again, not the
kernel's and the scheduler's timing.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import signal
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable

import pytest

from netsim.tui.keymap import REGISTER
from tests import processes
from tests.conftest import find_free_port
from tests.e2e.netsim_terminal import ROOT
from tests.terminal import KEYS, Terminal

COUNT = int(os.environ.get("NETSIM_MONKEY", "2000"))  # actions in all sessions together
SEED = int(os.environ.get("NETSIM_MONKEY_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
PACE = 0.008  # seconds between two actions, on average
REST = 0.3  # seconds of a rest: longer than what makes a key a held-down one
DEEPEST = 4  # so many escapes lead back to the main screen from anywhere
CHECK = 200  # actions between two looks whether it still answers
QUITTERS = ("q", "ctrl+c", "ctrl+p")
# What a shell, a terminal or a person elsewhere may send; of the second row one ends it.
PASSING = (signal.SIGWINCH, signal.SIGCONT, signal.SIGTSTP, signal.SIGSTOP)
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
TEXTUAL_NAMES = {"pagedown": "pagedown", "minus": "-", "plus": "+", "equals_sign": "=", "question_mark": "?",
                 "comma": ",", "full_stop": ".", "slash": "/"}  # fmt: skip
WEIGHTS = {"space": 40, "pagedown": 5, "tab": 8, "b": 0.5, "q": 0.6, "ctrl+c": 0.6, "m": 2, "r": 3, "n": 4, "?": 2}
STRANGE = ("escape", "enter", "f1", "f5", "up", "down", "left", "right", "home", "end", "pageup", "backspace",
           "shift+tab", "ctrl+z", "ctrl+l", "ctrl+s", "ctrl+d", "z", "é", "🦀", "[", "\x00", "v", "A")  # fmt: skip
PIECES = ("hello", "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "[bold]markup[/bold]", "[/]", "line\nline\r\nline", "\t",
          "👩‍👩‍👧‍👦🦀", "é日本語", "\x00\x07\x08\x7f", "\u202eright to left", "e" + "\u0301" * 40, "%s{}\\", "x" * 5000,
          "\x1b", "\x1b[200~", "\x1b[6n")  # fmt: skip
ENDING_NAMES = {number.name for number in ENDING}
ENDED_BY = {128 + number for number in ENDING}
SICK = re.compile(r"Traceback|NoMatches|made a mistake|The lab has ended")
HELP = r"any key goes back"


class Remembering(Terminal):
    """A terminal that keeps what was written last: a screen that is resized or put back loses it."""

    def __init__(self, command: list[str], cwd: str) -> None:
        self.written: deque[str] = deque(maxlen=40)
        super().__init__(command, cwd=cwd, env={"PYTHONPATH": str(ROOT), "NETSIM_DEBUG": "1"})

    def _feed(self, text: str) -> None:
        self.written.append(text)
        super()._feed(text)

    def last_words(self) -> str:
        """What the screen shows, and the end of what was written, escape sequences and all."""
        return f"{self.text()}\nlast written: {''.join(self.written)[-4000:]!r}"


class Monkey:
    """One session: it acts, looks after its app, and starts another where it has quit by its own keys."""

    def __init__(self, seed: int, net: str, port: int) -> None:
        self._dice = random.Random(seed)
        self._command = [sys.executable, "-m", "netsim", "--net", net, "--port", str(port)]
        self._what = f"--seed {seed} --net {net}"
        self._done: deque[str] = deque(maxlen=300)  # a key may have to wait so long until it is read
        self._count = 0
        self._folder = tempfile.TemporaryDirectory(
            prefix="netsim-monkey-"
        )  # recordings, exports and programs come here
        self.quits = 0
        self._terminal = self._open()

    def run(self, count: int) -> None:
        """So many actions, then a look, then the end; an AssertionError says how to do it again."""
        try:
            while self._count < count:
                self._act()
                if self._count % CHECK == 0:
                    self._still_answers()
            self._still_answers()
            self._terminal.press("ctrl+c", "ctrl+c")
            self._ended_well()
        except (AssertionError, OSError) as error:
            raise AssertionError(
                f"python -m tests.e2e.test_monkey {self._what} --count {self._count}: {error}\nlast actions: "
                + " ".join([*self._done][-60:])
            ) from error
        finally:
            self._terminal.close()
            self._folder.cleanup()

    def _open(self) -> Remembering:
        terminal = Remembering(self._command, self._folder.name)
        terminal.wait_for(r"SPACE +\S")
        return terminal

    # --- what it does

    def _act(self) -> None:
        self._count += 1
        kind = self._dice.choices(("key", "strange", "paste", "typed", "mouse", "resize", "signal"),
                                  (80, 8, 3, 2, 3, 5, 1))[0]  # fmt: skip
        deeds: dict[str, Callable[[], str]] = {
            "key": self._key, "strange": self._strange, "paste": self._paste, "typed": self._typed,
            "mouse": self._mouse, "resize": self._resize, "signal": self._signal,
        }  # fmt: skip
        try:
            self._done.append(deeds[kind]())
        except OSError:
            self._begin_anew()
            return
        pause = REST if self._dice.random() < 0.012 else self._dice.expovariate(1 / PACE)
        end = time.monotonic() + min(pause, REST)
        while (left := end - time.monotonic()) > 0 and not self._terminal.is_over:
            self._terminal.bytes_during(left)
        if self._terminal.is_over:
            self._begin_anew()

    def _key(self) -> str:
        names = [TEXTUAL_NAMES.get(name, name) for key in REGISTER for name in key.keys.split(",")]
        name = self._dice.choices(names, [WEIGHTS.get(name, 3 if len(name) == 1 else 1) for name in names])[0]
        self._terminal.press(name)
        return name

    def _strange(self) -> str:
        name = self._dice.choice(STRANGE)
        self._terminal.type(KEYS.get(name, name))  # at once: an escape may become part of what follows
        return repr(name)

    def _paste(self) -> str:
        text = self._text()
        self._terminal.type(f"\x1b[200~{text}\x1b[201~")
        return f"paste:{text[:20]!r}"

    def _typed(self) -> str:
        """What a terminal without bracketed paste makes of a paste; nothing that quits."""
        text = self._text()[:300]
        self._terminal.type(text)
        return f"typed:{text[:20]!r}"

    def _text(self) -> str:
        return "".join(self._dice.choice(PIECES) for _ in range(self._dice.randint(1, 4)))

    def _mouse(self) -> str:
        button, x, y = self._dice.choice((0, 2, 35, 64, 65)), self._dice.randint(1, 90), self._dice.randint(1, 30)
        self._terminal.type(f"\x1b[<{button};{x};{y}M\x1b[<{button};{x};{y}m")
        return f"mouse:{button},{x},{y}"

    def _resize(self) -> str:
        columns, rows = self._dice.choice(
            ((80, 24), (80, 24), (79, 24), (80, 23), (120, 36), (159, 40), (160, 45), (200, 50), (40, 10),
             (self._dice.randint(40, 200), self._dice.randint(10, 50)))
        )  # fmt: skip
        self._terminal.resize(columns, rows)
        return f"{columns}x{rows}"

    def _signal(self) -> str:
        """A stop is followed by its end at once: the monkey is its own shell."""
        number = self._dice.choice(ENDING if self._dice.random() < 0.1 else PASSING)
        self._terminal.kill(number)
        if number == signal.SIGSTOP:
            self._terminal.kill(signal.SIGCONT)
        return number.name

    # --- how it is

    def _still_answers(self) -> None:
        """? shows the help, and any key goes back; nothing on the screen says that something went wrong."""
        self._terminal.resize(80, 24)
        for patience in (5, 5, 5, 5, 20):  # escape and ? read at once are alt+?, where the machine is slow
            terminal = self._terminal
            try:
                terminal.type("\x1b[201~")  # out of a paste that was left open
                for _ in range(DEEPEST):  # out of a filter, the glossary, a lesson, a prompt, the help
                    terminal.press("escape")
                    terminal.wait_quiet(0.25)
                terminal.press("?")
                terminal.wait_for(HELP, patience)
                terminal.press("escape")
                terminal.wait_gone(HELP)
                break
            except (AssertionError, OSError):
                if terminal.is_over:
                    self._begin_anew()  # it had still to read the keys that quit
                    self._terminal.resize(80, 24)
                elif patience == 20:
                    raise
        assert not SICK.search(self._terminal.text()), f"it says that something went wrong:\n{self._terminal.text()}"

    def _begin_anew(self) -> None:
        signalled = any(each in ENDING_NAMES for each in self._done)
        if not signalled and not any(each in QUITTERS for each in self._done):  # the palette has quit too, by a click
            status = self._terminal.wait_for_end()
            raise AssertionError(f"it ended by itself, with {status}:\n{self._terminal.last_words()}")
        self.quits += 1
        self._ended_well(signalled=signalled)
        self._done.clear()
        self._terminal.close()
        left = processes.outliving(processes.started())  # by a signal's hard way they may end after it
        assert left == [], left
        self._terminal = self._open()

    def _ended_well(self, *, signalled: bool = False) -> None:
        status = self._terminal.wait_for_end()
        text = self._terminal.text()
        assert status == 0 or (signalled and status in ENDED_BY), (
            f"it ended with {status}:\n{self._terminal.last_words()}"
        )
        assert not SICK.search(text), text
        assert self._terminal.left_behind() == set()


@pytest.mark.needs_sock_diag
@pytest.mark.usefixtures("no_leaks")
@pytest.mark.parametrize("net", ["host", "auto"])
def test_nothing_that_a_monkey_does_breaks_it(free_port: int, net: str) -> None:
    Monkey(SEED, net, free_port).run(max(1, COUNT // 2))


def main() -> int:
    """One session of so many actions, or session after session with other seeds; 1 if something broke."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--net", choices=("host", "private", "auto"), default="auto")
    parser.add_argument("--count", type=int, default=2000)
    options = parser.parse_args()
    processes.mark_what_is_started()
    start = time.monotonic()
    monkey = Monkey(options.seed, options.net, find_free_port())
    monkey.run(options.count)
    left = processes.outliving(processes.started())
    print(
        f"seed {options.seed}: {options.count} actions, {time.monotonic() - start:.0f} s, {monkey.quits} quits; {left}"
    )
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
