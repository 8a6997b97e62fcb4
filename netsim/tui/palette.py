"""The palette: finds a key by plain words and does what the key does.

Law: it offers what the register has and nothing else; Textual's own commands are not among it. Imported when asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from textual import work
from textual.await_complete import AwaitComplete
from textual.command import CommandInput, CommandList, CommandPalette, DiscoveryHit, Hit, Hits, Provider, SearchIcon
from textual.content import Content
from textual.css.query import NoMatches
from textual.events import Mount

from netsim.tui.keymap import REGISTER, Key

if TYPE_CHECKING:
    from netsim.tui.board import Board

# What a person may call it; by action. What has no key yet is not offered.
WORDS: dict[str, tuple[str, ...]] = {
    "next": ("next step", "go on", "deliver packet", "deliver the packet", "step", "continue", "begin"),
    "connect": ("call the server", "handshake", "syn", "open a connection"),
    "send": ("say hello", "write a message", "type text", "bytes", "send data"),
    "close": ("hang up", "say goodbye", "fin", "end the connection", "disconnect"),
    "udp": ("datagram", "sendto", "without connection", "udp"),
    "new_client": ("another client", "add a client", "second client", "more clients", "accept queue", "backlog"),
    "drop": ("drop packet", "lost", "lose packet", "throw away", "retransmission", "packet loss", "delete packet"),
    "finish": ("deliver all", "deliver all packets", "finish the call", "wake the program", "skip ahead"),
    "line": ("one line", "step over", "next line", "step line"),
    "to_line": ("run to line", "breakpoint", "run to cursor"),
    "type": ("type a line", "input", "keyboard", "stdin", "answer the program"),
    "open('output')": ("output", "print", "what was printed", "console"),
    "gate": ("gate", "hold packets", "let packets pass", "stop holding packets", "wire"),
    "restart": ("restart server", "new pid", "start again", "crash"),
    "kill": ("kill process", "sigkill", "end the process", "die", "stop the server"),
    "interrupt": ("interrupt", "wake up", "ctrl-c", "stop waiting", "hangs", "stuck"),
    "moments": ("moments", "jump to", "time_wait", "syn_recv", "lost packet", "accept queue", "examples"),
    "begin_again": ("begin again", "start over", "reset", "fresh lab", "from the beginning"),
    "turn": ("other pane", "switch to the server", "table", "focus", "server pane", "sort the table"),
    "enter": (
        "inspect",
        "packet details",
        "look into the packet",
        "bytes",
        "hex",
        "header",
        "fields",
        "wireshark",
        "proof",
        "prove it",
    ),
    "filter": ("filter", "search the table", "find a port"),
    "open('machine')": (
        "who owns the port",
        "port in use",
        "who uses port 8888",
        "this machine's ports",
        "ss",
        "lsof",
        "netstat",
        "open ports",
        "processes",
    ),
    "open('case')": ("why not pids", "why ports", "poster", "exhibits", "process numbers", "what is a port for"),
    "open('lesson')": ("lessons", "tasks", "exercise", "quiz", "learn", "tutorial", "teach me"),
    "open('glossary')": ("glossary", "what does it mean", "words", "dictionary", "explain", "definition"),
    "open('life')": ("save", "save the programs", "source code", "commands", "copy", "python files", "tcpdump"),
    "back": ("back in time", "past", "undo", "history", "rewind", "previous"),
    "forward": ("forward in time", "future", "redo"),
    "to_start": ("start", "first moment", "go to the start"),
    "to_now": ("now", "present", "latest", "leave the past"),
    "record": ("record", "save session", "save", "write to a file", "recording", "replay"),
    "export": ("export", "wireshark", "pcap", "pcapng", "tshark", "save packets", "save"),
    "play": ("autoplay", "automatic", "demo", "play by itself", "pause", "run by itself"),
    "slower": ("slower", "slow down", "too fast"),
    "faster": ("faster", "speed up", "too slow"),
    "copy_row": ("copy the row", "clipboard"),
    "redraw": ("draw again", "refresh", "garbage on the screen", "broken screen"),
    "theme": (
        "theme",
        "colours",
        "colors",
        "dark mode",
        "light mode",
        "light background",
        "high contrast",
        "projector",
        "can't read it",
    ),
    "help": ("help", "keys", "what do the marks mean", "legend", "shortcuts", "big font"),
    "quit": ("quit", "exit", "leave", "end netsim", "stop netsim"),
}
# One press more than the key, or the same as another; and what moves in what has been opened.
NOT_OFFERED = ("choose", "palette", "interrupt_app", "stop", "escape", "move_cell(-1)", "move_cell(1)")


class Keys(Provider):
    """Every key of the register as a command."""

    async def discover(self) -> Hits:
        """What is offered before anything is typed: all, in the register's order."""
        for key in self._offered():
            yield DiscoveryHit(_shown(key), self._deed(key), text=_title(key))

    async def search(self, query: str) -> Hits:
        """What fits the words: the best of a key's own and its synonyms counts."""
        matcher = self.matcher(query)
        for key in self._offered():
            score = max(matcher.match(each) for each in (_title(key), key.word, *WORDS.get(key.action, ())))
            if score > 0:
                yield Hit(score, _shown(key), self._deed(key), text=_title(key))

    @property
    def _board(self) -> Board:
        """What the palette is over: nothing else opens it."""
        return cast("Board", self.screen)

    def _offered(self) -> list[Key]:
        return [key for key in offered() if not (self._board.in_kiosk and key.locked)]

    def _deed(self, key: Key) -> Callable[[], object]:
        return partial(self._board.do_found, key.action)


