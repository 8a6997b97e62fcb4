"""Values as text, errors and sockets as the fields of events: what the program holds in its hands, put into words.

Nothing here may fail because of what the program's own objects do, and nothing here is a call that gets reported.
"""

from __future__ import annotations

import _socket
import os
from enum import Enum
from errno import errorcode
from typing import Any

_TEXT = 120  # characters of an argument list or a result
_DATA_TEXT = 64  # characters of bytes in it, quoted; more are cut and counted
_FAMILIES = (_socket.AF_INET, getattr(_socket, "AF_INET6", _socket.AF_INET))
_TRANSPORTS = {_socket.SOCK_STREAM: "tcp", _socket.SOCK_DGRAM: "udp"}
_LEVELS = {
    "SOL_SOCKET": "SO_", "IPPROTO_TCP": "TCP_", "IPPROTO_IP": "IP_", "IPPROTO_IPV6": "IPV6_",
}  # fmt: skip
# Names in the same families that are no options, and share numbers with some.
_NO_OPTIONS = ("SO_VM_", "IP_DEFAULT_", "IP_MAX_", "IP_PMTUDISC_", "IPV6_RTHDR_TYPE_")


def value_text(value: object, limit: int = _TEXT) -> str:
    """A value as Python would write it, shortened to `limit` characters."""
    try:
        return _shorten(_text(value), limit)
    except Exception:  # whatever somebody's __repr__ does
        return f"<{type(value).__name__}>"


