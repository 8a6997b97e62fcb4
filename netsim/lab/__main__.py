"""The lab's process: `python -I -S .../netsim/lab/__main__.py`, as LabClient starts it; also `python -m netsim.lab`.

Options come in pairs. `--paths` are the folders in which netsim, msgspec and psutil are: with -I and -S it starts fast
and wherever it is started, and does not look for them.
"""

from __future__ import annotations

import os
import sys
import time


def main(arguments: list[str]) -> None:
    """Be the lab, until standard input ends. Does not return."""
    started = time.monotonic()
    options = dict(zip(arguments[::2], arguments[1::2], strict=True))
    # Behind the standard library: nothing in those folders can take the place of one of its modules.
    sys.path += [each for each in options.get("--paths", "").split(os.pathsep) if each and each not in sys.path]

    # msgspec would take it for names that typing has, too; it brings in inspect, together 10 ms.
    sys.modules.setdefault("typing_extensions", None)  # type: ignore[arg-type]

    from netsim.lab import containment

    mode = options.get("--containment", "auto")
    if mode not in containment.MODES:
        raise SystemExit(f"netsim: --containment is one of {', '.join(containment.MODES)}, not {mode}")
    net = options.get("--net", "host")
    if net not in containment.NETS:
        raise SystemExit(f"netsim: --net is one of {', '.join(containment.NETS)}, not {net}")

    def host(found: containment.Containment, life: int) -> int:
        from netsim.lab import children
        from netsim.lab import host as lab_host

        endpoint = options.get("--endpoint", children.ENDPOINT)
        return lab_host.main(int(options.get("--port", "8888")), endpoint, found, started, life)

    containment.run(mode, net, host)


if __name__ == "__main__":
    main(sys.argv[1:])
