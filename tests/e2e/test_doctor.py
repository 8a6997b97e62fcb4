"""`netsim doctor` as a person runs it: in a terminal, in a pipe, in a hurry, and where nothing can be said."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from typing import get_args

import pytest

from netsim.model.capabilities import CheckName
from tests.e2e.netsim_terminal import ROOT
from tests.terminal import Terminal

pytestmark = pytest.mark.usefixtures("no_leaks")
DOCTOR = [sys.executable, "-m", "netsim", "doctor"]
SECONDS = 2.0


def doctor(*options: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*DOCTOR, *options], cwd=ROOT, env={**os.environ, **(env or {})}, capture_output=True, timeout=120, check=False
    )


@pytest.mark.needs_namespaces
def test_in_a_terminal() -> None:
    with Terminal(DOCTOR, columns=80, rows=60, cwd=ROOT, env={"SSH_CONNECTION": "here there"}) as shown:
        assert shown.wait_for_end() == 0
        text = shown.text()
        assert shown.left_behind() == set()
    if re.search("NO  packet queue|NO  rule that fills it", text):
        pytest.skip(f"no packets are held here:\n{text}")
    assert "You can use all of netsim" in text
    assert "ok  a packet, held      hold a handshake and release it" in text
    assert "ok  size                80 columns, 60 rows" in text
    assert "ok  colours             256, by TERM=xterm-256color" in text
    assert "over SSH" in text
    assert "--net auto takes the private net" in text
    assert "FOR WHOEVER" not in text


@pytest.mark.parametrize("term", ["dumb", "", "vt52", "no-such-terminal", "\x1b[31m", "linux"])
def test_odd_terminals(term: str) -> None:
    with Terminal(DOCTOR, columns=79, rows=80, cwd=ROOT, term=term) as shown:
        assert shown.wait_for_end() == 0
        text = shown.text()
    assert ("can't draw a screen" in text) == (term in ("dumb", ""))
    assert ("This window has 79 columns" in text) == (term not in ("dumb", ""))
    assert f"TERM={term or '(not set)'}".replace("\x1b", "\\x1b") in text


def test_json_is_all_there_is_on_standard_output() -> None:
    ended = doctor("--json", env={"TERM": "\udcff\u202e"})
    assert (ended.returncode, ended.stderr) == (0, b"")
    told = json.loads(ended.stdout)
    assert [each["name"] for each in told["found"]["checks"]] == list(get_args(CheckName))
    assert told["found"]["terminal"]["term"] == "\\udcff\u202e"


@pytest.mark.parametrize("env", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C"}, {"PYTHONIOENCODING": "cp037"}])
def test_where_letters_are_few(env: Mapping[str, str]) -> None:
    ended = doctor(env=env)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert "You can use" in ended.stdout.decode("cp037" if "cp037" in env.values() else "ascii")


def test_whoever_reads_may_stop_reading() -> None:
    with subprocess.Popen(DOCTOR, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 0


def test_it_takes_no_time() -> None:
    before = os.times()
    assert doctor().returncode == 0
    after = os.times()  # of the processor; the machine may be busy with something else
    assert after.children_user + after.children_system - before.children_user - before.children_system < SECONDS
    assert after.elapsed - before.elapsed < 10 * SECONDS