def arguments_text(name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> str:
    """A call's arguments as they would stand between its parentheses, constants by their names where that is known."""
    texts = [value_text(each) for each in arguments]
    if name in ("setsockopt", "getsockopt") and len(arguments) >= 2:
        texts[:2] = _option_names(arguments[0], arguments[1]) or texts[:2]
    elif name == "shutdown" and len(arguments) == 1:
        texts = [_constant("SHUT_", arguments[0]) or texts[0]]
    texts += [f"{key}={value_text(value)}" for key, value in keywords.items()]
    return _shorten(", ".join(texts), _TEXT)


def error_fields(error: BaseException) -> dict[str, Any]:
    """An exception as a CallError."""
    number = error.errno if isinstance(error, OSError) and type(error.errno) is int else None
    try:
        message = str(error)
    except Exception:
        message = ""
    name = None
    if number is not None:
        resolving = isinstance(error, (_socket.gaierror, _socket.herror))
        name = _constant("EAI_", number) if resolving else errorcode.get(number)
    return {
        "type": type(error).__name__, "errno": number, "name": name, "message": _shorten(message, 2000),
    }  # fmt: skip


# --- sockets: _socket.socket's own methods, not those that report


def is_inet(sock: _socket.socket) -> bool:
    """Whether it is a TCP or UDP socket of IPv4 or IPv6, open or closed."""
    return sock_family(sock) in _FAMILIES and sock_type(sock) in _TRANSPORTS


def would_be_inet(family: object, kind: object) -> bool:
    """Whether socket(family, kind) is about one of those; -1 stands for the default, as in the socket module."""
    known_kind = True
    if isinstance(kind, int) and kind != -1:
        known_kind = kind & ~(_NONBLOCK | _CLOEXEC) in _TRANSPORTS
    return known_kind and family in (-1, *_FAMILIES)


def descriptor_of(sock: _socket.socket) -> int:
    """Its file descriptor, -1 when it is closed."""
    return _socket.socket.fileno(sock)


def ahead_fields(name: str, line: int, target: str, sock: _socket.socket | None) -> dict[str, Any]:
    """A CallAhead. `sock`: what it will be called on, None where that can't be known yet."""
    descriptor = -1 if sock is None else descriptor_of(sock)
    timeout = _socket.socket.gettimeout(sock) if sock is not None and descriptor >= 0 else None
    return {
        "name": name, "line": line, "target": target, "fd": descriptor if descriptor >= 0 else None, "timeout": timeout,
    }  # fmt: skip


def socket_fields(sock: _socket.socket) -> dict[str, Any] | None:
    """A SocketRef of an open socket, None of a closed one. Sources: fstat(2), getsockname(2), getpeername(2)."""
    descriptor = descriptor_of(sock)
    if descriptor < 0:
        return None
    try:
        inode = os.fstat(descriptor).st_ino
    except OSError:  # closed behind its back
        return None
    local = _asked(_socket.socket.getsockname, sock)
    if local is not None and local["port"] == 0 and local["host"] in ("0.0.0.0", "::"):
        local = None
    return {
        "fd": descriptor,
        "inode": inode,
        "transport": _TRANSPORTS.get(sock_type(sock), "tcp"),
        "local": local,
        "remote": _asked(_socket.socket.getpeername, sock),
    }


def descriptor_fields(descriptor: int) -> dict[str, Any] | None:
    """The same of a descriptor that no socket object has taken over yet."""
    sock = _socket.socket(fileno=descriptor)
    try:
        return socket_fields(sock)
    finally:
        sock.detach()


def address_fields(address: object) -> dict[str, Any] | None:
    """An address tuple of IPv4 or IPv6 as an Address, None if it is none."""
    if isinstance(address, tuple) and len(address) >= 2:
        host, port = address[0], address[1]
        if isinstance(host, str) and isinstance(port, int):
            return {"host": host, "port": int(port)}
    return None


def _asked(question: Any, sock: _socket.socket) -> dict[str, Any] | None:
    try:
        return address_fields(question(sock))
    except OSError:  # ENOTCONN, EINVAL after a reset
        return None


sock_family = _socket.socket.family.__get__  # the numbers, not the enums
sock_type = _socket.socket.type.__get__
_NONBLOCK = getattr(_socket, "SOCK_NONBLOCK", 0)
_CLOEXEC = getattr(_socket, "SOCK_CLOEXEC", 0)


# --- text and data


def byte_count(data: object) -> int:
    """How many bytes a bytes-like object has; raises TypeError if it is none."""
    with memoryview(data) as view:  # type: ignore[arg-type]
        return view.nbytes


def first_bytes(data: object, count: int) -> bytes:
    """The first bytes of a bytes-like object, without copying all of it; raises TypeError if it is none."""
    with memoryview(data) as view:  # type: ignore[arg-type]
        if not view.c_contiguous:
            return view.tobytes()[:count]
        with view.cast("B") as plain:
            return bytes(plain[:count])


def _text(value: object) -> str:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _data_text(value)
    if isinstance(value, Enum):
        return value.name or repr(value)
    if type(value) is tuple:
        inner = ", ".join(_text(each) for each in value[:8])
        return f"({inner}, ...)" if len(value) > 8 else f"({inner},)" if len(value) == 1 else f"({inner})"
    if type(value) is list:
        return "[" + ", ".join(_text(each) for each in value[:8]) + (", ...]" if len(value) > 8 else "]")
    if type(value) is str and len(value) > _TEXT:
        value = value[:_TEXT]  # quoting a megabyte takes its time
    return repr(value)


def _data_text(value: bytes | bytearray | memoryview) -> str:
    count = byte_count(value)
    start = first_bytes(value, _DATA_TEXT)
    text = repr(start)
    if count > len(start) or len(text) > _DATA_TEXT:
        while len(text) > _DATA_TEXT - 16:
            start = start[: len(start) * 3 // 4]
            text = repr(start)
        text = f"{text}... ({count} bytes)"
    return text if isinstance(value, bytes) else f"{type(value).__name__}({text})"


def _shorten(text: str, limit: int) -> str:
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= limit else text[: limit - 3] + "..."


def _option_names(level: object, option: object) -> list[str] | None:
    for name, prefix in _LEVELS.items():
        if getattr(_socket, name, None) == level and isinstance(level, int):
            return [name, _constant(prefix, option) or value_text(option)]
    return None


def _constant(prefix: str, number: object) -> str | None:
    """The name of a constant of the socket module that begins so and has this value."""
    if not isinstance(number, int):
        return None
    for name, value in vars(_socket).items():
        if name.startswith(prefix) and value == number and not name.startswith(_NO_OPTIONS):
            return name
    return None
