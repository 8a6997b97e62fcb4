"""Remakes the recordings of lessons: what is shown, marked so, where a step can't be run.

`python -m tests.make_lesson_recordings` makes all anew, `... handshake` one of them; a dev tool, not in the package.
Only lessons with steps that need something are recorded. Needs a machine where packets can be held.
"""

from __future__ import annotations

import json
import sys

from netsim.files.recording import save
from netsim.story.lesson import Lesson
from netsim.text.lesson_recorded import INDEX, recording_name
from netsim.text.lessons import all_lessons
from tests.lessons import Ran
from tests.make_recording import FOLDER, anonymous


def is_recorded(lesson: Lesson) -> bool:
    """Whether a machine may lack what one of its steps needs."""
    return any(step.needs for step in lesson.steps)


def main() -> int:
    """Write them, and how many events each of their steps ended after."""
    path = FOLDER / INDEX
    ends = json.loads(path.read_text()) if path.exists() else {}
    for lesson in all_lessons():
        if not is_recorded(lesson) or (sys.argv[1:] and lesson.name not in sys.argv[1:]):
            continue
        done = Ran(lesson)
        if done.run.status:
            print(f"{lesson.name}: not all that it claims was seen, so it is not recorded")
            return 1
        file = FOLDER / f"{recording_name(lesson)}.jsonl"
        save(file, [anonymous(event) for event in done.events], f"lesson {lesson.number}: {lesson.title}")
        ends[lesson.name] = done.ends
        print(f"{file}: {len(done.events)} events, {file.stat().st_size} bytes")
    path.write_text(json.dumps(dict(sorted(ends.items())), indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
