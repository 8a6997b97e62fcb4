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
    ("bind", "EADDRINUSE"): "Port {port} is taken, by a socket that is not seen here: take another port.",
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
    "UnicodeEncodeError": "ASCII has no such letter: text must be encoded, and UTF-8 could.",
}

_FAMILY = {
    "connect_ex": "connect", "sendall": "send", "sendto": "send", "sendmsg": "send",
    "recvfrom": "recv", "recv_into": "recv", "recvmsg": "recv", "recvfrom_into": "recv",
}  # fmt: skip


# What Python says of arguments that are none, by a part of its words.
_BY_WORDS: dict[tuple[str, str], str] = {
    ("TypeError", "bytes-like"): "Python refused before the kernel was asked: sockets carry bytes, not text.",
    ("TypeError", "interpreted as an integer"): "A port is a number, and this is something else: int(...) makes one.",
    ("TypeError", "exactly one argument"): "An address is one value, a pair: {call}((host, port)).",
    ("TypeError", "must be tuple"): "An address is one value, a pair: {call}((host, port)).",
    ("OverflowError", "port must be"): "A port is a 16-bit number: 0 to 65535.",
}
_PAIRS = frozenset(("bind", "connect"))  # what takes an address
_ELSEWHERE = (", or --net host", ": try --net host")  # advice for those who are not there already


def explain(error: CallError, call: str, port: int, *, private: bool = True) -> str:
    """One sentence for an error of `call` ("" for none); falls back on the error as Python shows it.

    `private`: the lab has a net of its own, so that another one could help.
    """
    family = _FAMILY.get(call, call)
    name = error.name or ""
    sentence = _BY_ERRNO.get((family, name)) or _BY_ERRNO.get(("", name)) or _BY_TYPE.get(error.type)
    for (type_, words), told in _BY_WORDS.items():
        if error.type == type_ and words in error.message and ("{call}" not in told or family in _PAIRS):
            sentence = told
    if sentence is None:
        return f"{error.type}: {error.message}"
    for advice in () if private else _ELSEWHERE:
        sentence = sentence.replace(advice, "")
    return sentence.format(port=port, call=call)


def ending(reason: str) -> str:
    """That the lab has ended, and why; a reason that says so itself is not led in."""
    return reason if reason.startswith("The lab ") else f"The lab has ended: {reason}"
