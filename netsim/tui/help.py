"""The help: one screen of keys, marks and words, made from the register of keys.

Law: it fits 80 columns and 24 rows; any key closes it.
"""

from __future__ import annotations

from collections.abc import Sequence

from netsim.text.charset import Charset
from netsim.text.layout import fill
from netsim.text.lines import Line, Span
from netsim.text.listing import FAILED
from netsim.tui.keymap import REGISTER, Key

CAP = 8  # columns of a key's name
COLUMN = 40  # columns of a key's name and what it does


def help_lines(charset: Charset) -> list[Line]:
    """The help's rows."""
    c = charset
    head: list[Line] = [
        (
            Span(" "), Span("netsim: keys", "bold"), Span("   ("), Span("ctrl+p", "key"),
            Span(" finds them by plain words)        any key goes back"),
        ),
        (),
    ]  # fmt: skip
    dashes = f"{c.dash} {c.dash}"
    whose: Line = (
        Span(" "), Span("the client's", "client"), Span("  "), Span("the server's", "server"), Span("  "),
        Span(f"{c.next} reversed", "next"), Span(": space does it  "), Span("bold", "bold"), Span(": just changed"),
    )  # fmt: skip
    fates: Line = (
        Span(f" {c.next} next  {c.stopped} stopped  {c.asleep} asleep  {FAILED} failed  {c.held} held  "),
        Span(f"{c.lost} lost", "lost"),
        Span(f"  {dashes} inferred  +2 copies"),
    )
    marks = (
        " - as a PID: no process, the kernel has it   PORT 8888/tcp, 8888/udp: two ports",
        " the same from another terminal:   netsim shell -- ss -tanp",
    )
    return [
        *head,
        *_columns([key for key in REGISTER if key.brief]),
        (),
        whose,
        fates,
        *((Span(mark),) for mark in marks),
    ]


def _columns(keys: Sequence[Key]) -> list[Line]:
    """The keys in two columns, down the left one first."""
    half = (len(keys) + 1) // 2
    rows = []
    for index in range(half):
        beside = keys[index + half : index + half + 1]
        rows.append((*fill(_entry(keys[index]), COLUMN), *(span for key in beside for span in _entry(key))))
    return rows


def _entry(key: Key) -> list[Span]:
    return [Span(f" {key.cap:<{CAP}}", "key"), Span(key.brief)]
