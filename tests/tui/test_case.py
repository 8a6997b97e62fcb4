"""`w`: the case as a page, on labs that only take down what they are asked."""

from __future__ import annotations

from collections.abc import Callable

from netsim.model.commands import OpenGate, StartEndpoint
from netsim.model.events import CommandAccepted, CommandRefused, EndpointStarted
from netsim.model.machine import MachinePorts, Probed
from netsim.tui.page import Tools
from netsim.tui.pages import case as case_page
from tests.labs import Labs
from tests.tui.stage import Stage, stage


class SilentMachine:
    """A helper that takes down whom it is asked for."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.closed = False

    def ports(self, on_ports: Callable[[MachinePorts], None]) -> None:
        raise NotImplementedError

    def probe(self, pid: int, on_probed: Callable[[Probed], None], started: float | None = None) -> None:
        self.asked.append(pid)

    def close(self) -> None:
        self.closed = True


class Kit:
    """Tools whose labs and machines only listen."""

    def __init__(self) -> None:
        self.labs = Labs()
        self.nets: list[tuple[str, int]] = []
        self.machines: list[SilentMachine] = []
        self.tools = Tools(self._make_lab, self._make_machine, free_port=lambda port: port + 1)

    def _make_lab(self, net: str, port: int):  # type: ignore[no-untyped-def]
        self.nets.append((net, port))
        return self.labs()

    def _make_machine(self) -> SilentMachine:
        self.machines.append(SilentMachine())
        return self.machines[-1]


async def opened(page: Stage, kit: Kit) -> None:
    """The main story is there, and w was pressed."""
    await page.open()
    page.board.tools = kit.tools
    await page.press("w")


async def test_without_tools_it_says_that_there_can_be_no_lab() -> None:
    async with stage() as page:
        await page.open()
        await page.press("w")
        assert "a lab of its own" in page.screen()


async def test_it_begins_at_once_on_a_lab_of_its_own_beside_the_story_s_port() -> None:
    async with stage() as page:
        kit = Kit()
        await opened(page, kit)
        assert "why ports, not PIDs   exhibit 1 of 5" in page.screen()
        assert "starting ..." in page.screen()
        assert kit.nets == [("host", 8889)]
        assert kit.labs[0].sent == [OpenGate(id=1)]


async def test_the_story_is_as_it_was_left() -> None:
    async with stage() as page:
        await page.open()
        before, asked = page.screen(), list(page.asked)
        kit = Kit()
        page.board.tools = kit.tools
        await page.press("w", "space", "c", "x", "r", "q", "escape")
        assert page.screen() == before
        assert page.asked == asked
        assert kit.labs[0].closed
        assert kit.machines[0].closed


async def test_an_answer_brings_the_next_order() -> None:
    async with stage() as page:
        kit = Kit()
        await opened(page, kit)
        lab = kit.labs[0]
        lab.deliver(page.script.events[0])
        lab.deliver(CommandRefused(at=0.1, id=1, kind="OpenGate", who="", why="There is no gate."))
        await page.until(lambda: len(lab.sent) == 2)
        start = lab.sent[1]
        assert isinstance(start, StartEndpoint)
        assert (start.who, start.program) == ("server", "tcp_server.py")
        lab.deliver(CommandAccepted(at=0.2, id=2, kind="StartEndpoint", who="server"))
        lab.deliver(EndpointStarted(at=0.3, who="server", pid=41300, inner_pid=3, role="server", transport="tcp",
                                    number=1, program="tcp_server.py", source=("import socket",)))  # fmt: skip
        await page.until(lambda: "41300" in page.screen())
        assert "not asked yet" in page.screen()


async def test_b_begins_the_case_again_on_a_fresh_lab() -> None:
    async with stage() as page:
        kit = Kit()
        await opened(page, kit)
        await page.press("b")
        assert [lab.closed for lab in kit.labs] == [True, False]
        assert [machine.closed for machine in kit.machines] == [True, False]


async def test_what_does_not_come_is_given_up() -> None:
    async with stage() as page:
        kit = Kit()
        await opened(page, kit)
        page.clock.now += case_page.PATIENCE + 1
        await page.until(lambda: "did not come" in page.screen())
        assert "SPACE" in page.screen()


async def test_while_the_story_s_lab_starts_it_asks_to_wait() -> None:
    async with stage() as page:
        page.board.tools = Kit().tools
        await page.press("w")
        assert case_page.open_page(page.board) == "The lab is just starting: press w again in a moment."


async def test_where_no_port_is_free_it_says_so() -> None:
    async with stage() as page:
        await page.open()
        page.board.tools = Kit().tools._replace(free_port=lambda port: None)
        opened = case_page.open_page(page.board)
        assert isinstance(opened, str)
        assert "No port is free" in opened
