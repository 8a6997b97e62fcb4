"""The real app in every kind of terminal that a class brings along: it can be read, and is left as it was found."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from netsim.text.charset import UNICODE
from netsim.tui.theme import CONTRAST, LIGHT
from tests.e2e.netsim_terminal import ARMED, PACKETS, ROOT
from tests.terminal import Terminal

pytestmark = pytest.mark.usefixtures("no_leaks")

NETSIM = (sys.executable, "-m", "netsim", "--net", "host")
MIXED = re.compile(r"\x1b\[[0-9;]*[34]8[;:][25]")  # a colour that is not one of the sixteen with a name
ON_THE_CONSOLE = set(
    "│─┬┴├┤┼┐└┘┌" + UNICODE.held + UNICODE.lost + UNICODE.right + UNICODE.left + UNICODE.stopped + "→←·"
)
HEAD = (1, 3)  # row and column of a letter in the client's colour
MOUSE = {"1000", "1002", "1003", "1006"}


class Raw(Terminal):
    """A terminal that keeps all that was written to it."""

    def __init__(self, command: tuple[str, ...], **more: object) -> None:
        self.written = ""
        super().__init__(command, cwd=ROOT, **more)  # type: ignore[arg-type]

    def _feed(self, text: str) -> None:
        self.written += text
        super()._feed(text)

    def opened(self) -> None:
        self.wait_for(r"^ SPACE +\S")
        self.wait_quiet(ARMED)

    def quit(self) -> None:
        self.press("ctrl+c")
        self.wait_for("again quits")
        self.press("ctrl+c")
        assert self.wait_for_end() == 0
        assert self.left_behind() == set()

    def colour(self, row: int = HEAD[0], column: int = HEAD[1]) -> str:
        return str(self.screen.buffer[row][column].fg)


@pytest.fixture
def start(free_port: int) -> Iterator[Callable[..., Raw]]:
    """Starts netsim with these options in a terminal of that kind; at the end it is quit and looked at."""
    opened: list[Raw] = []

    def begin(*options: str, **more: object) -> Raw:
        terminal = Raw((*NETSIM, "--port", str(free_port), *options), **more)
        opened.append(terminal)
        terminal.opened()
        return terminal

    yield begin
    for terminal in opened:
        try:
            if terminal.status is None:
                terminal.quit()
        finally:
            terminal.close()


Start = Callable[..., Raw]


@pytest.mark.parametrize("term", ["linux", "xterm", "screen"])
def test_sixteen_colours_by_name_and_only_letters_that_are_there(start: Start, term: str) -> None:
    terminal = start(term=term)
    terminal.press("c")
    terminal.wait_for("ESTABLISHED")
    terminal.wait_quiet()
    assert terminal.colour() == "cyan"
    assert not MIXED.search(terminal.written)
    assert {char for char in terminal.text() if not char.isascii()} <= ON_THE_CONSOLE


@pytest.mark.parametrize("term", ["xterm-256color", "tmux-256color"])
def test_256_colours_where_nobody_says_more(start: Start, term: str) -> None:
    terminal = start(term=term)
    assert re.search(r"\x1b\[[0-9;]*38;5;", terminal.written)
    assert not re.search(r"\x1b\[[0-9;]*[34]8;2;", terminal.written)
    server = terminal.lines()[HEAD[0]].index("SERVER")
    assert len({terminal.colour(), terminal.colour(HEAD[0], server), terminal.colour(2, 3)}) == 3


def test_no_colour_leaves_greys_and_the_reversed_line(start: Start) -> None:
    terminal = start(env={"NO_COLOR": "1", "COLORTERM": "truecolor"})
    cells = [terminal.screen.buffer[row][column] for row in range(24) for column in range(80)]
    for colour in {each.fg for each in cells} | {each.bg for each in cells}:
        assert colour == "default" or len({colour[:2], colour[2:4], colour[4:]}) == 1, colour
    assert any(each.reverse for each in cells)


@pytest.mark.parametrize("term", ["xterm-256color", "linux"])
def test_t_goes_through_the_themes(start: Start, term: str) -> None:
    """Each has other colours; the third keys press shows the first again, and nothing else has changed."""
    terminal = start(env={"COLORTERM": "truecolor" if term != "linux" else None}, term=term)
    text, seen = terminal.text(), []
    for _ in range(4):
        seen.append((terminal.colour(), terminal.colour(HEAD[0], terminal.lines()[HEAD[0]].index("SERVER"))))
        terminal.press("t")
        terminal.wait_quiet(0.4)
    assert seen[0] == seen[3]
    assert len(set(seen)) == 3
    assert terminal.text() == text
    assert "1049" in terminal.modes


@pytest.mark.parametrize(("name", "theme"), [("light", LIGHT), ("contrast", CONTRAST)])
def test_a_theme_from_the_start(start: Start, name: str, theme: object) -> None:
    terminal = start("--theme", name, env={"COLORTERM": "truecolor"})
    assert f"#{terminal.colour()}".upper() == theme.variables["client"]  # type: ignore[attr-defined]
    assert f"#{terminal.screen.buffer[3][5].bg}".upper() == theme.background  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "env",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
    ids=str,
)
def test_a_terminal_that_is_not_utf_8_gets_ascii(start: Start, env: dict[str, str]) -> None:
    terminal = start(env=env)
    for keys in (("c",), ("?",), ("escape",), ("ctrl+p",), ("escape",), ("w",), ("space",), ("escape",), ("g",)):
        terminal.press(*keys)
        terminal.wait_quiet(0.3)
        assert terminal.text().isascii()
        assert not re.search(r"\\[ux][0-9a-f]{2}", terminal.text()), terminal.text()
    terminal.press("escape")
    terminal.wait_quiet(0.3)


@pytest.mark.parametrize("locale", ["POSIX", "nowhere"])
def test_any_other_locale_gets_the_marks(start: Start, locale: str) -> None:
    assert UNICODE.right in start(env={"LC_ALL": locale, "LANG": locale}).text()


def test_the_mouse_is_left_alone_unless_asked_for(start: Start) -> None:
    assert not MOUSE & start().modes


def test_the_wheel_moves_through_the_table(start: Start) -> None:
    terminal = start("--mouse", "--no-animation")
    assert MOUSE & terminal.modes
    for _ in range(3):
        terminal.press("c")
        terminal.wait_quiet(ARMED)
        terminal.press("n")
        terminal.wait_quiet(ARMED)
    terminal.wait_for(r"4 of \d+, tab")
    before = terminal.text()
    terminal.type("\x1b[<65;5;5M" * 3)
    terminal.wait_until(lambda: terminal.text() != before, "the table to move")


@pytest.mark.parametrize("options", [(), ("--no-animation",)], ids=["moving", "still"])
def test_without_animation_nothing_moves(start: Start, options: tuple[str, ...]) -> None:
    terminal = start(*options)
    seen: set[str] = set()
    terminal.press("c")

    def arrived() -> object:
        seen.add("\n".join(terminal.lines()[PACKETS]))
        return re.search(r" ACK ack=1 [─ ]+►┤", terminal.text())

    terminal.wait_until(arrived, "the handshake")
    if options:
        assert len(seen) <= 4  # none, and one more arrow each time
    else:
        assert len(seen) > 4


@pytest.fixture(params=[pytest.param("tmux", marks=pytest.mark.needs_tmux),
                        pytest.param("screen", marks=pytest.mark.needs_screen)])  # fmt: skip
def multiplexer(request: pytest.FixtureRequest, tmp_path: Path, free_port: int) -> Iterator[tuple[Raw, str]]:
    """netsim in a real tmux or screen, and the key that lets go of it."""
    netsim = [*NETSIM, "--port", str(free_port)]
    env: dict[str, str | None] = {"TMUX": None, "STY": None, "LC_ALL": "C.UTF-8", "SCREENDIR": str(tmp_path)}
    tmp_path.chmod(0o700)
    config = tmp_path / "screenrc"
    config.write_text("startup_message off\nterm screen-256color\n")
    tmux = ["tmux", "-S", str(tmp_path / "socket"), "-f", "/dev/null", "-u"]
    screen = ["screen", "-U", "-c", str(config)]
    again = {"tmux": [*tmux, "attach"], "screen": [*screen, "-r", "netsim"]}[request.param]
    begin = {"tmux": [*tmux, "new-session", *netsim], "screen": [*screen, "-S", "netsim", *netsim]}[request.param]
    rows = {"tmux": 25, "screen": 24}[request.param]  # tmux has the last row for itself
    key = {"tmux": "ctrl+b", "screen": "ctrl+a"}[request.param]
    try:
        with Raw(tuple(begin), env=env, rows=rows) as terminal:
            terminal.wait_for(r"^ SPACE +\S")
            terminal.wait_quiet(ARMED)
            terminal.press("space")
            terminal.wait_for("step 1")
            terminal.press("c")
            terminal.wait_for("ESTABLISHED")
            terminal.wait_quiet(0.5)
            text = terminal.text()
            terminal.press(key, "d")  # the line is lost, or somebody goes home
            assert terminal.wait_for_end() == 0
        with Raw(tuple(again), env=env, rows=rows) as terminal:
            terminal.wait_for("ESTABLISHED")
            terminal.wait_quiet(0.5)
            yield terminal, text
    finally:
        ended = {"tmux": [*tmux, "kill-server"], "screen": [*screen, "-S", "netsim", "-X", "quit"]}[request.param]
        subprocess.run(
            ended, capture_output=True, check=False, env={"SCREENDIR": str(tmp_path), "PATH": "/usr/bin:/bin"}
        )


def test_in_a_multiplexer_it_waits_until_somebody_comes_back(multiplexer: tuple[Raw, str]) -> None:
    terminal, text = multiplexer
    assert terminal.lines()[1:24] == text.splitlines()[1:24]
    terminal.press("escape", "?")
    terminal.wait_for("any key goes back")
    terminal.press("escape")
    terminal.wait_for(r"^ SPACE +\S")
    terminal.press("ctrl+c")
    terminal.wait_for("again quits")
    terminal.press("ctrl+c")
    assert terminal.wait_for_end() == 0
    assert terminal.left_behind() == set()
