"""The colours: few, one meaning each, readable on a projector; dark and light.

Law: no meaning by colour alone; the marks say everything that colours say.
"""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="netsim-dark",
    primary="#56B4E9",
    foreground="#E4E4E4",
    background="#10141A",
    surface="#10141A",
    panel="#10141A",
    dark=True,
    variables={"client": "#56B4E9", "server": "#E69F00", "lost": "#D55E00", "rule": "#6C7480"},
)
LIGHT = Theme(
    name="netsim-light",
    primary="#005A9C",
    foreground="#1A1A1A",
    background="#FFFFFF",
    surface="#FFFFFF",
    panel="#FFFFFF",
    dark=False,
    variables={"client": "#005A9C", "server": "#8A5A00", "lost": "#B03A00", "rule": "#8A8F98"},
)
