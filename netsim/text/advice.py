"""What to do about a cause: in words for a student first, then for whoever looks after the machine.

Law: a sentence for the student says what it means for them and needs no knowledge of Linux; a line for the
administrator that begins with "$ " can be copied, and what it costs stands beside it. Sources: user_namespaces(7),
unshare(2); docs.docker.com, "Seccomp security profiles"; AppArmor's wiki, "unprivileged_userns_restriction", and
Ubuntu's "Restricted unprivileged user namespaces"; modules-load.d(5), sysctl.d(5), proc(5).
"""

from __future__ import annotations

from typing import NamedTuple

from netsim.model.capabilities import Capabilities
from netsim.model.diagnosis import Cause

_EVERYBODY = (
    "Cost: every program of every user may then make user namespaces. They bring parts of the kernel into reach that "
    "were root's alone, and the bugs in those."
)
_AS_ROOT = "Or run netsim as root: it needs no user namespace then. Cost: the programs on the screen are root's too."
_KEEP = "That lasts until the machine is started again; to keep it:"
_AROUND = "In a container the limit may be that of the container, or of what is around it: then raise it there."
_LOGGED = "A guard that refuses usually says so in the kernel's log:"
_DMESG = "$ sudo dmesg | grep -iE 'apparmor|selinux|audit' | tail"
_FEW = "Cost: little. The code does nothing until a rule asks for it; in namespaces of their own, users can ask."
_NO_SUCH_MODULE = (
    "If there is no such module: some systems keep it in a package of its own (Ubuntu: linux-modules-extra, Fedora: "
    "kernel-modules), and small kernels are built without. In a container the machine around it decides."
)
_BOXED = (
    "Cost: the container's programs may use every system call, and its root write to /proc/sys: only for images that "
    "you trust. A copy of Docker's profile that also allows unshare, setns and clone (seccomp=FILE) costs less."
)
_REPORT = "This is worth a bug report: netsim doctor --json has everything that belongs into it."


class Advice(NamedTuple):
    """What one cause means, and what somebody with the rights to can do about it."""

    student: str
    administrator: tuple[str, ...] = ()


def advice(cause: Cause, found: Capabilities) -> Advice:
    """The words for a cause, with what was found filled in."""
    match cause:
        case "lab-fails":
            return Advice("The lab, which runs the programs, did not start. The last line says why.", (_REPORT,))
        case "lab-differs":
            return Advice(
                "Each part works when tried alone, and yet the lab did without: see the last line.", (_REPORT,)
            )
        case "psutil-blind":
            return _psutil_blind(found)
        case "small-terminal":
            size = f"{found.terminal.columns} columns and {found.terminal.rows} rows"
            return Advice(f"This window has {size}. The screen needs 80 and 24: enlarge it, or use smaller letters.")
        case "user-limit" | "net-limit" | "pid-limit":
            return _limit(cause.partition("-")[0])
        case "user-limit-used" | "net-limit-used" | "pid-limit-used":
            return _limit_used(cause.partition("-")[0], found)
        case "no-queue":
            return _modules("the queue in which packets wait", ("nfnetlink_queue",), found)
        case "no-nf-tables":
            return _modules("the table of rules that would stop packets", ("nf_tables", "nft_queue"), found)
        case "no-queue-rule":
            return _modules("the rule that sends packets to the queue", ("nft_queue",), found)
        case _:
            return _ADVICE[cause]


def _limit(kind: str) -> Advice:
    setting = f"user.max_{kind}_namespaces"
    return Advice(
        f"A net of your own takes a {_KINDS[kind]}, and on this machine their number is limited to 0.",
        (
            f"$ sudo sysctl -w {setting}=10000",
            _KEEP,
            f"$ echo {setting}=10000 | sudo tee /etc/sysctl.d/60-netsim-{kind}.conf",
            _AROUND,
            _EVERYBODY if kind == "user" else "Cost: each one takes some memory; a lab takes one.",
        ),
    )


