"""All benchmarks, one table: `python -m tests.benchmarks [--quick] [--markdown] [NAME ...]`.

A name is a part of a module's: `ports` is bench_ports. The exit status is 1 if a limit does not hold. Take the machine
for yourself meanwhile: ratios bear other people's load, times do not.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from tests.benchmarks.rows import Row, as_markdown, as_text, machine

PARTS = (
    "first_frame", "key_to_frame", "slow_line", "bytes", "lab_start", "gate", "ports", "fold", "thirty_labs",
    "thirty_screens", "endings",
)  # fmt: skip


def main() -> int:
    """Run those that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="All benchmarks, one table.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these: {', '.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help="fewer rounds: a third of the time")
    parser.add_argument("--markdown", action="store_true", help="the table as the README has it")
    options = parser.parse_args()
    chosen = [part for part in PARTS if not options.names or any(name in part for name in options.names)]
    if not chosen:
        parser.error(f"there are {', '.join(PARTS)}")
    head = machine()
    rows: list[Row] = []
    failed = False
    for part in chosen:
        begun = time.monotonic()
        try:
            found: list[Row] = importlib.import_module(f"tests.benchmarks.bench_{part}").rows(options.quick)
        except (Exception, SystemExit) as error:  # one that can't run here is told, and the others go on
            print(f"{part}: {type(error).__name__}: {error}", file=sys.stderr)
            failed = True
            continue
        rows += found
        print(f"{part}: {time.monotonic() - begun:.0f} s", file=sys.stderr)
    print(f"{head}\n")
    print(as_markdown(rows) if options.markdown else as_text(rows))
    return int(failed or not all(row.holds for row in rows))


if __name__ == "__main__":
    sys.exit(main())
