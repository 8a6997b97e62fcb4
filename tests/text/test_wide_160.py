"""Five moments at 160x45, whole: program, kernel, wire, kernel, program, row by row."""

# ruff: noqa: E501

from __future__ import annotations

import pytest

from netsim.text.charset import UNICODE
from netsim.text.grid import Grid
from netsim.text.lines import plain
from netsim.text.screen import draw_screen
from tests.text import frames

START = """\
 netsim   private net · packets held · 127.0.0.1                                                                                                step 0   ? help
─ CLIENT program  pid 41240  tcp ─────┬─ KERNEL, client side ──┬─ WIRE ───────────────────────┬─ KERNEL, server side ──┬─ SERVER program  pid 41233  tcp ───────
   import socket                      │ no socket yet          ├─ TCP  no packet yet ─────────┤ no socket yet          │   import socket
 • s = socket.socket()                │                        │ client                server │                        │ ► s = socket.socket()
   s.connect(('127.0.0.1', 8888))     │                        │                              │                        │   s.setsockopt(.., SO_REUSEADDR, 1)
   text = s.recv(1024)                │                        │                              │                        │   s.bind(('127.0.0.1', 8888))
   s.send(b'hello')                   │                        │                              │                        │   s.listen(5)
   s.close()                          │                        │                              │                        │   while True:
                                      │                        │                              │                        │     conn, addr = s.accept()
                                      │                        │                              │                        │     conn.send('Connection rece..)
                                      │                        │                              │                        │     while data := conn.recv(1024):
                                      │                        │                              │                        │       print(data.decode())
                                      │                        │                              │                        │     conn.close()
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        ├─ UDP  no packet yet ─────────┤                        │
                                      │                        │ client                server │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
─PORT ──────────────STATE ────────────┴─PEER ──────────────────┴─PID ────────────────PROGRAM ─┴────────────────────────┴─────────────────────────────── 0 rows ─
 -                  no port is in use by this lab











 Two programs, two PIDs, and no way to talk yet. Press space to begin.

 SPACE  server: ask the kernel for a socket
 c connect  s send  x close  u udp  n client  d drop  f finish  w why  ? help
"""

SYN_ACK = """\
 netsim   private net · packets held · 127.0.0.1                                                                                                step 7   ? help
─ CLIENT program  pid 41240  tcp ─────┬─ KERNEL, client side ──┬─ WIRE ───────────────────────┬─ KERNEL, server side ──┬─ SERVER program  pid 41233  tcp ───────
   import socket                      │ fd 3          SYN_SENT ├─ TCP  2 packets  0 bytes ────┤ no process    SYN_RECV │   import socket
   s = socket.socket()         → fd 3 │   :51324 → :8888       │ :51324                 :8888 │   :8888 ← :51324       │   s = socket.socket()           → fd 3
 z s.connect(('127.0.0.1', 8888)) zzz │   to send      0 bytes ├───────── SYN seq=0 ─────────►┤                        │   s.setsockopt(.., SO_REUSEADDR, 1) ok
   text = s.recv(1024)                │   to read      0 bytes │   ■─ SYN-ACK seq=0 ack=1 ────┤                        │   s.bind(('127.0.0.1', 8888))       ok
   s.send(b'hello')                   │                        │                              │                        │   s.listen(5)                       ok
   s.close()                          │                        │                              │                        │   while True:
                                      │                        │                              │ fd 3  :8888     LISTEN │ •   conn, addr = s.accept()
                                      │                        │                              │   half open          1 │     conn.send('Connection rece..)
                                      │                        │                              │   accept queue  0 of 5 │     while data := conn.recv(1024):
                                      │                        │                              │     :51324    SYN_RECV │       print(data.decode())
                                      │                        │                              │                        │     conn.close()
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        ├─ UDP  no packet yet ─────────┤                        │
                                      │                        │ client                server │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
─PORT ──────────────STATE ────────────┴─PEER ──────────────────┴─PID ────────────────PROGRAM ─┴────────────────────────┴─────────────────────────────── 3 rows ─
 8888/tcp           LISTEN              -                        41233               server
 8888/tcp           SYN_RECV            :51324                   -                   the kernel's: half open
 51324/tcp          SYN_SENT            :8888                    41240               client









 The kernel answered the SYN by itself. The server program knows nothing yet.

 SPACE  deliver the SYN-ACK to port 51324; connect() will return
 c connect  s send  x close  u udp  n client  d drop  f finish  w why  ? help
"""

