"""What a machine allows: the result of really trying it. Values, no wording; `diagnosis` judges, `text.doctor` tells.

Law: everything here was read or tried on the machine, and is safe as JSON: what came from outside is valid Unicode.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

CheckName = Literal[
    "user",  # a user namespace
    "uid_map",  # ... in which the user is himself
    "net",  # a network namespace
    "pid",  # a pid namespace
    "loopback",  # its loopback up
    "calm",  # its timers
    "queue",  # the kernel's packet queue
    "rule",  # the rule that feeds it
    "held",  # a packet, held and released
    "sock_diag",  # the kernel's own list of sockets
    "tcp_info",  # its counters of one connection
    "psutil",  # which process has which socket
    "proc",  # /proc, as the lab reads it
    "lab",  # a whole lab, started as `--net auto` starts it
]
PRIVATE: tuple[CheckName, ...] = ("user", "uid_map", "net", "pid", "loopback", "calm", "queue", "rule", "held")
MACHINE: tuple[CheckName, ...] = ("sock_diag", "tcp_info", "psutil", "proc")
Outcome = Literal["works", "partly", "fails", "untried"]
Colours = Literal[0, 16, 256, 16777216]


class Check(Struct, frozen=True):
    """One thing that was tried. `step`: the last thing done for it, the one that failed if it failed.

    `errno` is its name ("EPERM"), "SIGSYS" if a signal ended the try, "ETIMEDOUT" if it did not come back; `found` a
    value worth knowing ("nft queue: inet").
    """

    name: CheckName
    outcome: Outcome = "untried"
    step: str = ""
    errno: str = ""
    found: str = ""
    ms: float = 0.0


class SettingTried(Struct, frozen=True):
    """One of the calm settings of a private net; `errno` "": it was set."""

    name: str
    value: str
    errno: str = ""


class System(Struct, frozen=True):
    """Where this is. `libraries`: versions by name. `uid` None: a system without such numbers."""

    name: str
    release: str
    machine: str
    python: str
    executable: str
    netsim: str
    libraries: dict[str, str]
    user: str
    uid: int | None


class Surroundings(Struct, frozen=True):
    """What the kernel says of restrictions. `sysctls`: those of capabilities.SYSCTLS that this kernel has.

    `seccomp`: 0 none, 1 strict, 2 a filter, as /proc/self/status says; None: it does not say. `container`: "docker",
    "podman" or what else names itself; `apparmor`: the profile of this process; `proc_options`: how /proc is mounted.
    """

    sysctls: dict[str, str]
    seccomp: int | None = None
    container: str = ""
    apparmor: str = ""
    proc_options: str = ""
    wsl: bool = False


class TerminalFacts(Struct, frozen=True):
    """The terminal, as the streams and the environment tell. `columns` and `rows` are 0 where there is none.

    `colours`: how many TERM and COLORTERM promise; `encoding`: standard output's.
    """

    input: bool
    output: bool
    term: str
    columns: int
    rows: int
    colorterm: str
    colours: Colours
    no_color: bool
    encoding: str
    locale: str
    unicode: bool
    ssh: bool
    multiplexer: str


class LabTried(Struct, frozen=True):
    """What a lab said of itself that was started with `--net auto`; `failure`: why there was none.

    `net` and the rest are as in events.LabStarted.
    """

    net: Literal["host", "private", ""] = ""
    net_because: str = ""
    contained: bool = False
    contained_because: str = ""
    gate: str = ""
    gate_because: str = ""
    failure: str = ""
    ms: float = 0.0


class Capabilities(Struct, frozen=True):
    """Everything that was found out. `checks` has every CheckName once, in their order."""

    system: System
    surroundings: Surroundings
    checks: tuple[Check, ...]
    settings: tuple[SettingTried, ...]
    terminal: TerminalFacts
    lab: LabTried

    def check(self, name: CheckName) -> Check:
        """The check of that name."""
        return next(each for each in self.checks if each.name == name)

    def works(self, name: CheckName) -> bool:
        """Whether it could be had, if not in every part."""
        return self.check(name).outcome in ("works", "partly")
