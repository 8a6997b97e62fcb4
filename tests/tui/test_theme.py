"""The colours: what has a meaning can be told from the background, and from each other."""

from __future__ import annotations

from itertools import combinations

import pytest
from textual.color import Color
from textual.theme import Theme

from netsim.tui.theme import CONTRAST, THEMES, few_colours, no_colours
from tests.tui.stage import stage

MEANINGS = ("client", "server", "lost")


def against_background(theme: Theme, colour: str) -> float:
    """WCAG 2's contrast ratio, 1 to 21."""
    dark, bright = sorted((luminance(str(theme.background)), luminance(colour)))
    return (bright + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    """WCAG 2's relative luminance, 0 to 1."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in Color.parse(colour).normalized]
    return sum(part * weight for part, weight in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))


@pytest.mark.parametrize("theme", THEMES.values(), ids=lambda theme: theme.name)
def test_text_and_meanings_are_readable(theme: Theme) -> None:
    least = 7.0 if theme is CONTRAST else 4.5  # WCAG's levels AAA and AA
    for colour in (str(theme.foreground), *(theme.variables[name] for name in MEANINGS)):
        assert against_background(theme, colour) >= least, colour


def test_where_contrast_is_asked_for_rules_are_as_bright_as_text() -> None:
    assert CONTRAST.variables["rule"] == str(CONTRAST.foreground)


@pytest.mark.parametrize("theme", [*THEMES.values(), *map(few_colours, THEMES.values())], ids=lambda theme: theme.name)
def test_no_two_meanings_have_one_colour(theme: Theme) -> None:
    for one, other in combinations(MEANINGS, 2):
        assert theme.variables[one] != theme.variables[other]


@pytest.mark.parametrize("theme", THEMES.values(), ids=lambda theme: theme.name)
def test_without_colours_only_rules_are_fainter_than_text(theme: Theme) -> None:
    grey = no_colours(theme)
    assert {grey.variables[name] for name in MEANINGS} == {theme.foreground}
    assert (grey.variables["rule"], grey.background) == (theme.variables["rule"], theme.background)


async def test_no_color_is_asked_for_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with stage() as on:
        await on.open()
        shown = on.app.get_css_variables()
        assert {shown[name] for name in MEANINGS} == {THEMES["dark"].foreground}
        await on.press("t")
        shown = on.app.get_css_variables()
        assert {shown[name] for name in MEANINGS} == {THEMES["light"].foreground}


async def test_t_turns_through_all_and_back() -> None:
    async with stage() as on:
        await on.open()
        names = []
        for _ in range(len(THEMES) + 1):
            names.append(on.app.theme)
            await on.press("t")
        assert names[0] == names[-1]
        assert {name.removesuffix("-16") for name in names} == {theme.name for theme in THEMES.values()}
