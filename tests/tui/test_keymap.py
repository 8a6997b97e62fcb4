"""The keys line: it leads to the lessons and the case before there is a packet, and to the case from then on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from netsim.text.bottom import draw_keys
from netsim.text.charset import UNICODE
from netsim.text.lines import plain
from netsim.tui.keymap import keys_line
from tests.gated import Gated
from tests.script import Script


def connecting() -> Gated:
    script = Gated()
    script.listening()
    script.connecting()
    return script


ALWAYS = " c connect  s send  x close  u udp  n client"
WHERE = [
    (Script, 80, "  l lessons  w why ports  ? help"),
    (Gated, 80, "  l lessons  w why ports  ? help"),
    (connecting, 80, "  d drop  f finish  w why  ? help"),
    (connecting, 100, "  d drop  f finish  w why  r restart  ? help"),
]


@pytest.mark.parametrize(("where", "width", "shown"), WHERE)
def test_the_most_useful_ones_are_shown(where: Callable[[], Script], width: int, shown: str) -> None:
    (line,) = draw_keys(keys_line(where().world), width, 1, UNICODE)
    assert plain(line).rstrip() == ALWAYS + shown
