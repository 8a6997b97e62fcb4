"""A lesson under way: what is told, asked, done, waited for and found. Every change makes a new `Run`.

Law: `advance` says what to do next and looks at nothing but the worlds that it is given; whoever drives it (the screen,
the plain text) does that, waits until nothing moves, and asks again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, assert_never

from msgspec import Struct
from msgspec.structs import replace

from netsim.model.commands import AnyCommand, DropPacket, Kill, ReleasePacket
from netsim.model.machine import Probed
from netsim.model.world import World
from netsim.story.errors import ending
from netsim.story.goals import Do, Reached, Stuck, Wait
from netsim.story.lesson import HERE, Act, Claim, Fresh, Lesson, Probe, Seen, Step, fill

NOT_THERE = (LookupError, AttributeError, TypeError, ValueError, StopIteration)  # what is looked at is not there
LATE = 2.5  # seconds in which what a step did must be seen: where nothing happens, a lab looks once a second
Worlds = Mapping[str, World]
Probes = Mapping[str, Probed]
Phase = Literal["told", "asked", "doing", "found", "summary", "over"]
Verdict = Literal["seen", "false", "absent"]


class Finding(Struct, frozen=True):
    """What came of a claim: seen, false, or it could not be looked for (`absent`). `saw`: in numbers, or why not."""

    step: int
    claim: Claim
    verdict: Verdict
    saw: str


class Run(Struct, frozen=True, kw_only=True):
    """Where a lesson is. `at`: the step's index, -1 before the first; `deed`: the index of the deed under way.

    `given`: the deed's last command was sent, and its effect is waited for; behind the last deed: what is claimed was
    waited for. `guesses`: by step, the answers that were chosen; `answers`: by step, the ones that the kernel gave.
    """

    lesson: Lesson
    at: int = -1
    phase: Phase = "doing"
    deed: int = 0
    given: bool = False
    start: World = World()
    kept: Worlds = {}
    findings: tuple[Finding, ...] = ()
    guesses: Mapping[int, int] = {}
    answers: Mapping[int, tuple[int, ...]] = {}
    stopped: str = ""  # why the lesson could not go on

    @property
    def step(self) -> Step:
        """The step that it is at; the one before the first only makes the lab."""
        return self.lesson.steps[self.at] if self.at >= 0 else Step(text="", do=(Fresh(opening=self.lesson.opening),))

    @property
    def found(self) -> tuple[Finding, ...]:
        """What came of this step's claims."""
        return tuple(finding for finding in self.findings if finding.step == self.at)

    @property
    def status(self) -> int:
        """0: all claims were seen; 1: one was false; 3: something could not run here."""
        verdicts = {finding.verdict for finding in self.findings}
        return 1 if "false" in verdicts or self.stopped else 3 if "absent" in verdicts else 0


# --- what is to be done


class Give(Struct, frozen=True):
    """Send this to that lab. `quick`: what it does is known with its answer; nobody looks at the kernel after it."""

    lab: str
    command: AnyCommand
    quick: bool = False


class MakeLab(Struct, frozen=True):
    """Put a new lab in this place, and ask it for this first."""

    lab: str
    opening: tuple[AnyCommand, ...]


class AskMachine(Struct, frozen=True):
    """Probe this PID; `started`: of an earlier answer."""

    name: str
    pid: int
    started: float | None


class Patience(Struct, frozen=True):
    """Something is under way: ask again after the next event, and give up after so many seconds."""

    seconds: float


class Person(Struct, frozen=True):
    """It is the person's turn."""


Request = Give | MakeLab | AskMachine | Patience | Person


def begin(lesson: Lesson) -> Run:
    """A lesson before its lab is there."""
    return Run(lesson=lesson)


def look(run: Run, worlds: Worlds, probes: Probes) -> Seen:
    """What claims and answers look at."""
    return Seen(labs=worlds, start=run.start, kept=run.kept, probes=probes)


