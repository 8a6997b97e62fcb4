"""The nine moments of the story at 80x24, whole: what the screen shows, row by row."""

from __future__ import annotations

import pytest

from netsim.model.views import shown_pair
from netsim.text.bottom import draw_keys, draw_space, draw_why
from netsim.text.charset import ASCII, UNICODE, Charset, cells
from netsim.text.grid import Grid
from netsim.text.kernel_column import draw_kernel
from netsim.text.ladder import draw_ends, draw_ladder_head, draw_packets
from netsim.text.lines import plain
from netsim.text.listing import draw_listing
from netsim.text.panes import draw_head
from netsim.text.screen import draw_screen
from netsim.text.sockets import draw_sockets
from netsim.text.table import draw_table, draw_table_head
from netsim.text.title import draw_title
from tests.text.frames import ALL, Frame

SIZES = [(80, 24), (100, 30), (120, 36), (160, 24), (160, 45), (179, 31), (200, 50), (251, 70)]

START = """\
 netsim   private net · packets held · 127.0.0.1                step 0   ? help
─ CLIENT  pid 41240  tcp ──────────────┬─ SERVER  pid 41233  tcp ───────────────
 • s = socket.socket()                 │ ► s = socket.socket()
   s.connect(('127.0.0.1', 8888))      │   s.setsockopt(.., SO_REUSEADDR, 1)
   text = s.recv(1024)                 │   s.bind(('127.0.0.1', 8888))
   s.send(b'hello')                    │   s.listen(5)
   s.close()                           │   while True:
 no socket yet                         │ no socket yet
                                       │
─ TCP  no packet yet ──────────────────┴─ UDP  no packet yet ───────────────────
 client                         server   client                          server
  │                                  │    │                                   │
  │                                  │    │                                   │
  │                                  │    │                                   │
  │                                  │    │                                   │
  │                                  │    │                                   │
─PORT ──────STATE ───────PEER ─────PID ────────────PROGRAM ──────────── 0 rows ─
 -          no port is in use by this lab



 Two programs, two PIDs, and no way to talk yet. Press space to begin.
 SPACE  server: ask the kernel for a socket
 c connect  s send  x close  u udp  n client  d drop  f finish  w why  ? help
"""

SYN = """\
 netsim   private net · packets held · 127.0.0.1                step 6   ? help
─ CLIENT  pid 41240  tcp ──────────────┬─ SERVER  pid 41233  tcp ───────────────
   s = socket.socket()          → fd 3 │   s.listen(5)                       ok
 z s.connect(('127.0.0.1', 8888))  zzz │   while True:
   text = s.recv(1024)                 │ •   conn, addr = s.accept()
   s.send(b'hello')                    │     conn.send('Connection rece..)
   s.close()                           │     while data := conn.recv(1024):
 fd 3  :51324 → :8888         SYN_SENT │ fd 3  :8888  LISTEN          waiting 0
                                       │
─ TCP  1 packet  0 bytes of data ──────┴─ UDP  no packet yet ───────────────────
 :51324 SYN_SENT          LISTEN :8888   client                          server
  ├─────────── SYN seq=0 ───────■    │    │                                   │
  │                                  │    │                                   │
  │                                  │    │                                   │
  │                                  │    │                                   │
  │                                  │    │                                   │
─PORT ──────STATE ───────PEER ─────PID ────────────PROGRAM ──────────── 2 rows ─
 8888/tcp   LISTEN       -         41233           server
 51324/tcp  SYN_SENT     :8888     41240           client


 connect(): the kernel chose port 51324 and sent a SYN. The client sleeps.
 SPACE  deliver the SYN to port 8888; the kernel will answer it
 c connect  s send  x close  u udp  n client  d drop  f finish  w why  ? help
"""

