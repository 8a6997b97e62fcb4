"""The calm profile on kernels that lack some of it, played by a folder in place of /proc/sys."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from netsim.lab import calm, routes
from netsim.lab.calm import Setting


@pytest.fixture
def sysctls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A /proc/sys whose kernel can do nothing yet. Routes can't be changed on it."""

    def refuse(_route: str, _rto_min: int) -> None:
        raise PermissionError(errno.EPERM, "no")

    monkeypatch.setattr(calm, "_SYSCTLS", tmp_path)
    monkeypatch.setattr(routes, "set_metrics", refuse)
    (tmp_path / "net/ipv4").mkdir(parents=True)
    return tmp_path / "net/ipv4"


@pytest.mark.parametrize(("capped", "timestamps"), [(True, "1"), (False, "0")])
def test_timestamps_only_where_retransmissions_have_a_cap(sysctls: Path, *, capped: bool, timestamps: str) -> None:
    (sysctls / "tcp_timestamps").touch()
    if capped:
        (sysctls / "tcp_rto_max_ms").touch()
    else:
        (sysctls / "tcp_rto_max_ms").mkdir()  # can't be written
    done = {each.name: each for each in calm.calm_down()}
    assert done["net.ipv4.tcp_timestamps"] == Setting("net.ipv4.tcp_timestamps", timestamps)
    assert (sysctls / "tcp_timestamps").read_text() == timestamps
    assert done["net.ipv4.tcp_rto_max_ms"].errno == (None if capped else errno.EISDIR)


def test_what_can_not_be_set_is_said(sysctls: Path) -> None:
    (sysctls / "tcp_congestion_control").mkdir()
    done = {each.name: each.errno for each in calm.calm_down()}
    assert done["net.ipv4.tcp_syn_retries"] is None
    assert done["net.ipv4.tcp_congestion_control"] == errno.EISDIR
    assert [done[f"route {route}"] for route in routes.ROUTES] == [errno.EPERM] * 3


def test_a_folder_that_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calm, "_SYSCTLS", tmp_path)
    assert calm.write("net.ipv6.conf.lo.disable_ipv6", 0).errno == errno.ENOENT
