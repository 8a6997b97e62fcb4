"""The glossary: every technical word that a person meets in narration and lessons can be looked up."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

import netsim.story
from netsim.model.events import TcpState
from netsim.model.packet import Evidence, Fate, Flag
from netsim.story.calls import CONNECTING, READING, SENDING
from netsim.story.glossary import GLOSSARY, lookup, words_in
from netsim.text.lessons import all_lessons

STORY = Path(netsim.story.__file__).parent
NARRATION = (
    "narrator.py",
    "returned.py",
    "own.py",
    "gate_narrator.py",
    "errors.py",
    "calls.py",
    "director.py",
    "packets.py",
    "curriculum.py",
)
# Written large and no technical word, or explained where it stands.
PLAIN = frozenset(["SPACE", "WAIT", "CPU", "OK", "ID", "NOT", "SO", "MORE", "NUL"])
TERMS = (
    "socket", "port", "PID", "process", "kernel", "program", "packet", "segment", "datagram", "byte", "client",
    "server", "connection", "handshake", "stream", "fd", "file number", "accept queue", "backlog", "ephemeral",
    "loopback", "127.0.0.1", "0.0.0.0", "::1", "four-tuple", "header", "timer", "gate", "held", "lost", "delivered",
    "inferred", "recorded", "unread", "asleep", "thread", "signal", "select()", "fork()", "retransmission", "errno",
)  # fmt: skip


def texts_of(path: Path) -> Iterator[str]:
    """The strings of a module that are no docstrings."""
    tree = ast.parse(path.read_text())
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.value


def lesson_texts() -> Iterator[str]:
    for lesson in all_lessons():
        yield from (lesson.title, lesson.question, lesson.point, lesson.small_print)
        yield from (lesson.mistake.belief, lesson.mistake.truth)
        for step in lesson.steps:
            yield from (step.text, step.after, step.label)
            yield from (claim.sentence for claim in step.shows)
            if step.ask:
                yield step.ask.question
                yield from (text for answer in step.ask.answers for text in (answer.text, answer.why))


def technical(text: str) -> set[str]:
    """Names of calls, and words that are written large: states, flags, errors, protocols, options."""
    calls = {f"{name}()" for name in re.findall(r"(?<![\w.])([a-z_]+)\(", text) if name not in OTHER_CALLS}
    large = set(re.findall(r"(?<![\w'\\/-])[A-Z][A-Z0-9_]{2,}(?:-ACK|-[0-9]+)?(?![\w'])", text))
    return calls | (large - PLAIN)


OTHER_CALLS = frozenset(
    ["print", "open", "input", "len", "range", "int", "str", "bytes", "next", "list", "readlink", "fileno"]
)


def test_every_technical_word_of_the_lessons_has_an_entry() -> None:
    missing = {word for text in lesson_texts() for word in technical(text) if lookup(word) is None}
    assert not missing


def test_every_technical_word_of_the_narration_has_an_entry() -> None:
    texts = (text for name in NARRATION for text in texts_of(STORY / name))
    assert not {word for text in texts for word in technical(text) if lookup(word) is None}


@pytest.mark.parametrize(
    "word",
    [
        *TERMS,
        *get_args(TcpState),
        *(each for each in get_args(Flag) if each != "PSH"),
        *get_args(Evidence)[:1],
        *get_args(Fate),
        *(f"{call}()" for call in ("accept", "recv", "recvfrom", "connect", "send", "sendall", "sendto")),
    ],
)
def test_a_word_of_the_screen_has_an_entry(word: str) -> None:
    assert lookup(word) is not None


def test_the_calls_that_the_screen_tells_of_are_known() -> None:
    odd = {"recv_into", "recvfrom_into", "recvmsg", "sendmsg", "create_connection"}  # as the plain ones
    assert all(lookup(f"{call}()") for call in (CONNECTING | READING | SENDING) - odd)


def test_a_word_has_one_entry() -> None:
    forms = [form for entry in GLOSSARY for form in (entry.word, *entry.forms)]
    assert len(forms) == len(set(forms))


def test_an_entry_is_short() -> None:
    assert not [entry.word for entry in GLOSSARY if len(entry.meaning) > 160 or not entry.meaning.endswith(".")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("connect(): the kernel chose port 51324 and sent a SYN.", ["kernel", "port", "SYN", "connect()"]),
        ("Two sockets, no porter.", ["socket"]),
        ("SYN-ACK", ["SYN", "SYN-ACK", "ACK"]),
        ("fd 3", ["fd"]),
        ("s.connect(('127.0.0.1', 8888))", ["127.0.0.1", "connect()"]),
        ("reconnect() and recv_into()", []),
        ("", []),
    ],
)
def test_words_are_found_in_a_text(text: str, words: list[str]) -> None:
    assert [entry.word for entry in words_in(text)] == words
