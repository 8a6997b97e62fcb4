"""The pages of `--help`: worth reading, with examples before options, in 80 columns; what they name is there."""

from __future__ import annotations

import re

import pytest

from netsim.cli import main

COMMANDS = ("doctor", "ports", "run", "shell", "lesson", "replay")
EXAMPLE = re.compile(r"^  netsim(?: .*)?$", re.MULTILINE)


def page(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What netsim with these arguments and --help prints."""
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--help"])
    assert ended.value.code == 0
    return capsys.readouterr().out


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """The width that argparse goes by."""
    monkeypatch.setenv("COLUMNS", "80")


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_a_page_fits_and_has_examples_first(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = page(capsys, *([command] if command else []))
    assert max(map(len, text.splitlines())) <= 80
    example, options = EXAMPLE.search(text), text.index("\noptions:")
    assert example is not None
    assert example.start() < options
    assert re.match(rf"usage: netsim {command}", text)
    assert "COMMAND [options] " not in text.splitlines()[1]


def test_the_first_page_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    text = page(capsys)
    for command in COMMANDS:
        assert re.search(rf"^  netsim {command}\b", text, re.MULTILINE), command
        assert page(capsys, command)
