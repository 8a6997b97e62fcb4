"""Lines cut in two: nothing is lost, doubled or moved."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netsim.text.charset import cells
from netsim.text.lines import Line, Span, plain
from netsim.tui.slicing import columns, pad

TEXTS = st.text(alphabet="ab─│日本", max_size=12)


@given(st.lists(TEXTS, max_size=4), st.integers(0, 40))
def test_both_halves_are_the_whole(texts: list[str], middle: int) -> None:
    line: Line = tuple(Span(text, "bold" if index % 2 else "") for index, text in enumerate(texts))
    width = cells(plain(line))
    (left,), (right,) = columns([line], 0, middle), columns([line], middle, max(middle, width))
    assert cells(plain(left)) == min(width, middle)
    assert cells(plain(left)) + cells(plain(right)) == width
    if plain(left + right) != plain(line):  # a wide letter stood on the cut
        assert plain(left).endswith(" ")
        assert plain(right).startswith(" ")


def test_styles_stay_with_their_text() -> None:
    line = (Span("client", "client"), Span("server", "server"))
    assert columns([line], 4, 8) == [(Span("nt", "client"), Span("se", "server"))]


@pytest.mark.parametrize("height", [0, 1, 3])
def test_padding(height: int) -> None:
    assert len(pad([(), ()], height)) == height
