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
    run = __import__(f"{_PACKAGE}.run", fromlist=["main"])
    run.main(sys.argv[1:])


if __name__ == "__main__":
    main()