def _limit_used(kind: str, found: Capabilities) -> Advice:
    setting = f"user.max_{kind}_namespaces"
    limit = found.surroundings.sysctls.get(setting, "")
    return Advice(
        f"Every {_KINDS[kind]} that this machine allows{f' ({limit})' if limit else ''} is in use. Each running netsim "
        "takes one: close those that nobody looks at, and try again.",
        (
            "Who has them:",
            f"$ sudo lsns -t {kind}",
            "More of them:",
            f"$ sudo sysctl -w {setting}={2 * int(limit) if limit.isdigit() and limit != '0' else 10000}",
            _AROUND,
            "Cost: each one takes some memory; a lab takes one. Namespaces in namespaces end at 32, too.",
        ),
    )


def _modules(what: str, names: tuple[str, ...], found: Capabilities) -> Advice:
    """A part of the kernel that is built as a module."""
    locked = found.surroundings.sysctls.get("kernel.modules_disabled") == "1"
    first = "kernel.modules_disabled is 1: until it is started again this machine loads no module." if locked else ""
    joined = " ".join(names)
    lines = (
        first,
        f"$ sudo modprobe -a {joined}",
        "To have it after each start:",
        f"$ printf '%s\\n' {joined} | sudo tee /etc/modules-load.d/netsim.conf",
        _NO_SUCH_MODULE,
        "With nft_queue missing, nft_compat together with xt_NFQUEUE does as well." if "nft_queue" in names else "",
        _FEW,
    )
    return Advice(f"You have a net of your own, but this kernel lacks {what}.", tuple(each for each in lines if each))


def _psutil_blind(found: Capabilities) -> Advice:
    student = (
        "psutil, which tells whose a port is, sees little here. The table still has the PIDs of netsim's own programs, "
        "because they report themselves; those of strangers may be missing."
    )
    if "hidepid" in found.surroundings.proc_options:
        return Advice(
            student,
            (
                "/proc is mounted so that users see only their own processes (hidepid). To undo that:",
                "$ sudo mount -o remount,hidepid=0 /proc",
                "Cost: all users see each other's processes and command lines, as on most machines.",
            ),
        )
    return Advice(student, ("As root psutil sees everything. Cost: all of netsim is root's then.",))


