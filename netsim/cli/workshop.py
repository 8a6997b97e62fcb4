"""The workshop: it makes labs and the helper outside them, and knows all that is still there.

Law: whatever was made here can be ended at once, from a signal handler, without waiting.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from netsim.lab.client import LabClient

if TYPE_CHECKING:
    from netsim.lab.aside import Aside
    from netsim.lab.machine import Machine


class Workshop:
    """Makes labs in one kind of net."""

    def __init__(self, net: str, port: int) -> None:
        self._net = net
        self._port = port
        self._prepared: list[LabClient] = []
        self._labs: list[LabClient] = []
        self._machines: list[Machine] = []
        self._aside: Aside | None = None

    @property
    def port(self) -> int:
        """The port of its labs' servers."""
        return self._port

    def prepare_lab(self) -> None:
        """Start the first lab now, so that it is there when it is asked for."""
        self._prepared.append(self._make(self._net, self._port))

    def first_lab(self) -> LabClient:
        """The lab that was prepared, or a fresh one like it."""
        return self._prepared.pop() if self._prepared else self._make(self._net, self._port)

    def make_lab(self, net: str, port: int) -> LabClient:
        """One more lab, of the kind that is asked for."""
        return self._make(net, port)

    def make_machine(self) -> Machine:
        """A helper outside every lab; it starts with the first question."""
        from netsim.lab.machine import Machine  # not before the first lab's process: msgspec comes with it

        machine = Machine()
        self._machines.append(machine)
        return machine

    def run_aside(self, argv: Sequence[str], inside: int, on_output: Callable[[str], None]) -> None:
        """A command as in another terminal, in the net of the lab that has this process (see netsim.lab.aside)."""
        from netsim.lab.aside import Aside

        self._aside = self._aside or Aside()
        self._aside.run(argv, inside, on_output)

    def free_port(self, port: int) -> int | None:
        """The first port above this one that can be had, with the one after it; None if there is none near."""
        from netsim.lab.preflight import next_free

        found = next_free(port)
        while found is not None and next_free(found) != found + 1:
            found = next_free(found)
        return found

    def kill_now(self) -> None:
        """End everything at once; what has ended already is no trouble."""
        if self._aside is not None:
            self._aside.kill_now()
        for lab in self._labs:
            lab.kill_now()
        for machine in self._machines:
            machine.kill_now()

    def close(self) -> None:
        """End everything that is still there."""
        for lab in self._labs:
            lab.close()
        for machine in self._machines:
            machine.close()

    def _make(self, net: str, port: int) -> LabClient:
        lab = LabClient(net=net, port=port)  # type: ignore[arg-type]  # argparse has checked the choice
        self._labs.append(lab)
        return lab
