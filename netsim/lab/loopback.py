"""The loopback of this network namespace: up, with a wire's MTU; and which interfaces are up.

Sources: netdevice(7), linux/sockios.h, linux/if.h. Linux only: elsewhere an OSError.
"""

from __future__ import annotations

import errno
import socket
import struct
import sys

LOOPBACK = "lo"
MTU = 1500  # as on a wire: the ordinary loopback's 65536 would make one segment of what is many elsewhere

_SIOCGIFFLAGS, _SIOCSIFFLAGS, _SIOCSIFMTU = 0x8913, 0x8914, 0x8922
_IFF_UP, _IFF_RUNNING = 0x1, 0x40


def bring_up(mtu: int = MTU) -> None:
    """Set the loopback's MTU in bytes and bring it up, its addresses 127.0.0.1 and ::1 with it; raises OSError."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        _ioctl(control, _SIOCSIFMTU, struct.pack("16si20x", LOOPBACK.encode(), mtu))
        _ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh22x", LOOPBACK.encode(), _IFF_UP | _IFF_RUNNING))


def interfaces_up() -> tuple[str, ...]:
    """The interfaces that are up: none in a net that was just made, only `LOOPBACK` in a private one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        return tuple(name for _, name in socket.if_nameindex() if _flags(control, name) & _IFF_UP)


def _flags(control: socket.socket, name: str) -> int:
    answer = _ioctl(control, _SIOCGIFFLAGS, struct.pack("16s24x", name.encode()))
    flags: int = struct.unpack_from("H", answer, 16)[0]
    return flags


def _ioctl(control: socket.socket, number: int, request: bytes) -> bytes:
    if not sys.platform.startswith("linux"):
        raise OSError(errno.ENOSYS, "only Linux has these requests")
    import fcntl  # not on Windows

    return fcntl.ioctl(control, number, request)
