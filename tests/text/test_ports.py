"""`netsim ports` as lines and as JSON: whole values, stable columns, nothing that a terminal could act on."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from netsim.model.address import Address
from netsim.model.world import Row, RowKey
from netsim.text.cursor import bracketed
from netsim.text.layout import Cell, as_many_as_fit, placed, wrapped
from netsim.text.lines import Span, plain
from netsim.text.ports import HEADS, as_json, lines
from netsim.text.table import row_text

PEER = Address("fe80:1234:1234:1234:1234:1234:1234:1234", 65535)
LISTENER = Row(key=RowKey(8888, "tcp", "127.0.0.1"), state="LISTEN", pids=(41233, 41302), name="my server", user="ada")
LONG = Row(key=RowKey(51324, "tcp", "0.0.0.0", PEER), state="ESTABLISHED", pids=(7,), name="x" * 300, user="DOM\\ a b")
LEFT = Row(key=RowKey(51325, "tcp", "127.0.0.1", PEER), state="TIME_WAIT", whose="kernel", former_pid=7, expires_at=57)
HIDDEN = Row(key=RowKey(22, "tcp", "::"), state="LISTEN", whose="unknown", user="root")
EVIL = Row(key=RowKey(53, "udp", "::"), state="", pids=(9,), name="a\x1b[2J\nb\x9b\x7f\u202e\\", user="e\x07")
ROWS = [LISTENER, LONG, LEFT, HIDDEN, EVIL]


def test_columns() -> None:
    near = replace(LEFT, key=RowKey(51325, "tcp", "127.0.0.1", Address("127.0.0.1", 8888)))
    assert lines([LISTENER, near, HIDDEN]) == [
        "PORT       ADDRESS    STATE      PEER            PID          USER  PROGRAM",
        "8888/tcp   127.0.0.1  LISTEN     -               41233,41302  ada   my server",
        "51325/tcp  127.0.0.1  TIME_WAIT  127.0.0.1:8888  -            -     (the kernel's, 57 s left)",
        "22/tcp     ::         LISTEN     -               ?            root  ?",
    ]


def test_every_line_has_the_same_columns_and_nothing_is_cut() -> None:
    told = lines(ROWS, header=False)
    assert len(told) == len(ROWS)
    for line, row in zip(told, ROWS, strict=True):
        fields = line.split(maxsplit=len(HEADS) - 1)
        assert len(fields) == len(HEADS)
        assert fields[0] == f"{row.key.port}/{row.key.transport}"
        assert fields[3] == (str(row.key.peer) if row.key.peer else "-")
    assert told[1].endswith("x" * 300)


def test_nothing_unescaped() -> None:
    for text in (*lines(ROWS), *(row_text(row) for row in ROWS)):
        assert text.isprintable()
    assert r"a\x1b[2J\nb\x9b\x7f\u202e" in lines([EVIL])[1]


def test_json_is_ascii_and_whole() -> None:
    text = as_json(ROWS, complete=False)
    assert all(char == "\n" or (char.isascii() and char.isprintable()) for char in text)
    told = json.loads(text)
    assert told["complete"] is False
    listener, long, left, hidden, evil = told["rows"]
    assert (listener["port"], listener["pids"], listener["whose"]) == (8888, [41233, 41302], "process")
    assert long["peer"] == {"address": PEER.host, "port": 65535}
    assert (left["pids"], left["whose"], left["seconds_left"]) == ([], "kernel", 57)
    assert (hidden["whose"], hidden["name"], hidden["user"]) == ("unknown", None, "root")
    assert (evil["name"], evil["state"], evil["peer"]) == (EVIL.name, None, None)


def test_rows_whose_process_is_not_known_are_not_complete() -> None:
    known = [row for row in ROWS if row.whose != "unknown"]
    assert [json.loads(as_json(rows, complete=True))["complete"] for rows in (known, ROWS)] == [True, False]


def test_no_rows() -> None:
    assert lines([], header=False) == []
    assert json.loads(as_json([], complete=True)) == {"complete": True, "rows": []}


# --- the cell cursor, and sentences behind each other


CELLS = [Cell(1, [Span("8888/tcp", "server")]), Cell(12, [Span("-")]), Cell(16, [Span("漢字 and more")])]


@pytest.mark.parametrize(
    ("chosen", "line"),
    [(0, "[8888/tcp]  -   漢字 an.."), (1, " 8888/tcp  [-]  漢字 an.."), (2, " 8888/tcp   -  [漢字 an.]")],
)
def test_brackets_stand_in_the_gaps(chosen: int, line: str) -> None:
    found = bracketed(placed(CELLS, 25), CELLS, chosen)
    assert plain(found) == line
    assert [span.text for span in found if span.style == "bold"] == ["[", "]"]


def test_half_a_wide_letter_is_not_left_over() -> None:
    cells = [Cell(1, [Span("漢字漢字")])]
    assert plain(bracketed(placed(cells, 9), cells, 0)) == "[漢字漢 ]"


def test_sentences_are_added_while_they_fit_whole() -> None:
    said = ["One sentence.", "Two of them.", "And a third one."]
    assert as_many_as_fit(said, 26, 1) == "One sentence. Two of them."
    assert as_many_as_fit(said, 25, 1) == "One sentence."
    assert as_many_as_fit(said, 30, 2) == " ".join(said)
    assert as_many_as_fit(said, 5, 1) == "One sentence."  # one is always there, and cut where it is drawn
    assert as_many_as_fit([], 5, 1) == ""
    assert wrapped(as_many_as_fit(said, 30, 2), 30, 2)[-1].endswith("one.")
