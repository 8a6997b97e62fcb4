"""The wire between the lab host and one endpoint: lines of JSON both ways, and file descriptors that come with them."""

from __future__ import annotations

import array
import os
import socket
from collections import deque

_MOST_DESCRIPTORS = 16
_CHUNK = 65536


class Channel:
    """The host's end of a socket pair; never blocks. Closed by `close` only: the end of file just sets `ended`."""

    def __init__(self, wire: socket.socket) -> None:
        wire.setblocking(False)
        self._wire = wire
        self._received = bytearray()
        self._unsent = bytearray()
        self._descriptors: deque[int] = deque()
        self.ended = False

    def fileno(self) -> int:
        return self._wire.fileno()

    @property
    def waiting(self) -> bool:
        """Whether something could not be sent yet."""
        return bool(self._unsent)

    def receive(self) -> list[bytes]:
        """The whole lines that have come, some 64 kB at a time; none if nothing has. Sets `ended` at the end."""
        flags = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
        room = socket.CMSG_SPACE(_MOST_DESCRIPTORS * array.array("i").itemsize)
        try:
            data, ancillary, _, _ = self._wire.recvmsg(_CHUNK, room, flags)
        except BlockingIOError:
            return []
        except OSError:  # ECONNRESET: it died with something unread
            data, ancillary = b"", []
        for level, kind, content in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                numbers = array.array("i")
                numbers.frombytes(content[: len(content) - len(content) % numbers.itemsize])
                for each in numbers:
                    os.set_inheritable(each, False)
                self._descriptors.extend(numbers)
        if not data:
            self.ended = True
        self._received += data
        *lines, rest = self._received.split(b"\n")
        self._received = bytearray(rest)
        return [bytes(line) for line in lines]

    def take_descriptor(self) -> int | None:
        """The oldest file descriptor that came along and was not taken; it is the caller's to close."""
        return self._descriptors.popleft() if self._descriptors else None

    def has_input(self) -> bool:
        """Whether `receive` would find something, looked up now."""
        try:
            self._wire.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    def send(self, line: bytes) -> None:
        """Send a line (its newline is added); what does not fit waits for `flush`. An end that is gone is no error."""
        self._unsent += line + b"\n"
        self.flush()

    def flush(self) -> None:
        """Send what waits, as far as it goes."""
        try:
            while self._unsent:
                del self._unsent[: self._wire.send(self._unsent)]
        except BlockingIOError:
            pass
        except OSError:  # EPIPE: its process is dying; the loop will see that
            self._unsent.clear()

    def close(self) -> None:
        """Close the wire and what came along and was not taken."""
        self._wire.close()
        while self._descriptors:
            os.close(self._descriptors.popleft())
