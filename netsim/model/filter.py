"""What is typed to see fewer rows of a port table: `:8888 listen`, `pid 41233`, `tcp`, a program's name.

Law: a row is shown if every word fits what the row shows. What can't be understood is told with what to type instead.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

from netsim.model.address import Address
from netsim.model.events import TcpState
from netsim.model.world import Row

HIGHEST_PORT = 65535
NOBODY, UNSEEN = "-", "?"  # how a table spells that no process has it, and that it is not to be known
Kind = Literal["port", "pid", "state", "transport", "name", "number"]


class Term(NamedTuple):
    """One word, understood. `text`: a state as the kernel spells it, a protocol, a name in lower case; or `number`."""

    kind: Kind
    text: str = ""
    number: int = 0


class Filter(NamedTuple):
    """All terms have to fit. `text`: as it was typed, for the table's head; no term fits every row."""

    text: str = ""
    terms: tuple[Term, ...] = ()

    def fits(self, row: Row) -> bool:
        """Whether the row is to be shown."""
        return all(_fits(term, row) for term in self.terms)


NO_FILTER = Filter()


def parse(text: str) -> Filter:
    """The filter in a line of words; raises ValueError with one sentence that ends with what to type.

    `:8888` and `port 8888` fit both ends' ports, `pid 41233` the processes that have it or had it, `pid -` no process;
    a state may be spelled as the kernel or as `ss` does; a number alone is a port or a PID; `name X` and every other
    word are part of a program's name, or a user's name. `pid ?`: a process that may not be seen.
    """
    words = text.split()
    terms: list[Term] = []
    while words:
        word = words.pop(0)
        match word.lower():
            case "port" | "pid" | "name" as kind:
                terms.append(_argument(kind, words.pop(0) if words else ""))
            case "tcp" | "udp" as transport:
                terms.append(Term("transport", transport))
            case lower if lower.startswith(":"):
                terms.append(_port(lower[1:]))
            case lower if state := state_named(lower):
                terms.append(Term("state", state))
            case lower if lower.isascii() and lower.isdigit():
                terms.append(Term("number", number=_number(lower)))
            case lower:
                terms.append(Term("name", lower))
    return Filter(" ".join(text.split()), tuple(terms))


def state_named(word: str) -> str:
    """The kernel's name of a TCP state, however it is written ("estab", "syn-recv", "LISTEN"); "" if it is none."""
    plain = word.lower().replace("-", "").replace("_", "")
    return _STATES.get(plain, "")


_STATES: dict[str, str] = {state.lower().replace("_", ""): state for state in get_args(TcpState)}
_STATES |= {"estab": "ESTABLISHED", "listening": "LISTEN", "closed": "CLOSE"}


def _argument(kind: str, word: str) -> Term:
    match kind:
        case "port":
            return _port(word.removeprefix(":"))
        case "pid":
            if word in (NOBODY, UNSEEN):
                return Term("pid", word)
            if not (word.isascii() and word.isdigit()):
                raise ValueError("pid what? for example: pid 41233")
            return Term("pid", number=_number(word))
        case _:
            if not word:
                raise ValueError("name what? for example: name python")
            return Term("name", word.lower())


def _port(digits: str) -> Term:
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError("port what? for example: :8888")
    number = _number(digits)
    if number > HIGHEST_PORT:
        raise ValueError("ports end at 65535. For example: :8888")
    return Term("port", number=number)


def _number(digits: str) -> int:
    """The number; one with hundreds of digits is as good as any other that nothing has."""
    return int(digits[:20])


def _fits(term: Term, row: Row) -> bool:
    match term.kind:
        case "transport":
            return row.key.transport == term.text
        case "state":
            return row.state == term.text
        case "port":
            return term.number in (row.key.port, _port_of(row.key.peer))
        case "pid":
            if term.text:
                return not row.pids and (row.whose == "unknown") == (term.text == UNSEEN)
            return term.number in row.pids or term.number == row.former_pid
        case "number":
            return term.number in (row.key.port, _port_of(row.key.peer), row.former_pid) or term.number in row.pids
        case "name":
            return term.text in row.name.lower() or term.text == row.user.lower()


def _port_of(address: Address | None) -> int | None:
    return address.port if address else None
