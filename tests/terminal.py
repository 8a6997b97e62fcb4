"""A terminal for tests: a program runs in a real pseudo-terminal, and its screen can be read and waited for.

Nothing here sleeps: every wait is for the program's next bytes or its end, up to a deadline.
"""

from __future__ import annotations

import codecs
import os
import re
import select
import signal
import termios
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn, Self, TypeVar

import psutil
import pyte
from ptyprocess import PtyProcess

from tests.processes import computing, family

BUSY = 5.0  # seconds after which a program that only computes counts as quiet, too
ESCAPE = 0.2  # seconds after which an escape is a key of its own; netsim waits for half as long
PATIENCE = 60.0  # seconds; only ever waited out when something is broken
KEYS = {
    "space": " ", "enter": "\r", "escape": "\x1b", "tab": "\t", "backspace": "\x7f", "shift+tab": "\x1b[Z",
    "up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D", "home": "\x1b[H", "end": "\x1b[F",
    "pageup": "\x1b[5~", "pagedown": "\x1b[6~", "f1": "\x1bOP", "f5": "\x1b[15~",
    **{f"ctrl+{letter}": chr(ord(letter) & 0x1F) for letter in "abcdefghijklmnopqrstuvwxyz"},
}  # fmt: skip

# One whole control sequence: CSI, then strings (DCS, OSC, APC and the like) up to their end, then the two-byte ones.
SEQUENCE = re.compile(
    r"\x1b(?:\[(?P<private>[<=>?]?)(?P<numbers>[0-9;:]*)(?P<middle>[ -/]*)(?P<final>[@-~])"
    r"|(?P<string>[P\]_^X])(?:[^\x07\x1b]|\x1b(?!\\))*(?:\x07|\x1b\\)"
    r"|[ -/]+[0-~]"
    r"|[0-OQ-WYZ\\`-~])"
)

STRING = re.compile(r"\x1b[P\]_^X]")  # the beginning of one; it may hold an escape that ends it

# Private modes that a program has to take back before it ends, as a person would name them.
MODES = {
    "1049": "alternate screen", "1047": "alternate screen", "47": "alternate screen",
    "1000": "mouse", "1002": "mouse", "1003": "mouse", "1006": "mouse", "1015": "mouse",
    "1004": "focus reports", "2004": "bracketed paste", "2048": "size reports",
}  # fmt: skip

CURSOR_SHOWN = {25 << 5}  # as pyte keeps private modes

Seen = TypeVar("Seen")


