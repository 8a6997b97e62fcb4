"""What the sentences call the two sides of a conversation: the client, the server, or the stranger's program by name.

Law: a stranger is called by what psutil says of its process; where that is not known, it is "another program".
"""

from __future__ import annotations

from typing import NamedTuple

from netsim.model.address import Conversation, Role
from netsim.model.strangers import Stranger, is_strangers, stranger
from netsim.model.views import clients, conversation_of, same_conversation
from netsim.model.world import Endpoint, World

WIDTH = 77  # columns of a sentence
WHO = "@who"
UNKNOWN = "another program"


def fitting(*variants: str) -> str:
    """The first that is no longer than WIDTH; the last one, if none is."""
    return next((each for each in variants if len(each) <= WIDTH), variants[-1])


class Caller(NamedTuple):
    """`long` where there is room for it: "nc (PID 41299)"; `short`: "nc"."""

    long: str
    short: str
    ours: bool = False

    def fit(self, sentence: str) -> str:
        """The sentences with their "@who" filled in, by the long name if they are no longer than WIDTH then."""
        proper = not self.ours and self.short != UNKNOWN
        return fitting(*(_filled(sentence, name, proper=proper) for name in (self.long, self.short)))

    @property
    def whose(self) -> str:
        """ "the client's", "nc's"."""
        return f"{self.short}'s"


def _filled(sentence: str, name: str, *, proper: bool) -> str:
    first = name if proper else name[0].upper() + name[1:]
    sentence = sentence.replace(f". {WHO}", f". {first}")
    return (first + sentence[len(WHO) :] if sentence.startswith(WHO) else sentence).replace(WHO, name)


def side(world: World, conversation: Conversation, role: Role) -> Caller:
    """The name of one side: "the client" (where there are several, "client 2") and "the server" are ours."""
    name = f"the {role}"
    if role == "client":
        if is_strangers(world, conversation):
            return name_of(stranger(world, conversation))
        mine = client_of(world, conversation)
        if mine is not None and len(clients(world, conversation.transport)) > 1:
            name = f"client {mine.number}"
    return Caller(name, name, ours=True)


def client_of(world: World, conversation: Conversation) -> Endpoint | None:
    """Our client whose conversation it is, None for a stranger's."""
    for client in clients(world, conversation.transport):
        mine = conversation_of(world, client)
        if mine is not None and same_conversation(mine, conversation):
            return client
    return None


def name_of(known: Stranger) -> Caller:
    """What a stranger is called."""
    name = known.name or UNKNOWN
    return Caller(f"{name} (PID {known.pids[0]})" if known.pids else name, name)


def not_ours(world: World, conversation: Conversation) -> str:
    """Why no key can make this stranger do anything."""
    who = name_of(stranger(world, conversation))
    return who.fit("@who is not ours: it does what it wants. 1 shows our client, tab the server.")
