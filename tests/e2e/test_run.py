"""A person's own programs on the real screen, from the first line to the last, with a line typed for input()."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.terminal import Terminal

pytestmark = [pytest.mark.usefixtures("no_leaks"), pytest.mark.needs_namespaces]

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tests" / "lab" / "programs_of_others"


def test_a_server_and_a_client_that_asks() -> None:
    programs = ["--server", str(FOLDER / "echo_server.py"), "--client", str(FOLDER / "guessing_client.py")]
    command = [sys.executable, "-m", "netsim", "run", "--no-animation", *programs]
    with Terminal(command, columns=80, rows=24, cwd=ROOT) as it:
        it.wait_until(lambda: "SPACE" in it.text() and "Nothing has run yet" in it.text(), "the first line")
        it.wait_quiet(0.6)
        for _ in range(40):
            if " TYPE " in it.text():
                break
            before = it.text()
            it.press("space")
            it.wait_until(lambda before=before: it.text() != before, "something to change")  # type: ignore[misc]
            it.wait_until(lambda: " SPACE " in it.text() or " TYPE " in it.text(), "the next thing to do")
            it.wait_quiet(0.25)
        else:
            raise AssertionError(it.text())
        it.press("m", "e", "enter")
        it.wait_until(lambda: "> me" in it.text(), "what was typed")
        it.wait_until(lambda: " SPACE " in it.text(), "the next thing to do")
        assert "zzz read" not in it.text()


def test_in_plain_mode_a_line_is_typed_with_a_word(tmp_path: Path) -> None:
    (tmp_path / "who.py").write_text("import socket\nprint('hello', input('who? '))\nsocket.socket().close()\n")
    command = [sys.executable, "-m", "netsim", "run", "--plain", "--client", str(tmp_path / "who.py")]
    typed = "\n\ntype ann\nline\nquit\n"
    done = subprocess.run(command, cwd=ROOT, input=typed, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "The client waits in input() for a line (read): T types one." in done.stdout
    assert "client printed: hello ann" in done.stdout
