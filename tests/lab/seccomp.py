"""Filters of system calls, as containers have them, for tests: any process may put one on itself, for good.

Sources: seccomp(2), linux/seccomp.h, linux/bpf_common.h; the kernel's classic BPF.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from typing import NamedTuple

# By machine; None where that machine has no such call.
_NUMBERS: dict[str, dict[str, int | None]] = {
    "x86_64": {"socket": 41, "clone": 56, "fork": 57, "vfork": 58, "unshare": 272, "clone3": 435},
    "aarch64": {"socket": 198, "clone": 220, "fork": None, "vfork": None, "unshare": 97, "clone3": 435},
}
KILL = 0x80000000  # SECCOMP_RET_KILL_PROCESS
_ERRNO, _ALLOW = 0x00050000, 0x7FFF0000
_LOAD, _AND, _IF_EQUAL, _RETURN = 0x20, 0x54, 0x15, 0x06
_ARGUMENTS = 16  # offset of args in struct seccomp_data
_NO_NEW_PRIVS, _SET_SECCOMP, _FILTER = 38, 22, 2


class Rule(NamedTuple):
    """What comes of a call: an errno, or KILL. `arguments`: (index, mask, value) that all have to fit."""

    call: str
    result: int
    arguments: tuple[tuple[int, int, int], ...] = ()


def install(*rules: Rule) -> None:
    """Put a filter on this process and all that it starts."""
    code = b"".join(map(_block, rules)) + _instruction(_RETURN, _ALLOW)
    program = ctypes.create_string_buffer(code)
    header = ctypes.create_string_buffer(struct.pack("@HxxxxxxP", len(code) // 8, ctypes.addressof(program)))
    libc = ctypes.CDLL(None, use_errno=True)
    for arguments in ((_NO_NEW_PRIVS, 1, 0, 0, 0), (_SET_SECCOMP, _FILTER, ctypes.addressof(header), 0, 0)):
        if libc.prctl(*(ctypes.c_ulong(each) for each in arguments)):
            raise OSError(ctypes.get_errno(), f"prctl{arguments}: {os.strerror(ctypes.get_errno())}")


def _block(rule: Rule) -> bytes:
    number = _NUMBERS[platform.machine()][rule.call]
    if number is None:
        return b""
    result = rule.result if rule.result == KILL else _ERRNO | rule.result
    tests = [(_LOAD, 0, 0xFFFFFFFF, number)]
    tests += [(_LOAD, _ARGUMENTS + 8 * index, mask, value) for index, mask, value in rule.arguments]
    left = 3 * len(tests) + 1
    code = b""
    for load, offset, mask, value in tests:
        left -= 3
        code += _instruction(load, offset) + _instruction(_AND, mask) + _instruction(_IF_EQUAL, value, 0, left)
    return code + _instruction(_RETURN, result)


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
