"""What is typed to see fewer rows: every word fits, or is told with what to type instead."""

from __future__ import annotations

import re

import pytest

from netsim.model.address import Address
from netsim.model.filter import NO_FILTER, parse
from netsim.model.view import ORDERS, PLAIN_VIEW, View, arranged, position
from netsim.model.world import Row, RowKey

PEER = Address("127.0.0.1", 51324)
LISTENER = Row(key=RowKey(8888, "tcp", "127.0.0.1"), state="LISTEN", pids=(41302,), former_pid=41233, name="Server")
CONNECTION = Row(key=RowKey(8888, "tcp", "127.0.0.1", PEER), state="ESTABLISHED", whose="kernel")
DATAGRAMS = Row(key=RowKey(8888, "udp", "0.0.0.0"), state="", pids=(41251,), name="server (udp)", user="ada")
CLIENT = Row(key=RowKey(51324, "tcp", "127.0.0.1", Address("127.0.0.1", 8888)), state="TIME_WAIT", whose="kernel")
HIDDEN = Row(key=RowKey(22, "tcp", "0.0.0.0"), state="LISTEN", whose="unknown", user="root")
ROWS = {"L": LISTENER, "C": CONNECTION, "U": DATAGRAMS, "T": CLIENT, "H": HIDDEN}


def fitting(text: str) -> str:
    wanted = parse(text)
    return "".join(name for name, row in ROWS.items() if wanted.fits(row))


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("", "LCUTH"),
        (":8888", "LCUT"),
        ("port 8888", "LCUT"),
        ("port :51324", "CT"),
        (":08888", "LCUT"),
        ("listen", "LH"),
        ("LISTENING", "LH"),
        ("estab", "C"),
        ("Established", "C"),
        ("time-wait", "T"),
        ("TIME_WAIT", "T"),
        ("tcp", "LCTH"),
        ("UDP", "U"),
        ("pid 41302", "L"),
        ("pid 41233", "L"),  # who had it: the row shows that
        ("pid 8888", ""),
        ("pid -", "CT"),
        ("pid ?", "H"),
        ("8888", "LCUT"),
        ("41251", "U"),
        ("server", "LU"),
        ("SERV", "LU"),
        ("name server", "LU"),
        ("name listen", ""),
        ("name tcp", ""),
        ("root", "H"),
        ("ada", "U"),
        ("roo", ""),
        (":8888 listen", "L"),
        ("  :8888   udp  server ", "U"),
        (":8888 nobody-like-this", ""),
        (":" + "9" * 4 + " tcp", ""),
        ("9" * 500, ""),
        ("\x1b[2J", ""),
    ],
)
def test_every_word_has_to_fit(text: str, rows: str) -> None:
    assert fitting(text) == rows


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("pid", "pid what? for example: pid 41233"),
        ("pid python", "pid what? for example: pid 41233"),
        (":8888 pid", "pid what? for example: pid 41233"),
        ("pid ٤", "pid what? for example: pid 41233"),
        ("name", "name what? for example: name python"),
        (":", "port what? for example: :8888"),
        (":http", "port what? for example: :8888"),
        ("port", "port what? for example: :8888"),
        (":65536", "ports end at 65535. For example: :8888"),
        (":" + "9" * 5000, "ports end at 65535. For example: :8888"),
    ],
)
def test_what_can_not_be_understood_is_told_with_what_to_type(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told) + "$"):
        parse(text)


def test_the_words_are_kept_as_they_were_typed() -> None:
    assert parse("  :8888\tLISTEN ").text == ":8888 LISTEN"
    assert parse(" ") == NO_FILTER


# --- orders


def names(rows: list[Row | None]) -> str:
    by_row = {row: name for name, row in ROWS.items()}
    return "".join(by_row[row] if row else "_" for row in rows)


def test_by_itself_every_row_has_its_place_the_blank_ones_too() -> None:
    assert names(arranged([LISTENER, None, CLIENT, HIDDEN], PLAIN_VIEW)) == "L_TH"


@pytest.mark.parametrize(("order", "expected"), [("port", "HLCUT"), ("state", "HLCTU"), ("pid", "ULCTH")])
def test_orders(order: str, expected: str) -> None:
    rows = [CLIENT, None, DATAGRAMS, CONNECTION, HIDDEN, LISTENER]
    view = View(order)  # type: ignore[arg-type]
    shown = arranged(rows, view)
    assert None not in shown
    assert sorted(names(shown)) == sorted(expected)
    if order == "port":
        assert [row.key.port for row in shown if row] == [22, 8888, 8888, 8888, 51324]
    if order == "state":
        assert [row.state for row in shown if row] == ["LISTEN", "LISTEN", "ESTABLISHED", "TIME_WAIT", ""]
    if order == "pid":
        assert [row.pids for row in shown if row] == [(41251,), (41302,), (), (), ()]


def test_the_orders_come_round() -> None:
    view = View(filter=parse("tcp"))
    for _ in ORDERS:
        view = view.next_order()
    assert view == View(filter=parse("tcp"))


def test_the_place_of_a_row_is_found_wherever_it_went() -> None:
    rows: list[Row | None] = [LISTENER, None, CLIENT, HIDDEN]
    assert position(rows, CLIENT, 0) == 2
    assert position(rows, CONNECTION, 1) in (0, 2)  # gone: the nearest
    assert position(rows, None, 3) == 3
    assert position([None, None], CLIENT, 1) == 0
    assert position([], CLIENT, 4) == 0


def test_of_two_sockets_with_one_address_the_one_of_the_process_is_meant() -> None:
    first, second = (Row(key=RowKey(1, "tcp", "::", None), state="LISTEN", pids=(pid,)) for pid in (7, 8))
    assert position([first, second], second, 0) == 1
