"""What a lesson is: data. It asks first, then the kernel answers, and only then the point is told.

Law: nothing in a lesson says what the kernel answers; every answer and every claim is a question to the world as it
really is. A lesson is one file in netsim/story/lessons/ with a `LESSON`; a long one may keep its questions to the
world, or some of its steps, in a second file whose name begins like its own (why_ports.py, why_ports_seen.py). Nothing
else has to know of either.

How to write one
----------------
    LESSON = Lesson(
        number=1, name="two-sockets", title="Two sockets",
        question="Two programs want to talk. What does each of them need first?",
        steps=(
            Step(
                text="Both programs stand before the line s = socket.socket().",
                ask=Ask("They now both call socket(). How many packets does that send?", (
                    Answer("none", lambda seen: not seen.here.packets),
                    Answer("one", lambda seen: len(seen.here.packets) == 1, "It would need somebody to send it to."),
                )),
                label="both programs call socket()",
                do=(run("server"), run("client1")),
                shows=(
                    Claim("Each program has a socket of its own.", holds=..., saw=..., rows=("S1", "S4")),
                ),
                after="To its program a socket is a number: the file number 3.",
            ),
        ),
        point=..., mistake=Mistake(...), small_print=...,
    )

A step is told (`text`), asks (`ask`), acts (`do`, one press of the space bar whose line says `label`), is judged
(`shows`), and comments (`after`). All of it is optional but the text. `{port}` in a text is the lab's port, `{port+1}`
the one beside it, which the second of two servers has.

- `do`: deeds of netsim.story.deeds, one after the other; each waits until nothing moves any more.
- `shows`: claims. `holds` looks at what was seen; `saw` tells it in numbers, also where the claim is false.
- `ask`: exactly one answer must be so afterwards, which is asked of the world too. `why` of an answer is told to
  whoever chose it and was wrong: why one could think so, and why it is not so.
- `needs`: what the step can't do without; where that is not there its claims are told as not observed (exit status
  3), and `Need.sentence` says why. `when`: only in such a world; else the step is passed over without a word.
- `Seen` is what was seen: `seen.here` is the world now, `seen.start` the world before the step, `seen.flown` the
  packets since then, `seen.kept[name]` the world right after the deed with `keep=name`, `seen.labs[name]` another
  lab's, `seen.probes[name]` what was asked of the machine. netsim.story.sights has the usual questions to it.
- A claim that is not so yet is waited for; a world that was kept stays as it was. So where a packet or the kernel's
  table may come late, `let_come` comes before the `keep`, or has it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from msgspec import Struct

from netsim.model.commands import AnyCommand, StartEndpoint
from netsim.model.machine import Probed
from netsim.model.packet import Packet
from netsim.model.world import World
from netsim.story.director import OPENING
from netsim.story.goals import Advance

HERE = "here"  # the name of a lesson's own lab


class Seen(Struct, frozen=True, kw_only=True):
    """All that a claim may look at. `labs`: the worlds now, by the names of their labs."""

    labs: Mapping[str, World]
    start: World = World()
    kept: Mapping[str, World] = {}
    probes: Mapping[str, Probed] = {}

    @property
    def here(self) -> World:
        """The world of the lesson's own lab, now."""
        return self.labs.get(HERE, World())

    @property
    def port(self) -> int:
        """The lab's port."""
        return self.here.lab.port if self.here.lab else 8888

    @property
    def flown(self) -> tuple[Packet, ...]:
        """The packets since the step began."""
        return self.here.packets[len(self.start.packets) :]


def fill(text: str, port: int) -> str:
    """A text with the lab's port in it, and the port beside that as the programs have it (netsim.lab.sources)."""
    return text.replace("{port}", str(port)).replace("{port+1}", str(port_beside(port)))


def port_beside(port: int) -> int:
    """What a program's 8889 is where its 8888 is this port."""
    return port + 1 if port < 65535 else port - 1


Test = Callable[[Seen], bool]


class Claim(Struct, frozen=True, kw_only=True):
    """What the world must show: a sentence, whether it is so, what was seen in numbers, and the rows it observes.

    `rows`: ids of netsim.story.curriculum. A look that raises an exception is a claim that does not hold.
    `always`: its numbers are told where there is little room, too, for nothing else on the screen shows them.
    """

    sentence: str
    holds: Test
    saw: Callable[[Seen], str]
    rows: tuple[str, ...] = ()
    always: bool = False