SYN_ACK = """\
 netsim   private net · packets held · 127.0.0.1                step 7   ? help
─ CLIENT  pid 41240  tcp ──────────────┬─ SERVER  pid 41233  tcp ───────────────
   s = socket.socket()          → fd 3 │   s.listen(5)                       ok
 z s.connect(('127.0.0.1', 8888))  zzz │   while True:
   text = s.recv(1024)                 │ •   conn, addr = s.accept()
   s.send(b'hello')                    │     conn.send('Connection rece..)
   s.close()                           │     while data := conn.recv(1024):
 fd 3  :51324 → :8888         SYN_SENT │ fd 3  :8888  LISTEN          waiting 0
                                       │ -     :8888 ← :51324          SYN_RECV
─ TCP  2 packets  0 bytes of data ─────┴─ UDP  no packet yet ───────────────────
 :51324 SYN_SENT        SYN_RECV :8888   client                          server
  ├─────────── SYN seq=0 ───────────►┤    │                                   │
  │    ■── SYN-ACK seq=0 ack=1 ──────┤    │                                   │
  │                                  │    │                                   │
  │                                  │    │                                   │
  │                                  │    │                                   │
─PORT ──────STATE ───────PEER ─────PID ────────────PROGRAM ──────────── 3 rows ─
 8888/tcp   LISTEN       -         41233           server
 8888/tcp   SYN_RECV     :51324    -               the kernel's: half open
 51324/tcp  SYN_SENT     :8888     41240           client

 The kernel answered the SYN by itself. The server program knows nothing yet.
 SPACE  deliver the SYN-ACK to port 51324; connect() will return
 c connect  s send  x close  u udp  n client  d drop  f finish  w why  ? help
"""

QUEUE = """\
 netsim   private net · packets held · 127.0.0.1               step 13   ? help
─ CLIENT 1 of 3  pid 41240  tcp ───────┬─ SERVER  pid 41233  tcp ───────────────
   s = socket.socket()          → fd 3 │   s.listen(5)                       ok
   s.connect(('127.0.0.1', 8888))   ok │   while True:
 • text = s.recv(1024)                 │ ►   conn, addr = s.accept()
   s.send(b'hello')                    │     conn.send('Connection rece..)
   s.close()                           │     while data := conn.recv(1024):
 fd 3  :51324 → :8888      ESTABLISHED │ fd 3  :8888  LISTEN          waiting 3
 2 :51338  3 :51350         1-3 choose │ queue :51324  :51338  :51350     no fd
─ TCP 1 of 3  3 packets  0 bytes ──────┴─ UDP  no packet yet ───────────────────
 :51324 ESTABLISHED  ESTABLISHED :8888   client                          server
  ├─────────── SYN seq=0 ───────────►┤    │                                   │
  ├◄────── SYN-ACK seq=0 ack=1 ──────┤    │                                   │
  ├─────────── ACK ack=1 ───────────►┤    │                                   │
  │                                  │    │                                   │
  │                                  │    │                                   │
─PORT ──────STATE ───────PEER ─────PID ────────────PROGRAM ─────── 4 of 7, tab ─
 8888/tcp   LISTEN       -         41233           server   3 wait, backlog 5
 8888/tcp   ESTABLISHED  :51324    -               the kernel's: not accepted
 8888/tcp   ESTABLISHED  :51338    -               the kernel's: not accepted
 8888/tcp   ESTABLISHED  :51350    -               the kernel's: not accepted
 Three connections on one port, all ESTABLISHED, and no process holds any.
 SPACE  server: accept() takes the first, :51324
 c connect  s send  x close  u udp  n client  d drop  f finish  w why  ? help
"""

