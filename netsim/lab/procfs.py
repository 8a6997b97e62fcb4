"""What Linux tells about one process that is not asked of itself: its machine PID, its sleep, its end. No judgement.

Sources: proc_pid_stat(5), proc_pid_syscall(5), pidfd_open(2), linux/pidfd.h; arch/x86/entry/syscalls/syscall_64.tbl
and asm-generic/unistd.h for the numbers. Where there is no /proc every question has the answer "not known".
"""

from __future__ import annotations

import os
import struct
import sys

_X86_64 = {
    0: "read", 1: "write", 7: "poll", 19: "readv", 20: "writev", 23: "select", 35: "nanosleep", 42: "connect",
    43: "accept", 44: "sendto", 45: "recvfrom", 46: "sendmsg", 47: "recvmsg", 61: "wait4", 202: "futex",
    230: "clock_nanosleep", 232: "epoll_wait", 247: "waitid", 270: "pselect6", 271: "ppoll", 281: "epoll_pwait",
    288: "accept4", 299: "recvmmsg", 307: "sendmmsg", 34: "pause", 72: "fcntl", 73: "flock", 128: "rt_sigtimedwait",
    130: "rt_sigsuspend", 40: "sendfile", 65: "semop", 69: "msgsnd", 70: "msgrcv", 219: "restart_syscall",
    220: "semtimedop", 242: "mq_timedsend", 243: "mq_timedreceive", 257: "openat", 275: "splice", 2: "open",
    426: "io_uring_enter", 441: "epoll_pwait2", 449: "futex_waitv",
}  # fmt: skip
_AARCH64 = {
    22: "epoll_pwait", 63: "read", 64: "write", 65: "readv", 66: "writev", 72: "pselect6", 73: "ppoll", 95: "waitid",
    98: "futex", 101: "nanosleep", 115: "clock_nanosleep", 202: "accept", 203: "connect", 206: "sendto",
    207: "recvfrom", 211: "sendmsg", 212: "recvmsg", 242: "accept4", 243: "recvmmsg", 260: "wait4", 269: "sendmmsg",
    25: "fcntl", 32: "flock", 56: "openat", 71: "sendfile", 76: "splice", 128: "restart_syscall", 133: "rt_sigsuspend",
    137: "rt_sigtimedwait", 182: "mq_timedsend", 183: "mq_timedreceive", 188: "msgrcv", 189: "msgsnd",
    192: "semtimedop", 193: "semop", 426: "io_uring_enter", 441: "epoll_pwait2", 449: "futex_waitv",
}  # fmt: skip
_SYSCALLS = {"x86_64": _X86_64, "aarch64": _AARCH64}
_UTIME = 14 - 3  # proc_pid_stat(5) counts fields from 1; here the third is the first. The next one is stime
# What a thread that waits for a socket sleeps in; one that waits for Python's lock sleeps in a futex.
_SOCKET_SLEEPS = frozenset(
    ("accept", "accept4", "connect", "epoll_pwait", "epoll_wait", "poll", "ppoll", "pselect6", "read", "recvfrom",
     "recvmmsg", "recvmsg", "select", "sendmmsg", "sendmsg", "sendto", "write")
)  # fmt: skip

_ON_A_FILE = frozenset(("read", "readv", "write", "writev", "recvfrom", "sendto", "epoll_wait", "epoll_pwait"))

_PIDFD_GET_INFO = 0xC040FF0B  # _IOWR(0xFF, 11, struct pidfd_info), its first 64 bytes
_PIDFD_INFO_EXIT = 1 << 3
_INFO = struct.Struct("=Q52xi")  # mask ... exit_code


def open_pidfd(pid: int) -> int | None:
    """A descriptor that is readable once the process has ended; None where there is no such thing (or process)."""
    try:
        return os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None
    except OSError:
        return None


def machine_pid(pidfd: int) -> int | None:
    """The number that the machine's /proc has for the process, whatever it is called in our own namespace."""
    try:
        with open(f"/proc/self/fdinfo/{pidfd}", encoding="ascii") as info:
            for line in info:
                if line.startswith("Pid:"):
                    number = int(line.split()[1])
                    return number if number > 0 else None
    except OSError:
        pass
    return None


