"""Scenarios: what is not allowed, or not to be had."""

from __future__ import annotations

import errno
import os
import select
from collections.abc import Callable
from pathlib import Path

from netsim.lab import nftables, privatenet
from netsim.lab.gate import Gate
from netsim.lab.packetqueue import PacketQueue
from netsim.lab.steps import StepError
from netsim.model.happenings import Held
from tests.lab.gate_lab import PATIENCE, V4, Lab, call, scenario


def refused(kind: type[StepError], action: Callable[[], object]) -> tuple[str, int]:
    try:
        action()
    except kind as error:
        return error.step, error.errno
    raise AssertionError(f"{action} was not refused")


@scenario
def second_reader_is_refused() -> None:
    lab = Lab()
    assert lab.gate.installed.families in (("inet",), ("ip", "ip6"))
    assert refused(nftables.GateError, lambda: PacketQueue(0)) == ("queue 0: bind", errno.EPERM)
    assert refused(nftables.GateError, lambda: nftables.install(0))[1] in (errno.EEXIST, errno.ENOENT)
    assert refused(privatenet.PrivateNetError, privatenet.prepare) == ("not an empty net: lo is up", errno.EBUSY)


@scenario
def limits_at_zero() -> None:
    privatenet.enter_user_namespace(os.geteuid(), os.getegid())
    Path("/proc/sys/user/max_net_namespaces").write_text("0")
    action = lambda: privatenet.unshare_private(user=False)  # noqa: E731
    assert refused(privatenet.PrivateNetError, action) == ("unshare(NEWNET|NEWPID)", errno.ENOSPC)
    Path("/proc/sys/user/max_user_namespaces").write_text("0")
    assert refused(privatenet.PrivateNetError, privatenet.unshare_private) == ("unshare(NEWUSER)", errno.ENOSPC)


@scenario
def with_a_second_thread() -> None:
    import threading

    end = threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    try:
        assert refused(privatenet.PrivateNetError, privatenet.unshare_private) == ("unshare(NEWUSER)", errno.EINVAL)
    finally:
        end.set()
        thread.join()


@scenario
def user_mapped_to_itself_and_a_pid_namespace() -> None:
    uid, gid = os.getuid(), os.getgid()
    privatenet.unshare_private()
    prepared = privatenet.prepare()
    assert (os.getuid(), os.getgid()) == (uid, gid)
    assert {each.name for each in prepared.set} >= {"net.ipv4.tcp_early_retrans", "route 127.0.0.1/32", "route ::1/128"}
    child = os.fork()
    if not child:
        os._exit(os.getpid())
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1


@scenario
def without_a_user_namespace() -> None:
    """Root alone: the net belongs to the machine's user namespace."""
    privatenet.unshare_private(user=False)
    privatenet.prepare()
    gate = Gate.install()
    pair = call(V4)
    assert select.select([gate], [], [], PATIENCE)[0]
    assert [type(each) for each in gate.read()] == [Held], pair
    assert gate.losses() == (0, 0)
