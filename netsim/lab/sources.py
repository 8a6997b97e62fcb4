"""The programs on the screen: plain files of netsim/programs/, run as they are but for the port."""

from __future__ import annotations

import os
import re

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "programs")
WRITTEN_PORT = 8888  # the port that stands in the files; a few have the one after it, too
HIGHEST_PORT = 65535
_PLAIN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\.py")


def programs() -> tuple[str, ...]:
    """The names of the files that may be run."""
    return tuple(sorted(name for name in os.listdir(FOLDER) if _PLAIN_NAME.fullmatch(name)))


def load(name: str, port: int) -> tuple[str, str]:
    """A program's path and the text to run, every `8888` in it replaced by `port`, and `8889` by the one after it.

    Raises ValueError, with a sentence, for what is no plain file name or not there, and OSError if it can't be read.
    """
    path = os.path.join(FOLDER, name)
    if not _PLAIN_NAME.fullmatch(name) or not os.path.isfile(path):
        raise ValueError(f"There is no program {name!r}; there are {', '.join(programs())}.")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    ports = {WRITTEN_PORT: port, WRITTEN_PORT + 1: port + 1 if port < HIGHEST_PORT else port - 1}
    return path, re.sub("|".join(rf"\b{each}\b" for each in ports), lambda found: str(ports[int(found[0])]), text)
