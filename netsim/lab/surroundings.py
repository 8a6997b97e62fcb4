"""What the kernel and the file system say of restrictions: read, never tried; what can't be read is left out.

Sources: user_namespaces(7), namespaces(7), proc_pid_status(5) (Seccomp), proc(5) (hidepid); Ubuntu's AppArmor:
kernel.apparmor_restrict_unprivileged_userns; Debian's kernel.unprivileged_userns_clone.
"""

from __future__ import annotations

from pathlib import Path

from netsim.model.capabilities import Surroundings

SYSCTLS = (
    "user.max_user_namespaces",
    "user.max_net_namespaces",
    "user.max_pid_namespaces",
    "kernel.unprivileged_userns_clone",
    "kernel.apparmor_restrict_unprivileged_userns",
    "kernel.apparmor_restrict_unprivileged_unconfined",
    "kernel.modules_disabled",
    "net.core.rmem_max",
)
_LONGEST = 200  # characters of anything that is read


def look(root: Path = Path("/")) -> Surroundings:
    """What is said under `root`."""
    sysctls = {name: read(root / "proc/sys" / name.replace(".", "/")) for name in SYSCTLS}
    seccomp = _field(root / "proc/self/status", "Seccomp:")
    release = read(root / "proc/sys/kernel/osrelease").lower()
    return Surroundings(
        sysctls={name: value for name, value in sysctls.items() if value},
        seccomp=int(seccomp) if seccomp.isdigit() else None,
        container=_container(root),
        apparmor=read(root / "proc/self/attr/apparmor/current") or read(root / "proc/self/attr/current"),
        proc_options=_proc_options(root),
        wsl="microsoft" in release,
    )


def read(path: Path) -> str:
    """A small file's text, as valid Unicode in one line; "" if it can't be read."""
    try:
        with path.open("rb") as file:
            found = file.read(4 * _LONGEST)
    except OSError:
        return ""
    return safe(found.decode("utf-8", "backslashreplace").strip().strip("\0"))


def safe(text: str) -> str:
    """Text from outside, cut, and without what no JSON can hold: bytes of a name that are not UTF-8 are spelled out."""
    return text[:_LONGEST].encode("utf-8", "backslashreplace").decode()


def _container(root: Path) -> str:
    """What this container calls itself; "" where there is none, or it does not say."""
    if (root / ".dockerenv").exists():
        return "docker"
    if (root / "run/.containerenv").exists():
        return "podman"
    if (root / "var/run/secrets/kubernetes.io").exists():
        return "kubernetes"
    return read(root / "run/systemd/container")


def _proc_options(root: Path) -> str:
    """The options of the mount at /proc, the last one if several lie on each other (proc_pid_mountinfo(5))."""
    found = ""
    try:
        text = (root / "proc/self/mountinfo").read_text(encoding="utf-8", errors="backslashreplace")
    except OSError:
        return ""
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        fields, rest = before.split(" "), after.split(" ")
        if len(fields) > 5 and fields[4] == "/proc" and rest[0] == "proc":
            found = ",".join(dict.fromkeys([*fields[5].split(","), *(rest[2] if len(rest) > 2 else "").split(",")]))
    return safe(found)


def _field(path: Path, name: str) -> str:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.removeprefix(name).strip() for line in lines if line.startswith(name)), "")
