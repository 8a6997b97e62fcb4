"""The main screen under Pilot: what keys ask of the lab, and what is shown meanwhile."""

from __future__ import annotations

import pytest

from netsim.model import events as e
from netsim.model.commands import Interrupt, Kill, RunExtraLine, StartEndpoint, Step
from netsim.text.charset import UNICODE
from netsim.text.lines import plain
from netsim.tui.help import help_lines
from tests.script import ref, tcp
from tests.tui.stage import stage


class TestSpace:
    async def test_it_does_what_the_line_says(self) -> None:
        async with stage() as it:
            await it.open()
            assert " SPACE  server: ask the kernel for a socket" in it.screen()
            await it.press("space")
            assert it.asked == [Step(id=3, who="server")]

    async def test_page_down_of_a_clicker_is_the_same(self) -> None:
        async with stage() as it:
            await it.open()
            await it.press("pagedown")
            assert it.asked == [Step(id=3, who="server")]

    async def test_a_press_while_something_is_under_way_does_nothing(self) -> None:
        async with stage() as it:
            await it.open()
            await it.press("space", "space", "space")
            assert len(it.asked) == 1

    async def test_a_held_down_bar_does_not_run_away(self) -> None:
        async with stage() as it:
            await it.open()
            await it.press("space")
            it.script.call("server", "socket", socket=ref(3, 501))
            it.script.stop("server", it.script.line("server", "setsockopt"), s=3)
            await it.deliver()
            await it.pilot.press("space")
            assert len(it.asked) == 1

    async def test_a_label_that_changed_by_itself_is_not_armed_at_once(self) -> None:
        async with stage() as it:
            await it.open()
            it.script.stop("server", it.script.line("server", "accept"), s=3)
            it.script.ready("server", 3)
            await it.deliver()
            await it.press("space")
            assert it.asked == []

    async def test_at_the_end_it_offers_to_begin_again_and_asks(self) -> None:
        async with stage() as it:
            await it.open()
            for who in ("udpserver", "udpclient1"):
                it.script.start(who)
            for who in ("server", "client1", "udpserver", "udpclient1"):
                it.script.exit(who)
            it.script.accept("Step", "server")
            await it.deliver()
            it.arm()
            await it.press("space")
            assert "Begin again?" in it.screen()
            await it.press("b")
            assert len(it.labs) == 2
            assert it.labs[0].closed


class TestKeys:
    async def test_connect_runs_what_must_come_first_step_by_step(self) -> None:
        async with stage() as it:
            await it.open()
            await it.press("c")
            assert it.asked == [Step(id=3, who="server")]
            it.script.call("server", "socket", socket=ref(3, 501))
            it.script.stop("server", it.script.line("server", "setsockopt"), s=3)
            await it.deliver()
            await it.until(lambda: len(it.asked) == 2)
            assert it.asked[1] == Step(id=4, who="server")

    async def test_send_asks_for_the_message_first(self) -> None:
        async with stage() as it:
            await it.open()
            it.script.stop("client1", it.script.line("client1", ".send"), s=3)
            await it.deliver()
            await it.press("s")
            await it.press(*"hi")
            await it.press("enter")
            assert it.asked == [Step(id=3, who="client1", message="hi")]

    async def test_escape_gives_the_prompt_up(self) -> None:
        async with stage() as it:
            await it.open()
            await it.press("u", "escape")
            assert it.asked == []
            assert " SPACE  " in it.screen()

    async def test_digits_and_spaces_in_a_message_are_text(self) -> None:
        async with stage() as it:
            await it.open()
            it.script.stop("client1", it.script.line("client1", ".send"), s=3)
            await it.deliver()
            await it.press("s", "1", "space", "q", "enter")
            assert it.asked == [Step(id=3, who="client1", message="1 q")]

    async def test_udp_starts_its_two_programs(self) -> None:
        async with stage() as it:
            await it.open()
            await it.press("u", "enter")
            assert isinstance(it.asked[0], StartEndpoint)
            assert it.asked[0].who == "udpserver"

    async def test_tab_turns_to_the_server_whose_send_it_is_then(self) -> None:
        async with stage() as it:
            await it.open()
            script = it.script
            script.call("server", "accept", socket=ref(3, 501, 8888), accepted=ref(4, 777, 8888, 51324))
            script.stop("server", script.line("server", "conn.recv"), s=3, conn=4)
            await it.deliver()
            await it.press("tab", "s", "enter")
            assert it.asked == [RunExtraLine(id=3, who="server", source="conn.send(b'hello')")]

    async def test_restart_kills_the_server(self) -> None:
        async with stage() as it:
            await it.open()
            await it.press("r")
            assert it.asked == [Kill(id=3, who="server")]

    async def test_interrupt_needs_somebody_who_sleeps(self) -> None:
        async with stage() as it:
            await it.open()
            await it.press("i")
            assert "nothing to interrupt" in it.screen()
            it.script.begin("server", "accept")
            it.script.sleep("server")
            await it.deliver()
            await it.press("i")
            assert it.asked == [Interrupt(id=3, who="server")]

    async def test_one_more_client_and_back_to_the_first(self) -> None:
        async with stage() as it:
            await it.open()
            await it.press("n")
            assert it.asked == [
                StartEndpoint(id=3, who="client2", program="tcp_client.py", role="client", transport="tcp", number=2)
            ]
            it.script.start("client2")
            await it.deliver()
            assert "CLIENT 2 of 2" in it.screen()
            await it.press("1")
            assert "CLIENT 1 of 2" in it.screen()
            await it.press("7")
            assert "There is no client 7: n starts one more." in it.screen()

    @pytest.mark.parametrize("key", ["escape", "f5", "ctrl+d"])
    async def test_other_keys_do_nothing(self, key: str) -> None:
        async with stage() as it:
            await it.open()
            before = it.screen()
            await it.press(key)
            assert it.asked == []
            assert it.screen() == before

    async def test_a_letter_that_is_no_key_says_so(self) -> None:
        async with stage() as it:
            await it.open()
            await it.press("z")
            assert it.asked == []
            assert "z is no key here: ? shows those that there are." in it.screen()
            assert it.app.is_running


