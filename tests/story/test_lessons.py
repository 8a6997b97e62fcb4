"""Every lesson as data: it covers the curriculum, and says what fits on the smallest screen."""

from __future__ import annotations

import pytest

from netsim.story.curriculum import ROWS, Row
from netsim.story.lesson import Lesson, Seen, fill
from netsim.text.grid import MINIMUM
from netsim.text.lesson import Paragraph, wrap
from netsim.text.lesson_recorded import recorded_step
from netsim.text.lessons import all_lessons, find_lesson

LESSONS = all_lessons()
WIDTH = 78  # columns for a lesson's words at 80
TEXT_ROWS = 5  # rows for a lesson's words at 24
SEEN = Seen(labs={})

every_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=[lesson.name for lesson in LESSONS])


def rows_of(text: str, lead: str = "") -> int:
    return len(wrap([Paragraph(text, "text", lead)], WIDTH))


def test_numbers_and_names_are_the_lessons_own() -> None:
    assert [lesson.number for lesson in LESSONS] == list(range(1, len(LESSONS) + 1))
    assert len({lesson.name for lesson in LESSONS}) == len(LESSONS)


@every_lesson
def test_a_lesson_is_found_by_name_and_by_number(lesson: Lesson) -> None:
    assert find_lesson(lesson.name.upper()) is lesson
    assert find_lesson(str(lesson.number)) is lesson


@every_lesson
def test_rows_that_a_lesson_names_are_in_the_curriculum(lesson: Lesson) -> None:
    named = {row for claim in lesson.claims for row in claim.rows}
    assert named
    assert named <= {row.id for row in ROWS}


@pytest.mark.parametrize("row", ROWS, ids=[row.id for row in ROWS])
def test_every_row_is_observed_by_a_claim(row: Row) -> None:
    assert [lesson.name for lesson in LESSONS for claim in lesson.claims if row.id in claim.rows]


@every_lesson
def test_a_question_has_two_to_four_answers_and_all_but_the_kernels_have_reasons(lesson: Lesson) -> None:
    asks = [step.ask for step in lesson.steps if step.ask]
    assert asks
    for ask in asks:
        assert 2 <= len(ask.answers) <= 4
        assert sum(not answer.why for answer in ask.answers) <= 1, "who chose it and was wrong is told nothing"


@every_lesson
def test_what_is_done_is_announced(lesson: Lesson) -> None:
    for step in lesson.steps:
        assert step.label or not (step.do or step.shows), step.text


def test_what_is_announced_fits_beside_space() -> None:
    for lesson in all_lessons():
        for step in lesson.steps:
            asked = f"1 to {len(step.ask.answers)}: guess; space: " if step.ask else ""
            assert len(asked + fill(step.label, 65535)) <= MINIMUM[0] - 8, (lesson.name, step.label)


@every_lesson
def test_what_may_not_be_there_was_recorded(lesson: Lesson) -> None:
    """`python -m tests.make_lesson_recordings` makes them again, which is due when a lesson's steps have changed."""
    for index, step in enumerate(lesson.steps):
        if step.needs:
            recorded = recorded_step(lesson.name, index)
            assert recorded is not None, step.text
            assert recorded.here.lab is not None


@every_lesson
def test_words_fit_on_the_smallest_screen(lesson: Lesson) -> None:
    for step in lesson.steps:
        assert rows_of(step.text) <= TEXT_ROWS, step.text
        assert rows_of(step.after) <= TEXT_ROWS - 1, step.after
        assert len(step.label) <= 70, step.label
        for claim in step.shows:
            assert rows_of(claim.sentence, "seen: ") <= 1, claim.sentence
        if step.ask:
            rows = rows_of(step.ask.question) + sum(rows_of(answer.text, "1  ") for answer in step.ask.answers)
            assert rows <= TEXT_ROWS, step.ask.question
            for answer in step.ask.answers:
                assert rows_of(answer.why, f"You said {answer.text}. ") <= TEXT_ROWS - 1, answer.why
    for text in (lesson.question, lesson.point, lesson.small_print):
        assert rows_of(text, "Small print: ") <= TEXT_ROWS, text