ACCEPTED = """\
 netsim   private net · packets held · 127.0.0.1                                                                                               step 14   ? help
─ CLIENT program 1 of 3  pid 41240 ───┬─ KERNEL, client side ──┬─ WIRE ───────────────────────┬─ KERNEL, server side ──┬─ SERVER program  pid 41233  tcp ───────
   import socket                      │ fd 3       ESTABLISHED ├─ TCP 1 of 3  3 packets ──────┤ fd 4       ESTABLISHED │   import socket
   s = socket.socket()         → fd 3 │   :51324 → :8888       │ :51324                 :8888 │   :8888 ← :51324       │   s = socket.socket()           → fd 3
   s.connect(('127.0.0.1', 8888))  ok │   to send      0 bytes ├───────── SYN seq=0 ─────────►┤   to send      0 bytes │   s.setsockopt(.., SO_REUSEADDR, 1) ok
 • text = s.recv(1024)                │   to read      0 bytes ├◄──── SYN-ACK seq=0 ack=1 ────┤   to read      0 bytes │   s.bind(('127.0.0.1', 8888))       ok
   s.send(b'hello')                   │                        ├───────── ACK ack=1 ─────────►┤                        │   s.listen(5)                       ok
   s.close()                          │                        │                              │                        │   while True:
                                      │                        │                              │ fd 3  :8888     LISTEN │     conn, addr = s.accept()     → fd 4
                                      │                        │                              │   half open          0 │ ►   conn.send('Connection rece..)
                                      │                        │                              │   accept queue  2 of 5 │     while data := conn.recv(1024):
                                      │                        │                              │     :51338 ESTABLISHED │       print(data.decode())
                                      │                        │                              │     :51350 ESTABLISHED │     conn.close()
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        ├─ UDP  no packet yet ─────────┤                        │
                                      │                        │ client                server │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
 2 :51338  3 :51350        1-3 choose │                        │                              │                        │
─PORT ──────────────STATE ────────────┴─PEER ──────────────────┴─PID ────────────────PROGRAM ─┴────────────────────────┴─────────────────────────────── 7 rows ─
 8888/tcp           LISTEN              -                        41233               server   2 wait, backlog 5
 8888/tcp           ESTABLISHED         :51324                   41233               server
 8888/tcp           ESTABLISHED         :51338                   -                   the kernel's: not accepted
 8888/tcp           ESTABLISHED         :51350                   -                   the kernel's: not accepted
 51324/tcp          ESTABLISHED         :8888                    41240               client
 51338/tcp          ESTABLISHED         :8888                    41244               client 2
 51350/tcp          ESTABLISHED         :8888                    41247               client 3





 accept() sent nothing. It took a waiting connection: fd 4, still port 8888.

 SPACE  server: send() hands its bytes to the kernel
 c connect  s send  x close  u udp  n client  d drop  f finish  w why  ? help
"""

DATA = """\
 netsim   private net · packets held · 127.0.0.1                                                                                               step 13   ? help
─ CLIENT program  pid 41240  tcp ─────┬─ KERNEL, client side ──┬─ WIRE ───────────────────────┬─ KERNEL, server side ──┬─ SERVER program  pid 41233  tcp ───────
   import socket                      │ fd 3       ESTABLISHED ├─ TCP  5 packets  19 bytes ───┤ fd 4       ESTABLISHED │   import socket
   s = socket.socket()         → fd 3 │   :51324 → :8888       │ :51324                 :8888 │   :8888 ← :51324       │   s = socket.socket()           → fd 3
   s.connect(('127.0.0.1', 8888))  ok │   to send      0 bytes ├───────── SYN seq=0 ─────────►┤   to send      0 bytes │   s.setsockopt(.., SO_REUSEADDR, 1) ok
 ► text = s.recv(1024)                │   to read     19 bytes ├◄──── SYN-ACK seq=0 ack=1 ────┤   to read      0 bytes │   s.bind(('127.0.0.1', 8888))       ok
   s.send(b'hello')                   │                        ├───────── ACK ack=1 ─────────►┤                        │   s.listen(5)                       ok
   s.close()                          │                        ├◄────── 19 bytes seq=1 ───────┤                        │   while True:
                                      │                        ├──────── ACK ack=20 ─────────►┤ fd 3  :8888     LISTEN │     conn, addr = s.accept()     → fd 4
                                      │                        │                              │   half open          0 │     conn.send('Connection rece..) → 19
                                      │                        │                              │   accept queue  0 of 5 │ •   while data := conn.recv(1024):
                                      │                        │                              │                        │       print(data.decode())
                                      │                        │                              │                        │     conn.close()
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        ├─ UDP  no packet yet ─────────┤                        │
                                      │                        │ client                server │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
─PORT ──────────────STATE ────────────┴─PEER ──────────────────┴─PID ────────────────PROGRAM ─┴────────────────────────┴─────────────────────────────── 3 rows ─
 8888/tcp           LISTEN              -                        41233               server
 8888/tcp           ESTABLISHED         :51324                   41233               server
 51324/tcp          ESTABLISHED         :8888                    41240               client









 The ACK says: the kernel has 19 bytes. The client program has not read them.

 SPACE  client: recv() takes the 19 bytes from the kernel
 c connect  s send  x close  u udp  n client  d drop  f finish  w why  ? help
"""

