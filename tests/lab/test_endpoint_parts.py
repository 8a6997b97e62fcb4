"""Small parts of the endpoint, called directly: what a whole process can hardly be brought to do."""

from __future__ import annotations

import base64
import json
import socket

import pytest

from netsim.lab.endpoint.calls import _outcome
from netsim.lab.endpoint.channel import Channel, bounded
from netsim.lab.endpoint.interrupts import Interrupts


def test_half_a_character_is_never_sent() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        channel = Channel(theirs.detach())
        try:
            channel.send({"text": "\udc80 \ud83d é"})
            assert json.loads(ours.recv(100).decode("utf-8", "strict")) == {"text": "? ? é"}
        finally:
            socket.close(channel.descriptor)
    assert bounded("\udc80") == "\\udc80"


def test_what_was_sent_is_no_more_than_the_kernel_took() -> None:
    with socket.socket() as sock:
        fields = _outcome(sock, "send", (b"abcdef",), 3)
        assert fields == {"result": "3", "size": 3, "data": base64.b64encode(b"abc").decode()}
        assert _outcome(sock, "send", (b"abcdef",), None) == {"result": "None"}  # a library's own idea of send
        assert _outcome(sock, "recv", (1,), "text") == {"result": "'text'"}


def test_an_interrupt_that_was_repeated_too_late_is_none() -> None:
    interrupts = Interrupts("/nowhere/program.py")
    interrupts._repeated = True
    interrupts._handle(2, None)
    with pytest.raises(KeyboardInterrupt):
        interrupts._handle(2, None)
