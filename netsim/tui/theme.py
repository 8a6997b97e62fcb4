"""The colours: few, one meaning each, readable on a projector; dark, light, and with the highest contrast.

Law: no meaning by colour alone; the marks say everything that colours say. Where there are 16 colours they are named,
not mixed: the nearest of 16 would give two meanings one colour. Where colours are not wanted (NO_COLOR) only rules are
fainter than text: a colour's grey would make what is lost the faintest of all.
"""

from __future__ import annotations

from dataclasses import replace

from textual.theme import BUILTIN_THEMES, Theme

DARK = Theme(
    name="netsim-dark",
    primary="#56B4E9",
    foreground="#E4E4E4",
    background="#090909",
    surface="#090909",
    panel="#090909",
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
CONTRAST = Theme(  # for a projector in a bright room: nothing is between black and the brightest
    name="netsim-contrast",
    primary="#00FFFF",
    foreground="#FFFFFF",
    background="#000000",
    surface="#000000",
    panel="#000000",
    dark=True,
    variables={"client": "#00FFFF", "server": "#FFD700", "lost": "#FF8C8C", "rule": "#FFFFFF"},
)
THEMES = {"dark": DARK, "light": LIGHT, "contrast": CONTRAST}  # in the order in which a key goes through them
FEW = {"client": "ansi_cyan", "server": "ansi_yellow", "lost": "ansi_red", "rule": "ansi_bright_black"}
FEW_ON_LIGHT = {**FEW, "server": "ansi_magenta"}  # yellow on white can't be read
FEW_IN_CONTRAST = {
    "client": "ansi_bright_cyan", "server": "ansi_bright_yellow", "lost": "ansi_bright_red", "rule": "ansi_white",
}  # fmt: skip


def few_colours(theme: Theme) -> Theme:
    """The theme for a terminal of 16 colours: its own foreground and background, and its named colours."""
    textuals = BUILTIN_THEMES["ansi-dark" if theme.dark else "ansi-light"]
    ours = FEW_IN_CONTRAST if theme is CONTRAST else FEW if theme.dark else FEW_ON_LIGHT
    return replace(textuals, name=f"{theme.name}-16", variables={**textuals.variables, **ours})


def no_colours(theme: Theme) -> Theme:
    """The theme where no colours are wanted: all that has a meaning is as bright as text."""
    text = str(theme.foreground)
    variables = {**theme.variables, "client": text, "server": text, "lost": text}
    return replace(theme, name=f"{theme.name}-grey", primary=text, variables=variables)
