"""A list of events that reads as prose: what a lab reports of a story, written by hand.

    script = Script()
    script.start("server", "tcp_server.py")
    script.step("server", "socket", fd=3)

Each method appends the events that the real lab sends for such a thing, in its order; `script.world` is their fold.
"""

from __future__ import annotations

import ast
from pathlib import Path

import netsim.programs
from netsim.model import events as e
from netsim.model.address import Address, Role, Transport
from netsim.model.fold import fold_all
from netsim.model.world import World

HERE = "127.0.0.1"
PROGRAMS = Path(netsim.programs.__file__).parent
PIDS = {"server": 41233, "client1": 41240, "client2": 41244, "client3": 41247, "udpserver": 41251, "udpclient1": 41255}
FILES = {
    "server": "tcp_server.py",
    "client": "tcp_client.py",
    "udpserver": "udp_server.py",
    "udpclient": "udp_client.py",
}
READING = ("accept", "recv", "recvfrom")
ERRORS = {
    "ECONNREFUSED": ("ConnectionRefusedError", 111, "Connection refused"),
    "EADDRINUSE": ("OSError", 98, "Address already in use"),
    "ECONNRESET": ("ConnectionResetError", 104, "Connection reset by peer"),
    "EPIPE": ("BrokenPipeError", 32, "Broken pipe"),
    "EAGAIN": ("BlockingIOError", 11, "Resource temporarily unavailable"),
}


def at(port: int, host: str = HERE) -> Address:
    """An address on this machine."""
    return Address(host, port)