class TestTable:
    async def test_its_rest_is_reached_by_the_arrows_and_by_tab(self) -> None:
        async with stage() as it:
            await it.open()
            it.script.kernel(*(tcp("ESTABLISHED", 40_000 + number, 8888, inode=number + 1) for number in range(9)))
            await it.deliver()
            assert "40003/tcp" in it.screen()
            assert "40008/tcp" not in it.screen()
            await it.press("tab", "tab")
            assert "[40000/tcp]" in it.screen()
            await it.press(*["down"] * 20)
            assert "40008/tcp" in it.screen()
            assert "40000/tcp" not in it.screen()
            await it.press(*["up"] * 20)
            assert "40000/tcp" in it.screen()
            await it.press("tab")
            assert "CLIENT" in it.screen()
            assert it.session.world.focus.role == "client"


class TestGate:
    async def test_without_a_gate_its_keys_say_why(self) -> None:
        async with stage() as it:
            await it.open()
            for key in ("d", "f", "o"):
                await it.press(key)
                assert "netsim doctor says why" in it.screen()
            assert it.asked == []

    async def test_moments_begin_again_and_run_there(self) -> None:
        async with stage() as it:
            await it.open()
            await it.press("m")
            assert "To: 1 SYN held" in it.screen()
            assert " SPACE  no: nothing is done, and the question goes away" in it.screen()
            await it.press("6")
            assert len(it.labs) == 2


class TestEndings:
    async def test_q_quits_at_once_while_nothing_was_done(self) -> None:
        async with stage() as it:
            await it.open()
            await it.press("q")
            assert it.app.return_value == 0

    async def test_q_asks_once_something_was_done(self) -> None:
        async with stage() as it:
            await it.open()
            it.script.call("server", "socket", socket=ref(3, 501))
            await it.deliver()
            await it.press("q")
            assert "q again quits" in it.screen()
            await it.press("space")
            assert "q again quits" not in it.screen()
            await it.press("q", "q")
            assert it.app.return_value == 0

    async def test_ctrl_c_twice(self) -> None:
        async with stage() as it:
            await it.open()
            await it.press("ctrl+c")
            assert "ctrl+c again quits" in it.screen()
            await it.press("ctrl+c")
            assert it.app.return_value == 0

    async def test_a_lab_that_is_gone_says_what_died_and_what_to_press(self) -> None:
        async with stage() as it:
            await it.open()
            it.script.add(e.LabEnded(at=it.script.now, reason="it was ended by SIGKILL."))
            await it.deliver()
            assert "The lab has ended: it was ended by SIGKILL." in it.screen()
            assert "b begins again" in it.screen()
            await it.press("b")
            assert len(it.labs) == 2


class TestSizes:
    async def test_too_small_asks_for_more_and_is_back_by_itself(self) -> None:
        async with stage((60, 20)) as it:
            await it.open()
            assert "netsim needs 80 columns and 24 rows; these are 60 and 20." in " ".join(it.screen().split())
            await it.resize(80, 24)
            assert "SPACE  server: ask the kernel for a socket" in it.screen()

    @pytest.mark.parametrize("size", [(80, 24), (100, 30), (120, 36), (160, 45), (200, 50)])
    async def test_every_row_is_where_the_grid_puts_it(self, size: tuple[int, int]) -> None:
        async with stage(size) as it:
            await it.open()
            rows = it.rows()
            assert rows[0].startswith(" netsim")
            assert rows[1].startswith("─ CLIENT")
            assert rows[-2].startswith(" SPACE")
            assert rows[-1].startswith(" c connect")
            assert all(len(row) == size[0] for row in rows)


class TestHelp:
    async def test_it_fits_and_any_key_goes_back(self) -> None:
        async with stage() as it:
            await it.open()
            await it.press("question_mark")
            assert "netsim: keys" in it.screen()
            assert max(len(plain(line)) for line in help_lines(UNICODE)) <= 80
            assert len(help_lines(UNICODE)) <= 24
            shown = [span.style for line in help_lines(UNICODE) for span in line]
            assert {"client", "server", "bold", "next"} <= set(shown)  # each meaning of a colour, in that colour
            assert shown.count("next") == 1
            await it.press("x")
            assert "SPACE" in it.screen()
            assert it.asked == []


async def test_equal_worlds_paint_nothing() -> None:
    async with stage() as it:
        await it.open()
        painted: list[object] = []
        for tile in it.app.screen.query("LinesView"):
            tile.refresh = lambda *regions, **_: painted.append(regions)  # type: ignore[method-assign]
        it.board.paint()
        assert painted == []
        it.script.kernel(tcp("LISTEN", 8888, inode=501, send=5))
        await it.deliver()
        assert painted
