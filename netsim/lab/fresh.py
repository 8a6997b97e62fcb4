"""A fresh process of ours: Python with one module of this folder, started fast and wherever netsim was installed.

Law: it has one thread, no settings of the user's Python (-I) and no site-packages (-S): what it may import is in the
folders in which netsim, msgspec and psutil are, and those stand behind the standard library.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path

# msgspec would take typing_extensions for names that typing has too, and that brings in inspect: 10 ms.
_BEGIN = (
    "import sys, importlib; sys.path += sys.argv[2].split(sys.argv[1]); sys.modules['typing_extensions'] = None; "
    "sys.exit(importlib.import_module('netsim.lab.' + sys.argv[3]).main(sys.argv[4:]))"
)


def command(module: str, *arguments: str) -> list[str]:
    """The command line that calls `main(arguments)` of that module; what this returns is the exit status."""
    paths = os.pathsep.join(_paths())
    return [sys.executable, "-I", "-S", "-c", _BEGIN, os.pathsep, paths, module, *arguments]


def _paths() -> list[str]:
    """Where netsim, msgspec and psutil are imported from."""
    found = [str(Path(__file__).resolve().parent.parent.parent)]
    for name in ("msgspec", "psutil"):
        spec = find_spec(name)
        if spec and spec.origin:
            found.append(str(Path(spec.origin).resolve().parent.parent))
    return list(dict.fromkeys(found))
