"""Plain mode: the same story line by line, driven by enter or typed words. It draws nothing and needs no terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from threading import Event as Signal
from time import monotonic
from typing import TextIO

from netsim.model.address import Conversation
from netsim.model.commands import AnyCommand, DropPacket, Interrupt, StepLine, TypeLine
from netsim.model.strangers import next_stranger, stranger
from netsim.model.views import client_name, shown_pair
from netsim.model.world import Endpoint
from netsim.session import Session
from netsim.story import goals, towards
from netsim.story.callers import name_of
from netsim.story.crowds import sockets_left_out
from netsim.story.director import next_action
from netsim.story.goals import Do, Goal, Reached, Stuck, Wait
from netsim.story.life import by_hand
from netsim.story.narrator import narrate
from netsim.story.own import is_own
from netsim.story.packets import oldest_held
from netsim.text.charset import visible
from netsim.text.transcript import packet_line, row_line, step_lines

SETTLED = 0.08  # seconds without an event: longer than the 50 ms in which the lab looks for what follows a call
FLOODED = 2.0  # seconds for which events that follow each other too fast to settle are waited for
PATIENCE = 10.0  # seconds after which a step that does not end is told as such

HELP = """\
enter (or next)   do what the line "next:" says
connect           run the client up to its connect()
send TEXT         the program in focus sends TEXT (client; "turn" changes it)
close             ... closes its socket
udp TEXT          send TEXT as one UDP datagram
drop, finish      drop the held packet; deliver packets until the sleeping call returns
line              run the program in focus one line further
type TEXT         type TEXT for a program that waits in input(); eof: no more
restart           end the server and start it again
interrupt         interrupt the call in which a program sleeps
turn              to the other program (client or server)
stranger          to a client that is not ours (again: the next one)
client            and back to our client
ports             the port table
again             begin again with a fresh lab
help, quit"""


class Plain:
    """One sitting in plain mode; `out` gets whole lines, each flushed."""

    def __init__(self, session: Session, out: TextIO) -> None:
        self._session = session
        self._out = out
        self._came = Signal()
        self._packets_told = 0

    def run(self, words: Iterable[str]) -> int:
        """Follow one typed line after the other until "quit" or the end of the input; returns the exit status."""
        self._session.attach(self._came.set)
        self._settle()
        self._say(f"netsim {_where(self._session)}. Press enter for the next step, or type help.")
        self._tell()
        for line in words:
            word, _, rest = line.strip().partition(" ")
            if word in ("quit", "q", "exit"):
                break
            if not self._obey(word.lower(), rest):
                break
        return 1 if self._session.world.ended else 0

    def _obey(self, word: str, rest: str) -> bool:
        """Do what was typed; False when nothing can come any more."""
        world = self._session.world
        actions: dict[str, Callable[[], None]] = {
            "": self._next, "next": self._next, "space": self._next,
            "connect": lambda: self._pursue(goals.connect(world)), "c": lambda: self._pursue(goals.connect(world)),
            "send": lambda: self._pursue(goals.send(world, rest)), "s": lambda: self._pursue(goals.send(world, rest)),
            "close": lambda: self._pursue(goals.close(world)), "x": lambda: self._pursue(goals.close(world)),
            "udp": lambda: self._pursue(goals.Datagram(rest or "hello")),
            "u": lambda: self._pursue(goals.Datagram(rest or "hello")),
            "restart": lambda: self._pursue(goals.restart(world)), "r": lambda: self._pursue(goals.restart(world)),
            "drop": self._drop, "d": self._drop,
            "finish": lambda: self._pursue(goals.finish(world)), "f": lambda: self._pursue(goals.finish(world)),
            "interrupt": self._interrupt, "i": self._interrupt,
            "turn": self._turn, "ports": self._ports,
            "stranger": self._stranger, "client": self._client, "again": self._again, "b": self._again,
            "type": lambda: self._type(rest), "eof": lambda: self._type("", end=True),
            "line": self._line,
            "help": lambda: self._say(HELP), "?": lambda: self._say(HELP),
        }  # fmt: skip
        action = actions.get(word)
        if action is None:
            self._say(f"There is no word {word!r} here: type help for those that there are.")
        else:
            action()
        return self._session.world.ended is None

    # --- the words

    def _next(self) -> None:
        action = next_action(self._session.world)
        if action.begin_again:
            self._say("This was the end of the story: again begins again, udp and restart go on, quit ends.")
            return
        if action.types:
            self._say("It waits in input(): type TEXT types a line for it, eof ends its input.")
            return
        if action.cap == "WAIT":
            self._wait_for_the_kernel()
            return
        self._do(action.commands)
        self._tell()

    def _wait_for_the_kernel(self) -> None:
        """Nothing can be done before a timer of the kernel's has run out: wait for what it sends."""
        self._came.clear()
        self._session.drain()
        self._came.wait(PATIENCE)
        self._settle()
        world = self._session.world
        for packet in world.packets_after(self._packets_told):
            self._say(packet_line(packet, world))
        self._packets_told = world.packet_count
        self._say(visible(narrate(world)))
        self._say_next()

    def _pursue(self, goal: Goal) -> None:
        """Run to a goal, telling every step on the way."""
        end = monotonic() + PATIENCE
        while True:
            step = towards.advance(self._session.world, goal)
            match step:
                case Do():
                    self._do((step.command,))
                    self._tell(next_too=step.final)
                    if step.final:
                        return
                    end = monotonic() + PATIENCE
                case Wait():
                    if not self._settle() or monotonic() > end:
                        self._say("Nothing comes: type interrupt, or help.")
                        return
                case Reached():
                    self._say_next()
                    return
                case Stuck(why):
                    self._say(visible(why))
                    self._say_next()
                    return

    def _interrupt(self) -> None:
        asleep = [each for each in self._session.world.endpoints.values() if each.status in ("asleep", "running")]
        if not asleep:
            self._say("No program sleeps in a call now: there is nothing to interrupt.")
            return
        self._do((Interrupt(who=asleep[0].who),))
        self._tell()

    def _type(self, text: str, *, end: bool = False) -> None:
        world = self._session.world
        waiting = [each for each in world.endpoints.values() if each.own is not None and each.status != "ended"]
        waiting.sort(key=lambda each: not each.reads_input)
        if not waiting:
            self._say("No program here reads what is typed: input() is for your own, see netsim run --help.")
            return
        self._do((TypeLine(who=waiting[0].who, text=text, end=end),))
        self._tell()

    def _line(self) -> None:
        focused = next((each for each in shown_pair(self._session.world) if each and self._has_focus(each)), None)
        if focused is None:
            self._say("There is no program in focus: turn goes to the other one.")
            return
        self._do((StepLine(who=focused.who),))
        self._tell()

    def _has_focus(self, endpoint: Endpoint) -> bool:
        return endpoint.role == self._session.world.focus.role

    def _drop(self) -> None:
        packet = oldest_held(self._session.world)
        if packet is None:
            self._say("No packet is held now: there is nothing to drop.")
            return
        self._do((DropPacket(number=packet.number),))
        self._tell()

    def _turn(self) -> None:
        focus = self._session.world.focus
        if focus.stranger is not None and focus.role == "server":
            self._turn_to_stranger(focus.stranger)
            return
        prefix = "udp" if focus.transport == "udp" else ""
        to_server = focus.role == "client"
        self._session.focus(f"{prefix}server" if to_server else f"{prefix}client{focus.number}")
        self._say(f"send and close are the {'server' if to_server else 'client'}'s now.")

    def _stranger(self) -> None:
        following = next_stranger(self._session.world)
        if following is None:
            self._say(f"Only our clients are here. From another terminal: {by_hand(self._session.world)}")
        else:
            self._turn_to_stranger(following)

    def _client(self) -> None:
        focus = self._session.world.focus
        self._session.focus(client_name(focus.transport, focus.number))
        self._say("send and close are the client's now.")
        self._say_next()

    def _turn_to_stranger(self, conversation: Conversation) -> None:
        self._session.focus("", conversation)
        who = name_of(stranger(self._session.world, conversation))
        self._say(visible(who.fit("@who is not ours: only its packets can be delivered or dropped.")))
        self._say_next()

    def _ports(self) -> None:
        rows = [slot.row for slot in self._session.world.slots if slot.row is not None]
        lines = [*(row_line(row) for row in rows), sockets_left_out(self._session.world)]
        self._say("\n".join(filter(None, lines)) or "No port is in use by this lab.")

    def _again(self) -> None:
        self._session.restart_lab()
        self._packets_told = 0
        self._settle()
        self._tell()

    # --- telling

    def _do(self, commands: Iterable[AnyCommand]) -> None:
        for command in commands:
            self._session.dispatch(command)
        self._settle()

    def _tell(self, *, next_too: bool = True) -> None:
        world = self._session.world
        head = f"[{world.step}] "
        for i, line in enumerate(step_lines(world, self._packets_told)):
            self._say((head if i == 0 else " " * len(head)) + line.replace("Press space", "Press enter"))
        self._packets_told = world.packet_count
        if next_too:
            self._say_next()

    def _say_next(self) -> None:
        world = self._session.world
        self._say(f"next: {visible(next_action(world).label_at(world.at))}")

    def _say(self, text: str) -> None:
        print(text, file=self._out, flush=True)

    def _settle(self) -> bool:
        """Wait until nothing is under way and nothing more comes; False if that takes too long.

        A flood of others never ends by itself: it is not waited for.
        """
        end = monotonic() + FLOODED
        while True:
            self._came.clear()
            self._session.drain()
            under_way = self._session.pending or not self._session.world.endpoints
            if self._session.world.ended:
                return True
            if not self._came.wait(PATIENCE if under_way else SETTLED) or (not under_way and monotonic() > end):
                return not under_way


def _where(session: Session) -> str:
    lab = session.world.lab
    if lab is None:
        return "without a lab"
    port = "" if is_own(session.world) else f", port {lab.port}"
    if lab.net == "private":
        how = "packets are held, and delivered one by one" if lab.gate else "packets are inferred, not held"
        return f"in a private net of its own{port}: {how}"
    return f"on this machine's own loopback (host net){port}: packets are inferred, not held"
