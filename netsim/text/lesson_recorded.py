"""Steps of lessons as they were recorded elsewhere: for a machine on which they can't be run.

Law: what is shown from here is marked as recorded, and counts for nothing: the claim was not seen on this machine.
"""

from __future__ import annotations

import json
from functools import cache

from netsim.files.recording import RecordingError, load
from netsim.files.replay import FOLDER, bundled
from netsim.model.fold import fold_all
from netsim.model.world import World
from netsim.story.lesson import HERE, Lesson, Seen

INDEX = "lessons.json"  # by the lesson's name: after how many events each of its steps ended


def recording_name(lesson: Lesson) -> str:
    """The name of a lesson's recording: netsim replay NAME shows it whole."""
    return f"lesson-{lesson.name}"


@cache
def recorded_step(name: str, step: int) -> Seen | None:
    """What was seen at the end of this step (from 0) of the lesson of this name when it was recorded; None if nothing.

    `start` is the world at the end of the step before.
    """
    ends = _ends().get(name, {})
    path = bundled().get(f"lesson-{name}")
    if path is None or step not in ends:
        return None
    try:
        events = load(path)
    except (OSError, RecordingError):
        return None
    before = max((end for index, end in ends.items() if index < step), default=0)
    start = fold_all(World(), events[:before])
    return Seen(labs={HERE: fold_all(start, events[before : ends[step]])}, start=start)


@cache
def _ends() -> dict[str, dict[int, int]]:
    try:
        found = json.loads((FOLDER / INDEX).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(name): {int(step): int(end) for step, end in ends.items()} for name, ends in found.items()}
