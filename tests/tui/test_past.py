"""Going through time: what is shown, and that nothing can be done there."""

from __future__ import annotations

from netsim.model.commands import Step
from netsim.model.timeline import Timeline
from netsim.story.narrator import WIDTH
from netsim.tui.keymap import REGISTER
from netsim.tui.time_keys import ALONE, END, NO_FILES, NOW, OLDEST, START, START_RECORDED
from tests.script import ref, tcp
from tests.tui.stage import Stage, stage

PAST = "This is the past: it can be looked at, not changed. end goes back to now."
# What a key may do while the past is shown; every other one in the register has to say that it does not act there.
LOOKING = {"next", "back", "forward", "to_start", "to_now", "choose", "turn", "scroll(-1)", "scroll(1)", "help", "quit",
           "palette", "interrupt_app", "record", "export", "slower", "faster", "theme", "stop", "move_cell(-1)",
           "move_cell(1)", "enter", "filter", "copy_row", "escape", "redraw"}  # fmt: skip


async def three_steps(it: Stage) -> None:
    """The server has a socket, a port, and listens."""
    await it.open()
    script = it.script
    for name, following, state in (("socket", "setsockopt", None), ("bind", "listen", "CLOSE"), ("listen", "accept",
                                   "LISTEN")):  # fmt: skip
        script.now += 1.0
        script.call("server", name, socket=ref(3, 501, 8888 if state else None))
        if state:
            script.now = script.events[-1].at + 0.01  # at once: what the call changed
            script.kernel(tcp(state, 8888, inode=501))  # type: ignore[arg-type]
        script.stop("server", script.line("server", following), s=3)
    await it.deliver()


class TestGoing:
    async def test_back_step_by_step_to_the_start_and_forward_to_now(self) -> None:
        async with stage() as it:
            await three_steps(it)
            now = it.rows()
            titles = []
            for key in (",", "pageup", ","):
                await it.press({",": "comma"}.get(key, key))
                titles.append(it.rows()[0])
            for back, title in enumerate(titles, 1):
                assert f" netsim   THE PAST · {back} back of 4 · packets inferred " in title
                assert f" step {3 - back} of 3 " in title
            assert "no port is in use" in it.screen()
            await it.press("comma")
            assert "This is the start" in it.screen()
            for back in (2, 1):
                await it.press("full_stop")
                assert f"THE PAST · {back} back of 4" in it.rows()[0]
            await it.press("full_stop")
            assert it.rows()[0] == now[0]
            await it.press("full_stop")
            assert "This is now" in it.screen()
            assert it.asked == []

    async def test_what_is_drawn_is_the_world_of_that_moment(self) -> None:
        async with stage() as it:
            await three_steps(it)
            await it.press("comma")
            assert "8888/tcp   CLOSE" in it.screen()
            assert "bind(): port 8888 is claimed" in it.screen()
            assert " SPACE  forward: listen() of the server returns" in it.screen()
            assert it.board.shown_world == it.session.timeline.at(it.session.timeline.moments[-1])
            await it.press("end")
            assert "LISTEN" in it.screen()
            assert it.board.shown_world is it.session.world

    async def test_home_and_end(self) -> None:
        async with stage() as it:
            await three_steps(it)
            await it.press("home")
            assert "THE PAST · 3 back of 4" in it.rows()[0]
            assert "This is the start" in it.screen()
            await it.press("end")
            assert "THE PAST" not in it.screen()

    async def test_before_anything_has_happened_there_is_no_past(self) -> None:
        async with stage() as it:
            await it.open()
            await it.press("comma")
            assert "Nothing has happened yet" in it.screen()
            assert "THE PAST" not in it.screen()

    async def test_now_goes_on_behind_it(self) -> None:
        async with stage() as it:
            await three_steps(it)
            await it.press("comma")
            shown = it.rows()[1:]
            it.script.begin("server", "accept")
            it.script.sleep("server")
            await it.deliver()
            assert "THE PAST · 2 back of 5" in it.rows()[0]
            assert it.rows()[1:] == shown
            await it.press("end")
            assert "zzz" in it.screen()

    async def test_a_fresh_lab_is_shown_as_it_is_now(self) -> None:
        async with stage() as it:
            await three_steps(it)
            await it.press("comma")
            it.session.restart_lab()
            it.board.paint()
            assert "THE PAST" not in it.screen()

    async def test_only_the_space_cap_is_in_reverse_video(self) -> None:
        async with stage() as it:
            await three_steps(it)
            await it.press("comma")
            assert it.reversed_parts() == ["SPACE"]

    async def test_where_old_events_are_not_kept_the_start_says_so(self) -> None:
        async with stage() as it:
            it.session.timeline = timeline = Timeline(64, 64)
            await three_steps(it)
            while len(it.script.events) < 100:
                it.script.call("server", "accept")
            await it.deliver()
            assert timeline.first == 64
            await it.press("home")
            assert "The first moment left: 64 older events are gone" in it.screen()


