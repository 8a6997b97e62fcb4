"""Draws the README's pictures from recorded sessions: `python -m tests.pictures`; a dev tool, not in the package.

Nothing runs and nothing is measured: the same recordings and the same program give the same bytes. Beside each SVG it
writes the plain form that a test compares: each row's text, and below it a letter for each cell's style.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace
from textual.theme import Theme

from netsim.files.recording import load
from netsim.model.address import Address, Transport
from netsim.model.events import AnyEvent, CommandAccepted
from netsim.model.inspected import neighbours, opened
from netsim.model.machine import MachinePorts, MachineRow
from netsim.model.machine_rows import changed_rows, rows_of
from netsim.model.timeline import Timeline
from netsim.model.world import World
from netsim.story.case_record import HERE
from netsim.story.director import next_action
from netsim.story.lesson_run import Run
from netsim.story.lessons import handshake as handshake_lesson
from netsim.story.machine_cells import explain_on_machine, hidden, machine_of
from netsim.story.narrator import narrate
from netsim.text.case import draw_case
from netsim.text.charset import UNICODE, cells
from netsim.text.cursor import Cursor
from netsim.text.grid import Grid
from netsim.text.inspected import View
from netsim.text.inspector import draw_inspector
from netsim.text.layout import as_many_as_fit
from netsim.text.lesson_recorded import recorded_step
from netsim.text.lesson_screen import Page, draw_lesson, paragraphs_of, text_rows
from netsim.text.lessons import all_lessons
from netsim.text.lines import Line, plain
from netsim.text.machine import WHY_ROWS, Sight, columns_of, draw_machine
from netsim.text.screen import Scene, draw_screen
from netsim.tui.flights import FLIGHT
from netsim.tui.keymap import keys_line
from netsim.tui.theme import DARK, LIGHT
from tests.make_case_recording import read as read_case
from tests.svg import Frame, animated, still

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "screenshots"
PLAINS = ROOT / "tests" / "text" / "pictures"
READING = 3.2  # seconds for a moment of the story
LETTERS = {"": ".", "bold": "b", "rule": "r", "head": "h", "client": "c", "server": "s", "client-bold": "C",
           "server-bold": "S", "next": "N", "lost": "l", "key": "k"}  # fmt: skip


class Picture(NamedTuple):
    """A file in screenshots/. `frames` are drawn in a loop, one for a still; `poster` is seen where none moves."""

    name: str
    alt: str
    frames: Callable[[], list[Frame]]
    poster: int = 0
    theme: Theme = DARK


def moments(recording: str) -> list[World]:
    """The worlds of a recorded session at the end of each of its steps."""
    timeline, found = Timeline(), []
    for event in _events(recording):
        if isinstance(event, CommandAccepted) and event.kind != "StartEndpoint":
            found.append(timeline.now)
        timeline.append(event)
    return [*found, timeline.now]


def _events(recording: str) -> Sequence[AnyEvent]:
    with as_file(files("netsim.recordings") / f"{recording}.jsonl") as path:
        return load(path)


def draw(world: World, size: tuple[int, int] = (80, 24), progress: dict[int, float] | None = None) -> list[Line]:
    """The screen of that world, as the app draws it with the clock at that moment."""
    grid = Grid.of(*size)
    assert grid is not None
    action = next_action(world)
    scene = Scene(
        why=narrate(world),
        cap=action.cap,
        label=action.label_at(world.at),
        keys=keys_line(world),
        target=action.target,
        now=world.at,
        progress=progress or {},
    )
    return draw_screen(world, grid, UNICODE, scene)


def handshake() -> list[Frame]:
    """From the client that stands before connect() to the one connection that accept() has taken."""
    worlds = moments("handshake")
    first = next(i for i, world in enumerate(worlds) if world.packets) - 1
    last = next(i for i, world in enumerate(worlds) if len(world.endpoints["server"].sockets) > 1)
    frames: list[Frame] = []
    before = worlds[first]
    for world in worlds[first : last + 1]:
        known = {packet.number: packet.fate for packet in before.packets}
        moving = [p.number for p in world.packets if known.get(p.number, "") != p.fate]
        for part in (0.3, 0.65) if moving else ():
            frames.append(Frame(draw(world, progress=dict.fromkeys(moving, part)), FLIGHT / 2))
        frames.append(Frame(draw(world), READING))
        before = world
    return frames


def _synack_held(frames: list[Frame]) -> int:
    wanted = "SPACE  deliver the SYN-ACK"
    return max(i for i, frame in enumerate(frames) if any(wanted in plain(line) for line in frame.lines))


def _moment(recording: str, size: tuple[int, int], found: Callable[[World], bool]) -> list[Frame]:
    world = next(world for world in moments(recording) if found(world))
    return [Frame(draw(world, size), READING)]


def _has_unaccepted(world: World) -> bool:
    return any(s.state == "ESTABLISHED" and not s.inode for s in world.kernel)


def _inspector() -> list[Frame]:
    """The held SYN, with the cursor on the number that finds the service."""
    world = next(world for world in moments("handshake") if world.packets)
    packet = world.packets[-1]
    found = opened(world, packet)
    assert found is not None
    view = View(world, packet, neighbours(world, packet), found, cursor=found.index_of("tcp.dstport") or 0)
    return [Frame(draw_inspector(view, 80, 24, UNICODE), READING)]


def _lesson() -> list[Frame]:
    """The question before the SYN is delivered, with the world as the step before has left it."""
    index = next(number for number, step in enumerate(handshake_lesson.LESSON.steps) if step.ask)
    before = recorded_step(handshake_lesson.LESSON.name, index - 1)
    assert before is not None
    run = Run(lesson=handshake_lesson.LESSON, at=index, phase="asked")
    paragraphs = paragraphs_of(run, before, UNICODE, rows=text_rows(80, 24, run.step.view), width=80)
    asked = run.step.ask
    assert asked is not None
    words = Page(
        lesson=run.lesson,
        lessons=len(all_lessons()),
        step=index + 1,
        paragraphs=paragraphs,
        number=0,
        view=run.step.view,
        cap="SPACE",
        label=f"1 to {len(asked.answers)}: guess; space: {run.step.label}",
        keys=((f"1-{len(asked.answers)}", "guess"), ("v", "hide answers"), ("g", "glossary"), ("esc", "back")),
        now=before.here.at,
    )
    return [Frame(draw_lesson(before.here, 80, 24, UNICODE, words), READING)]


def _case() -> list[Frame]:
    """The end of the first exhibit: who answered at the port, and who at twelve PIDs."""
    case = list(read_case())[-1]
    return [Frame(draw_case(case, 80, 24, UNICODE, now=case.worlds[HERE].at), READING)]


def _ports() -> list[Frame]:
    """A small machine's table, made by hand: the server of port 8888 has just been started again, as another PID."""

    def row(address: str, state: str, pid: int = 0, name: str = "", user: str = "ada", peer: str = "") -> MachineRow:
        transport: Transport = "udp" if state == "udp" else "tcp"
        remote = _address(peer) if peer else None
        kernels_time = 41_000 if state == "TIME_WAIT" else 0
        hidden_owner = "" if pid or kernels_time else user
        return MachineRow(
            transport, _address(address), remote, "" if state == "udp" else state, pid or None, name,
            user if pid else "", held=not kernels_time, owner=hidden_owner, expires_ms=kernels_time,
        )  # fmt: skip

    earlier = row("127.0.0.1:8888", "ESTABLISHED", 41233, "python3", peer="127.0.0.1:51290")

    def table(server: int) -> MachinePorts:
        return MachinePorts(0, (
            row("0.0.0.0:22", "LISTEN", user="root"),
            row("127.0.0.53:53", "LISTEN", user="systemd-resolve"),
            row("127.0.0.53:53", "udp", user="systemd-resolve"),
            row("127.0.0.1:631", "LISTEN", user="root"),
            replace(row("0.0.0.0:8000", "LISTEN", 2210, "gunicorn"), others=(2214, 2215)),
            row("127.0.0.1:8888", "LISTEN", server, "python3"),
            row("127.0.0.1:8888", "ESTABLISHED", server, "python3", peer="127.0.0.1:51324"),
            earlier if server == 41233 else row("127.0.0.1:8888", "TIME_WAIT", peer="127.0.0.1:51290"),
            row("0.0.0.0:5353", "udp", user="avahi"),
            row("192.0.2.17:40112", "ESTABLISHED", 3020, "firefox", peer="198.51.100.7:443"),
            row("192.0.2.17:40118", "ESTABLISHED", 3020, "firefox", peer="198.51.100.7:443"),
            row("192.0.2.17:40260", "ESTABLISHED", 3020, "firefox", peer="203.0.113.80:443"),
            row("192.0.2.17:40302", "udp", 3020, "firefox", peer="203.0.113.80:443"),
            row("192.0.2.17:44710", "ESTABLISHED", 3388, "ssh", peer="203.0.113.5:22"),
            row("127.0.0.1:51324", "ESTABLISHED", 41890, "python3", peer="127.0.0.1:8888"),
        ))  # fmt: skip

    before, memory = rows_of(table(41233), {}, 0.0)
    rows, _ = rows_of(table(41877), memory, 1.0)
    machine = machine_of(rows, queues=True, complete=True)
    cursor = Cursor(next(i for i, each in enumerate(rows) if each.former_pid), columns_of(100).index("pid"))
    said = explain_on_machine(rows[cursor.row], "pid", machine, 1.0)
    sight = Sight(
        shown=rows,
        total=len(rows),
        cursor=cursor,
        changed=changed_rows(before, rows),
        now=1.0,
        why=as_many_as_fit(said, 98, WHY_ROWS),
        about=hidden(rows, briefly=True),
    )
    return [Frame(draw_machine(sight, 100, 19, UNICODE), READING)]


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return Address(host, int(port))


