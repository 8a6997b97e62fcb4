"""Records the stories on the real kernel, for test_inference.py; ports, inodes and PIDs become small and stable.

Run by hand, in an empty network namespace, once for each name or for all:

    unshare -rn sh -c 'ip link set lo up; python -m tests.model.record main'
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from netsim.model import events
from netsim.model.events import AnyEvent
from tests.model.stage import Stage
from tests.model.stories import STORIES

DATA = Path(__file__).parent / "data"
PORT = 8888
_FIRST = {"port": 51324, "inode": 101, "pid": 41233}


class Renaming:
    """The same small number for the same big one."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], int] = {}

    def number(self, kind: str, value: int) -> int:
        if value == 0 or (kind == "port" and value == PORT):
            return value
        of_kind = sum(1 for each, _ in self._known if each == kind)
        return self._known.setdefault((kind, value), _FIRST[kind] + of_kind * (7 if kind == "port" else 1))

    def anywhere(self, value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {each: self.anywhere(inner, each) for each, inner in value.items()}
        if isinstance(value, list):
            return [self.anywhere(each) for each in value]
        kind = "pid" if key == "inner_pid" else key
        if kind in _FIRST and isinstance(value, int):
            return self.number(kind, value)
        return round(value, 4) if isinstance(value, float) else value


def record(name: str) -> list[AnyEvent]:
    """What is observed while the story happens."""
    with Stage(PORT, orderly=not name.endswith("_free")) as stage:
        STORIES[name](stage)
        return stage.events


def lines(observed: Iterable[AnyEvent]) -> Iterable[bytes]:
    renaming = Renaming()
    for event in observed:
        renamed = renaming.anywhere(msgspec.json.decode(events.encode(event)))
        # What is as it is by default says nothing.
        yield re.sub(rb'"(?:uid|expires_ms|expirations|thread)":0,', b"", msgspec.json.encode(renamed))


def main() -> None:
    names = sys.argv[1:] or list(STORIES)
    if len(names) > 1:  # each in a namespace of its own: a TIME_WAIT would be in the next one's way
        for name in names:
            again = f"ip link set lo up; exec {sys.executable} -m tests.model.record {name}"
            subprocess.run(["unshare", "-rn", "sh", "-c", again], check=True)
        return
    path = DATA / f"{names[0]}.jsonl"
    path.write_bytes(b"\n".join(lines(record(names[0]))) + b"\n")
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
