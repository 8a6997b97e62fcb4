"""From step, errno and what the machine says of itself to the cause; and no cause where several could be."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from netsim.model.capabilities import Capabilities, Check, LabTried
from netsim.model.diagnosis import Cause, Level, Problem, level, problems
from tests.machines import ALLOWS_ALL, TERMINAL, failing, where

UBUNTU = {"kernel.apparmor_restrict_unprivileged_userns": "1"}
DEBIAN = {"kernel.unprivileged_userns_clone": "0"}
PRIVATE = LabTried(net="private", gate="")
UNSHARE = "unshare(NEWUSER)"


def causes(found: Capabilities) -> list[Cause]:
    return [each.cause for each in problems(found)]


def test_nothing_is_the_matter() -> None:
    assert problems(ALLOWS_ALL) == ()
    assert level(ALLOWS_ALL) == "holds"


@pytest.mark.parametrize(
    ("check", "around", "cause"),
    [
        (failing("user", "ENOSPC"), {"user.max_user_namespaces": "0"}, "user-limit"),
        (failing("user", "ENOSPC"), {"user.max_user_namespaces": "63000"}, "user-limit-used"),
        (failing("net", "ENOSPC"), {"user.max_net_namespaces": "0"}, "net-limit"),
        (failing("net", "ENOSPC"), {}, "net-limit-used"),
        (failing("pid", "ENOSPC"), {"user.max_pid_namespaces": "0"}, "pid-limit"),
        (failing("pid", "ENOSPC"), {}, "pid-limit-used"),
        (failing("user", "EPERM"), DEBIAN, "userns-clone"),
        (failing("user", "EPERM"), {}, "user-refused"),
        (failing("user", "EACCES"), {}, "user-refused"),
        (failing("user", "EINVAL"), {}, "no-user-namespaces"),
        (failing("user", "ENOSYS"), {}, "no-user-namespaces"),
        (failing("net", "EINVAL"), {}, "no-net-namespaces"),
        (failing("pid", "EINVAL"), {}, "no-pid-namespaces"),
        (failing("net", "EPERM"), {}, "net-refused"),
        (failing("pid", "EPERM"), {}, "pid-refused"),
        (failing("uid_map", "EPERM", "write /proc/self/uid_map"), {}, "user-refused"),
        (failing("uid_map", "EACCES", "write /proc/self/setgroups"), UBUNTU, "apparmor"),
        (failing("uid_map", "EPERM", "write /proc/self/uid_map"), UBUNTU, "apparmor"),
        (failing("user", "EACCES"), UBUNTU, "apparmor"),
        (failing("net", "EPERM"), UBUNTU, "apparmor"),
        (failing("loopback", "EPERM"), UBUNTU, "apparmor"),
        (failing("queue", "EPERM"), UBUNTU, "apparmor"),
        (failing("loopback", "EPERM"), {}, "loopback-refused"),
        (failing("queue", "EINVAL"), {}, "no-queue"),
        (failing("queue", "EPERM"), {}, "gate-refused"),
        (failing("rule", "EOPNOTSUPP", "nft batch"), {}, "no-nf-tables"),
        (failing("rule", "EPROTONOSUPPORT", "nft socket"), {}, "no-nf-tables"),
        (failing("rule", "ENOENT", "nft rule ip (xt NFQUEUE)"), {}, "no-queue-rule"),
        (failing("rule", "EPERM", "nft batch"), {}, "gate-refused"),
        (failing("rule", "EEXIST", "nft table inet"), {}, "gate-refused"),
        (failing("held", "ETIMEDOUT"), {}, "held-failed"),
        (failing("sock_diag", "ENOENT"), {}, "no-sock-diag"),
        (Check("tcp_info", "partly", found="104 bytes"), {}, "short-tcp-info"),
        (Check("psutil", "partly", errno="EACCES"), {}, "psutil-blind"),
        (failing("proc", "ENOENT"), {}, "no-proc"),
        (failing("user", "EAGAIN", "start a fresh Python"), {}, "no-process"),
        (failing("tcp_info", "EADDRNOTAVAIL", "listen on 127.0.0.1"), {}, "no-loopback"),
        (Check("calm", "partly", "write net.ipv4.tcp_recovery", "EROFS"), {}, "calm-refused"),
    ],
)
def test_one_cause(check: Check, around: dict[str, str], cause: Cause) -> None:
    assert Problem(cause, check.name) in problems(where(check, sysctls=around))


@pytest.mark.parametrize("errno", ["EPERM", "ENOSYS", "SIGSYS"])
def test_a_filter_of_system_calls(errno: str) -> None:
    assert causes(where(failing("user", errno), seccomp=2)) == ["seccomp"]


def test_a_filter_comes_before_ubuntus_switch_which_a_container_sees_too() -> None:
    assert causes(where(failing("user", "EPERM"), seccomp=2, sysctls=UBUNTU)) == ["seccomp"]
    after = failing("uid_map", "EPERM", "write /proc/self/uid_map")
    assert causes(where(after, seccomp=2, sysctls=UBUNTU)) == ["apparmor"]


def test_the_same_cause_is_named_once_and_where_it_was_met_first() -> None:
    found = where(failing("user", "EPERM"), failing("net", "EPERM", "unshare(NEWNET)"), seccomp=2, uid=0)
    assert problems(found) == (Problem("seccomp", "user"),)


def test_root_without_a_user_namespace_lacks_nothing() -> None:
    refused = replace(ALLOWS_ALL, checks=(failing("user", "EPERM"), *ALLOWS_ALL.checks[1:]))
    assert problems(refused) == ()


def test_an_older_kernel_is_no_problem() -> None:
    older = Check("calm", "partly", "write net.ipv4.tcp_rto_max_ms", "ENOENT", "17 of 18 set")
    checks = tuple(older if each.name == "calm" else each for each in ALLOWS_ALL.checks)
    no_ipv6 = tuple(replace(each, outcome="partly") if each.name == "rule" else each for each in checks)
    assert problems(replace(ALLOWS_ALL, checks=no_ipv6)) == ()


def test_a_lab_that_does_without_what_works_is_named() -> None:
    assert causes(replace(ALLOWS_ALL, lab=PRIVATE)) == ["lab-differs"]
    assert causes(where(failing("sock_diag", "ENOENT"))) == ["no-sock-diag", "lab-differs"]


@pytest.mark.parametrize(
    ("lab", "wanted"),
    [(LabTried(), "nothing"), (LabTried(net="host"), "host"), (PRIVATE, "private"), (ALLOWS_ALL.lab, "holds")],
)
def test_levels(lab: LabTried, wanted: Level) -> None:
    assert level(replace(ALLOWS_ALL, lab=lab)) == wanted


def test_no_lab_is_the_worst() -> None:
    found = where(failing("lab", ""), lab=LabTried(failure="The lab ended with status 1."))
    assert "lab-fails" in causes(found)


def test_another_system_is_one_problem() -> None:
    mac = replace(ALLOWS_ALL.system, name="Darwin")
    found = replace(where(failing("sock_diag", "EAFNOSUPPORT")), system=mac)
    assert causes(found) == ["not-linux"]


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"output": False}, ["not-a-terminal"]),
        ({"input": False, "term": "dumb"}, ["not-a-terminal"]),
        ({"term": "dumb"}, ["dumb-terminal"]),
        ({"term": ""}, ["dumb-terminal"]),
        ({"columns": 79}, ["small-terminal"]),
        ({"rows": 23, "unicode": False}, ["small-terminal", "not-unicode"]),
    ],
)
def test_terminals(change: dict[str, object], wanted: list[Cause]) -> None:
    assert causes(replace(ALLOWS_ALL, terminal=replace(TERMINAL, **change))) == wanted