DATA = """\
 netsim   private net · packets held · 127.0.0.1               step 13   ? help
─ CLIENT  pid 41240  tcp ──────────────┬─ SERVER  pid 41233  tcp ───────────────
   s = socket.socket()          → fd 3 │   s.listen(5)                       ok
   s.connect(('127.0.0.1', 8888))   ok │   while True:
 ► text = s.recv(1024)                 │     conn, addr = s.accept()     → fd 4
   s.send(b'hello')                    │     conn.send('Connection rece..) → 19
   s.close()                           │ •   while data := conn.recv(1024):
 fd 3  :51324 → :8888      ESTABLISHED │ fd 3  :8888  LISTEN          waiting 0
       19 bytes in the kernel, unread  │ fd 4  :8888 ← :51324       ESTABLISHED
─ TCP  5 packets  19 bytes of data ────┴─ UDP  no packet yet ───────────────────
 :51324 ESTABLISHED  ESTABLISHED :8888   client                          server
  ├─────────── SYN seq=0 ───────────►┤    │                                   │
  ├◄────── SYN-ACK seq=0 ack=1 ──────┤    │                                   │
  ├─────────── ACK ack=1 ───────────►┤    │                                   │
  ├◄──────── 19 bytes seq=1 ─────────┤    │                                   │
  ├────────── ACK ack=20 ───────────►┤    │                                   │
─PORT ──────STATE ───────PEER ─────PID ────────────PROGRAM ──────────── 3 rows ─
 8888/tcp   LISTEN       -         41233           server
 8888/tcp   ESTABLISHED  :51324    41233           server
 51324/tcp  ESTABLISHED  :8888     41240           client

 The ACK says: the kernel has 19 bytes. The client program has not read them.
 SPACE  client: recv() takes the 19 bytes from the kernel
 c connect  s send  x close  u udp  n client  d drop  f finish  w why  ? help
"""

UDP = """\
 netsim   private net · packets held · 127.0.0.1               step 15   ? help
─ CLIENT  pid 41255  udp ──────────────┬─ SERVER  pid 41251  udp ───────────────
   s = socket.socket(..DGRAM)   → fd 3 │   s = socket.socket(..DGRAM)    → fd 3
   s.sendto(b'hello', ..)          → 5 │   s.bind(('127.0.0.1', 8888))       ok
 • s.close()                           │   while True:
                                       │ ►   data, addr = s.recvfrom(1024)
                                       │     print(data.decode())
 fd 3  :40113                          │ fd 3  :8888        5 bytes are waiting
                                       │
─ TCP  5 packets  19 bytes of data ────┴─ UDP  1 packet  5 bytes of data ───────
 :51324 ESTABLISHED  ESTABLISHED :8888   :40113                           :8888
  ├─────────── SYN seq=0 ───────────►┤    ├──────── 5 bytes "hello" ─────────►┤
  ├◄────── SYN-ACK seq=0 ack=1 ──────┤    │                                   │
  ├─────────── ACK ack=1 ───────────►┤    │                                   │
  ├◄──────── 19 bytes seq=1 ─────────┤    │                                   │
  ├────────── ACK ack=20 ───────────►┤    │                                   │
─PORT ──────STATE ───────PEER ─────PID ────────────PROGRAM ─────── 4 of 5, tab ─
 8888/tcp   LISTEN       -         41233           server
 8888/tcp   ESTABLISHED  :51324    41233           server
 8888/udp   -            -         41251           server (udp)
 40113/udp  -            -         41255           client (udp)
 UDP: one packet, no handshake, no ACK. Nothing tells the sender it arrived.
 SPACE  udp server: recvfrom() takes the 5 bytes
 c connect  s send  x close  u udp  n client  d drop  f finish  w why  ? help
"""

LOST = """\
 netsim   private net · packets held · 127.0.0.1               step 16   ? help
─ CLIENT  pid 41240  tcp ──────────────┬─ SERVER  pid 41233  tcp ───────────────
   s = socket.socket()          → fd 3 │   s.listen(5)                       ok
   s.connect(('127.0.0.1', 8888))   ok │   while True:
   text = s.recv(1024)            → 19 │     conn, addr = s.accept()     → fd 4
   s.send(b'hello')                → 5 │     conn.send('Connection rece..) → 19
 • s.close()                           │ •   while data := conn.recv(1024):
 fd 3  :51324 → :8888      ESTABLISHED │ fd 3  :8888  LISTEN          waiting 0
       5 bytes kept until acknowledged │ fd 4  :8888 ← :51324       ESTABLISHED
─ TCP  6 packets  1 lost  19 bytes ────┴─ UDP  no packet yet ───────────────────
 :51324 ESTABLISHED  ESTABLISHED :8888   client                          server
  ├─────────── ACK ack=1 ───────────►┤    │                                   │
  ├◄──────── 19 bytes seq=1 ─────────┤    │                                   │
  ├────────── ACK ack=20 ───────────►┤    │                                   │
  ├───────── 5 bytes seq=1 ─────×    │    │                                   │
  │  sent again by itself in 2.1 s   │    │                                   │
─PORT ──────STATE ───────PEER ─────PID ────────────PROGRAM ──────────── 3 rows ─
 8888/tcp   LISTEN       -         41233           server
 8888/tcp   ESTABLISHED  :51324    41233           server
 51324/tcp  ESTABLISHED  :8888     41240           client

 Lost. The kernel kept the client's 5 bytes; its timer will send them again.
 WAIT   the kernel sends again in 2.1 s; space does nothing until then
 c connect  s send  x close  u udp  n client  d drop  f finish  w why  ? help
"""

