"""The reader of the keyboard: it hands on what is typed, sleeps in between, and ends when the bell rings."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Iterator
from queue import Queue

import pytest
from textual.events import Key
from textual.message import Message

from netsim.tui import keyboard
from netsim.tui.keyboard import Bell, read_keys

PATIENCE = 10.0


class Reader:
    """A reader at the end of a pipe, in a thread of its own."""

    def __init__(self) -> None:
        self._source, self._typed = os.pipe()
        self.messages: Queue[Message] = Queue()
        self.bell = Bell()
        self.thread = threading.Thread(target=read_keys, args=(self._source, self.bell, self.messages.put))
        self.thread.start()

    def type(self, data: bytes) -> None:
        os.write(self._typed, data)

    def key(self) -> str:
        message = self.messages.get(timeout=PATIENCE)
        assert isinstance(message, Key)
        return message.key

    def hang_up(self) -> None:
        os.close(self._typed)
        self._typed = -1

    def close(self) -> None:
        self.bell.ring()
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()
        self.bell.close()
        os.close(self._source)
        if self._typed >= 0:
            self.hang_up()


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> Queue[float | None]:
    """How long the reader is ready to sleep, each time that it goes to sleep."""
    asked: Queue[float | None] = Queue()

    class Select:
        @staticmethod
        def select(
            sources: list[int], _writers: list[int], _others: list[int], seconds: float | None
        ) -> tuple[list[int], list[int], list[int]]:
            asked.put(seconds)
            return select.select(sources, [], [], seconds)

    monkeypatch.setattr(keyboard, "select", Select)
    return asked


@pytest.fixture
def reader(patience: Queue[float | None]) -> Iterator[Reader]:
    opened = Reader()
    yield opened
    opened.close()


def test_what_is_typed_is_handed_on(reader: Reader) -> None:
    reader.type(b"a\x1b[A\xc3")
    assert [reader.key(), reader.key()] == ["a", "up"]
    reader.type(b"\xa9")  # the second half of a letter
    assert reader.key() == "é"


def test_an_escape_alone_is_a_key_after_a_moment(reader: Reader) -> None:
    reader.type(b"\x1b")
    assert reader.key() == "escape"


def test_bytes_that_are_no_text_do_not_end_it(reader: Reader) -> None:
    reader.type(b"\xff\xfe")
    reader.type(b"b")
    while reader.key() != "b":
        pass


def test_it_sleeps_until_something_is_typed(reader: Reader, patience: Queue[float | None]) -> None:
    assert patience.get(timeout=PATIENCE) is None
    reader.type(b"a")
    assert patience.get(timeout=PATIENCE) is not None  # the rest of a sequence might be overdue
    while patience.get(timeout=PATIENCE) is not None:
        pass


def test_the_end_of_what_is_typed_is_read_once(reader: Reader, patience: Queue[float | None]) -> None:
    reader.hang_up()
    while patience.get(timeout=PATIENCE) is None:
        pass
    while patience.get(timeout=PATIENCE) is not None:
        pass
    assert patience.empty()
    assert reader.thread.is_alive()
