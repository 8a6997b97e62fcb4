"""The glossary: every technical word of the narration and the lessons, in a sentence or two each.

Law: an entry is true without its neighbours, and uses no word that is harder than the one that it explains.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple


class Entry(NamedTuple):
    """A word, what it means, and other forms of it that are found in texts ("sockets" is found for "socket")."""

    word: str
    meaning: str
    forms: tuple[str, ...] = ()


def lookup(word: str) -> Entry | None:
    """The entry of a word or of one of its forms, None if there is none."""
    return _by_form().get(_key(word))


def words_in(text: str) -> tuple[Entry, ...]:
    """The entries of the words that occur in a text, in the glossary's order."""
    return tuple(entry for entry in GLOSSARY if _pattern(entry).search(text))


def _key(word: str) -> str:
    return word if word.isupper() else word.lower()


@cache
def _by_form() -> dict[str, Entry]:
    return {_key(form): entry for entry in GLOSSARY for form in (entry.word, *entry.forms)}


@cache
def _pattern(entry: Entry) -> re.Pattern[str]:
    """The word and its forms where they stand alone; what is written large or with () is looked for just so."""
    forms = (entry.word, *entry.forms)
    return re.compile("|".join(_of(form) for form in forms))


def _of(form: str) -> str:
    text = re.escape(form)
    before = r"(?<!\w)" if form[:1].isalnum() else ""
    if form.endswith("()"):
        return before + re.escape(form[:-1])  # with its arguments, too
    if not form[-1:].isalnum():
        return before + text
    exactly = len(form) <= 3 or any(char.isupper() for char in form)  # "ack" is not ACK
    plural = "" if any(char.isupper() for char in form) else "s?"
    flags = "{}" if exactly else "(?i:{})"
    return before + flags.format(text + plural) + r"(?!\w)"


