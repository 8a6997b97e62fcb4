"""What a lab reports of a person's own programs, written by hand: the same as Script, with files of one's own."""

from __future__ import annotations

from netsim.model import events as e
from netsim.model.address import Role
from netsim.model.own import OwnProgram
from tests.script import ERRORS, Script

SERVER = """\
import socketserver

class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(self.request.recv(100))

with socketserver.TCPServer(('', 5000), Echo) as server:
    print('serving')
    server.serve_forever()
"""
CLIENT = """\
import socket

name = input('name: ')
s = socket.create_connection(('localhost', 5000))
s.sendall(name.encode())
print(s.recv(100))
"""
TEXTS = {"server": ("echo.py", SERVER), "client": ("ask.py", CLIENT)}
PIDS = {"server": 42001, "client1": 42002, "client2": 42003}
CONNECT = e.CallAhead("create_connection", 4, "socket")  # the client's first call


class OwnScript(Script):
    """A lab that runs the person's programs."""

    _number = 0  # of the last call

    def start_own(
        self, who: str, *, text: str | None = None, line: int = 1, ahead: tuple[e.CallAhead, ...] = ()
    ) -> None:
        """A process of theirs is started, and stands before its first line."""
        role: Role = "server" if who == "server" else "client"
        program, source = TEXTS[role]
        self.accept("StartEndpoint", who)
        self.add(
            e.EndpointStarted(
                at=self.now, **self.of(who), role=role, transport="tcp", number=int(who[6:] or 1), program=program,
                source=tuple((text or source).splitlines()),
                own=OwnProgram(f"/home/ann/{program}", (program, "x"), "/home/ann", "ann"),
            )
        )  # fmt: skip
        self.stand(who, line, *ahead)

    def stand(self, who: str, line: int, *ahead: e.CallAhead) -> None:
        """It stands before a line, with these calls ahead."""
        self.add(e.ProgramStopped(at=self.now, **self.of(who), line=line, function="<module>", ahead=ahead))

    def fall_asleep(self, who: str, syscall: str | None, line: int, fd: int | None = None) -> None:
        """It sleeps outside of its calls."""
        self.add(e.ProcessSlept(at=self.now, **self.of(who), line=line, syscall=syscall, fd=fd))

    def spin(self, who: str, line: int) -> None:
        """It runs on and on."""
        self.add(e.ProcessSpun(at=self.now, **self.of(who), line=line))

    def show(self, who: str, text: str) -> None:
        """It prints."""
        self.add(e.ProgramPrinted(at=self.now, **self.of(who), stream="stdout", text=text))

    def typed(self, who: str, text: str) -> None:
        """A line was typed for it."""
        self.add(e.LineTyped(at=self.now, **self.of(who), text=text))

    def own_call(
        self, who: str, name: str, arguments: str, socket: e.SocketRef, *, line: int = 7, error: str | None = None
    ) -> None:
        """A call that returns at once."""
        self._number += 1
        about = {**self.of(who), "call": self._number, "name": name, "line": line}
        self.add(e.CallStarted(at=self.now, **about, arguments=arguments, socket=socket))
        failed = None
        if error is not None:
            kind, number, message = ERRORS[error]
            failed = e.CallError(kind, number, error, f"[Errno {number}] {message}")
        self.add(
            e.CallReturned(
                at=self.now, **about, result="" if failed else "None", error=failed, microseconds=9.0, socket=socket
            )
        )

    def thread_call(self, who: str, thread: int, call: int, name: str, *, line: int, size: int | None = None) -> None:
        """Another thread than the main one makes a call: it returns with so many bytes, or (None) sleeps."""
        about = {**self.of(who), "call": call}
        made = {**about, "name": name, "line": line, "thread": thread, "socket": None}
        self.add(e.CallStarted(at=self.now, **made, arguments="100"))
        if size is None:
            self.add(e.CallSlept(at=self.now, **about, syscall="recvfrom"))
        else:
            self.add(e.CallReturned(at=self.now, **made, result="b''", error=None, microseconds=9.0, size=size))

    def start_call(self, who: str, name: str, *, line: int, pid: int = 0) -> None:
        """A call begins that does not return."""
        about = {"who": who, "pid": pid, "inner_pid": pid - 42000} if pid else self.of(who)
        self.add(e.CallStarted(at=self.now, **about, call=1, name=name, line=line, arguments="", socket=None))

    def fork(self, who: str, pid: int, number: int = 1) -> None:
        """It forks: there is one more process, which runs on unstepped."""
        parent = self.world.endpoints[who]
        self.add(
            e.EndpointStarted(
                at=self.now, who=f"{who}.{number}", pid=pid, inner_pid=pid - 42000, role=parent.role, transport="tcp",
                number=parent.number, program=parent.program, source=parent.source, forked_from=who, own=parent.own,
            )
        )  # fmt: skip

    def end_own(self, who: str, traceback: str) -> None:
        """An exception has ended its program."""
        error = e.CallError("OSError", None, None, "no")
        self.add(e.ProgramEnded(at=self.now, **self.of(who), line=1, error=error, traceback=traceback))

    def exit_own(self, who: str, status: int = 0) -> None:
        """The process is gone."""
        self.add(e.ProcessExited(at=self.now, **self.of(who), status=status))

    @staticmethod
    def of(who: str) -> dict[str, object]:
        """The fields of its events."""
        return {"who": who, "pid": PIDS[who], "inner_pid": PIDS[who] - 42000}


def opened() -> OwnScript:
    """Both stand before their first line."""
    script = OwnScript()
    script.start_own("server")
    script.start_own("client1", ahead=(CONNECT,))
    return script