class Script:
    """Events as a lab would report them; `now` is the lab's clock, a tenth of a second further with every event."""

    def __init__(self, *, port: int = 8888) -> None:
        self.events: list[e.AnyEvent] = []
        self.now = 0.0
        self._pids: dict[str, int] = {}
        self._calls: dict[str, int] = {}
        self._commands = 0
        self._lines: dict[str, int] = {}
        self.add(
            e.LabStarted(
                at=0.0, net="host", port=port, system="Linux 6.18", python="3.11.7", contained=True,
                contained_because="user and pid namespaces", sock_diag=True,
            )
        )  # fmt: skip

    @property
    def world(self) -> World:
        """What all the events so far fold into."""
        return fold_all(World(), self.events)

    def add(self, event: e.AnyEvent) -> None:
        """Append any event."""
        self.events.append(event)
        self.now = round(self.now + 0.1, 3)

    # --- commands

    def accept(self, kind: str, who: str) -> None:
        """The lab takes a command."""
        self._commands += 1
        self.add(e.CommandAccepted(at=self.now, id=self._commands, kind=kind, who=who))

    def start(self, who: str, *, pid: int | None = None) -> None:
        """A process is started and stops before its first socket call."""
        self.accept("StartEndpoint", who)
        role: Role = "server" if "server" in who else "client"
        transport: Transport = "udp" if who.startswith("udp") else "tcp"
        program = FILES[who.rstrip("0123456789")]
        number = int(who[-1]) if who[-1].isdigit() else 1
        self._pids[who] = pid or PIDS[who]
        self._calls[who] = 0
        self.add(
            e.EndpointStarted(
                at=self.now, **self._process(who), role=role, transport=transport, number=number, program=program,
                source=tuple((PROGRAMS / program).read_text().splitlines()),
            )
        )  # fmt: skip
        self.stop(who, self.line(who, "socket("))

    def open(self) -> None:
        """The two programs of the opening."""
        self.start("server")
        self.start("client1")

    # --- programs

    def line(self, who: str, text: str) -> int:
        """The number of the first line of its program that has this text."""
        source = self._source(who)
        return next(
            number for number, line in enumerate(source, 1) if text in line and not line.startswith(("import", '"""'))
        )

    def stop(self, who: str, line: int, **fds: int) -> None:
        """The program stands before `line`; the calls ahead are read from its text. `fds`: what its names are now."""
        self._lines[who] = line
        ahead = [call for call in self._calls_in_text(who) if call.line >= line]
        loop = [call for call in self._calls_in_text(who) if call.line < line and call.name in ("accept", "recvfrom")]
        known = tuple(e.CallAhead(call.name, call.line, call.target, fds.get(call.target)) for call in [*ahead, *loop])
        self.add(e.ProgramStopped(at=self.now, **self._process(who), line=line, function="<module>", ahead=known))

    def ready(self, who: str, fd: int, *, readable: bool = True) -> None:
        """poll() says that something is there (or gone again)."""
        self.add(e.ReadinessChanged(at=self.now, **self._process(who), fd=fd, readable=readable))

    def begin(self, who: str, name: str, *, socket: e.SocketRef | None = None) -> None:
        """A step whose call has begun and not returned."""
        self.accept("Step", who)
        self._calls[who] += 1
        self.add(
            e.CallStarted(
                at=self.now, **self._process(who), call=self._calls[who], name=name, line=self._lines[who],
                arguments="", socket=socket,
            )
        )  # fmt: skip

    def sleep(self, who: str, syscall: str | None = None) -> None:
        """The call that has begun sleeps."""
        self.add(e.CallSlept(at=self.now, **self._process(who), call=self._calls[who], syscall=syscall))

    def come_back(
        self,
        who: str,
        name: str,
        *,
        socket: e.SocketRef | None = None,
        accepted: e.SocketRef | None = None,
        size: int | None = None,
        data: bytes | None = None,
        error: str | None = None,
        result: str = "None",
        peer: Address | None = None,
    ) -> None:
        """The call that has begun returns."""
        failed = None
        if error is not None:
            kind, number, message = ERRORS[error]
            failed = e.CallError(kind, number, error, f"[Errno {number}] {message}")
        self.add(
            e.CallReturned(
                at=self.now, **self._process(who), call=self._calls[who], name=name, line=self._lines[who],
                result="" if failed else result, error=failed, microseconds=12.0, socket=socket, accepted=accepted,
                size=size, data=data, peer=peer,
            )
        )  # fmt: skip

    def call(self, who: str, name: str, **outcome: object) -> None:
        """A step whose call returns at once."""
        self.begin(who, name)
        self.come_back(who, name, **outcome)  # type: ignore[arg-type]

    def kernel(self, *sockets: e.KernelSocket) -> None:
        """What the kernel lists now."""
        self.add(e.SocketsObserved(at=self.now, sockets=sockets))

    def psutil(self, *owners: e.Owner) -> None:
        """What psutil's table says now."""
        self.add(e.OwnersObserved(at=self.now, owners=owners))

    def exit(self, who: str, status: int = 0) -> None:
        """The process is gone."""
        self.add(e.ProcessExited(at=self.now, **self._process(who), status=status))

    def _process(self, who: str) -> dict[str, object]:
        return {"who": who, "pid": self._pids[who], "inner_pid": self._pids[who] - 41230}

    def _source(self, who: str) -> list[str]:
        return (PROGRAMS / FILES[who.rstrip("0123456789")]).read_text().splitlines()

    def _calls_in_text(self, who: str) -> list[e.CallAhead]:
        return _calls(PROGRAMS / FILES[who.rstrip("0123456789")])


def _calls(path: Path) -> list[e.CallAhead]:
    names = {
        "socket",
        "setsockopt",
        "bind",
        "listen",
        "accept",
        "connect",
        "send",
        "sendto",
        "recv",
        "recvfrom",
        "close",
    }
    found = [
        e.CallAhead(node.func.attr, node.lineno, ast.unparse(node.func.value))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in names
    ]
    return sorted(found, key=lambda call: call.line)


def tcp(
    state: e.TcpState, local: int, remote: int | None = None, *, inode: int = 0, receive: int = 0, send: int = 0,
    expires_ms: int = 0,
) -> e.KernelSocket:  # fmt: skip
    """One of the kernel's TCP sockets, on this machine."""
    return e.KernelSocket(
        transport="tcp", state=state, local=at(local), remote=at(remote) if remote else None, inode=inode,
        receive_queue=receive, send_queue=send, timer="timewait" if state == "TIME_WAIT" else "", expires_ms=expires_ms,
    )  # fmt: skip


def ref(
    fd: int, inode: int, local: int | None = None, remote: int | None = None, transport: Transport = "tcp"
) -> e.SocketRef:
    """A process's own view of one of its sockets."""
    return e.SocketRef(fd, inode, transport, at(local) if local else None, at(remote) if remote else None)