class Answer(Struct, frozen=True):
    """One of the answers to choose from; `is_so` is asked after the step. `why`: for who chose it and was wrong."""

    text: str
    is_so: Test
    why: str = ""


class Ask(Struct, frozen=True):
    """A prediction: the question before a step, with two to four answers."""

    question: str
    answers: tuple[Answer, ...]


class Need(Struct, frozen=True):
    """What a step can't do without. `sentence`: what is told where it is missing, and what that means here."""

    is_there: Test
    sentence: str


# --- deeds


def nobody_runs(world: World) -> bool:
    """Every program stands, sleeps or has ended."""
    return all(each.status not in ("starting", "running") for each in world.endpoints.values())


class Act(Struct, frozen=True, kw_only=True):
    """Commands to one lab, one after the other, each from the world that the last one left.

    `words`: what is done, as in "the client calls connect()". `done`: when the last command has had its effect.
    `patience`: seconds after which it has failed. `keep`: a name for the world afterwards.
    `calm`: it is about packets, so it begins when all that is under way has come. `hopes`: it does not fail: where its
    patience ends the lesson goes on.
    """

    words: str
    next: Callable[[World], Advance]
    done: Callable[[World], bool] = nobody_runs
    lab: str = HERE
    keep: str = ""
    patience: float = 10.0
    calm: bool = False
    hopes: bool = False


class Fresh(Struct, frozen=True, kw_only=True):
    """A new lab, in the place of the one of that name if there is one, in the same kind of net."""

    words: str = "a fresh lab"
    opening: tuple[AnyCommand, ...] = OPENING
    lab: str = HERE
    keep: str = ""
    patience: float = 20.0


class Probe(Struct, frozen=True, kw_only=True):
    """Ask the machine, from outside every lab, whether anybody has this PID; the answer is `seen.probes[name]`.

    `started`: the name of an earlier probe: whether it is still the same process is asked too.
    """

    words: str
    pid: Callable[[Seen], int]
    name: str
    started: str = ""
    patience: float = 10.0


Deed = Act | Fresh | Probe


class Step(Struct, frozen=True, kw_only=True):
    """One step. `view`: what must stay on the small screen beside the text, the packets or the port table."""

    text: str
    ask: Ask | None = None
    label: str = ""  # what the SPACE line says before it is done
    do: tuple[Deed, ...] = ()
    shows: tuple[Claim, ...] = ()
    after: str = ""
    needs: tuple[Need, ...] = ()
    when: Test | None = None
    view: Literal["packets", "table"] = "packets"


class Mistake(Struct, frozen=True):
    """The common mistake that the lesson meets, and what is so instead."""

    belief: str
    truth: str


class Lesson(Struct, frozen=True, kw_only=True):
    """One lesson of about five minutes. `name`: small letters and hyphens, what one types."""

    number: int
    name: str
    title: str
    question: str
    steps: tuple[Step, ...]
    point: str
    mistake: Mistake
    small_print: str
    opening: tuple[StartEndpoint, ...] = OPENING

    @property
    def claims(self) -> tuple[Claim, ...]:
        """Every claim of every step."""
        return tuple(claim for step in self.steps for claim in step.shows)


# --- what a machine may not have


def on_linux(seen: Seen) -> bool:
    """Whether the lab's kernel is Linux."""
    return seen.here.lab is not None and seen.here.lab.system.startswith("Linux")


GATE = Need(
    lambda seen: seen.here.gate in ("open", "closed"),
    "Here packets can't be held: netsim doctor says why, and what to do.",
)
PRIVATE = Need(
    lambda seen: seen.here.lab is not None and seen.here.lab.net == "private",
    "This needs a net of the lab's own, which can't be had here: netsim doctor says why, and what to do.",
)
KERNEL_TABLE = Need(
    lambda seen: seen.here.kernel_complete,
    "This system does not tell a socket's queues and timers (that takes Linux's sock_diag).",
)
PROC = Need(on_linux, "Only Linux shows a process's open files as names below /proc.")
