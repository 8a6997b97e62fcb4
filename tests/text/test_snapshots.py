"""Each moment at three sizes, cell texts and styles, against stored files.

`python -m tests.text.test_snapshots` draws them anew: look at what changed before it is committed.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from netsim.text.charset import UNICODE
from netsim.text.grid import Grid
from netsim.text.screen import draw_screen
from tests.text.frames import ALL

FOLDER = Path(__file__).parent / "snapshots"
SIZES = ((80, 24), (120, 36), (200, 50))
LETTERS = {"": " ", "bold": "b", "rule": " ", "head": "h", "client": "c", "server": "s", "client-bold": "C",
           "server-bold": "S", "next": "N", "lost": "l", "key": "k"}  # fmt: skip


def snapshot(name: str, columns: int, rows: int) -> str:
    """Each row's text, and below it a letter for each cell's style (rules are not marked)."""
    frame, grid = ALL[name](), Grid.of(columns, rows)
    assert grid is not None
    lines = []
    for line in draw_screen(frame.world, grid, UNICODE, frame.scene):
        lines.append("".join(span.text for span in line).rstrip())
        lines.append(("~" + "".join(LETTERS[span.style] * len(span.text) for span in line)).rstrip())
    return "\n".join(lines) + "\n"


def path_of(name: str, columns: int, rows: int) -> Path:
    return FOLDER / f"{name}-{columns}x{rows}.txt"


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", ALL)
def test_a_moment_looks_as_it_was_stored(name: str, size: tuple[int, int]) -> None:
    assert snapshot(name, *size) == path_of(name, *size).read_text("utf-8")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for each in ALL:
        for columns, rows in SIZES:
            path_of(each, columns, rows).write_text(snapshot(each, columns, rows), "utf-8")
