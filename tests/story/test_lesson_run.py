"""A lesson under way, without a lab: the test is the lab, and hands over worlds."""

from __future__ import annotations

from msgspec.structs import replace

from netsim.model.commands import RunExtraLine, StartEndpoint, Step
from netsim.model.events import LabEnded
from netsim.model.machine import Probed
from netsim.model.world import World
from netsim.story import deeds, lesson_run
from netsim.story.lesson import Act, Answer, Ask, Claim, Deed, Fresh, Lesson, Mistake, Need, Probe
from netsim.story.lesson import Step as LessonStep
from netsim.story.lesson_run import AskMachine, Give, MakeLab, Patience, Person, Run
from tests.script import Script

OPENING = (StartEndpoint(who="server", program="tcp_server.py", role="server", transport="tcp"),)


def opened() -> Script:
    """A lab in which the server stands before socket()."""
    script = Script()
    script.start("server")
    return script


def lesson(*steps: LessonStep) -> Lesson:
    return Lesson(
        number=1, name="test", title="Test", question="?", steps=steps, point=".", mistake=Mistake("a", "b"),
        small_print=".", opening=OPENING,
    )  # fmt: skip


def told(*steps: LessonStep, world: World | None = None) -> tuple[Run, dict[str, World]]:
    """A lesson whose lab has come, at its first step."""
    worlds = {"here": world or opened().world}
    run, request = lesson_run.advance(lesson_run.begin(lesson(*steps)), {}, {})
    assert request == MakeLab("here", OPENING)
    run, request = lesson_run.advance(run, worlds, {})
    assert (run.phase, request) == ("told", Person())
    return run, worlds


def claim(holds: bool = True) -> Claim:
    return Claim(sentence="It is so.", holds=lambda _: holds, saw=lambda seen: f"{len(seen.here.packets)} packets")


def raising(error: Exception) -> Claim:
    def look(_: object) -> bool:
        raise error

    return Claim(sentence="It is so.", holds=look, saw=lambda _: str(look(_)))


def one(deed: Deed, *claims: Claim) -> LessonStep:
    return LessonStep(text="a", label="b", do=(deed,), shows=claims)


# --- the lab of a lesson


def test_it_waits_for_its_lab_and_all_that_the_lab_was_asked_for() -> None:
    run, _ = lesson_run.advance(lesson_run.begin(lesson(LessonStep(text="a"))), {}, {})
    for world in (World(), Script().world):
        assert isinstance(lesson_run.advance(run, {"here": world}, {})[1], Patience)
    assert lesson_run.advance(run, {"here": opened().world}, {})[0].phase == "told"


def test_a_lab_that_ends_stops_the_lesson() -> None:
    script = opened()
    run, worlds = told(one(deeds.run("server"), claim()), world=script.world)
    run = lesson_run.press(run, worlds, {})
    script.add(LabEnded(at=script.now, reason="It was killed."))
    run, request = lesson_run.advance(run, {"here": script.world}, {})
    assert (run.phase, request, run.status) == ("summary", Person(), 1)
    assert "It was killed." in run.stopped
    assert run.findings[0].verdict == "false"


# --- steps


def test_a_deed_is_given_and_its_effect_waited_for() -> None:
    script = opened()
    run, worlds = told(one(deeds.run("server"), claim()), world=script.world)
    run, request = lesson_run.advance(lesson_run.press(run, worlds, {}), worlds, {})
    assert request == Give("here", Step(who="server"))
    script.begin("server", "socket")
    run, request = lesson_run.advance(run, {"here": script.world}, {})
    assert isinstance(request, Patience)
    script.come_back("server", "socket")
    script.stop("server", script.line("server", "setsockopt"))
    run, request = lesson_run.advance(run, {"here": script.world}, {})
    assert (run.phase, request) == ("found", Person())
    assert [(finding.verdict, finding.saw) for finding in run.found] == [("seen", "0 packets")]


def test_a_line_whose_call_sleeps_for_a_moment_has_not_come_back() -> None:
    script = opened()
    steps = (deeds.extra("server", "s.connect_ex(there)", keep="first"), deeds.extra("server", "2", keep="second"))
    run, worlds = told(LessonStep(text="a", label="b", do=steps, shows=(claim(),)), world=script.world)
    run, request = lesson_run.advance(lesson_run.press(run, worlds, {}), worlds, {})
    assert request == Give("here", RunExtraLine(who="server", source="s.connect_ex(there)"))
    script.begin("server", "connect_ex")
    script.sleep("server", "connect")
    run, request = lesson_run.advance(run, {"here": script.world}, {})
    assert isinstance(request, Patience)
    assert not run.kept
    script.come_back("server", "connect_ex")
    script.stop("server", script.line("server", "setsockopt"))
    run, request = lesson_run.advance(run, {"here": script.world}, {})
    assert request == Give("here", RunExtraLine(who="server", source="2"))
    assert run.kept["first"] == script.world


