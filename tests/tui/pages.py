"""What a page is handed in tests in place of a real machine and a real second terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from netsim.model.machine import MachinePorts, MachineRow, Probed
from netsim.tui.page import Tools
from tests.labs import ListedLab


class ListedMachine:
    """A helper that only takes down what it is asked; the test answers."""

    def __init__(self) -> None:
        self.asked: list[Callable[[MachinePorts], None]] = []
        self.closed = False

    def ports(self, on_ports: Callable[[MachinePorts], None]) -> None:
        self.asked.append(on_ports)

    def probe(self, pid: int, on_probed: Callable[[Probed], None], started: float | None = None) -> None:
        raise AssertionError("nobody asked for that")

    def close(self) -> None:
        self.closed = True

    def answer(self, *rows: MachineRow, complete: bool = True, failure: str = "") -> None:
        """The table comes."""
        self.asked[-1](MachinePorts(len(self.asked), rows, complete=complete, failure=failure))


class Terminal:
    """The second terminal: what was run in it, and in which lab; the test prints."""

    def __init__(self) -> None:
        self.run: list[tuple[tuple[str, ...], int]] = []
        self.printed: list[Callable[[str], None]] = []

    def __call__(self, argv: Sequence[str], inside: int, on_output: Callable[[str], None]) -> None:
        self.run.append((tuple(argv), inside))
        self.printed.append(on_output)


def tools(machine: ListedMachine | None = None, terminal: Terminal | None = None) -> Tools:
    """What a page may use of the rooms that it may not import."""
    helper = machine or ListedMachine()
    return Tools(lambda _net, _port: ListedLab(), lambda: helper, run_aside=terminal)