def press(run: Run, worlds: Worlds, probes: Probes) -> Run:
    """The person goes on; without a guess, where one was asked for."""
    seen = look(run, worlds, probes)
    match run.phase:
        case "told" if run.step.ask is not None and not _missing(run.step, seen):
            return replace(run, phase="asked")
        case "told" | "asked":
            return _do(run, seen)
        case "found":
            return _turn_to(run, run.at + 1, worlds, probes)
        case "summary":
            return replace(run, phase="over")
        case "doing" | "over":
            return run


def choose(run: Run, answer: int, worlds: Worlds, probes: Probes) -> Run:
    """The person predicts this answer (from 0) and goes on; nothing where there is no such answer."""
    ask = run.step.ask
    if run.phase != "asked" or ask is None or not 0 <= answer < len(ask.answers):
        return run
    return press(replace(run, guesses={**run.guesses, run.at: answer}), worlds, probes)


def give_up(run: Run) -> Run:
    """What was waited for does not come: the step's claims are false, and the lesson ends.

    After a deed that only hoped for it the lesson goes on, and the claims say what is so; and they do where all deeds
    are done.
    """
    if run.deed >= len(run.step.do):
        return replace(run, given=True)
    deed = run.step.do[run.deed]
    if isinstance(deed, Act) and deed.hopes:
        return replace(run, deed=run.deed + 1, given=False)
    return _fail(run, f"{deed.words}: nothing more came.")


def advance(run: Run, worlds: Worlds, probes: Probes) -> tuple[Run, Request]:
    """What to do next; to be asked whenever nothing moves any more."""
    if run.phase != "doing":
        return run, Person()
    if run.deed >= len(run.step.do):
        judged = _judge(run, worlds, probes)
        is_false = any(finding.verdict == "false" for finding in judged.findings[len(run.findings) :])
        return (run, Patience(LATE)) if is_false and not run.given else (judged, Person())
    deed = run.step.do[run.deed]
    match deed:
        case Act():
            return _act(run, deed, worlds, probes)
        case Fresh():
            return _fresh(run, deed, worlds, probes)
        case Probe():
            return _probe(run, deed, worlds, probes)
        case _:
            assert_never(deed)


def _act(run: Run, deed: Act, worlds: Worlds, probes: Probes) -> tuple[Run, Request]:
    world = worlds.get(deed.lab, World())
    if world.ended is not None:
        return _fail(run, ending(world.ended.reason)), Person()
    if not run.given:
        step = deed.next(world)
        match step:
            case Do(command=command, final=final):
                return replace(run, given=final), Give(deed.lab, command, _is_quick(run, deed, command, final=final))
            case Wait():
                return run, Patience(deed.patience)
            case Stuck(why=why):
                return _fail(run, f"{deed.words}: {why}"), Person()
            case Reached():
                run = replace(run, given=True)
            case _:
                assert_never(step)
    if not deed.done(world):
        return run, Patience(deed.patience)
    return _next_deed(run, world, deed.keep, worlds, probes)


def _is_quick(run: Run, deed: Act, command: AnyCommand, *, final: bool) -> bool:
    """Whether nobody looks at what else comes of the command."""
    following = run.step.do[run.deed + 1 : run.deed + 2]
    looked_at = not following or deed.keep if final else False
    calm = deed.calm or any(isinstance(each, Act) and each.calm for each in following)
    return not (looked_at or calm or isinstance(command, ReleasePacket | DropPacket | Kill))


def _fresh(run: Run, deed: Fresh, worlds: Worlds, probes: Probes) -> tuple[Run, Request]:
    if not run.given:
        return replace(run, given=True), MakeLab(deed.lab, deed.opening)
    world = worlds.get(deed.lab, World())
    if world.ended is not None:
        return _fail(run, ending(world.ended.reason)), Person()
    there = world.lab is not None and len(world.endpoints) >= len({command.who for command in deed.opening})
    if not there or world.under_way or any(each.status in ("starting", "running") for each in world.endpoints.values()):
        return run, Patience(deed.patience)
    return _next_deed(run, world, deed.keep, worlds, probes)


