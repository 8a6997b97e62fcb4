"""The pictures of the README and the program agree, cell for cell. `python -m tests.pictures` draws them anew."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from netsim.text.charset import cells
from netsim.text.lines import plain
from tests.pictures import PICTURES, PICTURES_TO_DRAW, PLAINS, ROOT, Picture, handshake, plain_form, svg

AGAIN = "the picture is not what the program draws: python -m tests.pictures, and look at it"
each_picture = pytest.mark.parametrize("picture", PICTURES_TO_DRAW, ids=lambda picture: picture.name)


@each_picture
def test_the_program_still_draws_what_the_picture_shows(picture: Picture) -> None:
    assert plain_form(picture.frames()) == (PLAINS / f"{picture.name}.txt").read_text("utf-8"), AGAIN
    assert svg(picture) == (PICTURES / f"{picture.name}.svg").read_text("utf-8"), AGAIN


@each_picture
def test_it_is_used_and_is_whole(picture: Picture) -> None:
    assert f"screenshots/{picture.name}.svg" in (ROOT / "README.md").read_text("utf-8")
    for frame in picture.frames():
        widths = {sum(cells(span.text) for span in line) for line in frame.lines}
        assert len(widths) == 1, "a line is longer than another"
        assert any(span.style == "next" for line in frame.lines for span in line), "nothing is to be done"


@each_picture
def test_every_word_of_the_screen_is_in_the_picture(picture: Picture) -> None:
    drawn = ElementTree.fromstring((PICTURES / f"{picture.name}.svg").read_text("utf-8"))
    texts = {node.text for node in drawn.iter("{http://www.w3.org/2000/svg}text")}
    wanted = {w for frame in picture.frames() for line in frame.lines for span in line for w in span.text.split()}
    assert texts == wanted, AGAIN


def test_nothing_else_lies_there() -> None:
    assert {path.name for path in PICTURES.iterdir()} == {f"{picture.name}.svg" for picture in PICTURES_TO_DRAW}


def test_the_handshake_is_told_from_the_call_to_accept() -> None:
    texts = ["\n".join(plain(line) for line in frame.lines) for frame in handshake()]
    order = ["connect() calls", "deliver the SYN ", "deliver the SYN-ACK", "deliver the ACK", "accept()"]
    at = 0
    for wanted in order:
        at = next(i for i in range(at, len(texts)) if wanted in texts[i])


@each_picture
def test_it_needs_nothing_from_elsewhere_and_names_nothing_of_the_machine(picture: Picture) -> None:
    drawn = svg(picture)
    assert re.findall(r"https?://[^\"]+", drawn) == ["http://www.w3.org/2000/svg"]
    for recording in (ROOT / "netsim" / "recordings").glob("*.jsonl"):
        drawn += recording.read_text("utf-8")
    for private in (str(ROOT), str(Path.home()) + "/", "/usr/", "/tmp/", "pyenv"):
        assert private not in drawn
