"""`netsim lesson` as it is typed: the list, one lesson in a pipe, its statuses."""

from __future__ import annotations

import socket
import subprocess
import sys
from types import SimpleNamespace
from typing import cast

import pytest

from netsim.cli.workshop import Workshop
from netsim.story.curriculum import ROWS
from netsim.text.lessons import all_lessons


def lesson(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`netsim lesson ...` in a pipe, with nobody at the keyboard."""
    return subprocess.run(
        [sys.executable, "-m", "netsim", "lesson", *arguments],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
    )  # fmt: skip


def test_without_a_name_it_lists_them() -> None:
    listed = lesson()
    assert listed.returncode == 0
    for each in all_lessons():
        assert f"{each.number:2}  {each.name}" in listed.stdout


def test_a_name_that_is_none_is_a_usage_error() -> None:
    refused = lesson("knitting")
    assert refused.returncode == 2
    assert "two-sockets" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.needs_namespaces
def test_for_a_screen_reader_nothing_is_drawn() -> None:
    told = lesson("3", "--words")
    assert told.returncode == 0
    assert "packet 1 (held): client to server, 5 bytes" in told.stdout
    assert not set(told.stdout) & set("─│├┤◄►■")


@pytest.mark.needs_namespaces
def test_in_a_pipe_it_asks_and_does_not_wait() -> None:
    told = lesson("3", "--ascii")
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.isascii()
    assert "sendto() where nobody listens: what comes of it?" in told.stdout
    assert "The answer: the number 5" in told.stdout
    assert max(len(line) for line in told.stdout.splitlines() if not line.startswith("      ")) <= 80


def test_what_can_not_be_run_here_is_told_and_shown_from_a_recording(free_port: int) -> None:
    told = lesson("--net", "host", "--port", str(free_port), "handshake")
    assert told.returncode == 3, told.stdout
    assert "not here: Here packets can't be held" in told.stdout
    assert "RECORDED, not now and not here:" in told.stdout
    assert "recorded elsewhere: connect() sent one packet, a SYN" in told.stdout
    assert "NOT SO" not in told.stdout


def test_where_the_port_is_taken_both_machines_of_a_lesson_take_the_same_other_one(free_port: int) -> None:
    from netsim.cli.lesson import _Tools
    from netsim.story.lesson import HERE

    asked = []
    workshop = SimpleNamespace(
        port=free_port, free_port=lambda port: port + 1, make_lab=lambda net, port: asked.append((net, port))
    )
    with socket.create_server(("127.0.0.1", free_port)):
        tools = _Tools(cast("Workshop", workshop), "auto")
        tools.make_lab(HERE)
        tools.make_lab("there")
    (_, here), (_, there) = asked
    assert here == there != free_port


def test_coverage_names_every_row() -> None:
    from netsim.story.lesson_run import begin
    from netsim.text.charset import UNICODE
    from netsim.text.lesson_report import coverage_lines

    lines = list(coverage_lines([begin(each) for each in all_lessons()], UNICODE))
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == [row.id for row in ROWS]
    assert lines.count("    NOT OBSERVED by any lesson") == len(ROWS), "nothing was run"
