"""The keys: one register that feeds Textual's bindings, the keys line and the help.

Law: a key that is not in the register does nothing; escape never quits.
"""

from __future__ import annotations

from typing import NamedTuple

from textual.binding import Binding

from netsim.model.world import World


class Key(NamedTuple):
    """One thing that a key does. `keys`: Textual's names of the keys; `cap`: how it is shown; `word`: in one word.

    `tooltip`: in a sentence, for the palette; `brief`: for the help, at most 29 columns ("": not in the help).
    """

    keys: str
    action: str
    cap: str
    word: str
    tooltip: str
    brief: str = ""
    locked: bool = False  # not in a kiosk: it writes or reads a file, or leads to a shell


REGISTER = (
    Key(
        "space,pagedown",
        "next",
        "space",
        "next",
        "do what the SPACE line says",
        brief="what the SPACE line says",
    ),
    Key("c", "connect", "c", "connect", "connect: run the client up to its connect()", brief="connect"),
    Key(
        "s",
        "send",
        "s",
        "send",
        "send a message from the program in focus (tab turns to the server)",
        brief="send a message",
    ),
    Key("x", "close", "x", "close", "close: run the program in focus up to its close()", brief="close"),
    Key("u", "udp", "u", "udp", "send a message as one UDP datagram", brief="send a UDP datagram"),
    Key("n", "new_client", "n", "client", "one more client, a process of its own", brief="one more client"),
    Key("d", "drop", "d", "drop", "drop the held packet, as a wire might lose it", brief="drop the held packet"),
    Key(
        "f",
        "finish",
        "f",
        "finish",
        "deliver packets until the sleeping call returns",
        brief="deliver until the call returns",
    ),
    Key(
        "j",
        "line",
        "j",
        "line",
        "run the program in focus one line further, whatever stands on it",
        brief="one line of the program",
    ),
    Key(
        "J",
        "to_line",
        "J",
        "to line",
        "run the program in focus to a line: up and down choose it",
        brief="run to a line (choose it)",
    ),
    Key(
        "T",
        "type",
        "T",
        "type",
        "type a line for a program that waits in input()",
        brief="type a line for input()",
    ),
    Key(
        "O",
        "open('output')",
        "O",
        "output",
        "output: all that the program in focus has printed and read",
        brief="all that a program printed",
    ),
    Key(
        "o",
        "gate",
        "o",
        "gate",
        "open the gate, so that packets pass; close it again",
        brief="open or close the gate",
    ),
    Key(
        "r",
        "restart",
        "r",
        "restart",
        "end the server and start it again: new PID, same port",
        brief="restart the server",
    ),
    Key("K", "kill", "K", "kill", "kill the process in focus", brief="kill the process in focus"),
    Key(
        "i",
        "interrupt",
        "i",
        "interrupt",
        "interrupt the call in which a program sleeps, as Ctrl-C would",
        brief="interrupt a sleeping call",
    ),
    Key(
        "m",
        "moments",
        "m",
        "moments",
        "run to a moment: SYN held, SYN_RECV, queue, lost, TIME_WAIT, rebind ..",
        brief="go to a moment: SYN held ..",
    ),
    Key(
        "b",
        "begin_again",
        "b",
        "begin again",
        "begin again with a fresh lab",
        brief="begin again, a fresh lab",
    ),
    Key(
        "1,2,3,4,5,6,7,8,9,0",
        "choose",
        "0-9",
        "choose",
        "choose a client; 0: one that is not ours, started in another terminal (again: the next)",
        brief="a client; 0 one not ours",
    ),
    Key(
        "tab,shift+tab",
        "turn",
        "tab",
        "turn",
        "to the server's pane, to the table (whose cells explain themselves)",
        brief="client, server, table",
    ),
    Key("up", "scroll(-1)", "up", "up", ""),
    Key("down", "scroll(1)", "down", "down", ""),
    Key("left", "move_cell(-1)", "left", "left", ""),
    Key("right", "move_cell(1)", "right", "right", ""),
    Key(
        "enter",
        "enter",
        "enter",
        "inspect",
        "look into the held packet, or the newest: bytes, way to its process",
        brief="look into the packet",
    ),
    Key("slash", "filter", "/", "filter", "filter the table: :8888 listen, pid 41233, udp, a name", "filter"),
    Key("y", "copy_row", "y", "copy", "copy the table's row into the terminal's clipboard"),
    Key("escape", "escape", "esc", "back", ""),
    Key(
        "p",
        "open('machine')",
        "p",
        "machine",
        "this machine's ports: every socket, and whose it is",
        brief="this machine's ports",
        locked=True,
    ),
    Key(
        "w",
        "open('case')",
        "w",
        "why ports",
        "why ports, not PIDs: the case in five exhibits, on real processes",
        brief="why ports, not PIDs",
    ),
    Key(
        "l",
        "open('lesson')",
        "l",
        "lessons",
        "twelve lessons of five minutes: predict, then see what the kernel does",
        brief="twelve lessons",
    ),
    Key(
        "g",
        "open('glossary')",
        "g",
        "glossary",
        "what the words mean; those on the screen now come first",
        brief="glossary: what words mean",
    ),
    Key(
        "a",
        "play",
        "a",
        "play",
        "play by itself, and stop; - slower, + faster",
        brief="play by itself; - slow + fast",
    ),
    Key("minus", "slower", "-", "slower", ""),
    Key("plus,equals_sign", "faster", "+", "faster", ""),
    Key(
        "comma,pageup",
        "back",
        ",",
        "back",
        "one moment back in time, to look; nothing can be changed there",
        brief="back in time, to look; . on",
    ),
    Key("full_stop", "forward", ".", "forward", "one moment forward in time"),
    Key(
        "home",
        "to_start",
        "home",
        "start",
        "to the start of what happened",
        brief="to the start; end: to now",
    ),
    Key("end", "to_now", "end", "now", "back to now"),
    Key(
        "R",
        "record",
        "R",
        "record",
        "record all that happened and will happen to a file, for netsim replay",
        brief="record to a file",
        locked=True,
    ),
    Key(
        "e",
        "export",
        "e",
        "export",
        "export the packets to a file that Wireshark opens (pcapng)",
        brief="export packets (pcapng)",
        locked=True,
    ),
    Key(
        "P",
        "open('life')",
        "P",
        "to life",
        "save the two programs as files, copy the commands: ss, nc, tcpdump",
        brief="save programs, copy commands",
    ),
    Key("ctrl+p", "palette", "ctrl+p", "find", ""),
    Key("question_mark", "help", "?", "help", ""),
    Key(
        "q",
        "quit",
        "q",
        "quit",
        "quit; everything ends with netsim (ctrl+c twice does it too)",
        brief="quit (ctrl+c twice, too)",
    ),
    Key(
        "t",
        "theme",
        "t",
        "colours",
        "other colours: dark, light, high contrast for a projector",
        brief="colours: dark, light, contrast",
    ),
    Key("ctrl+z", "stop", "ctrl+z", "stop", "", locked=True),
    Key("ctrl+l", "redraw", "ctrl+l", "redraw", "draw the whole screen again"),
    Key("ctrl+c", "interrupt_app", "ctrl+c", "quit", ""),
)
MAIN = ("connect", "send", "close", "udp", "new_client")
BEFORE = (*MAIN, "open('lesson')", "open('case')", "restart", "interrupt", "turn", "moments", "play", "help")
WITH_PACKETS = (*MAIN, "drop", "finish", "open('case')", "restart", "interrupt", "turn", "open('lesson')", "help")
IN_THE_PAST = ("back", "forward", "to_start", "to_now", "export", "help")  # on the keys line there
KNOWN = frozenset(name for key in REGISTER for name in key.keys.split(","))
FIRST = ("interrupt_app", "stop", "redraw")  # before whatever is open


