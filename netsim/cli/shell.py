"""`netsim shell`: a shell, or one command, inside a running lab's net."""

from __future__ import annotations

import argparse
import sys

from netsim.text.shell import HELP, STATUS

TAKES_MORE = True  # a command behind --
NO_WAY_IN = 125  # its other statuses are the command's, and 126 and 127 as a shell has them


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command's options."""
    shell = commands.add_parser(
        "shell", help="a shell inside a running lab's net", usage="netsim shell [--lab PID] [-- COMMAND...]",
        description=HELP, epilog=STATUS, formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    shell.add_argument("--lab", type=int, metavar="PID", help="which lab: its PID, or that of anything in it")


def run(options: argparse.Namespace, command: list[str]) -> int:
    """Become a shell, or a command, in the net of a running lab; returns only where that can't be done."""
    from netsim.lab import entering, running
    from netsim.lab.steps import StepError
    from netsim.text import shell as words

    choice = running.choose(options.lab)
    lab = choice.lab
    if lab is None and choice.has_nets:
        return _complain(words.no_lab(choice, options.lab, command), NO_WAY_IN)
    if lab is None or lab.net == "host":
        print(words.in_host_net(lab), file=sys.stderr, flush=True)
        if not command:
            return 0
    else:
        try:
            entering.enter(lab)
        except StepError as error:
            return _complain(words.no_way_in(lab, error.step, error.errno), NO_WAY_IN)
        if not command:
            print(words.intro(lab), file=sys.stderr, flush=True)
            command = entering.own_shell(words.prompt(lab))
    try:
        entering.execute(command)
    except FileNotFoundError as error:
        return _complain(words.not_run(command[0], str(error.strerror)), 127)
    except OSError as error:
        return _complain(words.not_run(command[0], str(error.strerror)), 126)


def _complain(text: str, status: int) -> int:
    print(text, file=sys.stderr)
    return status