def _probe(run: Run, deed: Probe, worlds: Worlds, probes: Probes) -> tuple[Run, Request]:
    if not run.given:
        before = probes.get(deed.started)
        pid = deed.pid(look(run, worlds, probes))
        return replace(run, given=True), AskMachine(deed.name, pid, before.started if before else None)
    if deed.name not in probes:
        return run, Patience(deed.patience)
    return _next_deed(run, worlds.get(HERE, World()), "", worlds, probes)


def _next_deed(run: Run, world: World, keep: str, worlds: Worlds, probes: Probes) -> tuple[Run, Request]:
    kept = {**run.kept, keep: world} if keep else run.kept
    return advance(replace(run, deed=run.deed + 1, given=False, kept=kept), worlds, probes)


# --- from step to step


def _turn_to(run: Run, index: int, worlds: Worlds, probes: Probes) -> Run:
    """The first step from this one on that is for such a world; behind the last, the summary."""
    start = worlds.get(HERE, World())
    run = replace(run, at=index, start=start, deed=0, given=False)
    if index >= len(run.lesson.steps):
        return replace(run, at=len(run.lesson.steps) - 1, phase="summary")
    if run.step.when is not None and not run.step.when(look(run, worlds, probes)):
        return _turn_to(run, index + 1, worlds, probes)
    return replace(run, phase="told")


def _missing(step: Step, seen: Seen) -> str:
    """What the step can't do without and what is not there, as sentences; "" if all is there."""
    return " ".join(need.sentence for need in step.needs if not need.is_there(seen))


def _do(run: Run, seen: Seen) -> Run:
    missing = _missing(run.step, seen)
    if not missing:
        return replace(run, phase="doing")
    spelt = [replace(claim, sentence=fill(claim.sentence, seen.port)) for claim in run.step.shows]
    absent = tuple(Finding(run.at, claim, "absent", missing) for claim in spelt)
    return replace(run, phase="found", findings=run.findings + absent)


def _judge(run: Run, worlds: Worlds, probes: Probes) -> Run:
    seen = look(run, worlds, probes)
    findings = tuple(judge(run.at, claim, seen) for claim in run.step.shows)
    run = replace(run, phase="found", findings=run.findings + findings)
    if run.step.ask is not None:
        so = tuple(i for i, answer in enumerate(run.step.ask.answers) if _is_so(answer.is_so, seen))
        run = replace(run, answers={**run.answers, run.at: so})
        if len(so) != 1:
            claim = Claim(sentence="One of the answers is what happened.", holds=lambda _: False, saw=lambda _: "")
            run = replace(run, findings=(*run.findings, Finding(run.at, claim, "false", f"{len(so)} of them are")))
    is_silent = not (run.found or run.step.after or run.step.ask)
    return _turn_to(run, run.at + 1, worlds, probes) if is_silent else run


def judge(step: int, claim: Claim, seen: Seen) -> Finding:
    """What comes of one claim in the light of what was seen."""
    try:
        saw = claim.saw(seen)
    except NOT_THERE as error:
        saw = f"what it speaks of was not there ({type(error).__name__}: {error})"
    spelt = replace(claim, sentence=fill(claim.sentence, seen.port))
    return Finding(step, spelt, "seen" if _is_so(claim.holds, seen) else "false", saw)


def _is_so(test: object, seen: Seen) -> bool:
    """Whether it is so; what is not there to be looked at is not so."""
    assert callable(test)
    try:
        return bool(test(seen))
    except NOT_THERE:
        return False


def _fail(run: Run, why: str) -> Run:
    findings = tuple(Finding(run.at, claim, "false", why) for claim in run.step.shows)
    return replace(run, phase="summary", findings=run.findings + findings, stopped=why)
