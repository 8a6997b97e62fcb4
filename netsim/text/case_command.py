"""A command as one types it in another terminal."""

from __future__ import annotations

import shlex

from netsim.story.case import Check
from netsim.text.shell import line_to_copy


def command(check: Check) -> str:
    """The whole line; in a lab's own net it is `netsim shell` that brings it there."""
    return line_to_copy(check.argv, lab=check.inside) if check.inside else shlex.join(check.argv)
