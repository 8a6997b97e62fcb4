"""Remakes netsim/recordings/handshake.jsonl: the whole main story in a private net, space after space, as it happened.

`python -m tests.make_recording [FILE]`; a dev tool, not in the package. Needs a machine where packets can be held.
What is this machine's (its kernel's and Python's version, how it contains the lab) is put in neutral words.
"""

from __future__ import annotations

import platform
import sys
import threading
import time
from pathlib import Path

from msgspec.structs import replace

from netsim.files.recording import save
from netsim.lab.client import LabClient
from netsim.model.events import AnyEvent, LabStarted, OwnersObserved
from netsim.session import Session
from netsim.story.director import OPENING, next_action

RECORDING = Path(__file__).parent.parent / "netsim" / "recordings" / "handshake.jsonl"
QUIET = 0.3  # seconds without an event after which everything of a step has come
MOST_STEPS = 80
PATIENCE = 20.0  # seconds for one step


def record() -> list[AnyEvent]:
    """The events of the main story until the first TIME_WAIT of a client that was closed by its program."""
    came = threading.Event()
    session = Session(lambda: LabClient(net="private"), OPENING)
    events: list[AnyEvent] = []
    session.subscribe(events.append)
    session.attach(came.set)
    try:
        for _ in range(MOST_STEPS):
            _settle(session, came)
            world = session.world
            if world.ended is not None:
                raise SystemExit(f"the lab ended: {world.ended.reason}")
            if any(socket.state == "TIME_WAIT" for socket in world.kernel):
                return [_anonymous(event) for event in events]
            for command in next_action(world).commands:
                session.dispatch(command)
        raise SystemExit(f"{MOST_STEPS} steps, and no TIME_WAIT")
    finally:
        session.close()


def _settle(session: Session, came: threading.Event) -> None:
    """Wait until the step is done and no event comes any more."""
    end = time.monotonic() + PATIENCE
    while True:
        quiet = not came.wait(QUIET)
        came.clear()
        session.drain()
        if quiet and session.world.lab is not None and not session.pending:
            return
        if time.monotonic() > end:
            raise SystemExit("the lab has not come to rest")


def _anonymous(event: AnyEvent) -> AnyEvent:
    match event:
        case LabStarted():
            return replace(event, system=platform.system(), python="3", contained_because="user and pid namespaces",
                           net_because="", gate_because="")  # fmt: skip
        case OwnersObserved():  # psutil's names are those of this machine's interpreter
            return replace(event, owners=tuple(replace(owner, name="python3") for owner in event.owners))
    return event


def main() -> int:
    """Write it, and say what it holds."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else RECORDING
    events = record()
    save(path, events)
    print(f"{path}: {len(events)} events, {path.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
