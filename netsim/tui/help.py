"""The help: one screen of keys, marks and words, made from the register of keys.

Law: it fits 80 columns and 24 rows; any key closes it.
"""

from __future__ import annotations

from netsim.text.charset import Charset
from netsim.text.lines import Line, Span
from netsim.tui.keymap import REGISTER


def help_lines(charset: Charset) -> list[Line]:
    """The help's rows."""
    c = charset
    how = "   (ctrl+p finds them by plain words)        any key goes back"
    head: list[Line] = [(Span(" "), Span("netsim: keys", "bold"), Span(how)), ()]
    keys: list[Line] = [(Span(f" {key.cap:<8}", "key"), Span(key.tooltip)) for key in REGISTER if key.tooltip]
    dashes = f"{c.dash} {c.dash}"
    fates = f"{c.held} held  {c.lost} lost  {dashes} inferred  +2 copies"
    marks = (
        f" {c.next} next line  {c.stopped} stopped  {c.asleep} asleep  {fates}",
        " bold: changed by the last press   - as a PID: no process, the kernel has it",
        " the same from another terminal:   netsim shell -- ss -tanp",
    )
    return [*head, *keys, (), *((Span(mark),) for mark in marks)]
