"""The picture of the README and the program agree, cell for cell. `python -m tests.pictures` draws it anew."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from netsim.text.charset import cells
from netsim.text.lines import plain
from tests.pictures import PLAIN, ROOT, SIZE, SVG, draw, plain_form, svg, synack_held

AGAIN = "the picture is not what the program draws: python -m tests.pictures, and look at it"


def test_the_program_still_draws_what_the_picture_shows() -> None:
    assert plain_form(draw(synack_held())) == PLAIN.read_text("utf-8"), AGAIN


def test_the_picture_shows_that_moment() -> None:
    """Every word of the drawn screen stands in the SVG in its order, and nothing else does."""
    texts = [
        node.text for node in ElementTree.fromstring(SVG.read_text("utf-8")).iter() if node.text and node.text.strip()
    ]
    assert texts == [word for line in draw(synack_held()) for span in line for word in span.text.split()], AGAIN


def test_it_is_the_held_syn_ack_on_a_whole_screen() -> None:
    lines = draw(synack_held())
    assert [sum(cells(span.text) for span in line) for line in lines] == [SIZE[0]] * SIZE[1]
    screen = "\n".join(plain(line) for line in lines)
    for wanted in ("SYN_SENT", "SYN_RECV", "SYN-ACK seq=0 ack=1", "SPACE  deliver the SYN-ACK"):
        assert wanted in screen
    assert [span.text for line in lines for span in line if span.style == "next"] != []


def test_it_needs_nothing_from_elsewhere_and_names_nothing_of_the_machine() -> None:
    picture = svg(draw(synack_held()))
    assert re.findall(r"https?://[^\"]+", picture) == ["http://www.w3.org/2000/svg"]
    recording = (ROOT / "netsim" / "recordings" / "handshake.jsonl").read_text("utf-8")
    for private in (str(ROOT), str(Path.home()) + "/", "/usr/", "/tmp/", "pyenv"):
        assert private not in picture + recording