GLOSSARY: tuple[Entry, ...] = (
    # who and where
    Entry("program", "A text of instructions. Two of them run here, line by line, as they stand in their files."),
    Entry("process", "A program that runs. The same program can run many times, each time as a process of its own.",
          ("processes",)),
    Entry("PID", "Process ID: the number that the kernel gives a process when it starts. It is not in any packet.",
          ("PIDs",)),
    Entry("kernel", "The core of the operating system. It alone touches the network; programs ask it, by calls."),
    Entry("thread", "A second (or third ..) pair of hands in one process: it runs beside the others and shares all "
          "they have."),
    Entry("client", "The side that calls: it must know where the server is."),
    Entry("server", "The side that waits to be called, on a port that was agreed beforehand."),
    Entry("lab", "The place in which the programs run: processes and sockets of its own, which end with netsim."),
    Entry("private net", "A network of the lab's own, with its own 127.0.0.1 and its own ports; nobody else can "
          "connect."),
    Entry("loopback", "The network inside one machine: what is sent to 127.0.0.1 never leaves it."),
    Entry("127.0.0.1", "The address by which a machine reaches itself (IPv4). From elsewhere it reaches nobody."),
    Entry("0.0.0.0", "As a server's address: all addresses of this machine, for IPv4. Nobody has it as an address."),
    Entry("::1", "What 127.0.0.1 is, for IPv6: the machine itself."),
    Entry("localhost", "A name for the machine itself. It can mean 127.0.0.1 or ::1."),
    Entry("root", "The administrator of a Unix system, who may do nearly everything."),
    # sockets and ports
    Entry("socket", "A program's handle for the network: one end of a conversation. To the program, a file number."),
    Entry("fd", "File descriptor: the number by which a process names a file or socket that it has open.",
          ("fds", "file number", "file descriptor")),
    Entry("inode", "The kernel's own number of a socket (or file). The fd is the process's number for it."),
    Entry("port", "A number from 0 to 65535 that says which service on a machine is meant."),
    Entry("ephemeral", "Of a port: picked by the kernel for one conversation, and given back when that is over.",
          ("ephemeral port",)),
    Entry("IP address", "The number of a machine on the network. It finds the machine; the port finds the service.",
          ("address", "addresses")),
    Entry("endpoint", "One end of a conversation: an IP address and a port."),
    Entry("four-tuple", "Both addresses and both ports of a connection: by these four numbers it is told from others.",
          ("four numbers",)),
    Entry("listening socket", "A socket that takes calls and carries no data: accept() makes the ones that do.",
          ("listener",)),
    Entry("accept queue", "Connections whose handshake is done and that no program has accepted yet. The kernel keeps "
          "it.", ("queue",)),
    Entry("backlog", "The limit of the accept queue, as listen() sets it. Linux lets one more wait."),
    # what is sent
    Entry("packet", "What travels over the network: headers that say where to, and data behind them."),
    Entry("segment", "A packet of TCP."),
    Entry("datagram", "A packet of UDP: one message, whole or not at all."),
    Entry("header", "The first bytes of a packet: addresses, ports and numbers, before the data."),
    Entry("byte", "Eight bits: a number from 0 to 255. Networks carry bytes and nothing else."),
    Entry("stream", "Bytes one after the other, in order, without marks between messages. TCP carries that."),
    Entry("TCP", "Transmission Control Protocol: a connection that carries bytes in order, again if they get lost."),
    Entry("UDP", "User Datagram Protocol: single messages, sent at once, without a connection and without a promise."),
    Entry("TLS", "What hides data on its way, and shows who the other side is; https is the web over it."),
    Entry("QUIC", "A newer protocol that builds connections of its own on top of UDP; much of the web uses it."),
    Entry("ICMP", "Short notes between kernels about packets, such as: port unreachable."),
    Entry("IPv6", "The newer addresses, of 128 bits: 2001:db8::1. IPv4's have 32: 192.0.2.1."),
    Entry("SOCK_STREAM", "The kind of socket that carries a stream of bytes: TCP."),
    Entry("SOCK_DGRAM", "The kind of socket that carries datagrams: UDP."),
    Entry("connection", "What two TCP sockets share after the handshake: the kernel at each end counts its bytes."),
    Entry("handshake", "SYN, SYN-ACK, ACK: with these three packets a TCP connection begins.",
          ("three-way handshake",)),
    Entry("network layer", "What finds the machine: IP, with its addresses."),
    Entry("transport layer", "What finds the service on the machine: TCP and UDP, with their ports."),
    Entry("round trip", "The way there and back again: how long an answer takes at least."),
    Entry("checksum", "A number computed from a packet's bytes, so that damage on the way is noticed."),
    # flags and numbers
    Entry("SYN", "Synchronize: the first packet of a TCP connection. It says where this side's numbers begin."),
    Entry("SYN-ACK", "The answer to a SYN: I have your number, and here is mine."),
    Entry("ACK", "Acknowledgement: the kernel has all bytes up to this number. No program need have read them.",
          ("ACKs",)),
    Entry("FIN", "Finish: this side sends no more. The other may go on."),
    Entry("RST", "Reset: there is no such connection (any more), or nobody takes calls here. The end, at once."),
    Entry("seq", "Sequence number: which byte of the stream is the packet's first. Shown from 0.",
          ("sequence number",)),
    Entry("ack", "In a packet: the number of the next byte that is expected. All before it has come.",
          ("acknowledged", "acknowledges")),
    Entry("retransmission", "A packet that is sent again because no ACK came for it.", ("sent again", "sends again")),
    Entry("timer", "The kernel's alarm clock for a connection: when it rings, something is sent again or given up."),
    # states
    Entry("LISTEN", "This socket takes calls. ss writes LISTEN, too."),
    Entry("SYN_SENT", "The client's end has sent its SYN and waits for an answer. ss writes SYN-SENT."),
    Entry("SYN_RECV", "The server's kernel side has answered a SYN and waits for the last ACK. ss writes SYN-RECV."),
    Entry("ESTABLISHED", "This end's handshake is done: data can flow. ss writes ESTAB."),
    Entry("FIN_WAIT1", "This side has said FIN and waits for its ACK. ss writes FIN-WAIT-1.", ("FIN_WAIT",)),
    Entry("FIN_WAIT2", "This side's FIN is acknowledged; the other side may still send. ss writes FIN-WAIT-2."),
    Entry("CLOSE_WAIT", "The other side has said FIN, and our program has not closed yet. ss writes CLOSE-WAIT."),
    Entry("LAST_ACK", "Both have said FIN; only the last ACK is missing. ss writes LAST-ACK."),
    Entry("CLOSING", "Both said FIN at the same time, and each waits for the other's ACK."),
    Entry("TIME_WAIT", "The side that closed first keeps the connection for 60 seconds, so that late packets of it "
          "fool nobody. It has no process."),
    Entry("CLOSE", "Not connected: not yet, or not any more. ss writes UNCONN.", ("closed",)),
    # calls
    Entry("socket()", "Makes a socket. No packet is sent, and it has no port yet."),
    Entry("bind()", "Claims an address and a port for a socket. To port 0: any that is free."),
    Entry("listen()", "From now on the kernel takes calls for this socket's port."),
    Entry("accept()", "Takes one waiting connection from the queue and returns a new socket for it. It sends nothing."),
    Entry("connect()", "TCP: begins a connection and waits for it. UDP: only notes who the partner is."),
    Entry("send()", "Hands bytes to the kernel. That it returns does not mean that they arrived."),
    Entry("sendall()", "Like send(), and goes on until the kernel has taken all the bytes."),
    Entry("sendto()", "Sends one datagram to an address."),
    Entry("recv()", "Takes bytes that the kernel has for this socket, at most so many. b'' means: the other side has "
          "closed."),
    Entry("recvfrom()", "Takes one datagram, and tells who sent it."),
    Entry("close()", "Gives the socket back. The kernel says goodbye to the other side by itself."),
    Entry("shutdown()", "Says that nothing more will be sent (a FIN), and keeps the socket for receiving."),
    Entry("setsockopt()", "Sets an option of a socket."),
    Entry("getsockopt()", "Reads an option of a socket."),
    Entry("settimeout()", "Says how many seconds a call on this socket may sleep; then it fails with TimeoutError."),
    Entry("setblocking()", "setblocking(False): calls on this socket never sleep. Where they would, they fail at once.",
          ("non-blocking",)),
    Entry("getsockname()", "Tells a socket's own address and port."),
    Entry("getpeername()", "Tells the address and port of the other end."),
    Entry("create_connection()", "Python: socket() and connect() in one."),
    Entry("create_server()", "Python: socket(), bind() and listen() in one."),
    Entry("gethostname()", "Tells the name of this machine."),
    Entry("connect_ex()", "connect() that returns an error's number instead of raising an exception."),
    Entry("select()", "Waits for many sockets at once, and says which of them have something."),
    Entry("fork()", "Makes a second process, a copy of this one. Both have the same sockets open."),
    Entry("encode()", "Turns text into bytes, in a way that must be named: ASCII, UTF-8."),
    Entry("kill", "os.kill(PID, ..) sends a process a signal: stop, end. It carries no data.", ("os.kill", "killed")),
    Entry(
        "signal",
        "A short notice to a process, from the kernel or another process: interrupt, stop, go on, end.",
        ("SIGKILL", "SIGSTOP", "SIGCONT"),
    ),
    # options
    Entry("SO_REUSEADDR", "An option: the port may be bound although connections of it are left in TIME_WAIT."),
    Entry("SO_REUSEPORT", "An option: several sockets may share one port, if all of them set it."),
    Entry("IPV6_V6ONLY", "An option: this IPv6 socket takes no IPv4 calls."),
    Entry("TCP_DEFER_ACCEPT", "An option of Linux: accept() only gets a connection once data has come on it."),
    Entry("AF_UNIX", "Sockets between processes of one machine, with names in the file system and no ports."),
    Entry("SOL_SOCKET", "In setsockopt(): an option of the socket itself, not of its protocol."),
    Entry("SHUT_RD", "In shutdown(): no more will be read. The other side is not told."),
    Entry("SHUT_WR", "In shutdown(): no more will be sent; receiving goes on."),
    Entry("SHUT_RDWR", "In shutdown(): neither will be sent nor read any more. Nothing is closed yet."),
    Entry("SO_KEEPALIVE", "An option: the kernel asks a silent partner now and then whether it is still there."),
    # errors
    Entry("errno", "The number of an error that the kernel gave: 111 is ECONNREFUSED on Linux.", ("Errno",)),
    Entry("ECONNREFUSED", "Connection refused: nobody listens on that port. The other kernel said so, at once.",
          ("ConnectionRefusedError", "refused")),
    Entry("ECONNRESET", "Connection reset: the other side ended the connection with a RST.",
          ("ConnectionResetError",)),
    Entry("EPIPE", "Broken pipe: one sends where there is no connection, or not any more.", ("BrokenPipeError",)),
    Entry("ENOTCONN", "Not connected: the call needs a connection, and this socket has none."),
    Entry("EADDRINUSE", "Address already in use: somebody has this port."),
    Entry("EADDRNOTAVAIL", "That address is not one of this machine's."),
    Entry("EACCES", "Permission denied: for a port below the limit one needs a right (on most machines, below 1024)."),
    Entry("EINVAL", "Invalid argument: such a call makes no sense for this socket now."),
    Entry("EAGAIN", "Nothing is there now, and one asked not to wait.", ("BlockingIOError",)),
    Entry("ETIMEDOUT", "Timed out: nobody answered, however often the kernel asked.", ("TimeoutError",)),
    Entry("EMSGSIZE", "Message too long: that does not fit into one datagram."),
    Entry("ENETUNREACH", "Network unreachable: there is no way to that address from here."),
    Entry("EHOSTUNREACH", "Host unreachable: there is no way to that machine from here."),
    Entry("EAFNOSUPPORT", "The address is of another family than the socket: IPv4 is not IPv6."),
    Entry("EAI_NONAME", "Nobody knows a machine of that name.", ("gaierror",)),
    Entry("EAI_AGAIN", "No name server answered: the name can't be looked up now."),
    Entry("EBADF", "Bad file descriptor: that file number is not open (any more)."),
    Entry("EDESTADDRREQ", "Destination address required: where to? The socket has no partner."),
    Entry("EINPROGRESS", "In progress: the call began something and did not wait for its end."),
    Entry("EISCONN", "This socket is connected already."),
    Entry("EMFILE", "Too many open files: the process may open no more."),
    Entry("ESRCH", "No such process: nobody has that PID now.", ("ProcessLookupError",)),
    Entry("EINTR", "Interrupted: a signal came while the call slept.", ("KeyboardInterrupt",)),
    Entry("TypeError", "Python: this kind of value does not go there; for example text where bytes are wanted."),
    Entry("OverflowError", "Python: the number is too large (or too small) for its place."),
    Entry("UnicodeEncodeError", "Python: a character can't be written in this encoding."),
    Entry("OSError", "Python's name for an error that the kernel gave."),
    # text
    Entry("ASCII", "Letters a to z, digits and signs as one byte each: 128 characters."),
    Entry("UTF-8", "All the world's characters as one to four bytes each. The first 128 are ASCII's."),
    Entry("UTF-32", "All the world's characters as four bytes each."),
    Entry("Unicode", "The list of all the world's characters, each with a number."),
    # how netsim knows
    Entry("gate", "Where a private net's packets are held until you deliver or drop them; open, they only pass."),
    Entry("held", "Of a packet: it waits at the gate. It is the real one, and its bytes are known."),
    Entry("delivered", "Of a packet: the receiving kernel has it."),
    Entry("lost", "Of a packet: it was dropped on its way. Who sent it is not told."),
    Entry("inferred", "Known from the kernel's counters and states; nobody has seen the packet's bytes.",
          ("INFERRED",)),
    Entry("recorded", "From a saved session: it really happened, but not now.", ("RECORDED",)),
    Entry("asleep", "A process that waits in a call: it uses no time until the kernel wakes it.", ("sleeps", "sleep")),
    Entry("ss", "A command of Linux that lists sockets: ss -tanp."),
    Entry("psutil", "A Python library that tells which process has which port."),
    Entry("/proc", "Linux: a folder in which the kernel shows what it knows of every process."),
    Entry("interrupt", "Ends a call that sleeps, as Ctrl-C does."),
    Entry("unread", "Bytes that the kernel has (and has acknowledged) and no program has taken with recv()."),
    Entry("TCP_INFO", "The kernel's counters of one TCP connection: packets, bytes, timers."),
    Entry("Nagle", "A rule by which the kernel waits a moment with small sends, to put several into one segment.",
          ("Nagle's algorithm", "NODELAY", "TCP_NODELAY")),
    Entry("wildcard", "An address that stands for all of a machine's: 0.0.0.0, or :: for IPv6."),
    Entry("half-close", "One side has said FIN, the other still sends: allowed, and sometimes wanted."),
    Entry("TTL", "Time to live: how many more routers a packet may pass."),
    Entry("MSS", "Maximum segment size: how many bytes of data one segment may carry."),
)  # fmt: skip