PICTURES_TO_DRAW = (
    Picture(
        "handshake",
        "netsim: the three-way handshake, one real packet after the other: SYN, SYN-ACK, ACK, each held and delivered",
        handshake,
        poster=-1,
    ),
    Picture(
        "wide",
        "netsim on a wide terminal: both programs, the kernel on either side, and the wire between them",
        lambda: _moment("handshake", (160, 28), _has_unaccepted),
    ),
    Picture(
        "light",
        "netsim on a light background: the connection stands, and no process has it yet",
        lambda: _moment("handshake", (80, 24), _has_unaccepted),
        theme=LIGHT,
    ),
    Picture(
        "case",
        "netsim, why ports and not PIDs: twelve servers in a row answered at one port; of their PIDs one is alive",
        _case,
    ),
    Picture(
        "ports",
        "netsim, this machine's ports: the server at port 8888 has been started again: another PID, the same port",
        _ports,
    ),
    Picture(
        "inspector",
        "netsim's inspector: the bytes of a SYN, the field that they are, its purpose and its RFC",
        _inspector,
    ),
    Picture("lesson", "netsim, a lesson: a question is asked before the kernel answers it", _lesson),
)


def plain_form(frames: Sequence[Frame]) -> str:
    """Text and styles, to be compared and to be read in a diff; a line of dashes between frames."""
    rows: list[str] = []
    for index, frame in enumerate(frames):
        if index:
            rows.append("-" * 20)
        for line in frame.lines:
            letters = "".join(LETTERS[span.style] * cells(span.text) for span in line)
            rows += [plain(line).rstrip(), letters.rstrip(".")]
    return "\n".join(rows) + "\n"


def svg(picture: Picture) -> str:
    """The picture's file."""
    frames = picture.frames()
    if len(frames) == 1:
        return still(frames[0].lines, picture.theme, picture.alt)
    poster = picture.poster if picture.poster >= 0 else _synack_held(frames)
    return animated(frames, poster, picture.theme, picture.alt)


def main() -> int:
    """Draw them anew."""
    PICTURES.mkdir(exist_ok=True)
    PLAINS.mkdir(exist_ok=True)
    for picture in PICTURES_TO_DRAW:
        (PICTURES / f"{picture.name}.svg").write_text(svg(picture), encoding="utf-8")
        (PLAINS / f"{picture.name}.txt").write_text(plain_form(picture.frames()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
