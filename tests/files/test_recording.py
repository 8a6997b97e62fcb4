"""Recordings: what goes in comes out; what is no recording says so, with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netsim.files.recording import Recorder, RecordingError, load, save
from tests.script import Script, ref, tcp


def a_story() -> Script:
    script = Script()
    script.open()
    script.call("server", "send", socket=ref(4, 7, 8888, 51324), size=3, data=b"\x00\xff\n")
    script.kernel(tcp("LISTEN", 8888, inode=501, send=5))
    return script


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    events = a_story().events
    save(tmp_path / "story", events)
    assert load(tmp_path / "story") == events


def test_every_event_is_in_the_file_as_soon_as_it_is_written(tmp_path: Path) -> None:
    events = a_story().events
    with Recorder(tmp_path / "story") as recorder:
        for count, event in enumerate(events, 1):
            recorder.write(event)
            assert load(tmp_path / "story") == events[:count]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "line 1: this file is no netsim recording"),
        (b"\x00\x01\x02", "line 1: this file is no netsim recording"),
        (b'{"netsim":"picture","version":1}\n', "line 1: this file is no netsim recording"),
        (b'{"netsim":"recording","version":2}\n', "line 1: made by another netsim (format 2, this one reads 1)"),
        (b'{"netsim":"recording","version":1}\n{"type":"LabEnded","at":1', "line 2: the file is cut off here"),
        (b'{"netsim":"recording","version":1}\n{"type":"Nonsense"}\n', "line 2: no event of a recording"),
        (b'{"netsim":"recording","version":1}\n[1,2]\n', "line 2: no event of a recording"),
    ],
)
def test_what_is_no_recording_says_so(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(RecordingError, match="^" + message.replace("(", r"\(").replace(")", r"\)")):
        load(tmp_path / "file")


@given(rubbish=st.binary(max_size=300))
def test_rubbish_is_refused_and_nothing_else_happens(tmp_path_factory: pytest.TempPathFactory, rubbish: bytes) -> None:
    path = tmp_path_factory.mktemp("rubbish") / "file"
    path.write_bytes(b'{"netsim":"recording","version":1}\n' + rubbish)
    if not rubbish:
        assert load(path) == []
        return
    with pytest.raises(RecordingError, match=r"^line \d+: "):
        load(path)
