"""Where the lab lives, what it says of that, and that it goes on where namespaces are refused."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
import pytest

from netsim.lab.client import LabClient
from netsim.model.events import LabStarted
from tests.lab.endings import MODES, a_lab, modes, namespaces, wished
from tests.lab.hostkit import STUB, Lab, changed_lab, inner_pids, is_root

pytestmark = pytest.mark.usefixtures("no_leaks")


@modes(MODES)
def test_it_says_where_it_lives(mode: str, free_port: int) -> None:
    with a_lab(free_port, mode) as lab:
        server = lab.begin("server")
        net, with_user = wished(mode)
        assert lab.started.net == net
        assert lab.started.contained == (mode != "none")
        assert lab.started.contained_because == {
            "user+pid": "user and pid namespaces", "pid": "a pid namespace", "none": "not asked for",
            "private user+pid": "user, network and pid namespaces", "private pid": "network and pid namespaces",
        }[mode]  # fmt: skip
        numbers = inner_pids(server.pid)
        assert numbers[-1] == server.inner_pid
        if mode == "none":
            assert server.pid == server.inner_pid
        else:
            assert len(numbers) == len(inner_pids(os.getpid())) + 1
            assert inner_pids(lab.processes()["netsim-init"].pid)[-1] == 1
        assert psutil.Process(server.pid).uids() == psutil.Process().uids()
        assert is_mine("user", server.pid) != with_user
        assert is_mine("net", server.pid) == (net == "host")
        assert lab.client.pid is not None
        assert all(is_mine(kind, lab.client.pid) for kind in ("user", "net", "pid"))  # the outermost stays outside


def is_mine(kind: str, pid: int) -> bool:
    return os.readlink(f"/proc/{pid}/ns/{kind}") == os.readlink(f"/proc/self/ns/{kind}")


@namespaces
def test_unasked_it_is_contained(free_port: int) -> None:
    with Lab(LabClient(free_port)) as lab:
        assert lab.wait(LabStarted).contained


@namespaces
@pytest.mark.parametrize("net", ["host", "private", "auto"])
def test_root_stays_root_of_the_network_and_others_get_a_user_namespace(net: str, free_port: int) -> None:
    """In a user namespace root could not bind the machine's port 80 any more, nor see whose a stranger's socket is."""
    with Lab(LabClient(free_port, net=net)) as lab:  # type: ignore[arg-type]
        started = lab.wait(LabStarted)
        assert started.net == ("host" if net == "host" else "private")
        assert started.net_because == ""
        assert ("user" in started.contained_because) == (not is_root())


# --- refusals

REFUSING = """
import os
from netsim.lab import linux
really = linux.unshare
def unshare(flags):
    for refused, number in {refused}:
        if flags & refused:
            raise OSError(number, os.strerror(number))
    really(flags)
linux.unshare = unshare
"""
NEWUSER, NEWPID, NEWNET = 0x10000000, 0x20000000, 0x40000000
EPERM, ENOSPC = 1, 28


class Refusing:
    """Labs in which the kernel refuses to unshare: (flags, errno) pairs."""

    def __init__(self, port: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.port, self.folder, self.monkeypatch = port, folder, monkeypatch

    def lab(self, *refused: tuple[int, int], change: str = REFUSING, **options: str) -> Lab:
        return Lab(
            changed_lab(change.format(refused=refused), self.port, self.folder, self.monkeypatch, STUB, **options)
        )


@pytest.fixture
def refusing(free_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Refusing:
    return Refusing(free_port, tmp_path, monkeypatch)


def test_a_refusal_names_its_step(refusing: Refusing) -> None:
    with refusing.lab((NEWUSER, EPERM), containment="user+pid") as lab:
        started = lab.wait(LabStarted)
        assert (started.contained, started.contained_because) == (False, "unshare(NEWUSER): EPERM")
        lab.begin("server")


def test_all_refusals_are_told(refusing: Refusing) -> None:
    expected = "unshare(NEWPID): ENOSPC; unshare(NEWUSER): ENOSPC" if is_root() else "unshare(NEWUSER): ENOSPC"
    with refusing.lab((NEWUSER | NEWPID, ENOSPC)) as lab:
        assert lab.wait(LabStarted).contained_because == expected


@namespaces
def test_auto_takes_the_host_s_net_where_no_other_can_be_had(refusing: Refusing) -> None:
    with refusing.lab((NEWNET, ENOSPC), net="auto") as lab:
        started = lab.wait(LabStarted)
        assert (started.net, started.net_because) == ("host", "unshare(NEWNET|NEWPID): ENOSPC")
        assert started.contained
        assert (started.gate, started.gate_because) == ("", "")
        server = lab.begin("server")
        assert is_mine("net", server.pid)


def test_auto_goes_on_without_any_namespace(refusing: Refusing) -> None:
    with refusing.lab((NEWUSER | NEWNET | NEWPID, EPERM), net="auto") as lab:
        started = lab.wait(LabStarted)
        assert (started.net, started.contained) == ("host", False)
        net_because = ["unshare(NEWNET|NEWPID): EPERM"] * is_root() + ["unshare(NEWUSER): EPERM"]
        assert started.net_because == "; ".join(net_because)
        lab.begin("server")


def test_a_private_net_that_is_insisted_on_ends_with_a_sentence(refusing: Refusing) -> None:
    with refusing.lab((NEWUSER | NEWNET, EPERM), net="private") as lab:
        reason = lab.wait_for_end().reason
    refused = "unshare(NEWNET|NEWPID): EPERM; unshare(NEWUSER): EPERM" if is_root() else "unshare(NEWUSER): EPERM"
    assert reason == f"A private net can't be had here: {refused}. netsim --net host works everywhere."


@namespaces
@pytest.mark.as_root
def test_root_takes_a_user_namespace_where_it_must(refusing: Refusing) -> None:
    """A container's root that may make no namespace but a user namespace, and all others in that."""
    only_in_a_user_namespace = (
        REFUSING
        + """
def unshare(flags, entered=[]):
    if flags & linux.NEWUSER:
        entered.append(flags)
    elif not entered:
        raise OSError(1, "not in here")
    really(flags)
linux.unshare = unshare
"""
    )
    with refusing.lab(change=only_in_a_user_namespace, net="auto") as lab:
        started = lab.wait(LabStarted)
        assert started.contained_because == "user, network and pid namespaces"
        assert (started.net_because, started.gate != "") == ("unshare(NEWNET|NEWPID): EPERM", True)


