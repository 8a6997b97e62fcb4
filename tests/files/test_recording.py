"""Recordings: what goes in comes out; what is no recording says so, with its line, and what is damaged is kept up to
there."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netsim.files import recording
from netsim.files.recording import Recorder, Recording, RecordingError, about, load, read, save
from netsim.files.replay import abouts, bundled, find
from netsim.model.fold import fold_all
from netsim.model.timeline import Timeline
from netsim.model.world import World
from netsim.story.narrator import narrate
from netsim.text.charset import ASCII, UNICODE, Charset, cells
from netsim.text.grid import Grid
from netsim.text.handout import handout
from netsim.text.screen import Scene, draw_screen
from tests.script import Script, ref, tcp

HEADER = b'{"netsim":"recording","version":1}\n'
EVENT = b'{"type":"LabEnded","at":1.0,"reason":"closed"}\n'


def a_story() -> Script:
    script = Script()
    script.open()
    script.call("server", "send", socket=ref(4, 7, 8888, 51324), size=3, data=b"\x00\xff\n")
    script.kernel(tcp("LISTEN", 8888, inode=501, send=5))
    return script


class TestWriting:
    def test_what_goes_in_comes_out(self, tmp_path: Path) -> None:
        events = a_story().events
        save(tmp_path / "story", events, "a story")
        assert load(tmp_path / "story") == events
        assert read(tmp_path / "story") == Recording(events, "a story")
        assert about(tmp_path / "story") == "a story"

    def test_every_event_is_in_the_file_as_soon_as_it_is_written(self, tmp_path: Path) -> None:
        events = a_story().events
        with Recorder(tmp_path / "story") as recorder:
            for count, event in enumerate(events, 1):
                recorder.write(event)
                assert load(tmp_path / "story") == events[:count]

    def test_each_event_is_one_write(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        written: list[bytes] = []
        real = os.write
        monkeypatch.setattr(recording.os, "write", lambda fd, data: (written.append(bytes(data)), real(fd, data))[1])
        events = a_story().events
        save(tmp_path / "story", events)
        assert len(written) == 1 + len(events)
        assert all(line.endswith(b"\n") and line.count(b"\n") == 1 for line in written)

    def test_who_is_killed_has_written_all(self, tmp_path: Path) -> None:
        code = (
            "import sys, os, signal\nfrom pathlib import Path\n"
            "from netsim.files.recording import Recorder\nfrom netsim.model.events import LabEnded\n"
            "recorder = Recorder(Path(sys.argv[1]))\n"
            "for at in range(3): recorder.write(LabEnded(at=float(at), reason='x'))\n"
            "os.kill(os.getpid(), signal.SIGKILL)"
        )
        ended = subprocess.run([sys.executable, "-c", code, tmp_path / "story"], check=False)
        assert ended.returncode == -signal.SIGKILL
        assert [event.at for event in load(tmp_path / "story")] == [0.0, 1.0, 2.0]

    def test_it_never_writes_over_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "mine").write_text("precious")
        (tmp_path / "link").symlink_to(tmp_path / "nowhere")
        for name in ("mine", "link"):
            with pytest.raises(FileExistsError):
                Recorder(tmp_path / name)
        assert (tmp_path / "mine").read_text() == "precious"
        assert not (tmp_path / "nowhere").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
def test_a_device_that_takes_nothing_says_why_and_a_terminal_is_left_alone() -> None:
    with pytest.raises(OSError, match="No space left"):
        Recorder(Path("/dev/full"))
    master, terminal = os.openpty()
    try:
        with pytest.raises(FileExistsError):
            Recorder(Path(os.ttyname(terminal)))
    finally:
        os.close(master)
        os.close(terminal)


NO_RECORDING = "line 1: this file is no netsim recording"
DAMAGED = [
    (b'{"type":"LabEnded","at":1', "line 3: the file is cut off here, after 1 events"),
    (b'{"type":"Nonsense"}\n', "line 3: no event of a recording: Invalid value 'Nonsense'"),
    (b"[1,2]\n", "line 3: no event of a recording: Expected `object`, got `array`"),
    (b"\n", "line 3: no event of a recording: "),
    (b"\xff\xfe\n", "line 3: no event of a recording: "),
    (b'{"type":"LabEnded","at":"soon","reason":""}\n', "line 3: no event of a recording: Expected `float`, got `str`"),
    (b'{"type":"LabEnded","at":1e999,"reason":""}\n', "line 3: no event of a recording: "),
    (b'{"type":"LabEnded","at":1e300,"reason":""}\n', "line 3: no event of a recording: `at` can't be so small or so"),
    (b'{"type":"LabEnded","at":-1.0,"reason":""}\n', "line 3: no event of a recording: `at` can't be so small or so"),
    (b'{"type":"PacketReleased","at":1.0,"number":%s}\n' % (b"9" * 50), "line 3: no event of a recording: "),
    (b'{"type":"PacketReleased","at":1.0,"number":%s}\n' % (b"9" * 9000), "line 3: no event of a recording: "),
    (b'{"type":"LabEnded","at":1.0,"reason":"","x":%s}\n' % (b"[" * 90_000), "line 3: no event of a recording: "),
    (b'{"type":"LabEnded","at":1.0,"reason":"%s"}\n' % (b"x" * 5_000_000), "line 3: too long for an event"),
]  # fmt: skip


class TestReading:
    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", NO_RECORDING),
            (b"\x00\x01\x02", NO_RECORDING),
            (b"[" * 100_000, NO_RECORDING),
            (b"x" * 5_000_000, NO_RECORDING),
            (b'{"netsim":"picture","version":1}\n', NO_RECORDING),
            (b'{"netsim":"recording","version":"1"}\n', NO_RECORDING),
            (b'{"netsim":"recording","version":2}\n', "line 1: made by a newer netsim (format 2, this one reads 1)"),
            (b'{"netsim":"recording","version":0}\n', "line 1: format 0 is none that netsim ever wrote"),
            (HEADER, "line 2: nothing was recorded"),
            (HEADER + b'{"type":"LabEnded","at":1', "line 2: the file is cut off here, after 0 events"),
        ],
    )
    def test_what_is_no_recording_says_so(self, tmp_path: Path, content: bytes, message: str) -> None:
        (tmp_path / "file").write_bytes(content)
        with pytest.raises(RecordingError) as error:
            read(tmp_path / "file")
        assert str(error.value) == message

    @pytest.mark.parametrize(("line", "message"), DAMAGED)
    def test_what_is_damaged_is_read_up_to_there(self, tmp_path: Path, line: bytes, message: str) -> None:
        (tmp_path / "file").write_bytes(HEADER + EVENT + line)
        found = read(tmp_path / "file")
        assert len(found.events) == 1
        assert found.damage.startswith(message)
        with pytest.raises(RecordingError, match=r"^line 3: "):
            load(tmp_path / "file")

    def test_what_does_not_fit_what_came_before_is_damage(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fold(world: World, event: object) -> World:
            if world.ended:
                raise KeyError(event)
            return fold_all(world, [event])  # type: ignore[list-item]

        monkeypatch.setattr(recording, "fold", fold)
        (tmp_path / "file").write_bytes(HEADER + EVENT + EVENT)
        assert read(tmp_path / "file").damage == "line 3: this LabEnded does not fit what came before"

    def test_a_long_one_is_shown_up_to_what_memory_takes(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "file").write_bytes(HEADER + EVENT * 9)
        monkeypatch.setattr(recording, "MOST_EVENTS", 5)
        found = read(tmp_path / "file")
        assert len(found.events) == 5
        assert found.damage == "line 7: the recording goes on, but more than 5 events are not shown"
        monkeypatch.setattr(recording, "MOST_BYTES", 100)
        assert read(tmp_path / "file").damage == "line 4: the file is larger than 0 MB"

    def test_unknown_fields_are_passed_over(self, tmp_path: Path) -> None:
        header, event = HEADER.replace(b"}", b',"later":[1]}'), EVENT.replace(b"}", b',"later":{"deep":[{}]}}')
        (tmp_path / "file").write_bytes(header + event)
        assert len(load(tmp_path / "file")) == 1

    def test_only_a_file_is_read(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        for path in (tmp_path, tmp_path / "pipe", Path("/dev/zero")):
            with pytest.raises(RecordingError, match="this is no file"):
                read(path)
        with pytest.raises(FileNotFoundError):
            read(tmp_path / "nowhere")

    @given(rubbish=st.binary(max_size=300))
    def test_rubbish_is_refused_and_nothing_else_happens(
        self, tmp_path_factory: pytest.TempPathFactory, rubbish: bytes
    ) -> None:
        path = tmp_path_factory.mktemp("rubbish") / "file"
        path.write_bytes(HEADER + rubbish)
        with pytest.raises(RecordingError, match=r"^line \d+: "):
            read(path)


ODD_NUMBERS = (0, -1, 1, 2, 65_535, 65_536, 2**31, 2**32, 2**63 - 1, 2**63, 10**30, 1e300, 0.5, -0.5)
ODD_TEXTS = ("", "\x1b[2J", "a" * 5000, "\u202e", "server", "client99", "udpserver", "udp", "::1", "\n\n", "\0")


def spoilt(value: Any, dice: random.Random) -> Any:
    """One thing in it is another one of a similar kind."""
    match value:
        case dict() if value:
            name = dice.choice(sorted(value))
            return {**value, name: spoilt(value[name], dice)}
        case list() if value and dice.random() < 0.7:
            place = dice.randrange(len(value))
            return [*value[:place], spoilt(value[place], dice), *value[place + 1 :]]
        case list():
            return value * dice.choice((0, 2, 50))
        case bool():
            return not value
        case int() | float():
            return dice.choice(ODD_NUMBERS)
        case str():
            return dice.choice(ODD_TEXTS)
        case _:
            return dice.choice((0, "x", {"host": "127.0.0.1", "port": 8888}))


def assert_drawn(world: World, size: tuple[int, int], charset: Charset) -> None:
    grid = Grid.of(*size)
    assert grid is not None
    scene = Scene(why=narrate(world), cap="SPACE", label="forward", recorded=True, steps=1, moment=(1, 2))
    for line in draw_screen(world, grid, charset, scene):
        assert sum(cells(span.text) for span in line) == size[0]
        assert all(span.text.isprintable() for span in line)


@given(seed=st.integers(0, 2**32))
def test_a_hostile_recording_is_refused_or_drawn_harmlessly(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    dice = random.Random(seed)
    lines = bundled()["handshake"].read_bytes().splitlines()
    for _ in range(dice.choice((1, 3))):
        place = dice.randrange(1, len(lines))
        lines[place] = json.dumps(spoilt(json.loads(lines[place]), dice)).encode()
    path = tmp_path_factory.mktemp("hostile") / "file"
    path.write_bytes(b"\n".join(lines) + b"\n")
    try:
        events = read(path).events
    except RecordingError:
        return
    timeline = Timeline()
    for event in events:
        timeline.append(event)
    assert_drawn(timeline.now, (80, 24), UNICODE)
    assert_drawn(timeline.at(dice.randrange(len(events))), (160, 40), ASCII)
    assert all(line.isprintable() and line.isascii() for line in handout(events, ASCII))


class TestBundled:
    def test_each_is_whole_and_says_what_it_is(self) -> None:
        assert "handshake" in bundled()
        for name, path in bundled().items():
            found = read(path)
            assert found.damage == ""
            assert abouts()[name] == found.about != ""

    def test_a_name_is_a_bundled_one_s_or_a_file_s(self) -> None:
        assert find("handshake") == bundled()["handshake"]
        assert find("./handshake") == Path("handshake")
