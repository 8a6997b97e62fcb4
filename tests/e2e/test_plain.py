"""Plain mode, end to end: the same story through pipes, without a terminal."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.e2e.netsim_terminal import ROOT

pytestmark = pytest.mark.usefixtures("no_leaks")


def plain(port: int, *typed: str) -> str:
    """What netsim tells when these lines are typed to it."""
    finished = subprocess.run(
        [sys.executable, "-m", "netsim", "--net", "host", "--port", str(port), "--plain"],
        input="".join(f"{line}\n" for line in typed),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=ROOT,
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stderr == ""
    assert "\x1b" not in finished.stdout
    return finished.stdout


def test_enter_tells_the_whole_story(free_port: int) -> None:
    told = plain(free_port, *[""] * 40, "quit")
    moments = ["bind(", "listen(5)", "connect(", "accept()", "recv(1024)", "close()", "TIME_WAIT", "sendto("]
    places = [told.find(moment) for moment in moments]
    assert -1 not in places, dict(zip(moments, places, strict=True))
    assert "the end of the story" in told


def test_the_words_do_what_the_keys_do(free_port: int) -> None:
    told = plain(free_port, "connect", "send hello there", "close", "udp ahoy", "ports", "quit")
    for pattern in (r"connect\(.*ok", r"send\(.*→ 11", r"client: s\.close\(\) +ok", r'4 bytes "ahoy"'):
        assert re.search(pattern, told), f"no {pattern} in:\n{told}"


def test_restart_keeps_the_port(free_port: int) -> None:
    told = plain(free_port, "connect", "restart", "ports", "quit")
    owners = re.findall(rf"port {free_port}/tcp LISTEN: PID (\d+) \(server\)(?:, was PID (\d+))?", told)
    assert owners[-1][0] != owners[0][0]
    assert owners[-1][1] == owners[0][0]


def test_the_end_of_the_input_is_the_end(free_port: int) -> None:
    assert "next: " in plain(free_port)


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
@pytest.mark.parametrize("arguments", [["--plain"], ["lesson"], ["doctor"], ["replay", "handshake", "--text"]])
def test_what_it_writes_to_is_full(arguments: list[str]) -> None:
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "netsim", *arguments], stdin=subprocess.DEVNULL, stdout=full,
            stderr=subprocess.PIPE, text=True, timeout=120, check=False, cwd=ROOT,
        )  # fmt: skip
    assert ended.returncode == 1
    assert ended.stderr == "netsim: what it writes to is full: no space is left there.\n"


def test_without_standard_input_it_tells_where_it_stands_and_ends(free_port: int) -> None:
    command = f"exec {sys.executable} -m netsim --net host --port {free_port} <&-"
    ended = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=120, check=False, cwd=ROOT)
    assert ended.returncode == 0
    assert "next: server: ask the kernel for a socket" in ended.stdout
    assert "Traceback" not in ended.stderr


def test_a_recording_without_a_name_says_what_to_type(free_port: int) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "netsim", "--record", "", "--plain"], stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=120, check=False, cwd=ROOT,
    )  # fmt: skip
    assert ended.returncode == 2
    assert "--record lesson.jsonl" in ended.stderr
