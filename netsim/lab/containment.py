"""Around the lab host there are namespaces where they are allowed: its end is the end of everything in it, and in a
private net its packets are its own.

Law: the outermost process stays outside of all of them. A process that it forks goes in, one for each way to try, and
leaves init behind: PID 1 of a pid namespace, and the kernel ends what is in there with it. Where no way is allowed the
outermost process hunts its descendants itself. /proc stays the machine's, so that psutil and /proc/self speak of the
machine's PIDs.

Sources: user_namespaces(7), pid_namespaces(7), network_namespaces(7).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from typing import Literal, NamedTuple, NoReturn

from netsim.lab import guard, linux, privatenet
from netsim.lab.steps import StepError, step

Net = Literal["host", "private"]
Mode = Literal["auto", "user+pid", "pid", "none"]
NETS: tuple[Net | Literal["auto"], ...] = ("auto", "host", "private")
MODES: tuple[Mode, ...] = ("auto", "user+pid", "pid", "none")


class Containment(NamedTuple):
    """What came of it. `because` says in which namespaces the lab lives, or which step was refused, with its errno.

    `net_because`: what of a private net was refused, where one was wished for.
    """

    contained: bool
    because: str
    net: Net = "host"
    net_because: str = ""


class Way(NamedTuple):
    """Some namespaces that the lab could live in; a pid namespace is always among them."""

    net: Net
    user: bool

    @property
    def name(self) -> str:
        """In words: "user, network and pid namespaces"."""
        match self:
            case ("private", user):
                return "user, network and pid namespaces" if user else "network and pid namespaces"
            case (_, user):
                return "user and pid namespaces" if user else "a pid namespace"

    def enter(self) -> str:
        """Go in, this process or its next child; "" or the step that was refused: "unshare(NEWUSER): EPERM".

        After a refusal the process may be half in: fit for nothing but ending.
        """
        try:
            if self.net == "private":
                privatenet.unshare_private(user=self.user)
                privatenet.prepare()
                return ""
            if self.user:
                privatenet.enter_user_namespace(os.geteuid(), os.getegid())
            with step("unshare(NEWPID)"):
                linux.unshare(linux.NEWPID)
        except StepError as error:
            return error.brief
        return ""


Host = Callable[[Containment, int], int]


def run(mode: Mode, net: Net | Literal["auto"], host: Host) -> NoReturn:
    """Run `host(containment, life)` as `mode` and `net` say; does not return. To be called without other threads.

    `life` is a pipe that ends when the outermost process does; standard input ends when the screen does. The exit
    status is the host's, 128 + n if signal n ended it, guard.NO_PRIVATE_NET with a sentence if that was insisted on.
    """
    guard.prepare_signals()
    linux.name_process("netsim-lab")
    if sys.platform.startswith("linux"):
        linux.adopt_orphans()
    life, alive = os.pipe()  # nothing is ever written: `alive` is only open in the outermost process
    bare = False

    def start() -> int:
        nonlocal bare
        refusals: list[tuple[Net, str]] = []
        for way in ways(mode, net):
            found = Containment(True, way.name, way.net, because(refusals, "private"))
            init, refused = _settle(way, partial(_init, found, host, life, alive))
            if init is not None:
                return init
            refusals.append((way.net, refused))
        bare = True
        why_not = because(refusals, "private") or _why_untried()
        if net == "private":
            return guard.spawn(lambda: _give_up(why_not))
        found = Containment(
            False, because(refusals, "host") or _why_untried(), "host", why_not if net == "auto" else ""
        )
        return guard.spawn(partial(_bare_host, found, host, life, alive, os.getpid()))

    status, child = guard.guard(start, (0,))
    if child is not None:
        guard.end_child(child)  # an init: comes back when the kernel has ended everything in the namespace
    if bare:
        guard.end_descendants()
    os._exit(status)


def ways(mode: Mode, net: Net | Literal["auto"]) -> list[Way]:
    """What to try, the best first.

    Root goes without a user namespace where it can: in one it would no longer be the root of the machine's network,
    and lose port 80 and the sight of whose sockets there are. In a private net it loses nothing, but needs none either.
    """
    if mode == "none" or not sys.platform.startswith("linux"):
        return []
    user = [False, True] if os.geteuid() == 0 else [True]
    if mode != "auto":
        user = [mode == "user+pid"]
    nets: tuple[Net, ...] = ("private", "host") if net == "auto" else (net,)
    return [Way(each, with_user) for each in nets for with_user in user]


def because(refusals: list[tuple[Net, str]], net: Net) -> str:
    """The refusals about one of the nets, each once."""
    return "; ".join(dict.fromkeys(refused for about, refused in refusals if about == net))


def _why_untried() -> str:
    return "only Linux has namespaces" if not sys.platform.startswith("linux") else "not asked for"


def _settle(way: Way, init: Callable[[], int]) -> tuple[int | None, str]:
    """Have `init()` run as PID 1 of a new pid namespace, as a child of ours: its id, or None and what was refused.

    Only a process of its own can try, because nobody can leave a user namespace again. It forks init and ends, and
    init, orphaned, becomes ours (linux.adopt_orphans): only then it is told to go on.
    """
    answer, told = os.pipe()
    go, let_go = os.pipe()

    def try_it() -> int:
        refused = way.enter()
        os.write(told, (refused or str(guard.spawn(wait_and_run))).encode())
        return 0

    def wait_and_run() -> int:
        os.close(told)
        os.close(let_go)
        return init() if os.read(go, 1) else 0  # else the outermost process is gone

    trying = guard.spawn(try_it)
    os.close(told)
    os.close(go)
    said = os.read(answer, 4096).decode()
    os.waitpid(trying, 0)
    pid = int(said) if said.isdigit() else None
    if pid is not None:
        os.write(let_go, b".")
    os.close(answer)
    os.close(let_go)
    return pid, said or "the process that was to try it has ended"


def _init(chosen: Containment, host: Host, life: int, alive: int) -> int:
    """PID 1 of the namespace. When it returns (and exits), the kernel kills what is left in there."""
    linux.name_process("netsim-init")
    linux.die_with_parent(0)  # our parent has no number in here; if it is gone already, `life` has ended
    os.close(alive)

    def run_host() -> int:
        linux.name_process("netsim-host")
        return host(chosen, life)

    status, _ = guard.guard(lambda: guard.spawn(run_host), (0, life))
    return status


def _bare_host(chosen: Containment, host: Host, life: int, alive: int, parent: int) -> int:
    linux.name_process("netsim-host")
    if sys.platform.startswith("linux"):
        linux.die_with_parent(parent)
    os.close(alive)
    return host(chosen, life)


def _give_up(why: str) -> int:
    print(f"A private net can't be had here: {why}. netsim --net host works everywhere.", file=sys.stderr)
    return guard.NO_PRIVATE_NET