_KINDS = {"user": "user namespace", "net": "network namespace", "pid": "pid namespace"}
_REFUSED = Advice(
    "Something on this machine refuses netsim a net of its own, and does not say what it is.",
    (
        "A chroot does (unshare(2)); SELinux, AppArmor and the filters around containers and services may.",
        _LOGGED,
        _DMESG,
        "To try the same without netsim:",
        "$ unshare --user --map-current-user --net --pid --fork true",
        _AS_ROOT,
    ),
)
_NOT_BUILT = Advice(
    "This kernel was built without what a net of your own needs.",
    ("It takes a kernel with CONFIG_USER_NS, CONFIG_NET_NS and CONFIG_PID_NS, as large distributions have it.",),
)
_ADVICE: dict[Cause, Advice] = {
    "not-linux": Advice(
        "Only Linux can give a program a net of its own. Here the programs use this computer's own loopback.",
        ("A virtual machine with any Linux does it: Debian, Ubuntu, Fedora, or WSL 2 on Windows.",),
    ),
    "no-process": Advice(
        "netsim could not start one of the processes in which it tries things: perhaps you have too many running.",
        (
            "How many a user may have, and how many all of a session or container:",
            "$ ulimit -u; systemctl show --property=TasksMax,TasksCurrent user-$(id -u).slice",
            "Their limits are set in /etc/security/limits.conf and by TasksMax= (docker run --pids-limit).",
        ),
    ),
    "no-loopback": Advice(
        "On this machine 127.0.0.1 does not work, and over that the programs talk to each other.",
        ("$ sudo ip link set lo up", "Where IPv4 is switched off altogether, netsim has nothing to show."),
    ),
    "apparmor": Advice(
        "This Ubuntu has a guard, AppArmor, that lets only programs it knows have a net of their own, and it does not "
        "know netsim.",
        (
            "The better way: let it know netsim, in a place where only root can write, with a Python of its own.",
            "$ sudo python3 -m venv --copies /opt/netsim",
            "$ sudo /opt/netsim/bin/pip install /path/to/netsim",
            "$ printf '%s\\n' 'abi <abi/4.0>,' 'include <tunables/global>' \\",
            "    'profile netsim /opt/netsim/bin/{netsim,python3*} flags=(unconfined) { userns, }' \\",
            "    | sudo tee /etc/apparmor.d/netsim",
            "$ sudo apparmor_parser -r /etc/apparmor.d/netsim",
            "Start /opt/netsim/bin/netsim then. Cost: with that Python any script may make user namespaces.",
            "The quick way, for all programs, until the machine is started again:",
            "$ sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
            _EVERYBODY,
            _AS_ROOT,
        ),
    ),
    "seccomp": Advice(
        "netsim runs in a box, such as a Docker container, whose filter forbids it to make a net of its own. "
        "Outside of the box it may be allowed.",
        (
            "In Docker, when the container is started:",
            "$ docker run -it --security-opt seccomp=unconfined --security-opt apparmor=unconfined \\",
            "    --security-opt systempaths=unconfined IMAGE",
            _BOXED,
            "In a systemd service it is RestrictNamespaces= or SystemCallFilter=.",
        ),
    ),
    "userns-clone": Advice(
        "This machine has a switch that lets ordinary users have a net of their own, and it is off.",
        (
            "$ sudo sysctl -w kernel.unprivileged_userns_clone=1",
            _KEEP,
            "$ echo kernel.unprivileged_userns_clone=1 | sudo tee /etc/sysctl.d/60-netsim.conf",
            _EVERYBODY,
            _AS_ROOT,
        ),
    ),
    "no-user-namespaces": _NOT_BUILT,
    "no-net-namespaces": _NOT_BUILT,
    "no-pid-namespaces": _NOT_BUILT,
    "user-refused": _REFUSED,
    "net-refused": _REFUSED,
    "pid-refused": _REFUSED,
    "loopback-refused": _REFUSED,
    "gate-refused": _REFUSED._replace(
        student="You have a net of your own, but something on this machine refuses to hold packets in it."
    ),
    "calm-refused": Advice(
        "The kernel's timers could not all be made patient. Packets are held all the same; while one is held, more "
        "copies of it may come, and it may be given up sooner.",
        (
            "/proc/sys can't be written here, which is usual in containers. In Docker:",
            "$ docker run -it --security-opt systempaths=unconfined --security-opt apparmor=unconfined IMAGE",
            "Cost: the container's root may change what is under /proc/sys and /sys: only for images that you trust.",
        ),
    ),
    "held-failed": Advice("The queue and its rule are there, and yet a packet that was sent was not held.", (_REPORT,)),
    "no-sock-diag": Advice(
        "The kernel's own list of sockets can't be read. netsim asks psutil in its place: that is slower, and shows "
        "neither queues nor timers.",
        (
            "$ sudo modprobe -a inet_diag tcp_diag udp_diag",
            "Where that is not it, a filter around this container refuses netlink sockets.",
            "Cost: little; it is what the command ss uses.",
        ),
    ),
    "short-tcp-info": Advice(
        "This kernel counts less of a connection than netsim would like: where packets are not held, fewer are shown.",
        ("Linux 4.19 and newer count all of it.",),
    ),
    "no-proc": Advice(
        "Some of what /proc tells of a process can't be read here: a sleeping program is shown without its call.",
        ("If it is not mounted:", "$ sudo mount -t proc proc /proc", "Else see how:", "$ grep ' /proc ' /proc/mounts"),
    ),
    "not-a-terminal": Advice(
        "This is not a terminal, but a pipe or a file perhaps: so netsim tells the story line by line (netsim --plain)."
    ),
    "dumb-terminal": Advice(
        "This terminal says that it can't draw a screen (TERM): here netsim tells the story line by line "
        "(netsim --plain). If it can after all: export TERM=xterm-256color"
    ),
    "not-unicode": Advice(
        "What is written here does not go out as UTF-8, so the screen is drawn with plain letters (netsim --ascii). "
        "For lines and arrows: export LC_ALL=C.UTF-8, unset PYTHONIOENCODING, and start netsim again."
    ),
}  # fmt: skip
