"""What the case counts: servers, connects, rows, and who served whom.

Law: of what was noted, nothing else.
"""

from __future__ import annotations

from netsim.model.world import Row
from netsim.story.case import Case
from netsim.story.case_record import HERE, Attempt, Server

NUMBERS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def number(count: int) -> str:
    """A small number in words."""
    return NUMBERS[count] if count < len(NUMBERS) else str(count)


def servers(case: Case, exhibit: int | None = None, lab: str = HERE) -> list[Server]:
    """The server processes of an exhibit, oldest first."""
    wanted = exhibit or case.exhibit
    return [each for each in case.record.servers if each.exhibit == wanted and each.lab == lab]


def lately(case: Case) -> list[Attempt]:
    """The connects of this step, oldest first."""
    return [each for each in case.record.attempts if each.step == case.step]


def attempts(case: Case, exhibit: int | None = None, lab: str = HERE) -> list[Attempt]:
    """The connects of an exhibit, oldest first."""
    wanted = exhibit or case.exhibit
    return [each for each in case.record.attempts if each.exhibit == wanted and each.lab == lab]


def listening(case: Case, lab: str = HERE) -> list[Row]:
    """The rows of listening sockets."""
    world = case.worlds.get(lab)
    return [slot.row for slot in world.slots if slot.row is not None and slot.row.state == "LISTEN"] if world else []


def shares(case: Case) -> dict[int, int]:
    """How many of the step's connections each process accepted."""
    found: dict[int, int] = {}
    for each in lately(case):
        pid = case.record.served_by(each)
        if pid is not None:
            found[pid] = found.get(pid, 0) + 1
    return found


def newest(case: Case, lab: str) -> Server | None:
    """The last process of a machine's servers."""
    return next((each for each in reversed(case.record.servers) if each.lab == lab), None)


def last_two(case: Case) -> tuple[Server | None, Server | None]:
    """The process before the newest, and the newest, of this exhibit's servers."""
    every = servers(case)
    return (every[-2], every[-1]) if len(every) > 1 else (None, None)
