"""How a program ends: its last exception as Python prints it, without a line of ours in it, and the exit status."""

from __future__ import annotations

import bdb
import sys
from types import TracebackType
from typing import Any

from .channel import bounded
from .describe import error_fields
from .interrupts import FOLDER

_INTERRUPTED = 130  # what a shell says of a process that SIGINT has ended


def without_ours(traceback: TracebackType | None) -> TracebackType | None:
    """A traceback without the frames of this package and of bdb; its links are changed in place."""
    while traceback is not None and _is_ours(traceback):
        traceback = traceback.tb_next
    last = traceback
    while last is not None:
        following = last.tb_next
        while following is not None and _is_ours(following):
            following = following.tb_next
        if following is not last.tb_next:
            last.tb_next = following
        last = following
    return traceback


def report_of(error: BaseException | None, path: str, last_line: int) -> tuple[dict[str, Any], int]:
    """The fields of ProgramEnded, and the exit status, for the exception that came out of a program (None: none did).

    `last_line` is where the program was, `path` what its frames are named by.
    """
    if error is None:
        return {"line": last_line, "error": None, "traceback": ""}, 0
    if isinstance(error, SystemExit):
        return _report_of_exit(error, _line_of(error, path) or last_line)
    _clean(error, set())
    line = _line_of(error, path) or last_line
    if isinstance(error, SyntaxError) and error.filename == path:
        line = error.lineno or 0
    status = _INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1
    return {"line": line, "error": error_fields(error), "traceback": bounded(_format(error))}, status


def clean_threads() -> None:
    """Keep our frames out of what Python prints when an exception ends a thread."""
    import _thread

    print_it = _thread._excepthook

    def excepthook(arguments: Any) -> None:
        if arguments.exc_value is not None:
            _clean(arguments.exc_value, set())
            arguments = type(arguments)(
                (arguments.exc_type, arguments.exc_value, arguments.exc_value.__traceback__, arguments.thread)
            )
        print_it(arguments)

    _thread._excepthook = excepthook  # threading takes it from there, when it is imported


def _report_of_exit(error: SystemExit, line: int) -> tuple[dict[str, Any], int]:
    """SystemExit is silent; a code that is no number is printed, and the status is 1 (as in Python's handle_exit)."""
    code = error.code
    if code is None or code == 0:
        return {"line": line, "error": None, "traceback": ""}, 0
    status = code if isinstance(code, int) else 1
    if not isinstance(code, int):
        print(code, file=sys.stderr)
    return {"line": line, "error": error_fields(error), "traceback": ""}, status


def _is_ours(traceback: TracebackType) -> bool:
    name = traceback.tb_frame.f_code.co_filename
    return name.startswith(FOLDER) or name == bdb.__file__


def _clean(error: BaseException, seen: set[int]) -> None:
    """Clean an exception's traceback, and those of the exceptions that are printed along with it."""
    if id(error) in seen:
        return
    seen.add(id(error))
    error.__traceback__ = without_ours(error.__traceback__)
    group = getattr(error, "exceptions", ()) if isinstance(error, BaseExceptionGroup) else ()
    for each in (error.__cause__, error.__context__, *group):
        if each is not None:
            _clean(each, seen)


def _line_of(error: BaseException, path: str) -> int:
    """The innermost line of the program in an exception's traceback, 0 if none."""
    line, traceback = 0, error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == path:
            line = traceback.tb_lineno or 0
        traceback = traceback.tb_next
    return line


def _format(error: BaseException) -> str:
    from traceback import format_exception

    try:
        lines = format_exception(error)
        if sys.version_info < (3, 13) and isinstance(error, (SyntaxError, AttributeError, NameError)):
            return _as_the_interpreter_has_it(error, lines)
    except Exception as problem:  # a __str__ or __repr__ of the program's that fails in a new way
        return f"{type(error).__name__}: <{type(problem).__name__} while this was being printed>\n"
    return "".join(lines)


def _as_the_interpreter_has_it(error: BaseException, lines: list[str]) -> str:
    """The same text as from the interpreter's own printing, which was not yet done by `traceback` before Python 3.13.

    It marks a syntax error in its own way, and knew before `traceback` how to add ". Did you mean: 'listen'?". But it
    shows the lines of a file, not of the text that runs: so only that is taken from it.
    """
    from io import StringIO

    shown, sys.stderr = sys.stderr, StringIO()
    try:
        sys.__excepthook__(type(error), error, error.__traceback__)
        printed = sys.stderr.getvalue()
    finally:
        sys.stderr = shown
    if isinstance(error, SyntaxError) and error.__traceback__ is None:
        return printed
    line = printed.rpartition("\n")[0].rpartition("\n")[2]
    if line.startswith(lines[-1].rstrip("\n")):
        lines[-1] = f"{line}\n"
    return "".join(lines)
