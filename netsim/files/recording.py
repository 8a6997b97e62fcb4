r"""Recordings: what happened, in a text file that any machine can replay. One JSON object a line, one write a line.

Law: whatever a file holds, reading it gives events, or says what is wrong and in which line; it never runs anything,
and takes no more memory than `MOST_EVENTS` and `MOST_BYTES` allow.

The format (UTF-8, lines end in \n):

    {"netsim":"recording","version":1,"about":"the main story"}
    {"type":"LabStarted","net":"private","port":8888, ... ,"at":0.445}
    {"type":"CommandAccepted","id":3,"kind":"Step","who":"server","at":1.094}
    {"type":"PacketHeld","number":1,"raw":"RQAAPA...", ... ,"at":2.728}

The first line is the header: `netsim` is always "recording"; `version` is the format's, and a reader refuses a newer
one; `about` may be missing. Each further line is one event, in the order in which it was shown: `type` names its class
in netsim.model.events (and gate_events), `at` is in seconds since its lab was started, bytes are base64, and what has
its default value may be missing. Unknown fields are passed over. Each LabStarted begins a new lab, with a clock of its
own. Nothing is in the file that was not on the screen's side: no time of day, no name of the machine or of the user,
but what programs printed and messages said.

A line is appended with one write as soon as its event is shown, so that the file of a netsim that was killed is
whole, or ends in one line that is cut off.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple, Self

import msgspec

from netsim.files.plausible import oddity
from netsim.model.events import AnyEvent, decode, encode
from netsim.model.fold import fold
from netsim.model.timeline import MOST
from netsim.model.world import World

VERSION = 1
LONGEST_LINE = 4_000_000  # bytes; nothing that netsim writes comes near
MOST_EVENTS = MOST  # that are read to be shown: as many as a timeline keeps
MOST_BYTES = 200_000_000


class Header(msgspec.Struct, frozen=True, omit_defaults=True):
    """The first line: {"netsim":"recording","version":1}."""

    netsim: str
    version: int
    about: str = ""


class RecordingError(Exception):
    """A file that is no recording, or not one that this version can read; the message says what and in which line."""


class Recording(NamedTuple):
    """What was read. `damage`: why it is not all, a sentence that begins with the line, "" if it is."""

    events: list[AnyEvent]
    about: str
    damage: str = ""


class Recorder:
    """Writes events to a new file as they come; a context manager.

    Raises OSError where the file can't be made: FileExistsError where there is one, unless it is to be `replaced`.
    """

    def __init__(self, path: Path, about: str = "", *, replaced: bool = False) -> None:
        how = os.O_TRUNC if replaced else 0 if _is_a_sink(path) else os.O_EXCL
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0) | how, 0o644)
        try:
            self._write(msgspec.json.encode(Header("recording", VERSION, about)))
        except OSError:
            self.close()
            raise

    def write(self, event: AnyEvent) -> None:
        """Append one event; raises OSError where that fails, a full disk for one."""
        self._write(encode(event))

    def close(self) -> None:
        """Close the file; what was written stays."""
        os.close(self._fd)

    def _write(self, line: bytes) -> None:
        left = memoryview(line + b"\n")
        while left:  # one write, unless the system takes only a part of it
            left = left[os.write(self._fd, left) :]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _is_a_sink(path: Path) -> bool:
    """Whether it is a device that keeps nothing that could be written over, as /dev/full is; no terminal."""
    try:
        if not stat.S_ISCHR(os.stat(path).st_mode):
            return False
        descriptor = os.open(path, os.O_WRONLY | getattr(os, "O_NOCTTY", 0))
    except OSError:
        return False
    try:
        return not os.isatty(descriptor)
    finally:
        os.close(descriptor)


def save(path: Path, events: Iterable[AnyEvent], about: str = "") -> None:
    """Write a whole recording, in place of a file that is there."""
    with Recorder(path, about, replaced=True) as recorder:
        for event in events:
            recorder.write(event)


def read(path: Path) -> Recording:
    """As much of a recording as can be shown; raises RecordingError where that is nothing, OSError as `open` does."""
    events: list[AnyEvent] = []
    with _opened(path) as file:
        header = _header(file)
        try:
            for number, event in _events(file):
                if len(events) == MOST_EVENTS:
                    damage = f"line {number}: the recording goes on, but more than {MOST_EVENTS} events are not shown"
                    return Recording(events, header.about, damage)
                events.append(event)
        except RecordingError as error:
            if not events:
                raise
            return Recording(events, header.about, str(error))
    if not events:
        raise RecordingError("line 2: nothing was recorded")
    return Recording(events, header.about)


def load(path: Path) -> list[AnyEvent]:
    """Every event of a recording; raises RecordingError where the file is none, damaged or from a newer version."""
    with _opened(path) as file:
        _header(file)
        return [event for _number, event in _events(file)]


def about(path: Path) -> str:
    """What a recording is about, as its header says; raises RecordingError where it is none."""
    with _opened(path) as file:
        return _header(file).about


def _opened(path: Path) -> BinaryIO:
    """The file, if it is one: a pipe or a device could keep its reader waiting for ever."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise RecordingError("this is no file")
    return path.open("rb")


def _header(file: BinaryIO) -> Header:
    try:
        header = msgspec.json.decode(file.readline(LONGEST_LINE), type=Header)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise RecordingError("line 1: this file is no netsim recording") from error
    if header.netsim != "recording":
        raise RecordingError("line 1: this file is no netsim recording")
    if header.version > VERSION:
        raise RecordingError(f"line 1: made by a newer netsim (format {header.version}, this one reads {VERSION})")
    if header.version != VERSION:
        raise RecordingError(f"line 1: format {header.version} is none that netsim ever wrote")
    return header


def _events(file: BinaryIO) -> Iterator[tuple[int, AnyEvent]]:
    """Each event with its line's number; raises RecordingError at the first line that is none."""
    number, count, size, world = 1, 0, 0, World()
    while line := file.readline(LONGEST_LINE):
        number += 1
        size += len(line)
        if not line.endswith(b"\n"):
            if len(line) == LONGEST_LINE:
                raise RecordingError(f"line {number}: too long for an event")
            raise RecordingError(f"line {number}: the file is cut off here, after {count} events")
        if size > MOST_BYTES:
            raise RecordingError(f"line {number}: the file is larger than {MOST_BYTES // 1_000_000} MB")
        event = _event(line, number)
        try:
            world = fold(world, event)
        except Exception as error:  # whatever it is: made by hand, or damaged
            raise RecordingError(f"line {number}: this {type(event).__name__} does not fit what came before") from error
        count += 1
        yield number, event


def _event(line: bytes, number: int) -> AnyEvent:
    try:
        event = decode(line)
    except RecursionError as error:
        raise RecordingError(f"line {number}: no event of a recording: nested too deep") from error
    except (msgspec.DecodeError, ValueError) as error:
        raise RecordingError(f"line {number}: no event of a recording: {error}") from error
    if odd := oddity(event):
        raise RecordingError(f"line {number}: no event of a recording: {odd}")
    return event
