"""j, J, T and space for a person's own programs, and P: what they ask for, and what they say where they can't."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from netsim.model import events as e
from netsim.model.commands import RunToLine, StepLine, TypeLine
from netsim.story import life
from netsim.tui.page import Tools
from tests.own_script import OwnScript
from tests.tui.stage import Stage, stage


@asynccontextmanager
async def own_stage(*, asleep: bool = False) -> AsyncIterator[Stage]:
    """A screen before a lab that runs a server and a client of the person's own."""
    async with stage() as it:
        script = OwnScript()
        it.script = script
        script.start_own("server")
        script.start_own("client1", ahead=(e.CallAhead("create_connection", 4, "socket"),))
        if asleep:
            script.accept("Step", "server")
            script.fall_asleep("server", "poll", 9)
            script.accept("Step", "client1")
            script.show("client1", "name: ")
            script.fall_asleep("client1", "read", 3, fd=0)
        await it.deliver()
        it.arm()
        await it.pilot.pause(1 / 30)
        yield it


async def test_j_runs_one_line() -> None:
    async with own_stage() as it:
        await it.press("j")
        assert it.asked == [StepLine(id=3, who="client1")]
        await it.press("tab", "j")
        assert it.asked[1:] == [StepLine(id=4, who="server")]


async def test_a_line_is_chosen_with_the_arrows_and_run_to_with_enter() -> None:
    async with own_stage() as it:
        await it.press("J", "down", "down", "down", "up")
        assert "LINE   run the client to line 3" in it.screen()
        assert "3: name = input('name: ')" in it.screen()
        await it.press("enter")
        assert it.asked == [RunToLine(id=3, who="client1", line=3)]


@pytest.mark.parametrize(
    ("keys", "line"), [(["4"], 4), (["end"], 6), (["9", "9"], 6), (["pagedown", "home"], 1), (["0"], 1), (["up"], 1)]
)
async def test_a_line_is_chosen_by_its_number_too(keys: Sequence[str], line: int) -> None:
    async with own_stage() as it:
        await it.press("J", *keys, "enter")
        assert it.asked == [RunToLine(id=3, who="client1", line=line)]


async def test_escape_runs_to_no_line() -> None:
    async with own_stage() as it:
        before = it.screen()
        await it.press("J", "down", "escape")
        assert it.asked == []
        assert it.screen() == before


async def test_space_asks_for_the_line_that_input_waits_for() -> None:
    async with own_stage(asleep=True) as it:
        assert "client waits in input(): type a line" in it.screen()
        await it.press("space")
        assert " TYPE " in it.screen()
        assert "The client waits in input(): it gets the line that you type now." in it.screen()
        await it.press("space", "space")  # who presses it to go on has not typed anything
        assert "write a line, then enter" in it.screen()
        await it.press("b", "o", "b", "enter")
        assert it.asked == [TypeLine(id=3, who="client1", text="bob")]


async def test_an_empty_line_is_a_line_and_ctrl_d_is_the_end() -> None:
    async with own_stage(asleep=True) as it:
        await it.press("T", "enter")
        assert it.asked == [TypeLine(id=3, who="client1", text="")]
        await it.press("T", "ctrl+d")
        assert it.asked[1:] == [TypeLine(id=4, who="client1", text="", end=True)]


async def test_where_no_line_is_read_t_says_so() -> None:
    async with own_stage() as it:
        await it.press("tab", "T")
        assert "echo.py reads no line in its text: there is nothing to type for it." in it.screen()
    async with stage() as it:
        await it.open()
        await it.press("T")
        assert "Nobody here waits for a typed line: only programs of netsim run have input()." in it.screen()


async def test_who_sleeps_takes_no_line_and_it_is_said_why() -> None:
    async with own_stage(asleep=True) as it:
        await it.press("j")
        assert it.asked == []
        assert "The client waits in input() for a line (read): T types one." in it.screen()
        await it.press("tab", "J")
        assert "The server sleeps (poll) until one of its sockets is ready." in it.screen()