def test_the_answers_fit_their_row() -> None:
    texts = (START, START_RECORDED, OLDEST.format(count=1_000_000), NOW, END, ALONE, NO_FILES)
    assert max(map(len, texts)) <= WIDTH


class TestNothingActs:
    async def test_space_goes_forward_and_asks_the_lab_for_nothing(self) -> None:
        async with stage() as it:
            await three_steps(it)
            await it.press("comma", "comma")
            it.clock.now += 1.0
            await it.press("space")
            assert "THE PAST · 1 back" in it.rows()[0]
            it.clock.now += 1.0
            await it.press("pagedown")
            assert "THE PAST" not in it.screen()
            assert it.asked == []

    async def test_a_press_that_was_meant_for_the_past_does_not_act_now(self) -> None:
        async with stage() as it:
            await three_steps(it)
            await it.press("comma")
            for _ in range(3):
                it.clock.now += 0.01
                await it.press("space")
            assert "THE PAST" not in it.screen()
            assert it.asked == []
            it.arm()
            await it.press("space")
            assert it.asked == [Step(id=3, who="client1")]

    async def test_every_other_key_says_why_not(self) -> None:
        acting = [key for key in REGISTER if key.action not in LOOKING and "open(" not in key.action]
        assert len(acting) >= 12
        async with stage() as it:
            await three_steps(it)
            for key in acting:
                await it.press("end", "comma", key.keys.split(",")[0])
                assert PAST in it.screen(), key
                assert "THE PAST · 1 back" in it.rows()[0], key
                assert it.asked == [], key
                assert it.board.typed is None, key
            assert len(it.labs) == 1

    async def test_whatever_is_pressed_nothing_reaches_the_lab(self) -> None:
        async with stage() as it:
            await three_steps(it)
            await it.press("home")
            leaving = ("quit", "interrupt_app", "stop", "palette", "to_now", "next", "forward")
            for key in (key for key in REGISTER if "open(" not in key.action and key.action not in leaving):
                await it.press(key.keys.split(",")[0])
                assert it.asked == [], key
            assert it.board.past.shown
            assert len(it.labs) == 1

    async def test_what_plays_by_itself_stops(self) -> None:
        async with stage() as it:
            await three_steps(it)
            await it.press("a")
            assert it.board.driver.playing
            await it.press("comma")
            assert not it.board.driver.playing
            await it.pilot.pause()
            assert it.asked == []

    async def test_quit_asks_and_the_past_stays_when_it_is_not_meant(self) -> None:
        async with stage() as it:
            await three_steps(it)
            await it.press("comma", "q")
            assert "Quit?" in it.screen()
            await it.press("c")
            assert "THE PAST" in it.screen()
            assert "Quit?" not in it.screen()


class TestLookingRound:
    async def test_tab_and_digits_only_turn_the_view(self) -> None:
        async with stage() as it:
            await three_steps(it)
            it.script.start("client2")
            it.script.call("server", "accept")
            await it.deliver()
            count = len(it.session.timeline)
            await it.press("comma", "2")
            assert it.board.shown_world.focus.number == 2
            await it.press("tab")
            assert it.board.shown_world.focus.role == "server"
            await it.press("7")
            assert "There was no client 7 then" in it.screen()
            assert len(it.session.timeline) == count
            await it.press("end")
            assert it.board.shown_world is it.session.world
