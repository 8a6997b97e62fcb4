"""The desk: what a key writes, under which name, and what it says where nothing can be written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from netsim.files import desk as desk_module
from netsim.files.desk import EXPORT, RECORDING, Desk, Tape
from netsim.files.recording import Recorder, load
from netsim.files.replay import Replay, bundled
from netsim.model import events as e
from netsim.model.timeline import Timeline
from netsim.session import Session
from netsim.story.narrator import WIDTH
from tests.labs import Labs
from tests.model.test_inference_properties import recorded
from tests.script import Script


def session_with(events: list[e.AnyEvent]) -> tuple[Session, Labs]:
    labs = Labs()
    session = Session(labs)
    session.attach(lambda: None)
    for event in events:
        labs[-1].deliver(event)
    session.drain()
    return session, labs


def a_story() -> list[e.AnyEvent]:
    script = Script()
    script.open()
    return script.events


class TestRecord:
    def test_all_so_far_and_all_that_comes(self, tmp_path: Path) -> None:
        session, labs = session_with(a_story())
        said = Desk(session, folder=tmp_path).record()
        path = tmp_path / RECORDING.format(1)
        assert said == f"Recording to {path}: all so far, and what comes."
        assert load(path) == a_story()
        ended = e.LabEnded(at=9.0, reason="closed")
        labs[-1].deliver(ended)
        assert load(path) == a_story()
        session.drain()
        assert load(path) == [*a_story(), ended]
        assert load(path) == list(session.timeline.events)

    def test_what_the_person_turned_to_and_a_fresh_lab_are_in_it(self, tmp_path: Path) -> None:
        session, labs = session_with(a_story())
        desk = Desk(session, folder=tmp_path)
        desk.record()
        session.focus("server")
        before = list(session.timeline.events)
        session.restart_lab()
        for event in a_story():
            labs[-1].deliver(event)
        session.drain()
        events = load(tmp_path / RECORDING.format(1))
        assert events == before + a_story()
        again = Session(lambda: Replay(events), recording="x")
        again.attach(lambda: None)
        again.drain()
        assert again.world == session.world

    def test_a_second_time_it_is_said_that_it_is_on(self, tmp_path: Path) -> None:
        session, _labs = session_with(a_story())
        desk = Desk(session, folder=tmp_path)
        desk.record()
        assert desk.record() == f"All of this is being recorded already, in {tmp_path / RECORDING.format(1)}."
        assert len(list(tmp_path.iterdir())) == 1

    def test_it_writes_over_nothing(self, tmp_path: Path) -> None:
        for number in (1, 2):
            (tmp_path / RECORDING.format(number)).write_text("mine")
            (tmp_path / EXPORT.format(number)).write_text("mine")
        session, _labs = session_with(load(bundled()["handshake"]))
        desk = Desk(session, folder=tmp_path)
        assert RECORDING.format(3) in desk.record()
        assert EXPORT.format(3) in desk.export()
        assert (tmp_path / RECORDING.format(1)).read_text() == (tmp_path / EXPORT.format(2)).read_text() == "mine"

    def test_a_full_disk_ends_the_recording_and_not_the_session(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        session, labs = session_with(a_story())
        desk = Desk(session, folder=tmp_path)
        desk.record()
        assert desk.trouble() == ""

        def full(*_: object) -> int:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patched:
            patched.setattr(os, "write", full)
            labs[-1].deliver(e.LabEnded(at=9.0, reason="closed"))
            session.drain()
        assert session.world.ended
        assert desk.trouble().endswith("has stopped: No space left on device. It ends here.")
        assert desk.trouble() == ""
        assert RECORDING.format(2) in desk.record()

    def test_where_nothing_can_be_written_that_is_said(self, tmp_path: Path) -> None:
        session, _labs = session_with(load(bundled()["handshake"]))
        desk = Desk(session, folder=tmp_path / "nowhere")
        assert desk.record() == "No recording can be made here: No such file or directory."
        assert desk.export() == "No file can be written here: No such file or directory."

    def test_too_many_names(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(desk_module, "MOST_NAMES", 2)
        session, _labs = session_with(a_story())
        for _ in range(2):
            assert "all so far" in Desk(session, folder=tmp_path).record()
        assert "too many files" in Desk(session, folder=tmp_path).record()

    def test_what_is_not_in_memory_any_more_can_t_be_recorded(self, tmp_path: Path) -> None:
        session, labs = session_with([])
        session.timeline = Timeline(128, 64)
        for event in load(bundled()["handshake"]):
            labs[-1].deliver(event)
        session.drain()
        assert Desk(session, folder=tmp_path).record().startswith("Too late: the oldest events are not kept.")
        assert list(tmp_path.iterdir()) == []
        assert "7 packets exported" in Desk(session, folder=tmp_path).export()

    def test_a_recording_is_not_recorded_again(self, tmp_path: Path) -> None:
        session = Session(lambda: Replay(a_story()), recording="story")
        assert "already" in Desk(session, folder=tmp_path).record()

    def test_what_was_started_with_an_option_is_on(self, tmp_path: Path) -> None:
        session, _labs = session_with(a_story())
        tape = Tape(session, Recorder(tmp_path / "mine"), tmp_path / "mine")
        assert f"already, in {tmp_path / 'mine'}" in Desk(session, tape, tmp_path).record()
        assert load(tmp_path / "mine") == a_story()


class TestExport:
    def test_packets_known_by_their_bytes(self, tmp_path: Path) -> None:
        session, _labs = session_with(load(bundled()["handshake"]))
        said = Desk(session, folder=tmp_path).export()
        path = tmp_path / EXPORT.format(1)
        assert said == f"11 packets exported to {path}: Wireshark opens it."
        assert path.read_bytes()[:4] == b"\x0a\x0d\x0d\x0a"

    def test_inferred_ones_never(self, tmp_path: Path) -> None:
        session, _labs = session_with([Script().events[0], *recorded("main")])
        assert session.world.packets
        assert "inferred: no bytes of theirs were seen" in Desk(session, folder=tmp_path).export()
        assert list(tmp_path.iterdir()) == []

    def test_where_there_is_none_yet(self, tmp_path: Path) -> None:
        session, _labs = session_with(a_story())
        assert "There is no packet yet" in Desk(session, folder=tmp_path).export()


def test_what_is_said_fits_its_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    session, _labs = session_with(load(bundled()["handshake"]))
    desk = Desk(session)
    assert max(len(said) for said in (desk.record(), desk.record(), desk.export())) <= WIDTH


class TestSave:
    def test_a_new_folder_each_time_and_nothing_is_written_over(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        session, _ = session_with(a_story())
        monkeypatch.chdir(tmp_path)
        desk = Desk(session)
        folder, said = desk.save([("a.py", "print('ä')\n"), ("b.py", "")])
        assert (folder, (Path(folder) / "a.py").read_text("utf-8")) == ("netsim-programs-1", "print('ä')\n")
        assert said == f"2 files saved in {tmp_path / folder}: python3 runs them."
        (tmp_path / folder / "a.py").write_text("mine")
        assert desk.save([("a.py", "theirs")])[0] == "netsim-programs-2"
        assert (tmp_path / folder / "a.py").read_text() == "mine"

    def test_where_nothing_can_be_written_it_is_said(self, tmp_path: Path) -> None:
        session, _ = session_with(a_story())
        folder, said = Desk(session, folder=tmp_path / "gone").save([("a.py", "")])
        assert (folder, said) == ("", "No file can be written here: No such file or directory.")
