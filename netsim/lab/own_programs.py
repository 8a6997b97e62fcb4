"""The person's own programs: a file read as Python reads it, or one sentence on why it can't be.

Sources: PEP 263 (the encoding's cookie), PEP 3120 (UTF-8 without one); Python's io for the ends of lines.
"""

from __future__ import annotations

import io
import os
import stat

LARGEST = 5_000_000  # bytes: far more than anybody has written by hand


def read(path: str) -> str:
    """The file's text, every line's end a newline. Raises ValueError with a sentence that ends with what to do."""
    name = os.path.basename(path)
    try:
        kind = os.stat(path)
        if stat.S_ISDIR(kind.st_mode):
            raise ValueError(f"{name} is a folder: name a file in it, for example {os.path.join(name, 'server.py')}.")
        if not stat.S_ISREG(kind.st_mode):
            raise ValueError(f"{name} is no ordinary file: name a file with a Python program.")
        if kind.st_size > LARGEST:
            raise ValueError(f"{name} has {kind.st_size:,} bytes, and no program is that long: name another file.")
        with open(path, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        raise ValueError(f"There is no file {path}: look at the name and the folder.") from None
    except OSError as error:
        raise ValueError(f"{name} can't be read: {error.strerror}.") from error
    return _decoded(data, name)


def lines(text: str) -> list[str]:
    """The lines as Python numbers them: only a newline ends one (a form feed does not, as it does for splitlines)."""
    found = text.split("\n")
    return found[:-1] if found[-1] == "" else found


def problem_with(text: str, path: str) -> str:
    """Why this is no Python program, as Python says it in several lines; "" if it is one."""
    from warnings import catch_warnings, simplefilter

    try:
        with catch_warnings():
            simplefilter("ignore")
            compile(text, path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        from traceback import format_exception_only

        return "".join(format_exception_only(error)).rstrip()
    return ""


def _decoded(data: bytes, name: str) -> str:
    if b"\0" in data:
        raise ValueError(f"{name} is no text (it has null bytes), so it is no Python program: name another file.")
    import tokenize

    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = data.decode(encoding)
    except SyntaxError as error:
        if "codec" in (error.msg or "") or "invalid" in (error.msg or ""):
            raise ValueError(_not_utf8(data, name)) from error
        raise ValueError(f"{name}: Python knows no such encoding ({error.msg}): correct its first lines.") from error
    except (UnicodeDecodeError, LookupError) as error:
        raise ValueError(_not_utf8(data, name)) from error
    return io.IncrementalNewlineDecoder(None, translate=True).decode(text, final=True)


def _not_utf8(data: bytes, name: str) -> str:
    for number, line in enumerate(data.split(b"\n"), 1):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError as error:
            byte = line[error.start]
            return (
                f"{name} is not UTF-8: line {number} has the byte 0x{byte:02x}. Save it as UTF-8, or say its encoding "
                "in its first line, for example: # -*- coding: latin-1 -*-"
            )
    return f"{name} is not in the encoding that its first lines name: correct them, or save it as UTF-8."