def test_a_step_that_only_tells_goes_on_at_once() -> None:
    run, worlds = told(LessonStep(text="a"), LessonStep(text="b"))
    run, _ = lesson_run.advance(lesson_run.press(run, worlds, {}), worlds, {})
    assert (run.at, run.phase) == (1, "told")
    run, _ = lesson_run.advance(lesson_run.press(run, worlds, {}), worlds, {})
    assert run.phase == "summary"
    assert lesson_run.press(run, worlds, {}).phase == "over"


def test_a_world_can_be_kept_and_a_fresh_lab_asked_for() -> None:
    run, worlds = told(LessonStep(text="a", label="b", do=(Fresh(opening=OPENING, keep="new"),), shows=(claim(),)))
    run, request = lesson_run.advance(lesson_run.press(run, worlds, {}), worlds, {})
    assert request == MakeLab("here", OPENING)
    run, _ = lesson_run.advance(run, worlds, {})
    assert run.kept == {"new": worlds["here"]}


def test_a_pid_is_asked_for_outside() -> None:
    first = Probe(words="", pid=lambda seen: seen.here.endpoints["server"].pid, name="first")
    second = Probe(words="", pid=lambda _: 7, name="second", started="first")
    run, worlds = told(LessonStep(text="a", label="b", do=(first, second), shows=(claim(),)))
    run, request = lesson_run.advance(lesson_run.press(run, worlds, {}), worlds, {})
    assert request == AskMachine("first", worlds["here"].endpoints["server"].pid, None)
    assert isinstance(lesson_run.advance(run, worlds, {})[1], Patience)
    answers = {"first": Probed(1, 7, started=12.5)}
    run, request = lesson_run.advance(run, worlds, answers)
    assert request == AskMachine("second", 7, 12.5)
    run, _ = lesson_run.advance(run, worlds, answers | {"second": Probed(2, 7, "ESRCH")})
    assert run.phase == "found"


def test_what_a_deed_can_not_do_stops_the_lesson_and_says_why() -> None:
    run, worlds = told(one(deeds.run("client9"), claim()), LessonStep(text="never"))
    run, _ = lesson_run.advance(lesson_run.press(run, worlds, {}), worlds, {})
    assert (run.phase, run.status, run.found[0].verdict) == ("summary", 1, "false")
    assert "client9" in run.stopped


def test_what_does_not_come_is_given_up() -> None:
    never = Act(words="wait", next=deeds.wait("it", lambda _: False).next)
    run, worlds = told(one(never, claim()))
    run, request = lesson_run.advance(lesson_run.press(run, worlds, {}), worlds, {})
    assert isinstance(request, Patience)
    assert lesson_run.give_up(run).status == 1


def test_what_was_only_hoped_for_lets_the_lesson_go_on() -> None:
    run, worlds = told(one(deeds.let_come("it", lambda world: bool(world.endpoints["nobody"])), claim(False)))
    run, request = lesson_run.advance(lesson_run.press(run, worlds, {}), worlds, {})
    assert isinstance(request, Patience)
    run, _ = lesson_run.advance(lesson_run.give_up(run), worlds, {})
    assert run.phase == "doing", "what is claimed may still come"
    run, _ = lesson_run.advance(lesson_run.give_up(run), worlds, {})
    assert (run.phase, run.found[0].verdict, run.stopped) == ("found", "false", "")


# --- claims


def test_a_claim_that_is_not_so_yet_is_false_only_when_it_does_not_come() -> None:
    script = opened()
    ended = Claim(sentence="It ended.", holds=lambda seen: seen.here.endpoints["server"].status == "ended", saw=str)
    done = Act(words="nothing", next=lambda _: deeds.Reached())
    run, worlds = told(one(done, ended), world=script.world)
    run, request = lesson_run.advance(lesson_run.press(run, worlds, {}), worlds, {})
    assert (run.phase, run.findings, request) == ("doing", (), Patience(lesson_run.LATE))
    given_up, _ = lesson_run.advance(lesson_run.give_up(run), worlds, {})
    assert (given_up.phase, given_up.found[0].verdict) == ("found", "false")
    script.exit("server")
    run, request = lesson_run.advance(run, {"here": script.world}, {})
    assert (run.phase, run.found[0].verdict, request) == ("found", "seen", Person())


