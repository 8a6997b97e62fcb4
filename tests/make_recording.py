"""Remakes the recordings that come with netsim: real sessions in a private net, as they happened.

`python -m tests.make_recording` makes all anew, `... handshake` one of them; a dev tool, not in the package. Needs a
machine where packets can be held. What is this machine's (its kernel's and Python's version, how it contains the lab)
is put in neutral words. A further recording is one more entry of RECORDINGS.
"""

from __future__ import annotations

import os
import platform
import re
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from netsim.files.recording import save
from netsim.lab.client import LabClient
from netsim.model.commands import AnyCommand
from netsim.model.events import AnyEvent, LabStarted, OwnersObserved, ProgramEnded
from netsim.model.world import World
from netsim.session import Session
from netsim.story.director import OPENING, next_action
from tests.processes import computing, family

FOLDER = Path(__file__).parent.parent / "netsim" / "recordings"
QUIET = 0.3  # seconds without an event after which everything of a step has come
MOST_STEPS = 80
PATIENCE = 60.0  # seconds for one step


class Story(NamedTuple):
    """What is recorded: it is played, with what `play` asks for in each world, until that is None."""

    about: str
    play: Callable[[World], tuple[AnyCommand, ...] | None]


def space_until_time_wait(world: World) -> tuple[AnyCommand, ...] | None:
    """Space after space, until the first TIME_WAIT."""
    if any(socket.state == "TIME_WAIT" for socket in world.kernel):
        return None
    return next_action(world).commands


RECORDINGS = {
    "handshake": Story(
        "the main story: TCP from the first socket() to TIME_WAIT, packet by packet", space_until_time_wait
    ),
}


def record(story: Story) -> list[AnyEvent]:
    """The events of a story."""
    came = threading.Event()
    session = Session(lambda: LabClient(net="private"), OPENING)
    events: list[AnyEvent] = []
    session.subscribe(events.append)
    session.attach(came.set)
    try:
        for _ in range(MOST_STEPS):
            settle(session, came)
            world = session.world
            if world.ended is not None:
                raise SystemExit(f"the lab ended: {world.ended.reason}")
            commands = story.play(world)
            if commands is None:
                return [anonymous(event) for event in events]
            for command in commands:
                session.dispatch(command)
        raise SystemExit(f"{MOST_STEPS} steps, and no end")
    finally:
        session.close()


def settle(session: Session, came: threading.Event) -> None:
    """Wait until the step is done and no event comes any more."""
    end = time.monotonic() + PATIENCE
    while True:
        quiet = not came.wait(QUIET) and not computing(family(os.getpid())[1:])
        came.clear()
        session.drain()
        if quiet and session.world.lab is not None and not session.pending:
            return
        if time.monotonic() > end:
            raise SystemExit("the lab has not come to rest")


def anonymous(event: AnyEvent) -> AnyEvent:
    """The event without what is this machine's."""
    match event:
        case LabStarted():
            return replace(event, system=platform.system(), python="3", contained_because="user and pid namespaces",
                           net_because="", gate_because="")  # fmt: skip
        case OwnersObserved():  # psutil's names are those of this machine's interpreter
            return replace(event, owners=tuple(replace(owner, name="python3") for owner in event.owners))
        case ProgramEnded():  # where netsim and Python lie here is nobody's business
            return replace(event, traceback=re.sub(r'File "[^"]*/', 'File "', event.traceback))
    return event


def main() -> int:
    """Write them, and say what they hold."""
    for name in sys.argv[1:] or RECORDINGS:
        if name not in RECORDINGS:
            print(f"there is no recording {name!r}: there are {', '.join(RECORDINGS)}")
            return 2
        path, events = FOLDER / f"{name}.jsonl", record(RECORDINGS[name])
        save(path, events, RECORDINGS[name].about)
        print(f"{path}: {len(events)} events, {path.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
