"""The endpoint's first lines: they give its modules a name that no program has, and begin.

A program may have modules of its own called `stops` or `endpoint`; they must not be taken for ours, nor ours for them.
"""

from __future__ import annotations

import os
import sys

_PACKAGE = "_netsim_endpoint"


def main() -> None:
    """Make a package of this folder, under a private name, and run what its command line asks for."""
    folder = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [each for each in sys.path if os.path.abspath(each) != folder]  # `python FOLDER` has put it there
    package = type(sys)(_PACKAGE)
    package.__path__ = [folder]
    sys.modules[_PACKAGE] = package
    _import_bdb()
    run = __import__(f"{_PACKAGE}.run", fromlist=["main"])
    run.main(sys.argv[1:])


def _import_bdb() -> None:
    """bdb, without inspect: of that it takes three numbers, and it would bring in the parser's and disassembler's side.

    A third of what an endpoint imports. A program that imports inspect gets the real one, then.
    """
    if "inspect" in sys.modules:
        return
    numbers = type(sys)("inspect")
    numbers.__dict__.update(CO_GENERATOR=0x20, CO_COROUTINE=0x80, CO_ASYNC_GENERATOR=0x200)  # code.h of Python
    sys.modules["inspect"] = numbers
    try:
        import bdb  # noqa: F401
    except ImportError:
        pass  # another Python's takes more: who needs it will import it, with all of that
    finally:
        del sys.modules["inspect"]


if __name__ == "__main__":
    main()
