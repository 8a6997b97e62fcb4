"""How a program ends is told as Python itself tells it: compared with a plain Python that runs the same file."""

from __future__ import annotations

import re
import signal
import subprocess
import textwrap
from pathlib import Path

import pytest

from netsim.model.events import (
    CallStarted,
    ProgramEnded,
)
from tests.lab.endpoint_driver import PYTHON, Endpoint
from tests.lab.endpoint_programs import (
    ENDINGS,
    program,
)


def ended(text: str, path: Path) -> tuple[Endpoint, ProgramEnded]:
    """Run a program's file to its end."""
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    with Endpoint(text, str(path)) as endpoint:
        end = endpoint.run()
        endpoint.wait_for_end()
        endpoint.exit_status()
    assert endpoint.output == (b"", b"")  # written nowhere else
    return endpoint, end


def python(path: Path) -> tuple[str, str, int]:
    """What a plain Python prints and how it exits when it runs the file."""
    done = subprocess.run([PYTHON, str(path)], capture_output=True, text=True, timeout=120, check=False)
    return done.stdout, done.stderr, done.returncode


@pytest.mark.parametrize("name", ENDINGS)
def test_it_ends_as_it_does_in_a_plain_python(name: str, tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    endpoint, end = ended(ENDINGS[name], path)
    stdout, stderr, status = python(path)
    assert endpoint.printed() == stdout
    told = endpoint.printed("stderr") + end.traceback
    # The addresses of objects differ, and so does the port that the kernel picked.
    assert _plain(told) == _plain(stderr)
    assert endpoint.exit_status() == status


def _plain(text: str) -> str:
    return re.sub(r"0x[0-9a-f]+|\d{5}|Thread-\d+|repeated \d+", "N", text)


def test_the_line_and_the_error_are_told(tmp_path: Path) -> None:
    _, end = ended("import socket\n\ndef f(s):\n    s.recv(1)\n\nf(socket.socket())\n", tmp_path / "p.py")
    assert end.line == 4
    assert end.error is not None
    assert (end.error.type, end.error.name, end.error.errno) == ("OSError", "ENOTCONN", 107)
    _, end = ended(ENDINGS["a syntax error"], tmp_path / "p.py")
    assert end.error is not None
    assert (end.line, end.error.type) == (2, "SyntaxError")
    _, end = ended("import sys\n\nsys.exit(7)\n", tmp_path / "p.py")
    assert end.error is not None
    assert (end.line, end.error.type, end.error.message, end.traceback) == (3, "SystemExit", "7", "")
    for good in ("x = 1\n\ny = 2\n", "x = 1\n\nexit()\n"):
        _, end = ended(good, tmp_path / "p.py")
        assert (end.line, end.error, end.traceback) == (3, None, "")
    _, end = ended("\0", tmp_path / "p.py")
    assert end.error is not None


def test_the_text_that_runs_is_shown_not_the_file(tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text("something else\n" * 9)
    with Endpoint("x = 1\nprint(missing)\n", str(path)) as endpoint:
        assert "    print(missing)\n" in endpoint.run().traceback
    with Endpoint("x = 1\nprint(missing)\n", "/nowhere/at/all.py") as endpoint:
        traceback = endpoint.run().traceback
        assert '  File "/nowhere/at/all.py", line 2, in <module>\n    print(missing)\n' in traceback


def test_an_interrupted_program_shows_where_and_exits_with_130(tmp_path: Path) -> None:
    text = "import socket\ns = socket.create_server(('127.0.0.1', 0))\ns.accept()\n"
    path = tmp_path / "program.py"
    path.write_text(text)
    with Endpoint(text, str(path)) as endpoint:
        endpoint.stopped()
        endpoint.step()
        endpoint.tell(do="step", message=None)
        endpoint.wait_for(CallStarted)
        endpoint.wait_until_asleep(3)
        endpoint.interrupt()
        end = endpoint.run()
        assert endpoint.exit_status() == 130
    assert end.line == 3
    plain = subprocess.Popen([PYTHON, str(path)], stderr=subprocess.PIPE, text=True)
    while "0A" not in Path(f"/proc/{plain.pid}/net/tcp").read_text() or not _sleeps(plain.pid, 3):
        assert plain.poll() is None
    plain.send_signal(signal.SIGINT)
    assert end.traceback == plain.communicate(timeout=120)[1]


def _sleeps(pid: int, descriptor: int) -> bool:
    state = Path(f"/proc/{pid}/syscall").read_text().split()
    return state[0] != "running" and int(state[1], 16) == descriptor


def test_a_very_long_traceback_is_cut_in_the_middle(tmp_path: Path) -> None:
    text = f"raise ValueError('{'x' * 50_000}' + '{'y' * 50_000}')\n"
    endpoint, end = ended(text, tmp_path / "program.py")
    assert end.traceback.startswith("Traceback (most recent call last):\n")
    assert end.traceback.endswith("y\n")
    assert endpoint.longest < 32_768


@pytest.mark.parametrize("where", ["stopped", "waiting for go", "printing", "before the first line"])
def test_when_the_host_is_gone_it_ends(where: str) -> None:
    text = "import socket\ns = socket.socket()\nwhile True: print('x' * 1000)\n"
    endpoint = Endpoint(text)
    try:
        if where != "before the first line":
            endpoint.stopped()
        if where in ("waiting for go", "printing"):
            endpoint.answers = where == "printing"
            endpoint.tell(do="step", message=None)
            endpoint.wait_for(CallStarted)
        endpoint.close()
        assert endpoint.exit_status() == 1
        assert endpoint.process.communicate() == (b"", b"")
    finally:
        endpoint.__exit__()


def test_a_program_that_closes_all_files_runs_on_unheard(tmp_path: Path) -> None:
    note = tmp_path / "note"
    text = f"""
import os, socket
os.closerange(3, 1000)
print('lost')
open({str(note)!r}, 'w').write('on')
socket.socket()
"""
    with Endpoint(text) as endpoint:
        endpoint.wait_for_end()
        assert endpoint.exit_status() == 1
        assert note.read_text() == "on"


def test_os_exit_and_exec_are_just_the_end() -> None:
    with Endpoint("import os\nos._exit(5)\n") as endpoint:
        endpoint.wait_for_end()
        assert endpoint.exit_status() == 5
    command = "echo $0; ls /proc/self/fd | wc -l; exit 6"
    with Endpoint(f"import os\nos.execv('/bin/sh', ['sh', '-c', '{command}'])\n") as endpoint:
        endpoint.wait_for_end()
        assert endpoint.exit_status() == 6
    out, _ = endpoint.output
    assert out.split()[0] == b"sh"
    assert int(out.split()[1]) <= 5  # 0, 1, 2, ls's own directory: nothing of ours


def test_an_uncaught_exception_in_a_with_block_closes_first() -> None:
    text = "with s:\n    conn.recv(1, 2, 3)\n"
    with Endpoint(program(textwrap.dedent(text), pair=True)) as endpoint:
        end = endpoint.run()
        assert end.error is not None
        assert (end.error.type, end.line) == ("TypeError", 7)
        assert [call.name for call in endpoint.calls()[-2:]] == ["recv", "close"]


def test_nothing_of_it_is_left() -> None:
    with Endpoint("import socket\ns = socket.create_server(('127.0.0.1', 0))\ns.accept()\n") as endpoint:
        endpoint.stopped()
    assert endpoint.process.returncode == -signal.SIGKILL
    assert not Path(f"/proc/{endpoint.pid}").exists()
