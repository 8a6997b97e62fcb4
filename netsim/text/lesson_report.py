"""What came of the lessons, in short: every claim, or every row of the curriculum with what was seen of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from netsim.story.curriculum import ROWS
from netsim.story.lesson import Lesson
from netsim.story.lesson_run import Finding, Run
from netsim.text.charset import Charset
from netsim.text.lesson import VERDICTS, Paragraph, outcome, wrap

WIDTH = 78
NAME = 19  # columns for a lesson's number and name
NOT_OBSERVED = "NOT OBSERVED by any lesson"


def list_lines(lessons: Sequence[Lesson]) -> list[str]:
    """Each lesson's number, name and question."""
    lines = []
    for lesson in lessons:
        first, *others = [line for _, line in wrap([Paragraph(lesson.question)], WIDTH - NAME)]
        lines += [f"{lesson.number:2}  {lesson.name}".ljust(NAME) + first, *(" " * NAME + line for line in others)]
    return lines


def report_lines(run: Run, charset: Charset) -> list[str]:
    """Each claim with what was seen, and one line for all."""
    stopped = [Paragraph(run.stopped, "false", "the lesson stopped: ")] if run.stopped else []
    return [*_indented([*map(_told, run.findings), *stopped], 2, charset), f"  {outcome(run)}", ""]


def coverage_lines(runs: Sequence[Run], charset: Charset) -> Iterator[str]:
    """Each row of the curriculum, the lessons that observe it, and what was seen."""
    for row in ROWS:
        yield from _indented([Paragraph(row.point, "text", f"{row.id}  ")], 0, charset)
        found = [(run, each) for run in runs for each in run.findings if row.id in each.claim.rows]
        told = [_told(each)._replace(lead=f"{run.lesson.number:2} {run.lesson.name}: ") for run, each in found]
        yield from _indented(told or [Paragraph(NOT_OBSERVED)], 4, charset)


def _told(finding: Finding) -> Paragraph:
    verdict = "" if finding.verdict == "seen" else VERDICTS[finding.verdict]
    saw = f" ({finding.saw})" if finding.saw else ""
    return Paragraph(
        f"{verdict}{finding.claim.sentence}{saw}", finding.verdict, VERDICTS["seen"] if not verdict else ""
    )


def _indented(paragraphs: Sequence[Paragraph], columns: int, charset: Charset) -> list[str]:
    return [" " * columns + line for _, line in wrap(paragraphs, WIDTH - columns, charset)]