RESTART = """\
 netsim   private net · packets held · 127.0.0.1               step 15   ? help
─ CLIENT  pid 41240  tcp ──────────────┬─ SERVER  pid 41302, was 41233  tcp ────
   s = socket.socket()          → fd 3 │   s.listen(5)                       ok
   s.connect(('127.0.0.1', 8888))   ok │   while True:
   text = s.recv(1024)            → 19 │ •   conn, addr = s.accept()
 • s.send(b'hello')                    │     conn.send('Connection rece..)
   s.close()                           │     while data := conn.recv(1024):
 fd 3  :51324 → :8888      ESTABLISHED │ fd 3  :8888  LISTEN          waiting 0
                                       │ -     :8888 ← :51324         FIN_WAIT1
─ TCP  6 packets  19 bytes of data ────┴─ UDP  no packet yet ───────────────────
 :51324 ESTABLISHED    FIN_WAIT1 :8888   client                          server
  ├◄────── SYN-ACK seq=0 ack=1 ──────┤    │                                   │
  ├─────────── ACK ack=1 ───────────►┤    │                                   │
  ├◄──────── 19 bytes seq=1 ─────────┤    │                                   │
  ├────────── ACK ack=20 ───────────►┤    │                                   │
  │    ■────── FIN seq=20 ───────────┤    │                                   │
─PORT ──────STATE ───────PEER ─────PID ────────────PROGRAM ──────────── 3 rows ─
 8888/tcp   LISTEN       -         41233 → 41302   server   same port, new PID
 8888/tcp   FIN_WAIT1    :51324    41233 → -       the kernel's: 41233 is gone
 51324/tcp  ESTABLISHED  :8888     41240           client

 Killed and started again: new PID, same port. Only the old connection is lost.
 SPACE  deliver the FIN: the kernel says goodbye for the dead process
 c connect  s send  x close  u udp  n client  d drop  f finish  w why  ? help
"""

TIME_WAIT = """\
 netsim   private net · packets held · 127.0.0.1               step 25   ? help
─ CLIENT  pid 41240  ended ────────────┬─ SERVER  pid 41233  tcp ───────────────
   s = socket.socket()          → fd 3 │ ►   conn, addr = s.accept()
   s.connect(('127.0.0.1', 8888))   ok │     conn.send('Connection rece..)
   text = s.recv(1024)            → 19 │     while data := conn.recv(1024):
   s.send(b'hello')                → 5 │       print(data.decode())
   s.close()                        ok │     conn.close()
 no socket: fd 3 was given back        │ fd 3  :8888  LISTEN          waiting 0
 -     :51324 → :8888        TIME_WAIT │
─ TCP  11 packets  24 bytes of data ───┴─ UDP  no packet yet ───────────────────
 :51324 TIME_WAIT         LISTEN :8888   client                          server
  ├◄─────────── ACK ack=6 ───────────┤    │                                   │
  ├─────────── FIN seq=6 ───────────►┤    │                                   │
  ├◄─────────── ACK ack=7 ───────────┤    │                                   │
  ├◄────────── FIN seq=20 ───────────┤    │                                   │
  ├────────── ACK ack=21 ───────────►┤    │                                   │
─PORT ──────STATE ───────PEER ─────PID ────────────PROGRAM ──────────── 2 rows ─
 8888/tcp   LISTEN       -         41233           server
 51324/tcp  TIME_WAIT    :8888     41240 → -       the kernel's, 57 s left


 Closed by both. Who closed first (the client) leaves its port in TIME_WAIT.
 SPACE  server: accept() again; the queue is empty, so it will sleep
 r restart server  n client  b begin again  l lessons  w why ports
"""


