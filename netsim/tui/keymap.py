"""The keys: one register that feeds Textual's bindings, the keys line and the help.

Law: a key that is not in the register does nothing; escape never quits.
"""

from __future__ import annotations

from typing import NamedTuple

from textual.binding import Binding


class Key(NamedTuple):
    """One thing that a key does. `keys`: Textual's names of the keys; `cap`: how it is shown; `word`: in one word."""

    keys: str
    action: str
    cap: str
    word: str
    tooltip: str
    shown: bool = True  # on the keys line


REGISTER = (
    Key("space,pagedown", "next", "space", "next", "do what the SPACE line says", shown=False),
    Key("c", "connect", "c", "connect", "connect: run the client up to its connect()"),
    Key("s", "send", "s", "send", "send a message from the program in focus (tab turns to the server)"),
    Key("x", "close", "x", "close", "close: run the program in focus up to its close()"),
    Key("u", "udp", "u", "udp", "send a message as one UDP datagram"),
    Key("n", "new_client", "n", "client", "one more client, a process of its own"),
    Key("d", "drop", "d", "drop", "drop the held packet, as a wire might lose it"),
    Key("f", "finish", "f", "finish", "deliver packets until the sleeping call returns"),
    Key("o", "gate", "o", "gate", "open the gate, so that packets pass; close it again", shown=False),
    Key("r", "restart", "r", "restart", "end the server and start it again: new PID, same port"),
    Key("K", "kill", "K", "kill", "kill the process in focus", shown=False),
    Key("i", "interrupt", "i", "interrupt", "interrupt the call in which a program sleeps, as Ctrl-C would"),
    Key(
        "m",
        "moments",
        "m",
        "moments",
        "run to a moment: SYN held, SYN_RECV, queue, lost, TIME_WAIT, rebind ..",
        shown=False,
    ),
    Key("b", "begin_again", "b", "begin again", "begin again with a fresh lab", shown=False),
    Key("1,2,3,4,5,6,7,8,9", "choose", "1-9", "choose", "choose a client", shown=False),
    Key(
        "tab,shift+tab", "turn", "tab", "turn", "to the server's pane, to the table (up and down move in it), and back"
    ),
    Key("up", "scroll(-1)", "up", "up", "", shown=False),
    Key("down", "scroll(1)", "down", "down", "", shown=False),
    Key("a", "play", "a", "play", "play by itself, and stop; - slower, + faster", shown=False),
    Key("minus", "slower", "-", "slower", "", shown=False),
    Key("plus,equals_sign", "faster", "+", "faster", "", shown=False),
    Key("ctrl+p", "palette", "ctrl+p", "find", "", shown=False),
    Key("question_mark", "help", "?", "help", ""),
    Key("q", "quit", "q", "quit", "quit; everything ends with netsim (ctrl+c twice does it too)", shown=False),
    Key("ctrl+c", "interrupt_app", "ctrl+c", "quit", "", shown=False),
)


def bindings() -> list[Binding]:
    """The register as Textual's bindings; each has an id, so that it can be mapped to another key."""
    made = []
    for key in REGISTER:
        for index, name in enumerate(key.keys.split(",")):
            action = f"{key.action}({name})" if key.action == "choose" else key.action  # of a digit: which
            identity = key.action if index == 0 else f"{key.action}.{name}"
            made.append(Binding(name, action, key.word, show=False, priority=key.action == "interrupt_app",
                                tooltip=key.tooltip, id=identity))  # fmt: skip
    return made


def keys_line() -> tuple[tuple[str, str], ...]:
    """What the bottom row shows, most useful first, the help last."""
    return tuple((key.cap, key.word) for key in REGISTER if key.shown)