class Terminal:
    """A program on a screen of `columns` by `rows`; to be used with `with`, which hangs up at the end."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        columns: int = 80,
        rows: int = 24,
        env: Mapping[str, str | None] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        term: str = "xterm-256color",
    ) -> None:
        self.screen = pyte.Screen(columns, rows)
        self.bytes_written = 0
        self.modes: set[str] = set()  # the private modes that are switched on ("1049")
        self.status: int | None = None  # once it has ended: the exit code, or minus the signal
        self._stream = pyte.Stream(self.screen)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._unfinished = ""  # the beginning of a control sequence
        self._open = True
        self._at_end = False  # nobody has the terminal open any more
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # forkpty() beside threads: the child only executes
            self._process = PtyProcess.spawn(
                list(command),
                dimensions=(rows, columns),
                env=_environment(term, env or {}),
                cwd=None if cwd is None else os.fspath(cwd),
            )
        self._fd: int = self._process.fd
        self.pid: int = self._process.pid
        self._child = psutil.Process(self.pid)
        self._line_before = _fresh_line()  # its own would be asked for too late, where the program is quicker than we

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- what a person does

    def press(self, *keys: str) -> None:
        """Press keys, each by name ("space", "ctrl+c") or as the character that it makes."""
        for key in keys:
            self.type(KEYS.get(key, key))
            if key == "escape":  # read at once with the next key it would be alt and that key
                self.bytes_during(ESCAPE)
                end = time.monotonic() + BUSY
                while computing(self.pids()) and time.monotonic() < end:
                    self.bytes_during(ESCAPE)

    def type(self, text: str) -> None:
        os.write(self._fd, text.encode())

    def resize(self, columns: int, rows: int) -> None:
        self.screen.resize(rows, columns)
        self._process.setwinsize(rows, columns)

    def kill(self, number: int = signal.SIGKILL) -> None:
        self._child.send_signal(number)

    def hang_up(self) -> None:
        """Let go of the line, as a lost connection does: the kernel sends SIGHUP, and writing fails."""
        if self._open:
            self._open = False
            self._process.fileobj.close()
            self._process.closed = True

    def close(self) -> None:
        """Hang up; after ten seconds end it by force."""
        self.hang_up()
        if self.status is None:
            try:
                self.status = self._child.wait(10)
            except psutil.TimeoutExpired:
                self._child.kill()
                self.status = self._child.wait(PATIENCE)

    # --- what a person sees

    @property
    def is_over(self) -> bool:
        """Whether nobody has the terminal open any more, as far as was read."""
        return self._at_end

    def lines(self) -> list[str]:
        return [line.rstrip() for line in self.screen.display]

    def text(self) -> str:
        return "\n".join(self.lines())

    def wait_until(self, look: Callable[[], Seen | None], what: str, timeout: float = PATIENCE) -> Seen:
        """Look again after everything that the program writes, until what is seen is true; that."""
        end = time.monotonic() + timeout
        while not (seen := look()):
            left = end - time.monotonic()
            if left <= 0 or not self._read(left):
                if seen := look():
                    break
                self._fail(f"the end came, and not {what}" if self._at_end else f"waited {timeout:g} s for {what}")
        return seen

    def wait_for(self, pattern: str, timeout: float = PATIENCE) -> re.Match[str]:
        """Wait until `pattern` stands somewhere on the screen; the match."""
        return self.wait_until(lambda: re.search(pattern, self.text(), re.M), f"/{pattern}/", timeout)

    def wait_gone(self, pattern: str, timeout: float = PATIENCE) -> None:
        """Wait until `pattern` stands nowhere on the screen."""
        self.wait_until(lambda: not re.search(pattern, self.text(), re.M), f"/{pattern}/ to be gone", timeout)

    def wait_for_shell(self, words: str) -> None:
        """Wait until a shell has its screen again and has said this; it writes on from where the cursor was left.

        So its words may go round the edge, and what was there before them stands beside them.
        """
        self.wait_until(
            lambda: "1049" not in self.modes and words in "".join(self.screen.display), f"the shell to say {words!r}"
        )

    def wait_quiet(self, seconds: float = 0.25, timeout: float = PATIENCE) -> None:
        """Wait until the program has written nothing for so long, and not because the machine is busy with others."""
        since = begun = time.monotonic()
        while self._open and not self._at_end:
            if self._read(seconds):
                since = time.monotonic()
            elif time.monotonic() - since > seconds + BUSY or not computing(self.pids()):
                return
            if time.monotonic() > begun + timeout:
                self._fail(f"{timeout:g} s without {seconds:g} s of quiet")

    def bytes_during(self, seconds: float) -> int:
        """How many bytes the program writes in the next so many seconds."""
        before, end = self.bytes_written, time.monotonic() + seconds
        while self._read(end - time.monotonic()):
            pass
        return self.bytes_written - before

    def wait_for_end(self, timeout: float = PATIENCE) -> int:
        """Wait until the program has ended; its exit code, or minus the signal that ended it."""
        end = time.monotonic() + timeout
        while self._read(end - time.monotonic()):
            pass  # up to the end of file: whoever has the terminal open has let go of it
        if self.status is None:
            try:
                self.status = self._child.wait(max(0.01, end - time.monotonic()))
            except psutil.TimeoutExpired:
                self._fail(f"it had not ended after {timeout:g} s")
        assert self.status is not None
        return self.status

    def left_behind(self) -> set[str]:
        """What the program has changed on the terminal and not put back, in a person's words."""
        wrong = {name for number, name in MODES.items() if number in self.modes}
        if not CURSOR_SHOWN & set(self.screen.mode):
            wrong.add("hidden cursor")
        if termios.tcgetattr(self._fd)[:4] != self._line_before[:4]:
            wrong.add("line settings (echo, line editing, signals)")
        return wrong

    def pids(self) -> list[int]:
        """The program, and all that it has started."""
        return family(self.pid)

    # --- bytes

    def _read(self, seconds: float) -> bool:
        """Wait so long for bytes and feed the screen; False if none came or none can come any more."""
        if not self._open or seconds <= 0 or not select.select([self._fd], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self._fd, 65536)
        except OSError:  # EIO: on Linux the end of file of a pseudo-terminal
            data = b""
        self._at_end = not data
        self.bytes_written += len(data)
        self._feed(self._decoder.decode(data))
        return bool(data)

    def _feed(self, text: str) -> None:
        """Show the text; note modes, answer queries, and keep from pyte what it would print as text."""
        text = self._unfinished + text
        self._unfinished = ""
        shown, position = [], 0
        while (escape := text.find("\x1b", position)) >= 0:
            shown.append(text[position:escape])
            found = SEQUENCE.match(text, escape)
            if found is None and not STRING.match(text, escape) and (again := text.find("\x1b", escape + 1)) >= 0:
                position = again  # output was thrown away in the middle of it: a terminal begins anew, too
                continue
            if found is None:
                self._unfinished = text[escape:]
                position = len(text)
                break
            position = found.end()
            shown.append(self._sequence(found))
        shown.append(text[position:])
        self._stream.feed("".join(shown))

    def _sequence(self, found: re.Match[str]) -> str:
        """What pyte is told of one control sequence."""
        if found["string"] or found["middle"] or (found["private"] and found["private"] != "?"):
            if found[0] == "\x1b[?2026$p":  # synchronized output: known here, as in today's terminals
                self.type("\x1b[?2026;2$y")
            return ""
        if found["private"] and found["final"] in "hl":
            numbers = set(found["numbers"].split(";"))
            self.modes = self.modes | numbers if found["final"] == "h" else self.modes - numbers
        return found[0]

    def _fail(self, what: str) -> NoReturn:
        raise AssertionError(f"{what}; the screen:\n{self.text()}")


def _fresh_line() -> list[object]:
    """The line settings of a pseudo-terminal that nobody has changed yet."""
    ends = os.openpty()
    try:
        return termios.tcgetattr(ends[0])
    finally:
        for end in ends:
            os.close(end)


def _environment(term: str, changes: Mapping[str, str | None]) -> dict[str, str]:
    """This process's environment, without what would say something about its own terminal, and with the changes."""
    own = ("COLUMNS", "LINES", "COLORTERM", "NO_COLOR")
    merged = {**{name: value for name, value in os.environ.items() if name not in own}, "TERM": term, **changes}
    return {name: value for name, value in merged.items() if value is not None}
