"""`python -m netsim` is `netsim`."""

import sys

from netsim.cli import main

if __name__ == "__main__":
    sys.exit(main())