PREPARE = """
from netsim.lab import loopback
def bring_up(): raise OSError(1, "no")
loopback.bring_up = bring_up
"""


@namespaces
def test_a_net_that_can_t_be_made_usable_is_none(refusing: Refusing) -> None:
    """The namespaces are there, but no say in them: what has tried them is left, and the lab is elsewhere."""
    with refusing.lab(change=PREPARE, net="auto") as lab:
        started = lab.wait(LabStarted)
        assert (started.net, started.net_because) == ("host", "bring the loopback up: EPERM")
        assert is_mine("net", lab.begin("server").pid)


NO_QUEUE = """
from netsim.lab import nftables
def install(queue=0): raise nftables.GateError("nft rule ip (xt NFQUEUE)", 2)
nftables.install = install
"""


@namespaces
def test_a_private_net_without_a_gate(refusing: Refusing) -> None:
    with refusing.lab(change=NO_QUEUE, net="auto") as lab:
        started = lab.wait(LabStarted)
        assert (started.net, started.gate) == ("private", "")
        assert started.gate_because == "nft rule ip (xt NFQUEUE): ENOENT"
        lab.begin("server")
        lab.begin("client1")
        lab.step("server", 4)
        lab.step("client1", 2)
        lab.settle()
        assert lab.sockets is not None
        assert sorted(each.state for each in lab.sockets.sockets) == ["ESTABLISHED", "ESTABLISHED", "LISTEN"]


LIMIT = """
from netsim.lab import linux
linux.unshare(linux.NEWUSER)
for name, text in ("setgroups", "deny"), ("uid_map", "0 {uid} 1"), ("gid_map", "0 {gid} 1"):
    open("/proc/self/" + name, "w").write(text)
open("/proc/sys/user/{limit}", "w").write("0")
"""


@namespaces
@pytest.mark.parametrize(
    ("limit", "net", "contained", "told"),
    [
        # The first unshare's limit is that of the lab's own user namespace, the second's that of the one in it.
        ("max_user_namespaces", "host", "unshare(NEWUSER): ENOSPC", ""),
        ("max_net_namespaces", "private", "user and pid namespaces", "unshare(NEWNET|NEWPID): ENOSPC"),
    ],
)
def test_a_limit_of_the_machine_is_met_for_real(
    limit: str, net: str, contained: str, told: str, refusing: Refusing
) -> None:
    """Lowered in a user namespace around the lab."""
    change = LIMIT.format(limit=limit, uid=os.getuid(), gid=os.getgid())
    with Lab(changed_lab(change, refusing.port, refusing.folder, refusing.monkeypatch, STUB, net="auto",
                         containment="user+pid")) as lab:  # fmt: skip
        started = lab.wait(LabStarted)
        assert (started.net, started.contained_because) == ("host", contained)
        assert started.net_because == (told or contained)


NOTHING_MAPPED = """
import os
from netsim.lab import linux
really, me = linux.unshare, os.geteuid()
def unshare(flags):
    really(flags)
    if flags & linux.NEWUSER:
        open("/proc/self/setgroups", "w").write("deny")
        open("/proc/self/uid_map", "w").write(str(me) + " " + str(me) + " 1")  # the kernel takes it once
linux.unshare = unshare
"""


@namespaces
@pytest.mark.parametrize("net", ["host", "auto"])
def test_a_namespace_in_which_nothing_may_be_mapped(net: str, refusing: Refusing) -> None:
    """Ubuntu's AppArmor: unshare works, and the next step is refused; without a way back for that process."""
    with refusing.lab(change=NOTHING_MAPPED, net=net, containment="user+pid") as lab:
        started = lab.wait(LabStarted)
        assert (started.contained, started.contained_because) == (False, "write /proc/self/uid_map: EPERM")
        assert started.net_because == ("write /proc/self/uid_map: EPERM" if net == "auto" else "")
        assert is_mine("user", lab.begin("server").pid)  # and it is where it was