def is_locked(action: str, parameters: tuple[object, ...] = ()) -> bool:
    """Whether this action is not for a kiosk."""
    spelled = f"{action}({', '.join(map(repr, parameters))})" if parameters else action
    return any(key.locked and key.action == spelled for key in REGISTER)


def bindings() -> list[Binding]:
    """The register as Textual's bindings; each has an id, so that it can be mapped to another key."""
    made = []
    for key in REGISTER:
        for index, name in enumerate(key.keys.split(",")):
            action = f"{key.action}({name})" if key.action == "choose" else key.action  # of a digit: which
            identity = key.action if index == 0 else f"{key.action}.{name}"
            made.append(Binding(name, action, key.word, show=False, priority=key.action in FIRST,
                                tooltip=key.tooltip, id=identity))  # fmt: skip
    return made


def keys_line(world: World) -> tuple[tuple[str, str], ...]:
    """What the bottom row shows, most useful first, the help last: what is for packets, once there are some to hold."""
    packets = world.gate != "none" and bool(world.packets)
    by_action = {key.action: key for key in REGISTER}
    words = {"open('case')": "why"} if packets else {}
    line = (by_action[action] for action in (WITH_PACKETS if packets else BEFORE))
    return tuple((key.cap, words.get(key.action, key.word)) for key in line)


def table_keys_line(*, filtered: bool) -> tuple[tuple[str, str], ...]:
    """The same while the table has the keys. `filtered`: not all rows are shown."""
    escape = (("esc", "all rows"),) if filtered else ()
    return (
        ("arrows", "cell"), ("enter", "proof"), ("s", "sort"), ("/", "filter"), *escape, ("y", "copy"), ("tab", "back"),
        ("?", "help"),
    )  # fmt: skip


def past_keys_line() -> tuple[tuple[str, str], ...]:
    """The same while the past or a recording is shown: what acts has no place there."""
    return tuple((key.cap, key.word) for key in REGISTER if key.action in IN_THE_PAST)
