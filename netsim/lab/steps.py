"""A failure that names its step: "unshare(NEWUSER)" with ENOSPC can be explained to a person, ENOSPC alone can't."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager


class StepError(Exception):
    """What was being done ("nft rule (queue)"), and the errno that it gave."""

    def __init__(self, step: str, number: int) -> None:
        self.step = step
        self.errno = number
        super().__init__(f"{step}: {error_name(number)}")

    @property
    def brief(self) -> str:
        """Without the errno's meaning: "unshare(NEWUSER): ENOSPC"."""
        return f"{self.step}: {errno.errorcode.get(self.errno, str(self.errno))}"


@contextmanager
def step(name: str, kind: type[StepError] = StepError) -> Iterator[None]:
    """An OSError in the body becomes a StepError (or the `kind` of it that is given) of this name."""
    try:
        yield
    except OSError as error:
        raise kind(name, error.errno or errno.EIO) from error


def error_name(number: int) -> str:
    """ "ENOSPC (No space left on device)"; just the number's meaning where it has no name."""
    name, meaning = errno.errorcode.get(number), os.strerror(number)
    return f"{name} ({meaning})" if name else meaning