def test_a_false_claim_and_one_that_can_not_be_looked_at_fail() -> None:
    for each in (claim(False), raising(KeyError("server")), raising(AttributeError("x")), raising(TypeError("x"))):
        run, worlds = told(LessonStep(text="a", label="b", shows=(claim(), each)))
        run, request = lesson_run.advance(lesson_run.press(run, worlds, {}), worlds, {})
        assert request == Patience(lesson_run.LATE)
        run, _ = lesson_run.advance(lesson_run.give_up(run), worlds, {})
        assert [finding.verdict for finding in run.found] == ["seen", "false"]
        assert run.status == 1


def test_what_is_needed_and_not_there_is_told_and_nothing_is_done() -> None:
    need = Need(lambda seen: seen.here.gate != "none", "There is no gate.")
    ask = Ask("?", (Answer("a", lambda _: True), Answer("b", lambda _: False)))
    step = replace(one(deeds.run("server"), claim()), needs=(need,), ask=ask)
    run, worlds = told(step)
    run, request = lesson_run.advance(lesson_run.press(run, worlds, {}), worlds, {})
    assert (run.phase, request, run.status) == ("found", Person(), 3)
    assert run.found[0].saw == "There is no gate."
    assert not run.answers


def test_one_that_is_false_weighs_more_than_one_that_is_not_there() -> None:
    need = Need(lambda _: False, "Not here.")
    steps = (LessonStep(text="a", label="b", shows=(claim(),), needs=(need,)), one(deeds.run("server"), claim(False)))
    run, worlds = told(*steps)
    run = lesson_run.press(lesson_run.press(run, worlds, {}), worlds, {})
    assert run.at == 1
    assert lesson_run.give_up(run).status == 1


def test_a_step_for_another_world_is_passed_over_without_a_word() -> None:
    run, worlds = told(LessonStep(text="a"), LessonStep(text="b", when=lambda _: False, shows=(claim(False),)))
    run, _ = lesson_run.advance(lesson_run.press(run, worlds, {}), worlds, {})
    assert (run.phase, run.status, run.findings) == ("summary", 0, ())


# --- predictions

ASK = Ask("?", (Answer("none", lambda seen: not seen.here.packets), Answer("some", lambda _: False, "Why not.")))


def asked(ask: Ask = ASK) -> tuple[Run, dict[str, World]]:
    run, worlds = told(LessonStep(text="a", label="b", ask=ask, shows=(claim(),)))
    return lesson_run.press(run, worlds, {}), worlds


def test_it_asks_before_it_acts_and_the_world_answers() -> None:
    run, worlds = asked()
    assert run.phase == "asked"
    assert lesson_run.advance(run, worlds, {})[1] == Person()
    run, _ = lesson_run.advance(lesson_run.choose(run, 1, worlds, {}), worlds, {})
    assert (run.phase, run.guesses, run.answers) == ("found", {0: 1}, {0: (0,)})
    assert run.status == 0, "a wrong guess is no failure"


def test_one_may_go_on_without_a_guess_and_guess_only_what_is_there() -> None:
    run, worlds = asked()
    assert lesson_run.choose(run, 2, worlds, {}) is run
    run, _ = lesson_run.advance(lesson_run.press(run, worlds, {}), worlds, {})
    assert (run.phase, run.guesses) == ("found", {})


def test_answers_of_which_none_or_two_are_so_fail() -> None:
    for answers in ((False, False), (True, True)):
        made = Ask("?", tuple(Answer(str(each), lambda _, each=each: each) for each in answers))  # type: ignore[misc]
        run, worlds = asked(made)
        run, request = lesson_run.advance(lesson_run.press(run, worlds, {}), worlds, {})
        assert request == Patience(lesson_run.LATE)
        run, _ = lesson_run.advance(lesson_run.give_up(run), worlds, {})
        assert run.status == 1


# --- deeds


def test_deeds_look_before_they_act() -> None:
    world = opened().world
    assert deeds.extra("server", "s.bind(('', {port}), {port+1})").next(world) == deeds.Do(
        RunExtraLine(who="server", source="s.bind(('', 8888), 8889)"), final=True
    )
    assert isinstance(deeds.run_to("server", "socket").next(world), deeds.Reached)
    assert isinstance(deeds.run_to("server", "bind").next(world), deeds.Do)
    assert isinstance(deeds.deliver().next(world), deeds.Reached), "no gate, nothing to deliver"
    assert isinstance(deeds.drop().next(world), deeds.Stuck)
    assert isinstance(deeds.open_gate().next(world), deeds.Reached)
    assert isinstance(deeds.start("server", "tcp_server.py").next(world), deeds.Do), "the living one is ended first"
