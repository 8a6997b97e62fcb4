"""A reader that takes bits off a packet's front, one field after the other, and leaves none out.

Law: it never reads beyond what is there; where a field does not fit it stops, and what is left becomes "unread".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from msgspec.structs import replace

from netsim.model.fields import Field, Layer, LayerKind

Show = str | Callable[[int], str]


class StopReadingError(Exception):
    """The next field is not there whole, or makes no sense; never leaves netsim.model."""


class Reader:
    """Reads `raw` from its first bit; `fields` and `layers` grow. `limit`: the byte behind the last one to be read."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.limit = len(raw)
        self.layers: list[Layer] = []
        self.fields: list[Field] = []
        self.quoted = False
        self._bit = 0
        self._depth = 0

    @property
    def at(self) -> int:
        """The byte that is read next (or is read already in part)."""
        return self._bit // 8

    @property
    def left(self) -> int:
        """How many whole bytes there are before the limit."""
        return max(0, self.limit - (self._bit + 7) // 8)

    def begin(self, kind: LayerKind) -> None:
        """What follows belongs to a new layer."""
        self.end_layer()
        self.layers.append(Layer(kind, self.at, 0, self.quoted))

    def end_layer(self) -> None:
        """The layer that was begun ends here; one without a byte is none."""
        if not self.layers:
            return
        last = self.layers[-1]
        if not last.length:
            self.layers[-1] = replace(last, length=self.at - last.start)
        if not self.layers[-1].length:
            self.layers.pop()

    def number(self, name: str, bits: int, show: Show = str, *, relative: int | None = None) -> int:
        """The next bits as a number; raises StopReadingError where there are not so many."""
        start, first_bit = divmod(self._bit, 8)
        end = (self._bit + bits + 7) // 8
        if end > min(self.limit, len(self.raw)):
            raise StopReadingError(name)
        below = end * 8 - self._bit - bits
        value = (int.from_bytes(self.raw[start:end], "big") >> below) & ((1 << bits) - 1)
        shown = show if isinstance(show, str) else show(value)
        self._add(name, start, first_bit, bits, value, shown, relative)
        return value

    def content(self, name: str, size: int, show: Callable[[bytes], str] = bytes.hex) -> bytes:
        """The next `size` bytes, or as many of them as are there; none make no field."""
        start = self.at
        found = self.raw[start : max(start, min(start + size, self.limit))]
        if found:
            self._add(name, start, 0, len(found) * 8, found, show(found), None)
        return found

    @contextmanager
    def group(self, name: str) -> Iterator[None]:
        """What is read within are the parts of one field; `amend` says what that is shown as."""
        index, start = len(self.fields), self._bit
        self.fields.append(self._make(name, start // 8, start % 8, 0, b"", ""))
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if self._bit == start:
                del self.fields[index]
            else:
                raw = self._bits_of(start)
                self.fields[index] = replace(self.fields[index], bits=self._bit - start, raw=raw, has_parts=True)

    def amend(self, name: str, **changes: object) -> None:
        """Change the newest field of that name."""
        for index in range(len(self.fields) - 1, -1, -1):
            if self.fields[index].name == name:
                self.fields[index] = replace(self.fields[index], **changes)
                return

    def align(self, name: str) -> None:
        """Where reading has stopped within a byte: the bits that are left of it, as one field."""
        if self._bit % 8:
            self.number(name, 8 - self._bit % 8)

    def _bits_of(self, start: int) -> int | bytes:
        end = (self._bit + 7) // 8
        if self._bit - start > 64:
            return self.raw[start // 8 : end]
        value = int.from_bytes(self.raw[start // 8 : end], "big") >> (end * 8 - self._bit)
        return value & ((1 << (self._bit - start)) - 1)

    def _add(
        self, name: str, start: int, first_bit: int, bits: int, raw: int | bytes, shown: str, relative: int | None
    ) -> None:
        self.fields.append(replace(self._make(name, start, first_bit, bits, raw, shown), relative=relative))
        self._bit += bits

    def _make(self, name: str, start: int, first_bit: int, bits: int, raw: int | bytes, shown: str) -> Field:
        layer = len(self.layers) - 1
        return Field(
            name=name, layer=layer, start=start, first_bit=first_bit, bits=bits, raw=raw, shown=shown, depth=self._depth
        )  # fmt: skip
