"""`netsim shell`: a second terminal's way into the net of a running lab, as the same user, leaving nothing of ours."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from msgspec.structs import replace

from netsim.lab import entering, running
from netsim.lab.client import LabClient
from netsim.lab.running import choose, lab_of, running_labs
from netsim.lab.steps import StepError
from netsim.model.events import OwnersObserved, PacketHeld
from netsim.model.running import RunningLab
from tests.lab.endings import our_nets
from tests.lab.hostkit import STUB, Lab, is_root, until
from tests.processes import outliving
from tests.terminal import Terminal

ROOT = Path(__file__).parent.parent.parent
NETSIM = [sys.executable, "-m", "netsim", "shell"]
NO_WAY_IN = 125
# Root's lab has no user namespace of its own, unless asked for; an ordinary user's always has.
MODES = ["auto", "user+pid"] if is_root() else ["auto"]

pytestmark = [pytest.mark.usefixtures("no_leaks"), pytest.mark.needs_namespaces]


@pytest.fixture(params=MODES)
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """A lab in a private net, whose server listens on port 8888."""
    with Lab(LabClient(8888, "private", containment=request.param, endpoint=STUB)) as lab:
        lab.begin("server")
        lab.step_past("server", "listen")
        yield lab


def shell(lab: Lab, *command: str) -> subprocess.CompletedProcess[str]:
    """Run one command in the lab's net."""
    return subprocess.run(
        [*NETSIM, "--lab", str(lab.client.pid), *(["--", *command] if command else [])],
        cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def found(lab: Lab) -> RunningLab:
    return next(each for each in running_labs() if each.pid == lab.client.pid)


def python(code: str) -> tuple[str, str, str]:
    return (sys.executable, "-c", code)


# --- inside


@pytest.mark.needs_ss
def test_ss_sees_the_labs_sockets_and_their_pids(lab: Lab) -> None:
    server = lab.processes()["netsim-server"].pid
    ended = shell(lab, "ss", "-tanpH")
    assert (ended.returncode, ended.stderr) == (0, "")
    (line,) = ended.stdout.splitlines()
    assert "LISTEN" in line
    assert "127.0.0.1:8888" in line
    assert f'("netsim-server",pid={server},' in line


def test_it_is_the_same_user_and_the_machines_pids(lab: Lab) -> None:
    code = "import os; print(os.getuid(), os.getgid(), os.getpid() == int(os.readlink('/proc/self')), os.getcwd())"
    assert shell(lab, *python(code)).stdout == f"{os.getuid()} {os.getgid()} True {ROOT}\n"
    spaces = shell(lab, "readlink", "/proc/self/ns/net", "/proc/self/ns/pid").stdout.split()
    assert spaces == [os.readlink(f"/proc/{found(lab).host}/ns/net"), os.readlink("/proc/self/ns/pid")]


def test_the_status_is_the_commands(lab: Lab, tmp_path: Path) -> None:
    assert shell(lab, "sh", "-c", "exit 7").returncode == 7
    assert shell(lab, "sh", "-c", "kill -9 $$").returncode == -signal.SIGKILL
    nowhere = shell(lab, "no-such-command")
    assert (nowhere.returncode, nowhere.stderr) == (127, "no-such-command: No such file or directory\n")
    (tmp_path / "text").touch()
    assert shell(lab, str(tmp_path / "text")).returncode == 126


def test_a_broken_pipe_ends_a_command_as_in_any_shell(lab: Lab) -> None:
    """Python ignores SIGPIPE; a command that is executed must not."""
    assert shell(lab, *python("import signal; print(signal.getsignal(signal.SIGPIPE))")).returncode == 0
    assert shell(lab, "grep", "SigIgn", "/proc/self/status").stdout.split()[1] == "0" * 16


def test_one_may_look_at_packets_there_and_only_there(lab: Lab) -> None:
    look = "import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 3).bind(('lo', 0)); print('may look')"
    assert shell(lab, *python(look)).stdout == "may look\n"
    if not is_root():
        here = subprocess.run(python(look), capture_output=True, text=True, check=False)
        assert "PermissionError" in here.stderr
        powers = shell(lab, "grep", "CapEff", "/proc/self/status").stdout.split()[1]
        assert int(powers, 16) == 1 << 13  # CAP_NET_RAW


def test_a_strangers_client_is_held_and_seen_with_its_pid_and_name(lab: Lab) -> None:
    if not lab.started.gate:
        pytest.skip(f"no packets are held here: {lab.started.gate_because}")
    code = "import socket, sys; s = socket.create_connection(('127.0.0.1', 8888)); print('through')"
    command = [*NETSIM, "--lab", str(lab.client.pid), "--", *python(code)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as client:
        lab.wait(PacketHeld)
        told = lab.wait(OwnersObserved, lambda event: any(owner.pid == client.pid for owner in event.owners))
        (owner,) = [each for each in told.owners if each.pid == client.pid]
        assert (owner.state, owner.name) == ("SYN_SENT", psutil.Process(client.pid).name())
        client.kill()


def test_from_inside_one_gets_no_further_in(lab: Lab) -> None:
    ended = shell(lab, *NETSIM, "--lab", str(lab.client.pid), "--", "echo", "still here")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "still here\n", "")


def test_a_pid_of_anything_in_the_lab_will_do(lab: Lab) -> None:
    everything = running_labs()
    for name, process in lab.processes().items():
        assert lab_of(process.pid, everything) == replace(found(lab), age=lab_of(process.pid, everything).age), name  # type: ignore[union-attr]
    assert lab_of(1, everything) is None
    ended = subprocess.run([*NETSIM, "--lab", "1", "--", "true"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == NO_WAY_IN
    assert ended.stderr.startswith("PID 1 is no running lab of yours")


def test_what_is_known_of_it(lab: Lab) -> None:
    told = found(lab)
    assert (told.net, told.port, told.uid) == ("private", 8888, os.geteuid())
    assert told.host == lab.processes()["netsim-host"].pid
    assert 0 <= told.age < 60


# --- a shell


def test_a_shell_says_where_one_is_and_how_to_leave(lab: Lab) -> None:
    command = [*NETSIM, "--lab", str(lab.client.pid)]
    with Terminal(command, cwd=ROOT, env={"SHELL": "/bin/sh", "ENV": None, "NETSIM_LAB": None}) as shown:
        shown.wait_for(r"You are in the net of lab \d+\.")
        shown.wait_for(r"The server has port 8888\.")
        shown.wait_for(r"exit or ctrl\+d leaves")
        shown.wait_for(rf"\(netsim {lab.client.pid}\) \$")
        shown.type("readlink /proc/self/ns/net\n")
        shown.wait_for(os.readlink(f"/proc/{found(lab).host}/ns/net").replace("[", r"\[").replace("]", r"\]"))
        shown.type("exit 3\n")
        assert shown.wait_for_end() == 3


def test_what_runs_there_outlives_the_lab_and_nothing_of_ours_does(lab: Lab) -> None:
    command = [*NETSIM, "--lab", str(lab.client.pid), "--", "cat"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as there:
        process = psutil.Process(there.pid)
        until(lambda: process.name() == "cat")
        net = os.readlink(f"/proc/{there.pid}/ns/net")
        assert net == os.readlink(f"/proc/{found(lab).host}/ns/net")
        ours = list(lab.processes().values())
        lab.client.close()
        assert outliving(ours) == []
        assert process.is_running()
        assert process.uids().real == os.getuid()
        assert os.readlink(f"/proc/{there.pid}/ns/net") == net  # kept alive by this process alone
        output, _ = there.communicate(b"still mine\n")
        assert output == b"still mine\n"
    assert net not in our_nets()


def _net(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/ns/net")
    except OSError:
        return ""


def test_packets_pass_once_the_lab_has_ended(lab: Lab) -> None:
    """The gate's rule stays in the net, and has a bypass."""
    code = (
        "import socket, sys; sys.stdin.readline(); listener = socket.create_server(('127.0.0.1', 0));"
        "client = socket.create_connection(listener.getsockname(), timeout=5); print('through')"
    )
    command = [*NETSIM, "--lab", str(lab.client.pid), "--", *python(code)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as there:
        until(lambda: _net(there.pid) == os.readlink(f"/proc/{found(lab).host}/ns/net"))
        lab.client.close()
        assert there.communicate("go\n")[0] == "through\n"


# --- the machine's own net


def test_in_the_host_net_no_shell_is_needed(free_port: int) -> None:
    with Lab(LabClient(free_port, endpoint=STUB)) as lab:
        lab.begin("server")
        lab.step_past("server", "listen")
        assert found(lab).net == "host"
        ended = shell(
            lab, *python(f"import socket; socket.create_connection(('127.0.0.1', {free_port})); print('there')")
        )
        assert (ended.returncode, ended.stdout) == (0, "there\n")
        assert "no shell is needed" in ended.stderr
        alone = shell(lab)
        assert (alone.returncode, alone.stdout) == (0, "")
        assert f"port {free_port} is the machine's" in alone.stderr


# --- which one


def processes(folder: Path, *rows: tuple[int, str, int]) -> Path:
    """A /proc with these: PID, name, parent."""
    (folder / "uptime").write_text("1000.00 900.00\n")
    for pid, name, parent in rows:
        (folder / str(pid) / "ns").mkdir(parents=True)
        (folder / str(pid) / "stat").write_text(f"{pid} ({name}) S {parent} {'0 ' * 17}{pid * 100} 0 0\n")
        (folder / str(pid) / "cmdline").write_bytes(b"python\0--port\0" + str(8000 + pid).encode() + b"\0")
        (folder / str(pid) / "ns/net").symlink_to("net:[1]" if name != "netsim-host" else f"net:[{pid}]")
    return folder


LAB = ((10, "netsim-lab", 1), (11, "netsim-init", 10), (12, "netsim-host", 11), (13, "netsim-server", 12))
OTHER = ((5, "netsim", 1), (6, "netsim-lab", 5), (7, "netsim-host", 6))
STARTING = ((20, "netsim-lab", 1), (21, "netsim-init", 20))
ODD = ((30, "evil) S 10 (", 12), (31, "netsim-hostess", 1))


def test_one_is_taken(tmp_path: Path) -> None:
    chosen = choose(proc=processes(tmp_path, *LAB, *STARTING, *ODD))
    assert chosen.lab is not None
    assert (chosen.lab.pid, chosen.lab.host, chosen.lab.port, chosen.lab.net) == (10, 12, 8010, "private")
    assert chosen.lab.age == pytest.approx(990)


def test_of_several_none_is_taken_and_the_oldest_comes_first(tmp_path: Path) -> None:
    proc = processes(tmp_path, *LAB, *OTHER)
    chosen = choose(proc=proc)
    assert chosen.lab is None
    assert [each.pid for each in chosen.labs] == [6, 10]
    for pid, lab_ in ((13, 10), (7, 6), (5, 6)):  # the last is the netsim that shows it
        chosen = choose(pid, proc)
        assert chosen.lab is not None
        assert chosen.lab.pid == lab_


def test_there_is_none(tmp_path: Path) -> None:
    assert choose(proc=processes(tmp_path, *STARTING, *ODD)).lab is None
    assert running_labs(tmp_path / "nowhere") == ()
    assert running.started(30, tmp_path) == 3000
    assert running.started(4, tmp_path) is None


@pytest.mark.as_root
def test_root_is_not_lured_into_another_users_lab(tmp_path: Path) -> None:
    proc = processes(tmp_path, *LAB)
    for pid in (10, 11, 12, 13):
        os.chown(proc / str(pid), 12345, 12345)
    chosen = choose(proc=proc)
    assert (chosen.lab, chosen.labs, [each.pid for each in chosen.others]) == (None, (), [10])
    assert choose(13, proc).lab == chosen.others[0]


@pytest.mark.as_user
def test_another_users_lab_is_not_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    proc = processes(tmp_path, *LAB)
    me = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    assert choose(proc=proc).lab is None
    assert choose(10, proc).lab is None
    assert choose(proc=proc).others == ()


def test_none_at_all_is_a_clear_sentence_and_a_status() -> None:
    """In a pid namespace with a /proc of its own there is no lab."""
    command = ["unshare", "--user", "--map-current-user", "--pid", "--mount-proc", "--fork", *NETSIM, "--", "true"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == NO_WAY_IN
    assert ended.stderr == "No netsim of yours is running: start one in another terminal, and come back.\n"


# --- no way in


def test_a_lab_that_has_ended(lab: Lab) -> None:
    told = found(lab)
    with pytest.raises(StepError) as later:  # somebody else has that number now
        entering.enter(replace(told, host_started=told.host_started - 1))
    assert later.value.errno == errno.ESRCH
    lab.client.close()
    with pytest.raises(StepError) as gone:
        entering.enter(told)
    assert gone.value.errno == errno.ENOENT


@pytest.mark.as_user
def test_another_users_processes_are_not_entered() -> None:
    began = running.started(1)
    assert began is not None
    with pytest.raises(StepError) as refused:
        entering.enter(RunningLab(pid=1, host=1, host_started=began, net="", port=None, age=0, uid=0))
    assert refused.value.errno == errno.EACCES


def test_setns_tells_the_errno() -> None:
    with socket.socket() as no_namespace, pytest.raises(OSError, match="Invalid argument") as refused:
        entering.setns(no_namespace.fileno(), 0)
    assert refused.value.errno == errno.EINVAL


# --- the command line


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["shell", "ss", "-t"], "put -- before it: netsim shell -- ss -t"),
        (["--", "ss"], "only shell and run take something behind --"),
        (["doctor", "--", "ss"], "only shell and run take something behind --"),
        (["shell", "--lab", "mine"], "invalid int value"),
    ],
)
def test_a_wrong_line_says_what_to_type(arguments: list[str], said: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "netsim", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 2
    assert said in ended.stderr
