"""A lesson in words: what is told, asked, found and said at the end, as paragraphs for plain text and for the screen.

Law: a function of the run and of what was seen. What is outside text in it (a result, an address) is made visible.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from netsim.story.lesson import Lesson, Seen, fill
from netsim.story.lesson_run import Finding, Run, judge
from netsim.text.charset import UNICODE, Charset
from netsim.text.lesson_recorded import recorded_step

Kind = Literal["text", "question", "answer", "kernel", "seen", "false", "absent", "head"]


class Paragraph(NamedTuple):
    """Some sentences. `lead` stands before the first line, and the others begin below its end."""

    text: str
    kind: Kind = "text"
    lead: str = ""


RECORDED = "recorded elsewhere: "
VERDICTS = {"seen": "seen: ", "false": "NOT SO: ", "absent": "not here: "}


def filled(text: str, seen: Seen) -> str:
    """A lesson's text with the lab's port in it."""
    return fill(text, seen.port)


def told(run: Run, seen: Seen) -> list[Paragraph]:
    """A step's text; before the first step's the lesson's question."""
    first = [Paragraph(run.lesson.question, "head")] if run.at == 0 else []
    return [*first, Paragraph(filled(run.step.text, seen))]


def asked(run: Run, seen: Seen, *, hidden: bool = False) -> list[Paragraph]:
    """The question and its answers, or without them."""
    ask = run.step.ask
    if ask is None:
        return []
    answers = [
        Paragraph(filled(answer.text, seen), "answer", f"{number}  ") for number, answer in enumerate(ask.answers, 1)
    ]
    return [Paragraph(filled(ask.question, seen), "question"), *([] if hidden else answers)]


def found(run: Run, seen: Seen, charset: Charset, *, reasons: bool = False, brief: bool = False) -> list[Paragraph]:
    """The kernel's answer, every claim and what came of it, and the comment.

    `reasons`: why not, of every answer. `brief`: without the numbers of what was seen, but for those told always.
    """
    after = [Paragraph(filled(run.step.after, seen))] if run.step.after else []
    if is_absent(run):
        recorded = recorded_step(run.lesson.name, run.at)
        return [*_absent(run, seen, recorded, charset, brief=brief), *(after if recorded else [])]
    claims = [_finding(finding, seen, charset, brief=brief) for finding in run.found]
    return [*_answer(run, seen, reasons=reasons), *claims, *after]


def summary(run: Run, charset: Charset) -> list[Paragraph]:
    """The point, the mistake, the small print; before them, why the lesson could not go on."""
    lesson = run.lesson
    stopped = [Paragraph(charset.visible(run.stopped), "false", "the lesson stopped: ")] if run.stopped else []
    return [
        *stopped,
        Paragraph(lesson.point, "head", "The point: "),
        Paragraph(f'"{lesson.mistake.belief}" {lesson.mistake.truth}', "text", "Often said: "),
        Paragraph(lesson.small_print, "text", "Small print: "),
    ]


def title(lesson: Lesson, count: int) -> str:
    """ "lesson 1 of 12: Two sockets"."""
    return f"lesson {lesson.number} of {count}: {lesson.title}"


def outcome(run: Run) -> str:
    """One sentence about all findings."""
    verdicts = [finding.verdict for finding in run.findings]
    judged = {finding.step for finding in run.findings}  # a step that was passed over claims nothing
    steps = (step for index, step in enumerate(run.lesson.steps) if index in judged or index > run.at)
    parts = [f"{verdicts.count('seen')} of {sum(len(step.shows) for step in steps)} claims seen"]
    if "false" in verdicts:
        parts.append(f"{verdicts.count('false')} not so")
    if "absent" in verdicts:
        parts.append(f"{verdicts.count('absent')} not to be seen here")
    return ", ".join(parts)


def _finding(finding: Finding, seen: Seen, charset: Charset, *, brief: bool) -> Paragraph:
    sentence = filled(finding.claim.sentence, seen)
    saw = charset.visible(finding.saw)
    if brief and finding.verdict == "seen" and not finding.claim.always:
        saw = ""
    return Paragraph(f"{sentence} ({saw})" if saw else sentence, finding.verdict, VERDICTS[finding.verdict])


def is_absent(run: Run) -> bool:
    """Whether this step could not be run here."""
    return run.phase == "found" and any(finding.verdict == "absent" for finding in run.found)


def _absent(run: Run, seen: Seen, recorded: Seen | None, charset: Charset, *, brief: bool) -> list[Paragraph]:
    """Why the step could not be run, and what was seen elsewhere."""
    why = Paragraph(charset.visible(run.found[0].saw), "absent", VERDICTS["absent"])
    if recorded is None:
        return [why, *(Paragraph(filled(finding.claim.sentence, seen), "absent") for finding in run.found)]
    findings = (judge(run.at, finding.claim, recorded) for finding in run.found)
    told = [
        _finding(finding, recorded, charset, brief=brief)._replace(lead=RECORDED, kind="absent")
        for finding in findings
        if finding.verdict == "seen"
    ]
    return [why, *told]


def _answer(run: Run, seen: Seen, *, reasons: bool) -> list[Paragraph]:
    ask, so = run.step.ask, run.answers.get(run.at, ())
    if ask is None or len(so) != 1:
        return []
    answer = filled(ask.answers[so[0]].text, seen)
    guess = run.guesses.get(run.at)
    if guess is None:
        why = [
            Paragraph(filled(other.why, seen), "text", f"why not {filled(other.text, seen)}: ")
            for index, other in enumerate(ask.answers)
            if index not in so and other.why and reasons
        ]
        return [Paragraph(answer, "kernel", "The answer: "), *why]
    if guess in so:
        return [Paragraph(answer, "kernel", "As you said: ")]
    said = ask.answers[guess]
    return [
        Paragraph(answer, "kernel", "The answer: "),
        Paragraph(filled(said.why, seen), "text", f"You said {filled(said.text, seen)}. "),
    ]


def wrap(paragraphs: Sequence[Paragraph], width: int, charset: Charset = UNICODE) -> list[tuple[Kind, str]]:
    """All of it in lines of at most `width` columns, broken at words; nothing is cut off."""
    shown = (each._replace(text=charset.visible(each.text), lead=charset.visible(each.lead)) for each in paragraphs)
    return [(each.kind, line) for each in shown for line in _lines(each, width)]


def _lines(paragraph: Paragraph, width: int) -> list[str]:
    indent = " " * len(paragraph.lead) if len(paragraph.lead) <= 12 else "  "
    lines, line = [], paragraph.lead.rstrip()
    empty = not line
    for word in paragraph.text.split():
        while len(word) > width - len(indent):  # nothing that is read has such words, but an address might
            room = width - len(indent)
            lines += [line] if line.strip() else []
            line, word, empty = indent + word[:room], word[room:], False
        if empty:
            line, empty = line + word, False
        elif len(line) + 1 + len(word) <= width:
            line += (" " * max(1, len(paragraph.lead) - len(line)) if line == paragraph.lead.rstrip() else " ") + word
        else:
            lines.append(line)
            line = indent + word
    return [*lines, line]
