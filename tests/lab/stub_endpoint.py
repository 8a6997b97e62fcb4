"""A stand-in for the endpoint: it speaks its protocol, walks through a program's statements, and obeys odd orders.

Run by the lab host in the endpoint's place (LabClient's `endpoint`). An extra line is run with everything in here in
reach, so that a test can make the process do whatever a bad day brings.
"""

from __future__ import annotations

import ast
import json
import os
import socket
import sys

arguments = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=True))
wire = socket.socket(fileno=int(arguments["--channel"]))
orders = wire.makefile("r")
who, calls = "", 0
names: dict = {"__name__": "__main__"}  # the program's
machine_pid = int(os.readlink("/proc/self"))
with open("/proc/self/comm", "w") as comm:
    comm.write(arguments["--name"])


def report(kind: str, **fields: object) -> None:
    """Send one report."""
    line = {"type": kind, "who": who, "pid": machine_pid, "inner_pid": os.getpid(), **fields}
    wire.sendall(json.dumps(line).encode() + b"\n")


def order() -> dict:
    """Wait for the next order that is no poll."""
    while True:
        line = orders.readline()
        if not line:
            os._exit(0)
        found = json.loads(line)
        if found["do"] != "poll":
            return found


def ref(sock: socket.socket) -> dict | None:
    """A socket as a SocketRef."""
    if not isinstance(sock, socket.socket) or sock.fileno() < 0:
        return None
    local = sock.getsockname()
    return {
        "fd": sock.fileno(),
        "inode": os.fstat(sock.fileno()).st_ino,
        "transport": "tcp" if sock.type == socket.SOCK_STREAM else "udp",
        "local": {"host": local[0], "port": local[1]} if local[1] else None,
    }


def make_call(line: int, name: str, sock: object, run: object, thread: int = 0, wait: bool = True) -> None:
    """Report a call, wait for go, make it, report it."""
    global calls
    calls += 1
    number = calls
    report("CallStarted", call=number, name=name, line=line, arguments="", socket=ref(sock), thread=thread)
    if wait:
        while order()["do"] != "go":
            pass
    before, error, value = ref(sock), None, None
    try:
        value = run()
    except OSError as problem:
        error = {"type": type(problem).__name__, "errno": problem.errno, "name": None, "message": str(problem)}
    after = ref(value) if name == "socket" else ref(sock) or before
    accepted = ref(value[0]) if name == "accept" and value else None
    report(
        "CallReturned", call=number, name=name, line=line, result="", error=error, microseconds=1.0, socket=after,
        accepted=accepted, thread=thread,
    )  # fmt: skip


def stop(line: int) -> None:
    """Stand before a line until the order to step comes."""
    report("ProgramStopped", line=line, function="<module>", ahead=[])
    while True:
        found = order()
        if found["do"] == "step":
            return
        if found["do"] == "extra":
            exec(found["source"], globals())
            report("ExtraLineRan", source=found["source"], result="", error=None)
            report("ProgramStopped", line=line, function="<module>", ahead=[])


def run(body: list[ast.stmt], names: dict) -> None:
    """Run statements one by one, those with a call on a socket as a step each."""
    for statement in body:
        if isinstance(statement, ast.While):
            while eval(compile(ast.Expression(statement.test), "", "eval"), names):
                run(statement.body, names)
            continue
        code = compile(ast.Module([statement], []), "", "exec")
        call = next((each for each in ast.walk(statement) if isinstance(each, ast.Call)), None)
        if call is None or not isinstance(call.func, ast.Attribute) or isinstance(statement, ast.Import):
            exec(code, names)
            continue
        stop(statement.lineno)
        sock = names.get(getattr(call.func.value, "id", ""))

        def make(code=code, name=call.func.attr) -> object:
            exec(code, names)
            return names.get("s") if name == "socket" else (names.get("conn"), 0) if name == "accept" else None

        make_call(statement.lineno, call.func.attr, sock, make)


def fork(then: object) -> None:
    """Fork a child that reports on a channel of its own, and does `then(channel)`."""
    global machine_pid, wire
    ours, theirs = socket.socketpair()
    ready_read, ready_write = os.pipe()
    child = os.fork()
    if child:
        with open(f"/proc/self/task/{os.readlink('/proc/thread-self').split('/')[-1]}/children") as children:
            pid = int(children.read().split()[-1])
        line = json.dumps({"type": "Forked", "who": who, "pid": pid, "inner_pid": child}).encode() + b"\n"
        socket.send_fds(wire, [line], [theirs.fileno()])
        os.close(ready_write)
        ours.close()
        theirs.close()
        os.close(ready_read)
        return
    machine_pid = int(os.readlink("/proc/self"))
    wire.close()
    orders.close()
    theirs.close()
    os.close(ready_write)
    os.read(ready_read, 1)  # until the parent has told of us
    wire = ours
    then()
    os._exit(0)


if __name__ == "__main__":
    first = order()
    who = first["who"]
    report("Hello")
    run(ast.parse(first["source"]).body, names)
    report("ProgramEnded", line=0, error=None, traceback="")