def asleep(pid: int, main_thread: bool = True) -> tuple[bool, str | None]:
    """Whether a thread of the process (machine PID) sleeps, and in which system call, None if that can't be read.

    For another than the main thread: any other that sleeps in a call that waits for a socket. Where there is no /proc
    it is (True, None): the caller knows that it has waited. A process that is gone does not sleep.
    """
    if not os.path.isdir("/proc/self"):
        return True, None
    if main_thread:
        return _thread_asleep(pid, pid)
    try:
        threads = [int(name) for name in os.listdir(f"/proc/{pid}/task")]
    except OSError:
        return False, None
    for thread in threads:
        if thread != pid:
            sleeps, syscall = _thread_asleep(pid, thread)
            if sleeps and syscall in _SOCKET_SLEEPS:
                return True, syscall
    return False, None


def asleep_in(pid: int) -> tuple[str | None, int | None] | None:
    """The system call in which the main thread sleeps, and the file number that it waits for; None if it runs.

    The number only for calls whose first argument is one. Where there is no /proc it is never known to sleep.
    """
    fields = _stat(f"/proc/{pid}/task/{pid}/stat")
    if not fields or fields[0] != "S":
        return None
    try:
        with open(f"/proc/{pid}/task/{pid}/syscall", encoding="ascii") as file:
            words = file.read().split()
    except OSError:  # not built in, or not ours to know
        return None, None
    if not words or not words[0].isdigit():
        return None
    number = int(words[0])
    table = _SYSCALLS.get(os.uname().machine, {})
    name = table.get(number, f"syscall_{number}") if table else None  # one without a name here as strace(1) has it
    return name, int(words[1], 16) if name in _ON_A_FILE and len(words) > 1 else None


def processor_seconds(pid: int) -> float | None:
    """How long the process has had a processor so far, all its threads together; None where that is not known."""
    fields = _stat(f"/proc/{pid}/stat")
    if not fields:
        return None
    return (int(fields[_UTIME]) + int(fields[_UTIME + 1])) / os.sysconf("SC_CLK_TCK")


def is_paused(pid: int) -> bool:
    """Whether a signal, or a debugger, has stopped the process; False where that is not known."""
    return _stat(f"/proc/{pid}/stat")[:1] in (["T"], ["t"])


def has_socket(pid: int, inode: int) -> bool:
    """Whether the process (machine PID) has the socket of this inode open; False where that can't be known."""
    folder, name = f"/proc/{pid}/fd", f"socket:[{inode}]"
    try:
        return any(os.readlink(f"{folder}/{each}") == name for each in os.listdir(folder))
    except OSError:  # gone, or one of its files is
        return False


def exit_status(pid: int, pidfd: int) -> int | None:
    """How a process that is not our child ended, as waitpid tells it (minus the signal); None if it can't be known.

    While it is a zombie /proc says it (machine PID); once it was reaped the pidfd does, from Linux 6.15 on.
    """
    fields = _stat(f"/proc/{pid}/stat")
    if fields and fields[0] in ("Z", "X"):
        return _as_code(int(fields[-1]))
    try:
        from fcntl import ioctl

        answer = ioctl(pidfd, _PIDFD_GET_INFO, _INFO.pack(_PIDFD_INFO_EXIT, 0))
    except (ImportError, OSError):
        return None
    mask, status = _INFO.unpack(answer)
    return _as_code(status) if mask & _PIDFD_INFO_EXIT else None


def group_runs(group: int) -> bool:
    """Whether a process of this process group has not ended yet; True where that is not known.

    kill(2) does not say: a zombie still belongs to its group, and an orphan stays one until init asks about it, which
    takes seconds in some containers.
    """
    try:
        pids = [name for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return True
    for pid in pids:
        try:
            state, _, its_group, *_ = _stat(f"/proc/{pid}/stat")
        except (OSError, ValueError):
            continue
        if int(its_group) == group and state not in "ZX":
            return True
    return not pids


def _thread_asleep(pid: int, thread: int) -> tuple[bool, str | None]:
    folder = f"/proc/{pid}/task/{thread}"
    fields = _stat(f"{folder}/stat")
    if not fields or fields[0] != "S":
        return False, None
    try:
        with open(f"{folder}/syscall", encoding="ascii") as file:
            number = file.read().split()[0]
    except OSError:  # not built in, or not ours to know
        return True, None
    if not number.isdigit():
        return False, None  # "running" by now, or asleep outside of a call
    return True, _SYSCALLS.get(os.uname().machine, {}).get(int(number))


def _stat(path: str) -> list[str]:
    """The fields from the third on (the state): the second, the name, may hold anything."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()
    except OSError:
        return []


def _as_code(status: int) -> int:
    return os.waitstatus_to_exitcode(status) if sys.platform != "win32" else status
