"""Remakes the recording from which the picture of the case for ports is drawn: its first exhibit, on real labs.

`python -m tests.make_case_recording`; a dev tool, not in the package. Needs a machine where packets can be held. Each
line is one thing that came to the case, in order: ["saw", lab, event], ["answered", probed], ["done"], ["press"] ..
"""

from __future__ import annotations

import queue
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
from msgspec.structs import replace

from netsim.cli.workshop import Workshop
from netsim.model.events import AnyEvent, LabStarted, OwnersObserved, decode, encode
from netsim.model.fold import fold
from netsim.model.machine import Probed
from netsim.model.world import World
from netsim.story import case as story
from netsim.story.case_record import HERE
from netsim.story.case_steps import steps
from netsim.text.case import draw_case
from netsim.text.charset import UNICODE
from netsim.text.lines import plain
from netsim.tui import case_run
from netsim.tui.page import Tools

FILE = Path(__file__).parent / "text" / "pictures" / "case.jsonl"
PATIENCE = 30.0  # seconds without any news
KEPT = ("opened", "answered", "printed", "done", "press", "LabStarted", "EndpointStarted", "ProcessExited")
LOOKED = ("done", "ProcessExited", "CallStarted")  # before these it counts what the kernel had
NEUTRAL = {"system": "Linux", "python": "3.11", "contained_because": "user and pid namespaces"}


def read(lines: Iterable[bytes] | None = None) -> Iterator[story.Case]:
    """The case after each thing that came, as it came when it was recorded; each step's aims are reached at its end."""
    made = steps(private=True, held=True)
    case = story.begin(made, private=True, port=8888, other_port=8888)
    for line in FILE.read_bytes().splitlines() if lines is None else lines:
        match msgspec.json.decode(line):
            case ["opened", str(lab)]:
                case = story.opened(case, lab)
            case ["saw", str(lab), dict(event)]:
                came = decode(msgspec.json.encode(event))
                before = case.worlds.get(lab, World())
                case = story.saw(case, lab, came, before, fold(before, came))
            case ["answered", dict(probed)]:
                case = story.answered(case, msgspec.convert(probed, Probed))
            case ["printed", int(exhibit), dict(proof)]:
                case = story.printed(case, exhibit, msgspec.convert(proof, story.Proof))
            case ["done"]:
                case = replace(case, aim=len(case.now.aims))
            case ["press"]:
                case = story.press(case)
            case other:
                raise ValueError(f"{other} is nothing that comes to the case")
        yield case


def _needed(lines: list[bytes]) -> list[bytes]:
    """Without what the picture does not show: a tenth of it."""
    kept: list[bytes] = []
    record, sockets = None, None
    for line, case in zip(lines, read(lines), strict=True):
        come = msgspec.json.decode(line)
        kind = come[2]["type"] if come[0] == "saw" else come[0]
        changed, record = case.record != record, case.record
        if kind == "SocketsObserved":
            sockets = line  # the last before a call, an end or a press
            continue
        if kind in KEPT or (changed and not kind.startswith("Packet")):
            kept += [sockets, line] if sockets is not None and kind in LOOKED else [line]
            sockets = None if kind in LOOKED else sockets
    return kept


def _neutral(event: AnyEvent) -> AnyEvent:
    return replace(event, **NEUTRAL) if isinstance(event, LabStarted) else event


def record() -> list[bytes]:
    """The lines of the first exhibit."""
    lines: list[bytes] = []
    deeds: queue.Queue[Callable[[], None]] = queue.Queue()

    def noted(name: str, told: Callable[..., list[Any]]) -> Any:
        do = getattr(story, name)

        def deed(case: story.Case, *arguments: Any) -> Any:
            if name != "saw" or not isinstance(arguments[1], OwnersObserved):
                lines.append(msgspec.json.encode([name, *told(*arguments)]))
            return do(case, *arguments)

        return patch.object(case_run, name, deed)

    workshop = Workshop("private", 8888)
    tools = Tools(workshop.make_lab, workshop.make_machine, run_aside=workshop.run_aside)
    try:
        with (
            noted("opened", lambda lab: [lab]),
            noted("saw", lambda lab, event, *_worlds: [lab, msgspec.Raw(encode(_neutral(event)))]),
            noted("answered", lambda probed: [probed]),
            noted("printed", lambda exhibit, proof: [exhibit, proof]),
            noted("press", list),
        ):
            run = case_run.CaseRun(tools, "private", 8888, 8888, held=True, soon=deeds.put, changed=lambda: None)
            while run.case.exhibit == 1:
                while not run.case.is_done:
                    deeds.get(timeout=PATIENCE)()
                lines.append(msgspec.json.encode(["done"]))
                if run.case.steps[run.case.step + 1].exhibit != 1:
                    break
                run.press()
            run.close()
    finally:
        workshop.close()
    return lines


def main() -> int:
    """Record it anew."""
    whole = record()
    FILE.write_bytes(b"\n".join(_needed(whole)) + b"\n")
    shown, meant = list(read())[-1], list(read(whole))[-1]
    same = _drawn(shown) == _drawn(meant)
    print(
        f"{FILE.name}: {FILE.stat().st_size} bytes; {len(shown.record.servers)} servers" + ("" if same else "; WRONG")
    )
    if not same:
        import difflib

        print("\n".join(difflib.unified_diff(_drawn(meant).splitlines(), _drawn(shown).splitlines(), lineterm="")))
    return 0 if same else 1


def _drawn(case: story.Case) -> str:
    lines = draw_case(case, 100, 30, UNICODE, now=case.worlds[HERE].at)
    return "\n".join(plain(line) for line in lines)


if __name__ == "__main__":
    sys.exit(main())
