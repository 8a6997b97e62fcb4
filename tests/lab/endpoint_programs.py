"""Programs that the endpoint's tests run, and what those tests ask of what came of them."""

from __future__ import annotations

import textwrap
from pathlib import Path

import netsim
from netsim.model.events import CallReturned, CallStarted, ProgramStopped
from tests.lab.endpoint_driver import Endpoint

SCREEN = Path(netsim.__file__).parent / "programs"  # those on the screen

PAIR = """
import socket
server = socket.create_server(('127.0.0.1', 0))
s = socket.create_connection(server.getsockname())
conn, addr = server.accept()
"""  # three stops; a program that talks to itself: what it sends it can receive


def program(text: str, *, pair: bool = False) -> str:
    """A program's text; with `pair` its own lines begin at 6, and have s and conn, two ends of a connection."""
    return PAIR + textwrap.dedent(text).lstrip("\n") if pair else textwrap.dedent(text).lstrip("\n")


def tcp_server() -> str:
    """The server on the screen, on a port that the kernel picks and that it prints."""
    text = (SCREEN / "tcp_server.py").read_text().replace("8888", "0")
    return text.replace("s.listen(5)", "s.listen(5); print(s.getsockname()[1])")


def stop_lines(endpoint: Endpoint) -> list[int]:
    """Run it to its end: the lines at which it stopped."""
    endpoint.run()
    return [stop.line for stop in endpoint.all(ProgramStopped)]


def ahead(stop: ProgramStopped) -> list[tuple[int, str, str, int | None]]:
    return [(call.line, call.name, call.target, call.fd) for call in stop.ahead]


def names_ahead(stop: ProgramStopped) -> list[str]:
    return [call.name for call in stop.ahead]


def run(text: str, *, pair: bool = False) -> Endpoint:
    """Run a program to its end; it must not fail."""
    with Endpoint(program(text, pair=pair)) as endpoint:
        end = endpoint.run()
        assert end.error is None, end.traceback
    return endpoint


def names(endpoint: Endpoint) -> list[str]:
    return [call.name for call in endpoint.calls()]


def last(endpoint: Endpoint, name: str) -> tuple[CallStarted, CallReturned]:
    """The last call of this name, before and after."""
    returned = [call for call in endpoint.calls() if call.name == name][-1]
    started = next(call for call in endpoint.all(CallStarted) if call.call == returned.call)
    assert (started.name, started.line, started.thread) == (returned.name, returned.line, returned.thread)
    return started, returned


# --- each ends in its own way

ENDINGS_TEXT = """
## an error of a socket
import socket
s = socket.socket()
s.connect(('127.0.0.1', 1))
## inside the stdlib
import socket
socket.create_connection(('127.0.0.1', 1))
## bind in use
import socket
s = socket.create_server(('127.0.0.1', 0))
socket.create_server(s.getsockname())
## a wrong type
import socket
s = socket.socket()
s.send('text')
## not connected
import socket
with socket.socket() as s:
    s.recv(
        1,
    )
## closed
import socket
s = socket.socket()
s.close()
s.send(b'x')
## a bad argument
import socket
s = socket.socket(99)
## too many arguments
import socket
s = socket.socket()
s.accept(1, 2)
## a typo in a method
import socket
s = socket.socket()
s.lisen(5)
## a typo in a name
import socket
server = socket.socket()
sever.listen(5)
## a typo in a module
import socket
socket.sokcet()
## in a function
def f(n):
    return 1 // n


def g():
    return [f(n) for n in (1, 0)]


g()
## while another is handled
import socket
try:
    socket.socket().recv(1)
except OSError as e:
    print(missing)
## with a cause
import socket
try:
    socket.socket().recv(1)
except OSError as e:
    raise ValueError('no') from e
## a group
import socket
try:
    socket.socket().recv(1)
except OSError as e:
    raise ExceptionGroup('g', [e, KeyError(1)])
## recursion
def f(): f()
f()
## an exception of its own
class Mine(Exception): pass
raise Mine('α', 2)
## in an imported module
import json
json.loads('{')
## a note
e = ValueError('x')
e.add_note('a note')
raise e
## an assertion
assert 1 == 2, 'no'
## a syntax error
import socket
s.send(b'x'
print('later')
## an indentation error
if 1:
print(2)
## a syntax error of the compiler
def f():
    pass
return 1
## a syntax error in what it runs
exec('1 +')
## silent
import sys
sys.exit()
## zero
raise SystemExit(0)
## a number
import sys
sys.exit(7)
## words
import sys
sys.exit('some words')
## exit()
exit(4)
## to its end
print('done')
## half a line
print('done', end='')
## a trace printed
import socket, traceback
try:
    socket.socket().recv(1)
except OSError:
    traceback.print_exc()
## a trace printed far from the call
import socket, traceback
def f(use):
    try:
        use()
    except OSError:
        traceback.print_exc()
f(lambda: socket.create_connection(('127.0.0.1', 1)))
## a thread
import socket, threading
t = threading.Thread(target=lambda: socket.socket().recv(1), name='t')
t.start()
t.join()
## a thread that outlives it
import threading
def f():
    main.join()
    print('later')
main = threading.main_thread()
threading.Thread(target=f).start()
## at exit
import atexit
atexit.register(print, 'at exit')
## warnings
import warnings
warnings.warn('look')
print(1 is 1)
"""


def _endings() -> dict[str, str]:
    parts = (part.partition("\n") for part in ENDINGS_TEXT.split("\n## "))
    return {name.removeprefix("## "): text.rstrip("\n") + "\n" for name, _, text in parts if text}


ENDINGS = _endings()  # by the name in front of each
