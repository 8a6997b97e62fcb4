"""Errors as lessons: for each exception that can happen here, one sentence on why the kernel (or Python) said so."""

from __future__ import annotations

from netsim.model.events import CallError

_BY_ERRNO: dict[tuple[str, str], str] = {
    ("connect", "ECONNREFUSED"): "Refused: nobody listens on port {port}. The kernel answered RST at once.",
    ("connect", "ETIMEDOUT"): "No answer: the kernel sent SYN again and again, and nobody said anything.",
    ("connect", "EISCONN"): "This socket is connected already: a new connection needs a new socket.",
    ("connect", "EADDRNOTAVAIL"): "The kernel found no address or free port for this end.",
    ("connect", "ENETUNREACH"): "No way leads to that address from here, so nothing was sent: try --net host.",
    ("connect", "EHOSTUNREACH"): "There is no way to that host from here.",
    ("connect", "EAI_AGAIN"): "No name server can be asked from here: take an address, or --net host.",
    ("connect", "EAI_NONAME"): "Nobody knows a host of that name: look at its spelling.",
    ("connect", "EINPROGRESS"): "This socket does not wait: the SYN is sent, the answer is for later.",
    ("connect", "EAFNOSUPPORT"): "The address is of another family than the socket: IPv4 is not IPv6.",
    ("bind", "EAI_NONAME"): "Nobody knows a host of that name: '' or '0.0.0.0' means every address.",
    ("send", "ENETUNREACH"): "No way leads to that address from here, so nothing was sent: try --net host.",
    ("bind", "EADDRINUSE"): "Port {port} is taken: one listening socket per port and address.",
    ("bind", "EACCES"): "Ports below 1024 are for the system: this user may not bind one.",
    ("bind", "EADDRNOTAVAIL"): "That address is not one of this machine's.",
    ("bind", "EINVAL"): "This socket has its port already: a socket is bound once.",
    ("listen", "EADDRINUSE"): "Port {port} has a listener already.",
    ("accept", "EINVAL"): "accept() before listen(): this socket takes no calls yet.",
    ("send", "EPIPE"): "Broken pipe: there is no connection to send on (any more).",
    ("send", "ECONNRESET"): "Reset: the other side dropped the connection; what was under way is lost.",
    ("send", "ENOTCONN"): "Not connected: a TCP socket can't send before connect() or accept().",
    ("send", "ECONNREFUSED"): "An earlier datagram found no one: ICMP came back, and this call tells of it.",
    ("send", "EMSGSIZE"): "Too long for one datagram: 65,507 bytes is the most.",
    ("send", "EDESTADDRREQ"): "Where to? A datagram without connect() needs an address: sendto().",
    ("recv", "ECONNRESET"): "Reset: the other side dropped the connection; what was under way is lost.",
    ("recv", "ENOTCONN"): "Not connected: there is nobody to receive from.",
    ("recv", "ECONNREFUSED"): "An earlier datagram found no one: ICMP came back, and this call tells of it.",
    ("", "EBADF"): "Bad file descriptor: that socket was closed, its file number is gone.",
    ("", "EMFILE"): "Too many open files: every socket takes a file number, and they ran out.",
    ("", "EACCES"): "The system does not let this user do that.",
    ("", "EINVAL"): "The kernel finds that this call makes no sense for this socket now.",
}

_BY_TYPE: dict[str, str] = {
    "KeyboardInterrupt": "Interrupted, as Ctrl-C would: the call ended without a result.",
    "TimeoutError": "The program's own time limit ran out; the kernel would have waited on.",
    "BlockingIOError": "Nothing is there yet, and this socket was told not to wait.",
    "TypeError": "Python refused before the kernel was asked: sockets carry bytes, not text.",
    "UnicodeEncodeError": "ASCII has no such letter: text must be encoded, and UTF-8 could.",
    "OverflowError": "A port is a 16-bit number: 0 to 65535.",
}

_FAMILY = {
    "connect_ex": "connect", "sendall": "send", "sendto": "send", "sendmsg": "send",
    "recvfrom": "recv", "recv_into": "recv", "recvmsg": "recv", "recvfrom_into": "recv",
}  # fmt: skip


def explain(error: CallError, call: str, port: int) -> str:
    """One sentence for an error of `call` ("" for none); falls back on the error as Python shows it."""
    family = _FAMILY.get(call, call)
    name = error.name or ""
    sentence = _BY_ERRNO.get((family, name)) or _BY_ERRNO.get(("", name)) or _BY_TYPE.get(error.type)
    return sentence.format(port=port) if sentence else f"{error.type}: {error.message}"


def ending(reason: str) -> str:
    """That the lab has ended, and why; a reason that says so itself is not led in."""
    return reason if reason.startswith("The lab ") else f"The lab has ended: {reason}"
