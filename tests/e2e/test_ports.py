"""`netsim ports` as a person and a pipe run it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.e2e.netsim_terminal import ROOT

pytestmark = pytest.mark.usefixtures("no_leaks")
PORTS = [sys.executable, "-m", "netsim", "ports"]


@pytest.fixture
def port() -> Iterator[int]:
    """A port on which this process listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def ports(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PORTS, *words], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_a_pipe_gets_whole_lines(port: int) -> None:
    ended = ports(f":{port}", "listen")
    assert (ended.returncode, ended.stderr) == (0, "")
    head, line = ended.stdout.splitlines()
    assert head.split() == ["PORT", "ADDRESS", "STATE", "PEER", "PID", "USER", "PROGRAM"]
    assert line.split()[:5] == [f"{port}/tcp", "127.0.0.1", "LISTEN", "-", str(os.getpid())]
    assert "\x1b" not in ended.stdout
    assert len(ports("-H", f":{port}", "listen").stdout.splitlines()) == 1


def test_json_has_the_same_rows(port: int) -> None:
    told = json.loads(ports("--json", "pid", str(os.getpid())).stdout)
    assert (port, [os.getpid()], "process") in [(row["port"], row["pids"], row["whose"]) for row in told["rows"]]


def test_nothing_found_is_grep_s_status(port: int) -> None:
    ended = ports(f":{port}", "udp", "\x1b[2J")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "nothing fits" in ended.stderr
    assert "\x1b" not in ended.stderr
    nothing = ports("--json", f":{port}", "udp")
    assert (nothing.returncode, json.loads(nothing.stdout)["rows"]) == (1, [])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("pid",), "pid what? for example: pid 41233"),
        ((":http",), "port what? for example: :8888"),
        (("--sort", "name"), "invalid choice"),
        (("--colour",), "--colour"),
    ],
)
def test_what_can_not_be_understood_is_status_2(words: tuple[str, ...], told: str) -> None:
    ended = ports(*words)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert told in ended.stderr


def test_who_reads_no_further_is_no_error(port: int) -> None:
    """`| head -1` closes the pipe, here before anything was written."""
    reader, writer = os.pipe()
    os.close(reader)
    with subprocess.Popen([*PORTS, "tcp"], cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, text=True) as process:
        os.close(writer)
        _, told = process.communicate(timeout=120)
    assert process.returncode == 0
    assert "Traceback" not in told
    assert "BrokenPipe" not in told


def test_the_help_explains_the_filter() -> None:
    text = ports("--help").stdout
    for words in ("netsim ports :8888 listen", "pid 41233", "time-wait", "The exit status", "netsim shell --"):
        assert words in text
    assert all(len(line) <= 80 for line in text.splitlines())


@pytest.mark.as_user
def test_another_users_sockets_are_told_apart() -> None:
    """What an ordinary user may not see is a question mark, and standard error says what shows it."""
    ended = ports("pid", "?")
    if ended.returncode == 0:
        assert "sudo netsim ports" in ended.stderr
        assert all(line.split()[4] == "?" for line in ended.stdout.splitlines()[1:])
    else:
        assert ended.returncode == 1