TIME_WAIT = """\
 netsim   private net · packets held · 127.0.0.1                                                                                               step 25   ? help
─ CLIENT program  pid 41240  ended ───┬─ KERNEL, client side ──┬─ WIRE ───────────────────────┬─ KERNEL, server side ──┬─ SERVER program  pid 41233  tcp ───────
   import socket                      │ no process   TIME_WAIT ├─ TCP  11 packets  24 bytes ──┤ no connection here     │   import socket
   s = socket.socket()         → fd 3 │   :51324 → :8888       │ :51324                 :8888 │                        │   s = socket.socket()           → fd 3
   s.connect(('127.0.0.1', 8888))  ok │   ends in         57 s ├───────── SYN seq=0 ─────────►┤                        │   s.setsockopt(.., SO_REUSEADDR, 1) ok
   text = s.recv(1024)           → 19 │                        ├◄──── SYN-ACK seq=0 ack=1 ────┤                        │   s.bind(('127.0.0.1', 8888))       ok
   s.send(b'hello')               → 5 │                        ├───────── ACK ack=1 ─────────►┤                        │   s.listen(5)                       ok
   s.close()                       ok │                        ├◄────── 19 bytes seq=1 ───────┤                        │   while True:
                                      │ no socket: fd 3 was    ├──────── ACK ack=20 ─────────►┤ fd 3  :8888     LISTEN │ ►   conn, addr = s.accept()
                                      │ given back             ├─────── 5 bytes seq=1 ───────►┤   half open          0 │     conn.send('Connection rece..)
                                      │                        ├◄───────── ACK ack=6 ─────────┤   accept queue  0 of 5 │     while data := conn.recv(1024):
                                      │                        ├───────── FIN seq=6 ─────────►┤                        │       print(data.decode())
                                      │                        ├◄───────── ACK ack=7 ─────────┤                        │     conn.close()
                                      │                        ├◄──────── FIN seq=20 ─────────┤                        │
                                      │                        ├──────── ACK ack=21 ─────────►┤                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        ├─ UDP  no packet yet ─────────┤                        │
                                      │                        │ client                server │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
                                      │                        │                              │                        │
─PORT ──────────────STATE ────────────┴─PEER ──────────────────┴─PID ────────────────PROGRAM ─┴────────────────────────┴─────────────────────────────── 2 rows ─
 8888/tcp           LISTEN              -                        41233               server
 51324/tcp          TIME_WAIT           :8888                    41240 → -           the kernel's, 57 s left










 Closed by both. Who closed first (the client) leaves its port in TIME_WAIT.

 SPACE  server: accept() again; the queue is empty, so it will sleep
 r restart server  n client  b begin again  l lessons  w why ports
"""


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (frames.start, START), (frames.syn_ack, SYN_ACK), (frames.accepted, ACCEPTED), (frames.data, DATA),
        (frames.time_wait, TIME_WAIT),
    ],
)  # fmt: skip
def test_a_moment_is_drawn_row_by_row(moment: frames.Moment, expected: str) -> None:
    grid = Grid.of(160, 45)
    assert grid is not None
    world, scene = moment()
    assert [plain(line).rstrip() for line in draw_screen(world, grid, UNICODE, scene)] == expected.splitlines()
