"""Recordings: a header line and then one event a line, as JSON; one write per event, so a kill loses at most the last.

Law: whatever a file holds, reading it gives events or a RecordingError that names the line; it never runs anything.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from netsim.model.events import AnyEvent, decode, encode

VERSION = 1
LONGEST_LINE = 4_000_000  # bytes; nothing that netsim writes comes near


class Header(msgspec.Struct, frozen=True):
    """The first line: {"netsim":"recording","version":1}."""

    netsim: str
    version: int


class RecordingError(Exception):
    """A file that is no recording, or not one that this version can read; the message says what and in which line."""


class Recorder:
    """Writes events to a new file as they come; a context manager. Raises OSError where the file can't be made."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        self._write(msgspec.json.encode(Header("recording", VERSION)))

    def write(self, event: AnyEvent) -> None:
        """Append one event."""
        self._write(encode(event))

    def close(self) -> None:
        """Close the file; what was written stays."""
        os.close(self._fd)

    def _write(self, line: bytes) -> None:
        left = memoryview(line + b"\n")
        while left:
            left = left[os.write(self._fd, left) :]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def save(path: Path, events: Iterable[AnyEvent]) -> None:
    """Write a whole recording."""
    with Recorder(path) as recorder:
        for event in events:
            recorder.write(event)


def load(path: Path) -> list[AnyEvent]:
    """Every event of a recording; raises RecordingError where the file is none, damaged or from a newer version."""
    events: list[AnyEvent] = []
    with path.open("rb") as file:
        _check_header(file.readline(LONGEST_LINE))
        number = 1
        while line := file.readline(LONGEST_LINE):
            number += 1
            if not line.endswith(b"\n"):
                raise RecordingError(f"line {number}: the file is cut off here, after {len(events)} events")
            try:
                events.append(decode(line))
            except (msgspec.DecodeError, ValueError) as error:
                raise RecordingError(f"line {number}: no event of a recording: {error}") from error
    return events


def _check_header(line: bytes) -> None:
    try:
        header = msgspec.json.decode(line, type=Header)
    except (msgspec.DecodeError, ValueError) as error:
        raise RecordingError("line 1: this file is no netsim recording") from error
    if header.netsim != "recording":
        raise RecordingError("line 1: this file is no netsim recording")
    if header.version != VERSION:
        raise RecordingError(f"line 1: made by another netsim (format {header.version}, this one reads {VERSION})")