async def test_n_without_a_client_says_how_to_be_one() -> None:
    async with stage() as it:
        script = OwnScript()
        it.script = script
        script.start_own("server")
        await it.deliver()
        await it.press("n")
        assert "No client here. In another terminal: nc 127.0.0.1 8888" in it.screen()
        await it.press("j")  # the only program there is
        assert it.asked == [StepLine(id=3, who="server")]


async def test_moments_of_netsims_own_pair_are_not_played_with_them() -> None:
    async with own_stage() as it:
        await it.press("m", "7")
        assert "The moment rebind is played by netsim's own pair" in it.screen()
        assert len(it.labs) == 1


# --- from lab to life


class Files:
    """Takes down what is to be saved."""

    def __init__(self) -> None:
        self.saved: list[tuple[str, str]] = []

    def save(self, files: Sequence[tuple[str, str]]) -> tuple[str, str]:
        self.saved += files
        return "netsim-programs-1", "2 files saved in /here/netsim-programs-1: python3 runs them."


def tools(files: Files | None) -> Tools:
    return Tools(None, None, files=files)  # type: ignore[arg-type]


async def test_the_pair_is_saved_and_the_commands_are_copied() -> None:
    async with stage() as it:
        await it.open()
        files = Files()
        it.board.tools = tools(files)
        await it.press("P")
        assert "python3 tcp_server.py" in it.screen()
        await it.press("s")
        assert [name for name, _ in files.saved] == ["tcp_server.py", "tcp_client.py"]
        assert files.saved[0][1] == "\n".join(it.session.world.endpoints["server"].source) + "\n"
        assert "2 files saved in /here/netsim-programs-1" in it.screen()
        await it.press("c")
        copied = it.app.clipboard
        assert "python3 netsim-programs-1/tcp_server.py\n" in copied
        assert "ss -tanp 'sport = :8888 or dport = :8888'\n" in copied
        assert "sudo tcpdump -n -i lo 'tcp port 8888'\n" in copied
        await it.press("escape")
        assert "from lab to life" not in it.screen()


async def test_where_no_file_may_be_written_none_is_offered() -> None:
    async with stage() as it:
        await it.open()
        it.board.tools = tools(None)
        await it.press("P")
        assert "save the programs" not in it.screen()
        await it.press("s")
        assert "No file may be written here: c copies the commands." in it.screen()


async def test_own_programs_are_run_from_where_they_are() -> None:
    async with own_stage() as it:
        await it.press("P")
        assert "python3 /home/ann/echo.py x" in it.screen()
        assert "These programs are yours: they are in their files already." in it.screen()
        assert life.files(it.session.world) == ()


# --- O: all that was printed


async def test_o_shows_all_that_was_printed_and_follows_it() -> None:
    async with own_stage(asleep=True) as it:
        for number in range(100):
            it.script.show("client1", f"line {number}\n")
        await it.deliver()
        await it.press("O")
        assert "what the client has printed" in it.screen()
        assert "line 99" in it.screen()
        it.script.show("client1", "\x1b[31mred\x1b[0m \x1b[2J\nten\rover\n")
        await it.deliver()
        assert [row.strip() for row in it.screen().splitlines()[-5:-1]][1:] == ["line 99", "red \\x1b[2J", "over"]
        await it.press("home")
        assert "name: line 0" in it.screen()
        await it.press("pagedown", "end")
        assert "over" in it.screen()
        await it.press("tab")
        assert "The server has printed nothing." in it.screen()
        await it.press("escape")
        assert " SPACE " in it.screen()
        assert it.asked == []


async def test_o_shows_the_traceback_behind_the_output() -> None:
    async with own_stage() as it:
        it.script.end_own("client1", "Traceback (most recent call last):\n  File 1\nOSError: no\n")
        await it.deliver()
        await it.press("O")
        lines = ["Traceback (most recent call last):", "  File 1", "OSError: no"]
        assert [row.rstrip() for row in it.rows()[2:5]] == [f" {line}" for line in lines]
