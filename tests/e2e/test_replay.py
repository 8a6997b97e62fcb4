"""Recording and replaying, end to end: what was shown is in the file, and any machine can show it again."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from netsim.files.desk import Tape
from netsim.files.recording import Recorder, load
from netsim.files.replay import Replay, bundled
from netsim.lab.client import LabClient
from netsim.model.commands import DropPacket, Kill, ReleasePacket
from netsim.model.events import PacketHeld
from netsim.model.views import held_packets
from netsim.session import Session
from netsim.story.director import OPENING, next_action
from tests.e2e.netsim_terminal import ROOT, Netsim
from tests.make_recording import settle
from tests.terminal import Terminal

pytestmark = pytest.mark.usefixtures("no_leaks")


def netsim(
    *arguments: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "netsim", *map(str, arguments)], capture_output=True, text=True, check=False,
        timeout=120, cwd=cwd, env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}, stdin=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.mark.needs_namespaces
def test_a_replay_gives_the_worlds_of_the_session_that_was_recorded(tmp_path: Path) -> None:
    """A handshake, a lost packet, a second lab, a killed server: at every point the same world."""
    came = threading.Event()
    session = Session(lambda: LabClient(net="private"), OPENING)
    tape = Tape(session, Recorder(tmp_path / "story"), tmp_path / "story")
    session.attach(came.set)

    def rest(until: int) -> None:
        for _ in range(until):
            settle(session, came)
            for command in next_action(session.world).commands:
                session.dispatch(command)
        settle(session, came)

    try:
        rest(6)
        session.dispatch(DropPacket(number=held_packets(session.world)[0].number))
        settle(session, came)
        earlier = session.timeline
        session.restart_lab()
        rest(8)
        session.focus("server")
        session.dispatch(ReleasePacket(number=99))  # refused: it is in the recording like all else
        session.dispatch(Kill(who="server"))
        settle(session, came)
    finally:
        session.close()
    assert tape.trouble == ""
    replayed = Session(lambda: Replay(load(tmp_path / "story")), recording="story")
    replayed.attach(lambda: None)
    replayed.drain()
    assert replayed.timeline.events == earlier.events + session.timeline.events
    for before, timeline in ((0, earlier), (len(earlier), session.timeline)):
        for index in range(1, len(timeline) + 1):
            assert replayed.timeline.at(before + index) == timeline.at(index)
    assert any(isinstance(event, PacketHeld) for event in session.timeline.events)


def test_what_was_shown_is_in_the_file_when_netsim_is_killed(free_port: int, tmp_path: Path) -> None:
    path = tmp_path / "story.jsonl"
    with Netsim(free_port, "--record", str(path)) as terminal:
        terminal.wait_for_start()
        for _ in range(3):
            terminal.press_and_wait("space")
        assert re.search(r" step 3 +\?", terminal.lines()[0])
        terminal.kill(signal.SIGKILL)
        terminal.wait_for_end()
    shown = netsim("replay", path, "--text").stdout
    assert "[3]\n" in shown
    assert re.search(r"server: s\.bind\(\('127.0.0.1', \d+\)\)   ok", shown)


def test_plain_mode_records_too(free_port: int, tmp_path: Path) -> None:
    path = tmp_path / "story.jsonl"
    done = netsim("--net", "host", "--port", str(free_port), "--plain", "--record", path)
    assert done.returncode == 0, done.stderr
    assert "runs tcp_server.py" in netsim("replay", path, "--text").stdout


@pytest.mark.parametrize("option", ["--record", "--pcapng"])
def test_no_file_is_written_over(tmp_path: Path, option: str) -> None:
    path = tmp_path / "mine"
    path.write_text("precious")
    done = netsim("--plain", option, path) if option == "--record" else netsim("replay", "handshake", option, path)
    assert done.returncode == 2
    assert re.search(r"mine exists already.*choose another name", done.stderr)
    assert path.read_text() == "precious"


@pytest.mark.parametrize("columns", [80, 120])
def test_the_whole_screen_of_a_recording(tmp_path: Path, columns: int) -> None:
    """In a folder of its own; the key for packets writes there."""
    command = [sys.executable, "-m", "netsim", "replay", "handshake", "--no-animation"]
    with Terminal(command, columns=columns, rows=24, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}) as terminal:
        terminal.wait_for(r"RECORDED · moment 1 of 38")
        terminal.wait_quiet()
        for place in (2, 3):
            terminal.press("space")
            terminal.wait_for(rf"RECORDED · moment {place} of 38")
            terminal.wait_quiet()
        terminal.press(",")
        terminal.wait_for(r"moment 2 of 38")
        terminal.press("end")
        terminal.wait_for(r"TIME_WAIT +:8888")
        terminal.press("c")
        terminal.wait_for(r"A recording can't be changed")
        terminal.press("e")
        terminal.wait_for(r"11 packets exported to netsim-packets-1.pcapng")
        terminal.press("home")
        terminal.wait_for(r"start of the recording")
        terminal.press("q")
        assert terminal.wait_for_end() == 0
    assert [path.name for path in tmp_path.iterdir()] == ["netsim-packets-1.pcapng"]


def test_a_damaged_one_is_shown_up_to_there(tmp_path: Path) -> None:
    path = tmp_path / "story"
    path.write_bytes(bundled()["handshake"].read_bytes()[:20_000])
    lines = path.read_bytes().count(b"\n")
    with Terminal([sys.executable, "-m", "netsim", "replay", str(path)], cwd=ROOT) as terminal:
        terminal.wait_for(rf"Line {lines + 1}: the file is cut off here, after {lines - 1} events\. It is shown up")
        terminal.press("q")
        assert terminal.wait_for_end() == 0
    done = netsim("replay", path, "--text")
    assert done.returncode == 1
    assert f"line {lines + 1}: the file is cut off here" in done.stderr
    assert "packet 1 (held)" in done.stdout


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "there is no file .*, and the built-in recordings are: .*handshake"),
        (b"", "line 1: this file is no netsim recording"),
        (b'{"netsim":"recording","version":9}\n', r"line 1: made by a newer netsim \(format 9, this one reads 1\)"),
        (b'{"netsim":"recording","version":1}\n{"type":"\x1b[2J"}\n', "line 2: no event of a recording"),
    ],
)
def test_what_can_t_be_replayed_says_why(tmp_path: Path, content: bytes | None, reason: str) -> None:
    if content is not None:
        (tmp_path / "file").write_bytes(content)
    done = netsim("replay", tmp_path / "file", "--text")
    assert (done.returncode, done.stdout) == (2, "")
    assert re.search(reason, done.stderr)
    assert done.stderr.count("\n") == 1
    assert "\x1b" not in done.stderr


class TestText:
    def test_it_is_the_same_in_a_pipe_and_as_ascii(self) -> None:
        whole, plain = netsim("replay", "handshake", "--text"), netsim("replay", "handshake", "--text", "--ascii")
        assert (whole.returncode, plain.returncode, whole.stderr, plain.stderr) == (0, 0, "", "")
        assert "→ fd 3" in whole.stdout
        assert plain.stdout.isascii()
        assert whole.stdout.replace("→", ">") == plain.stdout

    def test_where_letters_are_ascii_only_it_is_ascii_unasked(self) -> None:
        done = netsim("replay", "handshake", "--text", env={"PYTHONIOENCODING": "ascii"})
        assert (done.returncode, done.stderr) == (0, "")
        assert "> fd 3" in done.stdout

    def test_a_reader_that_leaves_early_is_no_error(self) -> None:
        command = f"{sys.executable} -m netsim replay handshake --text | head -2"
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True, cwd=ROOT)
        assert done.stderr == ""
        assert done.stdout.count("\n") == 2

    def test_without_a_terminal_it_says_what_to_type(self) -> None:
        done = netsim("replay", "handshake")
        assert done.returncode == 2
        assert "netsim replay handshake --text" in done.stderr


def test_without_a_name_it_lists_those_that_there_are() -> None:
    done = netsim("replay")
    assert done.returncode == 0
    assert re.search(r"^handshake +the main story: ", done.stdout, re.MULTILINE)


def test_it_needs_no_lab(tmp_path: Path) -> None:
    """Neither the lab's modules nor its processes: it runs where there are no namespaces and no /proc."""
    code = (
        "import sys\n"
        "class No:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name in ('psutil', 'resource', 'fcntl') or name.startswith('netsim.lab.'):\n"
        "            raise ImportError(name)\n"
        "sys.meta_path.insert(0, No())\n"
        "from netsim.cli import main\n"
        "sys.exit(main(['replay', 'handshake', '--text', '--pcapng', sys.argv[1]]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "out"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    assert "TIME_WAIT" in done.stdout
    assert (tmp_path / "out").stat().st_size > 1000


def test_it_begins_quickly() -> None:
    before = os.times()
    assert netsim("replay", "handshake", "--text").returncode == 0
    after = os.times()  # of the processor; the machine may be busy with something else
    assert after.children_user + after.children_system - before.children_user - before.children_system < 5
