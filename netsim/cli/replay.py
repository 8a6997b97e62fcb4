"""`netsim replay`: a recording on the screen, as text, or as a file of packets. It needs no lab and no privileges."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from netsim.cli.app import USAGE_ERROR, forget_output, no_screen, prepare_terminal, show

if TYPE_CHECKING:
    from pathlib import Path

    from netsim.files.recording import Recording

DAMAGED = 1
DESCRIPTION = """\
A recorded session, on any machine: nothing runs, and nothing is asked of the
system. On the screen space and . go one moment forward, the comma goes back,
home and end go to the start and the end.

  netsim replay                        which are built in
  netsim replay handshake              one of them
  netsim --record talk.jsonl           record a session (or press R in it)
  netsim replay talk.jsonl             show it again
  netsim replay talk.jsonl --pcapng talk.pcapng   its packets, for Wireshark"""
EPILOG = """\
exit status: 0 all of it could be read; 1 some of it (or nothing was to be
exported); 2 nothing could be"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command's options."""
    replay = commands.add_parser(
        "replay", help="show a recording again, on any machine; without a name: which there are",
        description=DESCRIPTION, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    replay.add_argument("recording", nargs="?", metavar="FILE", help="a file, or the name of one that is built in")
    replay.add_argument("--text", action="store_true", help="system calls and packets in one list")
    replay.add_argument("--pcapng", metavar="OUT", help="write the packets to a new file for Wireshark")
    # Options of netsim itself, allowed here too; SUPPRESS: what stood before the command is kept.
    replay.add_argument("--ascii", action="store_true", default=argparse.SUPPRESS, help="ASCII only")
    replay.add_argument(
        "--no-animation", action="store_true", default=argparse.SUPPRESS, help="packets appear without moving"
    )


def run(options: argparse.Namespace, _behind: list[str]) -> int:
    """List the recordings, or show one."""
    try:
        return _list() if options.recording is None else _replay(options)
    except BrokenPipeError:
        forget_output()
        return DAMAGED


def _list() -> int:
    from netsim.files.replay import abouts
    from netsim.text.charset import visible

    found = abouts()
    width = max(map(len, found))
    for name, about in found.items():
        print(f"{name:{width}}  {visible(about)}")
    print("\nnetsim replay NAME shows one; netsim replay FILE a file that netsim --record FILE made.", flush=True)
    return 0


def _replay(options: argparse.Namespace) -> int:
    from netsim.files.recording import RecordingError, read
    from netsim.files.replay import bundled, find
    from netsim.text.charset import visible

    path = find(options.recording)
    try:
        recording = read(path)
    except FileNotFoundError:
        names = ", ".join(bundled())
        return _complain(f"there is no file {visible(str(path))}, and the built-in recordings are: {names}.")
    except (RecordingError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return _complain(f"{visible(str(path))} can't be replayed: {visible(reason)}.")
    status = 0
    if recording.damage and (options.text or options.pcapng is not None):
        _complain(f"{visible(str(path))}, {visible(recording.damage)}. What stands before it is used.")
        status = DAMAGED
    if options.pcapng is not None:
        status = _export(recording, options.pcapng) or status
    if options.text:
        _write_text(recording, options)
    if options.text or options.pcapng is not None:
        return status
    return _show(recording, options, path)


def _write_text(recording: Recording, options: argparse.Namespace) -> None:
    from netsim.text.charset import ASCII, UNICODE
    from netsim.text.handout import handout

    utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    charset = UNICODE if utf8 and not options.ascii else ASCII
    if recording.about:
        print(charset.visible(f"netsim recording: {recording.about}"))
    for line in handout(recording.events, charset):
        print(line)
    sys.stdout.flush()


def _export(recording: Recording, out: str) -> int:
    from netsim.files import pcapng
    from netsim.story.calls import plural
    from netsim.story.captions import captions
    from netsim.text.charset import visible

    found = captions(recording.events)
    if not found:
        print("netsim: no packet's bytes are in this recording, so there is none to export.", file=sys.stderr)
        return DAMAGED
    try:
        with open(out, "xb") as file:
            file.write(pcapng.written(found))
    except FileExistsError:
        return _complain(f"{visible(out)} exists already and is left as it is: choose another name.")
    except OSError as error:
        return _complain(f"{visible(out)} can't be written: {error.strerror or error}.")
    print(f"netsim: {plural(len(found), 'packet')} written to {visible(out)}", file=sys.stderr)
    return 0


def _show(recording: Recording, options: argparse.Namespace, path: Path) -> int:
    from netsim.cli.workshop import Workshop
    from netsim.files.replay import Replay
    from netsim.session import Session

    if options.plain:
        _write_text(recording, options)
        return DAMAGED if recording.damage else 0
    if reason := no_screen():
        return _complain(f"{reason}: netsim replay {options.recording} --text writes it line by line.")
    prepare_terminal()
    damage = f"L{recording.damage[1:]}. It is shown up to there." if recording.damage else ""
    session = Session(lambda: Replay(recording.events), recording=path.name, note=damage)
    workshop = Workshop(options.net, options.port)  # for pages with labs of their own; none is started before
    try:
        return show(session, options, workshop)
    finally:
        session.close()
        workshop.close()


def _complain(text: str) -> int:
    print(f"netsim: {text}", file=sys.stderr)
    return USAGE_ERROR
