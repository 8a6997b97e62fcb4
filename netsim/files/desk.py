"""The desk: recordings, exports and copies of programs, at the person's wish, where netsim was started.

Law: it never writes over a file that is there, and whatever goes wrong with a file ends no session: it is said. What
writes is imported when something is to be written: most sessions never do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from netsim.model.events import AnyEvent
from netsim.session import Session
from netsim.story.calls import plural

if TYPE_CHECKING:
    from netsim.files.recording import Recorder

RECORDING = "netsim-recording-{}.jsonl"
EXPORT = "netsim-packets-{}.pcapng"
PROGRAMS = "netsim-programs-{}"
MOST_NAMES = 10_000


class Tape:
    """Writes a session to a recorder: all that has happened, and from now on every event as it is shown."""

    def __init__(self, session: Session, recorder: Recorder, path: Path) -> None:
        self.path = path
        self.trouble = ""  # why it stopped, "" while it goes on
        self._recorder: Recorder | None = recorder
        for event in session.timeline.events:
            self._take(event)
        session.subscribe(self._take)

    def _take(self, event: AnyEvent) -> None:
        if self._recorder is None:
            return
        try:
            self._recorder.write(event)
        except OSError as error:
            self._recorder = None
            self.trouble = f"The recording in {self.path} has stopped: {error.strerror or error}. It ends here."


class Desk:
    """Satisfies netsim.tui.page.Files. `tape`: what records the session already."""

    def __init__(self, session: Session, tape: Tape | None = None, folder: Path | None = None) -> None:
        self._session = session
        self._tape = tape
        self._folder = folder or Path()
        self._said = ""

    def record(self) -> str:
        """Record the session to a new file; says its name, or why not."""
        if self._session.recording:
            return "This is a recording already: it is in its file."
        if self._tape is not None and not self._tape.trouble:
            return f"All of this is being recorded already, in {self._tape.path}."
        if self._session.timeline.first:
            return "Too late: the oldest events are not kept. netsim --record FILE does it from the start."
        try:
            path, recorder = self._new_recorder()
            self._tape = Tape(self._session, recorder, path)
        except OSError as error:
            return f"No recording can be made here: {error.strerror or error}."
        return self._tape.trouble or f"Recording to {path}: all so far, and what comes."

    def export(self) -> str:
        """Write the packets whose bytes are known to a new file; says its name, or why not."""
        from netsim.files import pcapng
        from netsim.story.captions import captions

        timeline = self._session.timeline
        found = captions(timeline.events, timeline.at(timeline.first))
        if not found:
            if timeline.now.packets:
                return "All packets here are inferred: no bytes of theirs were seen, so there are none to export."
            return "There is no packet yet, so there is nothing to export. space goes on."
        try:
            path = self._export(pcapng.written(found))
        except OSError as error:
            return f"No file can be written here: {error.strerror or error}."
        return f"{plural(len(found), 'packet')} exported to {path}: Wireshark opens it."

    def save(self, files: Sequence[tuple[str, str]]) -> tuple[str, str]:
        """Write files (names and texts) into a new folder; its path, "" if there is none, and a sentence on it."""
        try:
            folder = self._new_folder()
            for name, text in files:
                with (folder / name).open("x", encoding="utf-8") as file:
                    file.write(text)
        except OSError as error:
            return "", f"No file can be written here: {error.strerror or error}."
        return str(folder), f"{plural(len(files), 'file')} saved in {folder.resolve()}: python3 runs them."

    def trouble(self) -> str:
        """Why the recording has stopped, once."""
        trouble = self._tape.trouble if self._tape else ""
        said, self._said = self._said, trouble
        return trouble if trouble != said else ""

    def _new_recorder(self) -> tuple[Path, Recorder]:
        from netsim.files.recording import Recorder

        for path in self._names(RECORDING):
            try:
                return path, Recorder(path)
            except FileExistsError:
                continue
        raise FileExistsError(f"too many files named {RECORDING.format('..')}")

    def _export(self, content: bytes) -> Path:
        for path in self._names(EXPORT):
            try:
                with path.open("xb") as file:
                    file.write(content)
            except FileExistsError:
                continue
            return path
        raise FileExistsError(f"too many files named {EXPORT.format('..')}")

    def _new_folder(self) -> Path:
        for path in self._names(PROGRAMS):
            try:
                path.mkdir()
            except FileExistsError:
                continue
            return path
        raise FileExistsError(f"too many folders named {PROGRAMS.format('..')}")

    def _names(self, pattern: str) -> Iterator[Path]:
        for number in count(1):
            if number > MOST_NAMES:
                return
            yield self._folder / pattern.format(number)
