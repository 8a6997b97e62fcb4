"""An endpoint's life: it takes its program from the host, runs it as Python would, tells how it ended, and exits so."""

from __future__ import annotations

import builtins
import os
import sys
from types import ModuleType
from typing import Any

from .calls import Calls
from .channel import Channel, bounded, move_up
from .ending import clean_threads, report_of
from .files import Files, Found
from .forked import Forking
from .interrupts import Interrupts
from .orders import Orders
from .reporter import Reporter
from .sockets import install
from .source import Source, lines_of
from .stops import Stops
from .streams import flush_streams, replace_streams


def main(arguments: list[str]) -> None:
    """Run what the host sends; the options are named in the package's docstring. Ends in SystemExit."""
    options = dict(zip(arguments[::2], arguments[1::2], strict=True))
    channel = Channel(int(options["--channel"]))
    _take_name(options.get("--name", ""))
    order = channel.receive()
    path, text, own = order["path"], order["source"], order.get("own")
    reporter = Reporter(channel, order["who"])
    reporter.send("Hello")

    interrupts = Interrupts(path)
    calls = Calls(reporter, interrupts, path)
    install(calls)
    clean_threads()
    replace_streams(reporter, interrupts)
    _remember_text(text, path)
    module = _main_module(path, own)
    interrupts.install()

    error: BaseException | None = None
    stops: Stops | None = None
    try:
        source = Source(text, path)
        files = Files(source, len(lines_of(text)), found_by(reporter) if own is not None else None)
        calls.files = files
        orders = Orders(files, reporter, interrupts)
        stops = Stops(files, orders, every_line=options.get("--every-line") == "yes", own=own is not None)
        if "--shared" in options:
            stops.note_lines(move_up(int(options["--shared"])))
        if own is not None:
            calls.stands = stops.stand_before_call
        Forking(reporter, calls, orders, interrupts, contained=options.get("--contained") == "yes").install()
        calls.steps = orders
        interrupts.tracer = stops.trace_dispatch
        stops.run(source.code, module.__dict__)
    except BaseException as raised:
        error = raised

    calls.steps = None
    interrupts.tracer = None
    interrupts.forget()
    calls.finished = True
    flush_streams()
    fields, status = report_of(error, path, stops.last_line if stops is not None else 0)
    flush_streams()
    reporter.send("ProgramEnded", **fields)
    sys.exit(status)


def found_by(reporter: Reporter) -> Found:
    """Reports a module of the person's own."""

    def found(name: str, first: int, text: str) -> None:
        reporter.send("ModuleRead", module=name, first=first, source=[bounded(line) for line in lines_of(text)])

    return found


def _take_name(name: str) -> None:
    """Be called `name` in ps and ss (proc(5): comm, 15 bytes)."""
    try:
        with open("/proc/self/comm", "wb", buffering=0) as comm:
            comm.write(name.encode()[:15])
    except OSError:
        pass


def _remember_text(text: str, path: str) -> None:
    """Let tracebacks show the text that runs, whatever the file says by then, if there is one at all."""
    import linecache

    linecache.cache[path] = (len(text), None, [f"{line}\n" for line in text.split("\n")], path)


def _main_module(path: str, own: dict[str, Any] | None) -> ModuleType:
    """The module in which the program runs, and all around it as `python path` has it."""
    module = ModuleType("__main__")
    names: dict[str, Any] = {"__file__": path, "__cached__": None, "__builtins__": builtins, "__package__": None}
    if sys.version_info < (3, 14):  # from then on it is made when somebody asks
        names["__annotations__"] = {}
    module.__dict__.update(names)
    sys.modules["__main__"] = module
    sys.argv = [path] if own is None else list(own["argv"])
    sys.path.insert(0, os.path.dirname(path if own is None else os.path.realpath(path)))
    if own is not None:
        _stand_in(own["cwd"])
        if hasattr(builtins, "exit"):  # by site
            return module
    from _sitebuiltins import Quitter

    for name in ("exit", "quit"):  # `python -S` leaves them out
        setattr(builtins, name, Quitter(name, "Ctrl-D (i.e. EOF)"))
    return module


def _stand_in(folder: str) -> None:
    """Have this working directory; where it is gone, as a shell would: the one that was there before."""
    try:
        os.chdir(folder)
    except OSError:
        pass
