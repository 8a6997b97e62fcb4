"""Into the net of a running lab: this process, and whatever it executes then.

Law: an ordinary user enters the lab's user namespace first, as its owner, then its net; root the same where there is
one. The pid namespace is not entered: the machine's /proc and PIDs stay useful, and the lab's end does not end what was
started here. Only the processes that are still in it keep a net alive after its lab; the gate's rule has no reader any
more then, and lets everything pass. Sources: setns(2), user_namespaces(7), capabilities(7), linux/capability.h.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from netsim.lab import linux, privatenet, running
from netsim.lab.steps import StepError, step
from netsim.model.running import RunningLab

_NET_RAW = 13  # CAP_NET_RAW: what tcpdump and ping need
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 47, 2
_LAB = "NETSIM_LAB"  # in the environment of what was executed in a lab's net: which lab
_BEFORE_THE_PROMPT = "debian_chroot"
_CAPABILITY_VERSION = 0x20080522  # _LINUX_CAPABILITY_VERSION_3: two sets of 32
_WORDS = 2 + 2 * 3  # __user_cap_header_struct, then twice effective, permitted, inheritable


def enter(lab: RunningLab) -> None:
    """Enter the lab's net, as the lab's user; raises StepError. To be called while there are no other threads.

    ESRCH or ENOENT: the lab has ended. What is executed then may look at packets (CAP_NET_RAW), in the lab's net alone.
    """
    if os.environ.get(_LAB) == str(lab.pid):  # what was executed there may not look at the lab's host: nothing to do
        return
    with step(f"open /proc/{lab.host}"):
        folder = os.open(f"/proc/{lab.host}", os.O_RDONLY | os.O_DIRECTORY)  # stays that process's, whoever comes next
    spaces: dict[str, int] = {}
    try:
        if running.started(lab.host) != lab.host_started:
            raise StepError("find the lab again", errno.ESRCH)
        for name in ("user", "net"):
            with step(f"open /proc/{lab.host}/ns/{name}"):
                spaces[name] = os.open(f"ns/{name}", os.O_RDONLY, dir_fd=folder)
        new_user = not _is_ours("user", spaces["user"])
        if new_user:
            with step(f"become user {lab.uid}"):
                _become(lab.uid)
            with step("setns(user)"):
                setns(spaces["user"], linux.NEWUSER)
        if not _is_ours("net", spaces["net"]):
            with step("setns(net)"):
                setns(spaces["net"], privatenet.NEWNET)
        if new_user and os.geteuid():
            keep_net_raw()
        os.environ[_LAB] = str(lab.pid)
    finally:
        for each in (folder, *spaces.values()):
            os.close(each)


def own_shell(prompt: str) -> list[str]:
    """The user's own shell, to be executed; its prompt is in the environment from now on, for shells that look there.

    Debian's bash puts that variable before the prompt that its own start-up files set.
    """
    os.environ["PS1"] = prompt
    os.environ[_BEFORE_THE_PROMPT] = prompt.rstrip(" $").strip("()")
    import pwd

    try:
        named = pwd.getpwuid(os.geteuid()).pw_shell
    except KeyError:
        named = ""
    candidates = (os.environ.get("SHELL", ""), named, "/bin/sh")
    return [next((each for each in candidates if each and os.access(each, os.X_OK)), "/bin/sh")]


def execute(command: Sequence[str]) -> NoReturn:
    """Become this command, as if a shell had started it; raises OSError. Nothing of ours is left, its status is all."""
    for each in ("SIGPIPE", "SIGXFSZ"):  # Python ignores them, and that would be handed on
        if hasattr(signal, each):
            signal.signal(getattr(signal, each), signal.SIG_DFL)
    os.execvp(command[0], list(command))


def setns(descriptor: int, kind: int) -> None:
    """Enter the namespace behind a descriptor. os.setns is Python 3.12's; raises OSError with the kernel's errno.

    NEWUSER is EINVAL in a process with more than one thread, and for the user namespace that one is in.
    """
    if not sys.platform.startswith("linux"):
        raise OSError(errno.ENOSYS, "setns is Linux's")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, kind):
        number = ctypes.get_errno()
        raise OSError(number, f"setns: {os.strerror(number)}")


def keep_net_raw() -> None:
    """Let what is executed keep CAP_NET_RAW, which an ordinary user's would lose; where that fails, it does.

    An ambient capability has to be inheritable first (capabilities(7)).
    """
    libc = ctypes.CDLL(None, use_errno=True)
    words = (ctypes.c_uint32 * _WORDS)(_CAPABILITY_VERSION)
    header, sets = ctypes.byref(words), ctypes.byref(words, 8)
    if libc.capget(header, sets) == 0:
        words[4] |= 1 << _NET_RAW  # the first set's inheritable ones
        if libc.capset(header, sets) == 0:
            arguments = (_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _NET_RAW, 0, 0)
            libc.prctl(*(ctypes.c_long(each) for each in arguments))


def _is_ours(name: str, descriptor: int) -> bool:
    """Whether we are in that namespace already: setns() into one's own user namespace is EINVAL."""
    ours, theirs = os.stat(f"/proc/self/ns/{name}"), os.fstat(descriptor)
    return (ours.st_dev, ours.st_ino) == (theirs.st_dev, theirs.st_ino)


def _become(uid: int) -> None:
    """As root: the lab's user, for the lab's user namespace knows no other. Else nothing."""
    if os.geteuid() == 0 and uid:
        import pwd

        try:
            user = pwd.getpwuid(uid)
        except KeyError:
            raise OSError(errno.ESRCH, f"no user {uid}") from None
        os.initgroups(user.pw_name, user.pw_gid)
        os.setgid(user.pw_gid)
        os.setuid(uid)
        os.environ.update(HOME=user.pw_dir, USER=user.pw_name, LOGNAME=user.pw_name, SHELL=user.pw_shell)
