"""The keys line: it leads to the lessons and the case before there is a packet, and to the case from then on."""

from __future__ import annotations

import pytest

from netsim.text.bottom import draw_keys
from netsim.text.charset import UNICODE
from netsim.text.lines import plain
from netsim.tui.keymap import keys_line

ALWAYS = " c connect  s send  x close  u udp  n client"
SHOWN = {
    (False, 80): "  l lessons  w why ports  ? help",
    (True, 80): "  d drop  f finish  w why  ? help",
    (True, 100): "  d drop  f finish  w why  r restart  ? help",
}


@pytest.mark.parametrize(("packets", "width"), SHOWN)
def test_the_most_useful_ones_are_shown(packets: bool, width: int) -> None:
    (line,) = draw_keys(keys_line(packets=packets), width, 1, UNICODE)
    assert plain(line).rstrip() == ALWAYS + SHOWN[packets, width]
