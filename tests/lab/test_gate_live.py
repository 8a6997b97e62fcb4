"""The gate on the live kernel: every scenario of `gate_inside`, each in a fresh process (unshare can't be undone)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from netsim.lab.nftables import GateError
from netsim.lab.packetqueue import PacketQueue
from tests.lab.gate_inside import NO_GATE, SCENARIOS

ROOT = Path(__file__).parent.parent.parent
ONLY_ROOT = "without_a_user_namespace"

pytestmark = pytest.mark.needs_namespaces


def run(name: str) -> None:
    command = [sys.executable, "-m", "tests.lab.gate_inside", name]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    if ended.returncode == NO_GATE:
        pytest.skip(ended.stderr.strip())
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize("name", [name for name in SCENARIOS if name != ONLY_ROOT])
def test_live(name: str) -> None:
    run(name)


@pytest.mark.as_root
def test_root_needs_no_user_namespace() -> None:
    run(ONLY_ROOT)


@pytest.mark.as_user
def test_the_machines_own_net_has_no_queue_for_an_ordinary_user() -> None:
    assert os.geteuid()
    with pytest.raises(GateError, match="queue 60123: bind: EPERM"):
        PacketQueue(60123)
