"""`netsim doctor`: what this machine allows, and what to do about it."""

from __future__ import annotations

import argparse

from netsim.cli.app import forget_output

DESCRIPTION = """\
What this machine allows: a net of its own, held packets, whose sockets are
seen. Behind each "no" is what to do about it. It changes nothing.

  netsim doctor
  netsim doctor --json > report.json     for a bug report"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command's options."""
    doctor = commands.add_parser(
        "doctor", help="what this machine allows, and what to do about it", description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    doctor.add_argument("--json", action="store_true", help="for programs and bug reports")


def run(options: argparse.Namespace, _behind: list[str]) -> int:
    """Say what this machine allows; 0 if netsim works at all."""
    from netsim.lab.capabilities import examine
    from netsim.text import doctor

    found = examine()
    try:
        print(doctor.as_json(found) if options.json else "\n".join(doctor.lines(found)), flush=True)
    except BrokenPipeError:
        forget_output()
    return 0 if doctor.works(found) else 1
