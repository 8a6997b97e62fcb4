"""A recording in the place of a lab: it delivers what happened then, and does nothing that it is asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from netsim.files.recording import RecordingError, about
from netsim.model.commands import AnyCommand
from netsim.model.events import AnyEvent

FOLDER = Path(__file__).parent.parent / "recordings"  # importlib.resources would say the same, and take 10 ms
SUFFIX = ".jsonl"


class Replay:
    """Satisfies netsim.session.Lab."""

    def __init__(self, events: Sequence[AnyEvent]) -> None:
        self._events = events

    def start(self, on_event: Callable[[AnyEvent], None]) -> None:
        """Deliver all of it: which moment is shown is the screen's matter."""
        for event in self._events:
            on_event(event)

    def send(self, command: AnyCommand) -> None:
        """Nothing: what happened has happened."""

    def close(self) -> None:
        """There is nothing to end."""

    def kill_now(self) -> None:
        """There is nothing to end."""


def bundled() -> dict[str, Path]:
    """The recordings that come with netsim, by name."""
    return {path.stem: path for path in sorted(FOLDER.glob(f"*{SUFFIX}"))}


def abouts() -> dict[str, str]:
    """The names of the bundled recordings, and what each is about."""
    found = {}
    for name, path in bundled().items():
        try:
            found[name] = about(path)
        except (RecordingError, OSError) as error:
            found[name] = str(error)
    return found


def find(name: str) -> Path:
    """The recording that is meant: a bundled one by its name, else a file."""
    return bundled().get(name) or Path(name)
