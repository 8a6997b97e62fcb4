"""The case's last picture: five claims, each with the command that shows it and what that printed.

Law: the output is the command's own, with runs of spaces made one; what is left out is counted.
"""

from __future__ import annotations

from netsim.story.case import Case, Proof
from netsim.story.case_words import claims
from netsim.text.case_command import command
from netsim.text.charset import Charset, cells, clip
from netsim.text.layout import blank, fill
from netsim.text.lines import Line, Span

INDENT = 1
FIRST_TO_GROW = (3, 2, 4, 5, 1)  # exhibits whose output is longer than a line


def draw_verdict(case: Case, width: int, height: int, charset: Charset) -> list[Line]:
    """`height` lines: at least fifteen, so that each claim has its command and a line of output."""
    made = claims(case)
    proofs = [case.proofs.get(exhibit, Proof(None)) for exhibit in range(1, len(made) + 1)]
    outputs = [_pieces(proof, width - INDENT - 1, charset) for proof in proofs]
    rooms = _rooms([len(output) for output in outputs], height - 1 - 2 * len(made))
    lines: list[Line] = [
        fill([Span(charset.dash, "rule"), Span(" PORTS, NOT PIDS ", "head")], width, charset.dash, "rule")
    ]
    for index, ((holds, text), proof, output) in enumerate(zip(made, proofs, outputs, strict=True)):
        shown = output[: rooms[index]]
        if len(output) > len(shown) and shown:
            left = f" (+{len(output) - len(shown)})"
            shown[-1] = clip(shown[-1], width - INDENT - cells(left)) + left
        mark = "ok" if holds else "--"
        lines.append(fill([Span(f" {index + 1} "), Span(mark, "bold"), Span(f"  {charset.visible(text)}")], width))
        typed = command(proof.check) if proof.check else "(it could not be run here)"
        lines.append(fill([Span("     $ "), Span(charset.visible(typed), "key")], width))
        lines += [fill([Span(" " * INDENT), Span(each)], width) for each in shown]
    return (lines + [blank(width)] * height)[:height]


def _rooms(wanted: list[int], rows: int) -> list[int]:
    """How many rows each output gets: one at least, then more by turns."""
    rooms = [1] * len(wanted)
    for _ in range(rows):
        for exhibit in FIRST_TO_GROW:
            if sum(rooms) < rows and rooms[exhibit - 1] < wanted[exhibit - 1]:
                rooms[exhibit - 1] += 1
    return rooms


def _pieces(proof: Proof, width: int, charset: Charset) -> list[str]:
    """The output's lines, the longest ones broken."""
    found: list[str] = []
    for line in proof.output.splitlines():
        text = charset.visible(" ".join(line.split()))
        while cells(text) > width:
            head = clip(text, width, "")
            end = head.rfind(",") + 1 or len(head)
            found.append(text[:end])
            text = f"  {text[end:]}"
        found.append(text)
    return found or ["(it printed nothing)" if proof.check else ""]
