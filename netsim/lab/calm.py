"""TCP's timers in a private net: few, regular and patient, so that a person can hold a packet and talk.

Each setting is for this network namespace only, and skipped where the kernel lacks it. Measured in kernel-notes.md;
the names are those of ip-sysctl in the kernel's documentation.
"""

from __future__ import annotations

import errno
from typing import NamedTuple

from netsim.lab import routes

_SYSCTLS = "/proc/sys"
_ALWAYS = (
    ("net.ipv4.tcp_syn_linear_timeouts", 0),
    ("net.ipv4.tcp_early_retrans", 0),  # no tail loss probe: the first copy comes from the timer
    ("net.ipv4.tcp_recovery", 0),
    ("net.ipv4.tcp_congestion_control", "reno"),
    ("net.ipv4.tcp_no_metrics_save", 1),
    ("net.ipv4.tcp_autocorking", 0),
    ("net.ipv4.tcp_retrans_collapse", 0),  # else lost segments come back as one, which is a copy of none of them
    ("net.ipv4.tcp_syn_retries", 127),
    ("net.ipv4.tcp_synack_retries", 255),
    ("net.ipv4.tcp_retries2", 255),
    ("net.ipv4.tcp_orphan_retries", 255),
)
_RTO_MAX = ("net.ipv4.tcp_rto_max_ms", 3000)  # since Linux 6.15
# Floor and cap are equal, so that a lost segment always comes back after 3.1 s. With a floor of 1000 it is 1 s after a
# quick handshake and 3 s after one that was stepped by hand.
_RTO_MIN = 3000  # ms
_TIMESTAMPS = "net.ipv4.tcp_timestamps"


class Setting(NamedTuple):
    """A setting that was wanted. `errno` None: it is set; else why not (ENOENT: this kernel has none of that name)."""

    name: str
    value: str
    errno: int | None = None


def write(name: str, value: str | int) -> Setting:
    """Set a sysctl of this network namespace, by its dotted name."""
    try:
        with open(f"{_SYSCTLS}/{name.replace('.', '/')}", "w", encoding="ascii") as file:
            file.write(str(value))
    except OSError as error:
        return Setting(name, str(value), error.errno or errno.EIO)
    return Setting(name, str(value))


def calm_down() -> tuple[Setting, ...]:
    """Set all of it, for the connections that are made from now on; what was set and what was not."""
    done = [write(name, value) for name, value in _ALWAYS]
    capped = write(*_RTO_MAX)
    done.append(capped)
    # With timestamps a held packet's long time becomes a measured round trip. Under the cap that does no harm; without
    # one the next retransmission would wait for minutes.
    done.append(write(_TIMESTAMPS, 1 if capped.errno is None else 0))
    done += [_set_route(route) for route in routes.ROUTES]
    return tuple(done)


def _set_route(route: str) -> Setting:
    name, value = f"route {route}", f"rto_min {_RTO_MIN} ms, quickack"
    try:
        routes.set_metrics(route, _RTO_MIN)
    except OSError as error:
        return Setting(name, value, error.errno or errno.EIO)
    return Setting(name, value)
