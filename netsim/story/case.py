"""The case for ports: five exhibits, a step for each press of space, made on real processes.

Law: pure. `go_on` says the next order from what was seen and answered so far; a step is done when its aims are reached,
and its sentence is made of what was seen then. What does not come is said, not passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from netsim.model.events import AnyEvent
from netsim.model.machine import Probed
from netsim.model.world import World
from netsim.story.case_aims import REACHED, WAIT, Aim, Ask, Before, Order, Prove, Run
from netsim.story.case_approach import approach
from netsim.story.case_record import HERE, Record, note

EXHIBITS = ("restart", "many ports", "many PIDs", "no PID", "two machines")


class Case(Struct, frozen=True, kw_only=True):
    """All that is known at one moment. `private`: each machine is a net of its own; else both are this one."""

    private: bool
    port: int
    other_port: int  # of the other machine's server
    steps: tuple[Step, ...]
    step: int = 0
    aim: int = 0
    before: Before = Before()
    worlds: Mapping[str, World] = {}
    record: Record = Record()
    proofs: Mapping[int, Proof] = {}  # by exhibit
    proving: frozenset[int] = frozenset()
    asking: frozenset[int] = frozenset()  # PIDs
    trouble: str = ""  # what came in place of what was to come

    @property
    def now(self) -> Step:
        """The step that is shown."""
        return self.steps[self.step]

    @property
    def exhibit(self) -> int:
        """From 1."""
        return self.now.exhibit

    @property
    def is_shown(self) -> bool:
        """Whether the step's sentence can be said."""
        return bool(self.trouble) or all(isinstance(each, Prove) for each in self.now.aims[self.aim :])

    @property
    def is_done(self) -> bool:
        """Whether space goes on."""
        return bool(self.trouble) or self.aim >= len(self.now.aims)

    @property
    def is_last(self) -> bool:
        """Whether no step comes after this one."""
        return self.step == len(self.steps) - 1

    def port_of(self, lab: str) -> int:
        """Where the server of a machine listens."""
        return self.port if lab == HERE or self.private else self.other_port

    def pid(self, who: str = "server", lab: str = HERE) -> int:
        """The newest process of that name; 0 if there was none."""
        world = self.worlds.get(lab)
        endpoint = world.endpoints.get(who) if world else None
        return endpoint.pid if endpoint else 0


class Check(Struct, frozen=True):
    """A command that shows the same in another terminal. `inside`: a process in whose net it has to run, 0 for none."""

    argv: tuple[str, ...]
    inside: int = 0


class Proof(Struct, frozen=True):
    """What a check printed while what it shows was so; `check` None: it could not be run."""

    check: Check | None
    output: str = ""


class Step(Struct, frozen=True, kw_only=True):
    """One press. `label`: what the SPACE line says before it; `said`: the sentence once it is done.

    `check`: how the same is seen in another terminal; `flags`: packets with these are shown; `labs`: whose rows.
    """

    exhibit: int
    label: Callable[[Case], str]
    aims: tuple[Aim, ...]
    said: Callable[[Case], str]
    check: Callable[[Case], Check | None]
    flags: tuple[str, ...] = ()
    labs: tuple[str, ...] = (HERE,)


def begin(steps: tuple[Step, ...], *, private: bool, port: int, other_port: int) -> Case:
    """Before anything has come."""
    return Case(private=private, port=port, other_port=other_port, steps=steps)


def opened(case: Case, lab: str) -> Case:
    """A lab was started; nothing has come of it yet."""
    return replace(case, worlds={**case.worlds, lab: World()})


def saw(case: Case, lab: str, event: AnyEvent, before: World, after: World) -> Case:
    """An event of a lab was folded: from one world to the other."""
    record = note(case.record, event, before, after, lab=lab, exhibit=case.exhibit, step=case.step)
    trouble = case.trouble
    if after.ended is not None and not trouble:
        trouble = f"{after.ended.reason} b begins the case again, esc goes back."
    return replace(case, worlds={**case.worlds, lab: after}, record=record, trouble=trouble)


def answered(case: Case, answer: Probed) -> Case:
    """What the machine said about a PID."""
    trouble = case.trouble
    if answer.failure and not trouble:
        trouble = f"Nobody can be asked for a PID here. {answer.failure} space goes on."
    record = replace(case.record, probes=(*case.record.probes, answer))
    return replace(case, record=record, asking=case.asking - {answer.pid}, trouble=trouble)


def printed(case: Case, exhibit: int, proof: Proof) -> Case:
    """What an exhibit's command has printed."""
    return replace(case, proofs={**case.proofs, exhibit: proof}, proving=case.proving - {exhibit})


def press(case: Case) -> Case:
    """space: the next step, if this one is done and there is one."""
    if not case.is_done or case.is_last or any(world.ended for world in case.worlds.values()):
        return case
    return _with_before(replace(case, step=case.step + 1, aim=0, trouble=""))


def give_up(case: Case) -> Case:
    """Nothing has come for too long."""
    if case.is_shown:  # but for what a command would print
        return replace(case, aim=len(case.now.aims), proving=frozenset())
    return replace(case, trouble="That did not come here. space goes on, b begins the case again.")


def go_on(case: Case) -> tuple[Case, Order]:
    """The next order, and the case with what it has found reached; Reached where the step is done."""
    while not case.is_done:
        aim = case.now.aims[case.aim]
        order = approach(aim, case.worlds, case.record, case.before, frozenset(case.proofs))
        if isinstance(order, Ask):
            if order.pid in case.asking:
                return case, WAIT
            return replace(case, asking=case.asking | {order.pid}), order
        if isinstance(order, Run):
            if order.exhibit in case.proving:
                return case, WAIT
            return replace(case, proving=case.proving | {order.exhibit}), order
        if order != REACHED:
            return case, order
        case = _with_before(replace(case, aim=case.aim + 1))
    return case, REACHED


def _with_before(case: Case) -> Case:
    aim = case.now.aims[case.aim] if case.aim < len(case.now.aims) else None
    world = case.worlds.get(getattr(aim, "lab", HERE))
    pids = {who: endpoint.pid for who, endpoint in world.endpoints.items()} if world else {}
    return replace(case, before=Before(pids, len(case.record.probes), len(case.record.attempts)))
