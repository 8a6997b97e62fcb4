"""The lesson page on real labs, without a terminal: a stage whose clock and timers are the test's."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from itertools import count
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, cast

import pytest

from netsim.lab.client import LabClient
from netsim.lab.machine import Machine
from netsim.model.events import SocketsObserved
from netsim.session import Session
from netsim.story.director import OPENING
from netsim.text.charset import ASCII, UNICODE, Charset, cells
from netsim.text.lines import Line, plain
from netsim.tui.page import Tools
from netsim.tui.pages import glossary, lesson
from netsim.tui.pages.lesson import LessonPage
from tests.labs import Labs
from tests.script import Script

PATIENCE = 60.0
SMALLEST = (80, 24)


class LessonStage:
    """What a page may ask of the screen, made by hand: deeds run when the test pumps."""

    def __init__(self, charset: Charset = UNICODE, size: tuple[int, int] = SMALLEST) -> None:
        self.charset = charset
        self.size = size
        self.session = Session(Labs(), OPENING)
        self.labs: list[LabClient] = []
        self.taken: Session | None = None
        self.tools: Tools | None = Tools(self._make_lab, Machine)
        self.page: Any = None
        self._soon: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._ahead = 0.0

    def _make_lab(self, net: str, port: int) -> LabClient:
        self.labs.append(LabClient(net=cast("Any", net), port=port))
        return self.labs[-1]

    def clock(self) -> float:
        return monotonic() + self._ahead

    @property
    def shown_world(self) -> Any:
        return self.session.world

    def repaint(self) -> None:
        pass

    def call_soon(self, deed: Callable[[], None]) -> None:
        self._soon.put(deed)

    def later(self, seconds: float, deed: Callable[[], None]) -> None:
        heapq.heappush(self._later, (self.clock() + seconds, next(self._order), deed))

    def take_over(self, session: Session) -> None:
        self.taken = session

    # --- the test's part

    def pump(self, until: Callable[[], bool]) -> None:
        """Run what is due until it is so."""
        deadline = monotonic() + PATIENCE
        while not until():
            assert monotonic() < deadline, "\n".join(self.rows())
            due = self._later[0][0] - self.clock() if self._later else 0.05
            try:
                self._soon.get(timeout=min(max(due, 0.0), 0.05))()
            except Empty:
                while self._later and self._later[0][0] <= self.clock():
                    heapq.heappop(self._later)[2]()

    def rows(self) -> list[str]:
        lines: list[Line] = self.page.draw(*self.size)
        rows = [plain(line) for line in lines]
        assert [cells(row) for row in rows] == [self.size[0]] * self.size[1]
        return rows

    def press(self, key: str) -> bool:
        """A key, some time after the last one."""
        self.rows()  # it is pressed on what was painted
        self._ahead += 1.0
        return bool(self.page.press(key, " " if key == "space" else key if len(key) == 1 else None))


@pytest.fixture
def stage() -> Iterator[LessonStage]:
    made = LessonStage()
    made.page = LessonPage(cast("Any", made), cast("Tools", made.tools), "private", 8888)
    yield made
    made.page.close()
    if made.taken is not None:
        made.taken.close()
    assert all(lab._process is None or lab._process.poll() is not None for lab in made.labs), "a lab was left behind"


def settle(stage: LessonStage) -> None:
    stage.pump(lambda: stage.page._player is None or not stage.page._player.busy)


def test_the_list_is_chosen_from_by_numbers_and_arrows(stage: LessonStage) -> None:
    chosen = []
    for key in ("2", "down", "up", "1", "9"):
        stage.press(key)
        chosen.append(next(row.split()[1] for row in stage.rows() if row.startswith(f" {UNICODE.next}")))
    assert chosen[:4] == ["2", "3", "2", "1"]
    assert not stage.press("escape")


@pytest.mark.needs_namespaces
def test_a_lesson_goes_through_with_space_and_a_number(stage: LessonStage) -> None:
    stage.press("enter")
    settle(stage)
    said: set[str] = set()
    for _ in range(60):
        settle(stage)
        said |= {row.strip() for row in stage.rows()}
        run = stage.page._player.run
        if run.phase == "summary":
            break
        stage.press("2" if run.phase == "asked" else "space")
    assert run.phase == "summary"
    assert run.status == 0
    assert len(run.guesses) == sum(step.ask is not None for step in run.lesson.steps)
    words = " ".join(" ".join(row.split()) for row in said)
    assert "You said one, to say hello." in words
    assert "NOT SO" not in words


@pytest.mark.needs_namespaces
def test_every_word_of_a_step_is_shown_at_the_smallest_size(stage: LessonStage) -> None:
    stage.press("2")
    stage.press("enter")
    settle(stage)
    for step in stage.page._player.run.lesson.steps[:3]:
        shown = ""
        while stage.page._player.run.step is step:
            settle(stage)
            shown += " ".join(" ".join(stage.rows()).split()) + " "
            stage.press("space")
            settle(stage)
        for text in (step.text, *(claim.sentence for claim in step.shows), step.after):
            assert text.replace("{port}", "8888") in shown


SIZES = [(80, 24), (80, 30), (80, 31), (100, 30), (120, 36), (159, 24), (160, 24), (200, 50)]


@pytest.mark.needs_namespaces
def test_it_is_drawn_at_every_size(stage: LessonStage) -> None:
    """Two steps of lesson 2: the first about the packets, the second about the table."""
    stage.press("2")
    stage.press("enter")
    settle(stage)
    while stage.page._player.run.at < 2:
        run = stage.page._player.run
        for stage.size in SIZES:
            shown = "\n".join(stage.rows())
            assert "lesson 2 of" in shown
            assert f" {UNICODE.dash}{UNICODE.dash} Ports " in f" {shown}".replace("\n", " ")
            assert "SPACE" in shown
            if run.step.view == "table" or stage.size[1] > 30:
                assert "PROGRAM" in shown
            if run.step.view == "packets" or stage.size[1] > 30:
                assert "no packet yet" in shown or "packets" in shown
        stage.size = SMALLEST
        stage.press("space")
        settle(stage)


@pytest.mark.needs_namespaces
def test_answers_can_be_hidden_for_a_vote(stage: LessonStage) -> None:
    stage.press("enter")
    settle(stage)
    while stage.page._player.run.phase != "asked":
        stage.press("space")
        settle(stage)
    answers = [row for row in stage.rows() if "three, a handshake" in row]
    assert answers
    stage.press("v")
    assert not [row for row in stage.rows() if "three, a handshake" in row]
    stage.press("v")
    assert [row for row in stage.rows() if "three, a handshake" in row] == answers


def test_a_lab_that_never_falls_silent_is_not_waited_for(stage: LessonStage) -> None:
    labs = Labs()
    stage.page._tools = Tools(lambda _net, _port: labs(), Machine)
    stage.press("enter")
    script = Script()
    script.open()
    for event in script.events:
        labs[-1].deliver(event)

    def chatter() -> None:
        labs[-1].deliver(SocketsObserved(at=script.now, sockets=()))
        if stage.page._player and stage.page._player.busy:
            stage.later(0.02, chatter)

    chatter()
    settle(stage)
    assert stage.page._player.run.phase == "told"
    stage.press("escape")
    assert labs[-1].closed


@pytest.mark.needs_namespaces
def test_leaving_half_way_ends_its_lab(stage: LessonStage) -> None:
    stage.press("enter")
    settle(stage)
    stage.press("space")
    assert stage.press("escape"), "back to the list"
    assert stage.labs[0]._process is not None
    assert stage.labs[0]._process.poll() is not None
    assert not stage.press("escape"), "back to the main screen"


@pytest.mark.needs_namespaces
def test_at_the_end_one_plays_on_in_its_lab(stage: LessonStage) -> None:
    stage.press("3")
    stage.press("enter")
    settle(stage)
    while stage.page._player.run.phase != "summary":
        stage.press("space")
        settle(stage)
    assert not stage.press("enter"), "the page closes"
    assert stage.taken is not None
    assert "udpserver" in stage.taken.world.endpoints
    assert stage.labs[0]._process is not None
    assert stage.labs[0]._process.poll() is None


@pytest.mark.needs_namespaces
def test_the_glossary_over_a_lesson_begins_with_its_words(stage: LessonStage) -> None:
    stage.press("enter")
    settle(stage)
    stage.press("g")
    rows = stage.rows()
    assert "on the screen now" in rows[1]
    stage.press("S")
    stage.press("Y")
    assert any(row.startswith(" SYN_RECV ") for row in stage.rows())
    stage.press("escape")
    stage.press("escape")
    assert "lesson 1 of" in stage.rows()[0]


def test_where_there_is_only_a_recording_it_says_so() -> None:
    stage = LessonStage()
    stage.tools = None
    assert isinstance(lesson.open_page(cast("Any", stage)), str)


@pytest.mark.parametrize("charset", [UNICODE, ASCII])
def test_the_glossary_page_scrolls_and_closes(charset: Charset) -> None:
    stage = LessonStage(charset)
    stage.page = glossary.open_page(cast("Any", stage))
    first = stage.rows()
    stage.press("space")
    assert stage.rows() != first
    stage.press("home")
    assert stage.rows() == first
    assert charset is UNICODE or all(row.isascii() for row in first)
    assert not stage.press("escape")
