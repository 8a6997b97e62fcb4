"""Every lesson on a real lab: all that it claims is so, and it fails where its claim is made false."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from netsim.story.lesson import Claim, Lesson
from netsim.story.lesson_run import judge
from tests.conftest import _missing
from tests.lessons import BY_NAME, running

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