def drawn(frame: Frame, columns: int = 80, rows: int = 24, charset: Charset = UNICODE) -> list[str]:
    grid = Grid.of(columns, rows)
    assert grid is not None
    return [plain(line) for line in draw_screen(frame.world, grid, charset, frame.scene)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("start", START), ("syn", SYN), ("syn_ack", SYN_ACK), ("queue", QUEUE), ("data", DATA), ("udp", UDP),
        ("lost", LOST), ("restart", RESTART), ("time_wait", TIME_WAIT),
    ],
)  # fmt: skip
def test_a_moment_is_drawn_row_by_row(name: str, expected: str) -> None:
    assert [line.rstrip() for line in drawn(ALL[name]())] == expected.splitlines()


@pytest.mark.parametrize("charset", [UNICODE, ASCII], ids=["unicode", "ascii"])
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", ALL)
def test_every_line_has_exactly_the_width(name: str, size: tuple[int, int], charset: Charset) -> None:
    lines = drawn(ALL[name](), *size, charset)
    assert [cells(line) for line in lines] == [size[0]] * size[1]
    assert charset is UNICODE or all(line.isascii() for line in lines)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", ALL)
def test_one_thing_is_reversed_beside_the_cap(name: str, size: tuple[int, int]) -> None:
    frame = ALL[name]()
    grid = Grid.of(*size)
    assert grid is not None
    lines = draw_screen(frame.world, grid, UNICODE, frame.scene)
    reversed_ = [span.text for line in lines for span in line if span.style == "next"]
    assert reversed_[1:] == (["SPACE"] if frame.scene.target else [])
    assert len(reversed_) == (2 if frame.scene.target else 0)


@pytest.mark.parametrize("size", [(80, 24), (160, 45)], ids=str)
@pytest.mark.parametrize("name", ALL)
def test_ascii_has_the_same_geometry(name: str, size: tuple[int, int]) -> None:
    """Every mark has one cell in both sets, so that a row can be compared with a picture of the other."""
    both = zip(drawn(ALL[name](), *size), drawn(ALL[name](), *size, charset=ASCII), strict=True)
    for row, (mark, plain_mark) in enumerate(both):
        for one, other in zip(mark, plain_mark, strict=True):
            assert one == other or not one.isascii(), row


@pytest.mark.parametrize("name", ALL)
def test_each_part_has_any_size_that_is_asked_for(name: str) -> None:
    """Plain text may draw a single part in a narrow space."""
    world, scene = ALL[name]()
    client, server = shown_pair(world)
    for width in range(50):
        for height in (0, 1, 2, 3, 6):
            size = (world, width, height, UNICODE)
            for lines in (
                draw_title(*size),
                draw_head(*size, endpoint=client, role="client"),
                draw_listing(*size, endpoint=server, target=scene.target),
                draw_sockets(*size, endpoint=client),
                draw_sockets(*size, endpoint=server),
                draw_kernel(*size, role="client", now=scene.now),
                draw_kernel(*size, role="server"),
                draw_ladder_head(*size, transport="tcp"),
                draw_ends(*size, transport="udp"),
                draw_packets(*size, transport="tcp", target=scene.target, now=scene.now),
                draw_table_head(*size, rows=4),
                draw_table(*size),
                draw_why(scene.why, *size[1:]),
                draw_space(scene.cap, scene.label, *size[1:]),
                draw_keys(scene.keys, *size[1:]),
            ):
                assert [cells(plain(line)) for line in lines] == [width] * height


def test_what_a_larger_screen_adds_is_room() -> None:
    rows = drawn(ALL["restart"](), 120, 36)
    assert rows[3][60:].rstrip() == "   s.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)             ok"
    assert rows[11][60:].rstrip() == " fd 3  :8888  LISTEN                   waiting 0, backlog 5"
    assert rows[21][:59] == "  │    ■──────────────── FIN seq=20 ─────────────────────┤ "
    assert rows[25].startswith(
        " 8888/tcp        LISTEN            -              41233 → 41302        server   same port"
    )
