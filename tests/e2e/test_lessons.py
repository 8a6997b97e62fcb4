"""Every lesson on a real lab: all that it claims is so, and it fails where its claim is made false."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from netsim.story.deeds import wait
from netsim.story.lesson import Claim, Lesson
from netsim.story.lesson_run import judge
from tests.conftest import _missing
from tests.lessons import BY_NAME, Ran, running

LESSONS = list(BY_NAME.values())
every_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=list(BY_NAME))
CLAIMS = [
    pytest.param(lesson.name, index, claim, id=f"{lesson.name}-{index}-{number}")
    for lesson in LESSONS
    for index, step in enumerate(lesson.steps)
    for number, claim in enumerate(step.shows)
]


@pytest.fixture(scope="module", autouse=True)
def under_way(request: pytest.FixtureRequest) -> None:
    """All lessons that the chosen tests are about are begun, as many at a time as the pool has room for."""
    if _missing().get("needs_namespaces"):
        return
    for item in reversed(request.session.items):  # those that wait longest are among the last
        if isinstance(item, pytest.Function) and item.module is request.module:
            if getattr(item, "callspec", None) is None:  # it has a lesson of its own
                continue
            about = item.callspec.params
            name = about["name"] if "name" in about else about["lesson"].name
            running(name, "sabotaged" in item.name)


@pytest.mark.needs_namespaces
@every_lesson
def test_all_that_it_claims_is_so(lesson: Lesson) -> None:
    run = running(lesson.name, False).result().run
    not_so = [(finding.claim.sentence, finding.saw) for finding in run.findings if finding.verdict != "seen"]
    assert (not_so, run.stopped, run.status) == ([], "", 0)


@pytest.mark.needs_namespaces
@pytest.mark.parametrize(("name", "step", "claim"), CLAIMS)
def test_a_claim_that_is_made_false_fails(name: str, step: int, claim: Claim) -> None:
    done = running(name, False).result()
    if step not in done.sights:
        assert BY_NAME[name].steps[step].when is not None, "a step was not played"
        return
    seen = done.sights[step]
    negated = replace(claim, holds=lambda seen: not claim.holds(seen))
    run = replace(done.run, findings=(judge(step, claim, seen),))
    assert run.status == 0
    assert replace(run, findings=(judge(step, negated, seen),)).status == 1


@pytest.mark.needs_namespaces
@every_lesson
def test_it_fails_on_a_sabotaged_lab(lesson: Lesson) -> None:
    assert running(lesson.name, True).result().run.status == 1


@pytest.mark.needs_namespaces
def test_a_class_may_think_so_long_that_the_timer_goes_off_before_the_loss() -> None:
    """The copy that the kernel made of the held packet is the next one then; the claims must be true all the same."""
    lesson = BY_NAME["loss"]
    think = wait("a copy is made", lambda world: any(packet.copies for packet in world.packets), patience=20.0)
    steps = tuple(
        replace(step, do=(think, *step.do)) if step.ask and step.label.startswith("lose the packet") else step
        for step in lesson.steps
    )
    assert steps != lesson.steps
    run = Ran(replace(lesson, steps=steps)).run
    saw = " ".join(finding.saw for finding in run.findings)
    assert "sent again already, while the packet was held" in saw
    assert (run.stopped, run.status) == ("", 0)