class Palette(CommandPalette):
    """Textual's palette with our keys, and without its picture letter, its blinking and its half-block frame."""

    DEFAULT_CSS = """
    Palette SearchIcon { color: $foreground; }
    Palette #--input, Palette #--input.--list-visible { border: none; background: $background; }
    Palette CommandList { border: none; background: $background; scrollbar-size: 0 0; }
    Palette CommandList > .option-list--option { padding: 0 1; text-style: none; }
    Palette CommandList > .option-list--option-highlighted {
        color: $background; background: $foreground; text-style: none;
    }
    Palette CommandList:ansi > .option-list--option-highlighted {
        color: $block-cursor-foreground; background: $block-cursor-background; text-style: $block-cursor-text-style;
    }
    """

    def __init__(self, *, leaving: bool) -> None:
        """`leaving`: it is over a page, which is left for what is chosen."""
        how = "enter leaves this page for it, escape does not" if leaving else "down: more, escape goes back"
        super().__init__([Keys], placeholder=f"what do you want to do?   ({how})", id="--command-palette")

    def on_mount(self, event: Mount) -> None:
        """No emoji, and nothing flashes. Nothing is there where another size took the palette away at once."""
        if self not in self.app.screen_stack:  # an escape was as fast: Textual's own looks for the screen below it
            event.prevent_default()
            return
        for line in self.query(CommandInput):
            line.cursor_blink = False
        for icon in self.query(SearchIcon):
            icon.icon = ">"

    @work(exclusive=True, group=CommandPalette._GATHER_COMMANDS_GROUP)
    async def _gather_commands(self, search_value: str) -> None:
        """Textual's, which misses its list where the palette is closed, or netsim ends, before this has its turn."""
        gather: Any = CommandPalette._gather_commands
        try:
            await gather.__wrapped__(self, search_value)
        except NoMatches:
            if self.query(CommandList):
                raise

    def _action_command_list(self, action: str) -> None:
        """A list that has no room on the screen has no pages: Textual's raises KeyError then."""
        if self.query_one(CommandList).scrollable_content_region.height:
            super()._action_command_list(action)

    def dismiss(self, result: None = None) -> AwaitComplete:
        """Only while it is there: a second escape, or one behind a resize, would take the main screen away."""
        return super().dismiss(result) if self.is_current else AwaitComplete()


def offered() -> tuple[Key, ...]:
    """The keys that are commands."""
    return tuple(key for key in REGISTER if key.action not in NOT_OFFERED and not key.action.startswith("scroll"))


def _title(key: Key) -> str:
    return key.tooltip or WORDS.get(key.action, (key.word,))[0]


def _shown(key: Key) -> Content:
    """The key and what it does, as text: no markup is looked for in it."""
    return Content(f"{key.cap:<7}{_title(key)}")
