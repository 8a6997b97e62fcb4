"""Who lives in the lab: every endpoint's process is listened to, and its end is told after its last word."""

from __future__ import annotations

import os
import select
import signal
from collections import defaultdict
from itertools import chain, count
from typing import TYPE_CHECKING

from netsim.lab import children, procfs
from netsim.lab.children import Child, Ended, Pipe
from netsim.lab.reports import Reports
from netsim.model.events import ProcessContinued, ProcessExited, ProcessPaused, ProgramPrinted

if TYPE_CHECKING:
    from netsim.lab.host import Host


class Family:
    """The endpoints by name, the last process of each. What a program forks is one more of them: "server.1"."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._reports = Reports(host)
        self.members: dict[str, Child] = {}
        self._forks: defaultdict[str, count[int]] = defaultdict(lambda: count(1))  # of each, numbered
        self._woken, wake = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(wake, False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        host.watch(self._woken, self._take_exits)

    @property
    def living(self) -> list[Child]:
        """Those whose process has not ended."""
        return [child for child in self.members.values() if not child.exited]

    def ports(self) -> frozenset[int]:
        """The lab's ports: its own, and every local one that a living endpoint has reported."""
        return frozenset(chain((self._host.port,), *(child.ports for child in self.living)))

    def has(self, inode: int) -> bool:
        """Whether one of the living has this socket open, reported or not."""
        return any(procfs.has_socket(child.pid, inode) for child in self.living if child.pid)

    def poll(self) -> None:
        """Have those that stand stopped look what is readable now."""
        for child in self.living:
            if child.state == "stopped":
                child.tell(do="poll")

    def adopt(self, child: Child) -> None:
        """Take a process in: listen to it, and see its end."""
        self.members[child.who] = child
        self._host.watch(child.channel, lambda: self._take_reports(child), turn=1)
        for pipe in child.pipes:
            self._listen(child, pipe)
        if child.forked and child.pidfd is not None:
            self._host.watch(child.pidfd, lambda: self._take_fork_exit(child))

    def name_for_fork(self, parent: Child) -> str:
        """The next name, never one that another child has had: each is told of by its own, also once it is gone."""
        return f"{parent.who}.{next(self._forks[parent.who])}"

    def kill(self) -> None:
        """SIGKILL to all of them; who calls this is about to end, too."""
        for child in self.living:
            child.send_signal(signal.SIGKILL)

    def _listen(self, child: Child, pipe: Pipe) -> None:
        self._host.watch(pipe, lambda: self._take_output(child, pipe), turn=1)

    def _take_reports(self, child: Child) -> None:
        for line in child.channel.receive():
            self._reports.take(child, line)
        if child.channel.ended:
            self._host.forget(child.channel)
            if child.forked and child.pidfd is None:  # the only sign of its end that there is
                self._gone(child, None)

    def _take_output(self, child: Child, pipe: Pipe) -> None:
        text = pipe.receive()
        if text:
            self._host.printing.take(
                child,
                ProgramPrinted(
                    at=self._host.now(),
                    who=child.who,
                    pid=child.pid,
                    inner_pid=child.inner_pid,
                    stream=pipe.stream,
                    text=text,
                ),
            )
        if pipe.ended:  # perhaps long after the process: what it has started may still have the pipe
            self._host.forget(pipe)
            pipe.close()
            child.pipes.remove(pipe)

    def _take_exits(self) -> None:
        os.read(self._woken, 4096)
        for child in self.living:
            for news in () if child.forked else children.news_of(child):
                if isinstance(news, Ended):
                    self._gone(child, news.status)
                else:
                    self._paused(child, "" if news == "continued" else news.name)

    def _take_fork_exit(self, child: Child) -> None:
        status = procfs.exit_status(child.pid, child.pidfd) if child.pidfd is not None else None
        self._gone(child, status)

    def _paused(self, child: Child, by: str) -> None:
        """A signal from outside has stopped the whole process, or ("") SIGCONT has let it go on."""
        self._host.printing.flush(child)
        child.paused, child.told = by, None
        at, who, pid, inner_pid = self._host.now(), child.who, child.pid, child.inner_pid
        if by:
            self._host.emit(ProcessPaused(at=at, who=who, pid=pid, inner_pid=inner_pid, signal=by))
        else:
            self._host.emit(ProcessContinued(at=at, who=who, pid=pid, inner_pid=inner_pid))

    def _gone(self, child: Child, status: int | None) -> None:
        """A process has ended: first what it has said, to the last word, then that."""
        while not child.channel.ended and child.channel.has_input():
            for line in child.channel.receive():
                self._reports.take(child, line)
        for pipe in list(child.pipes):
            while not pipe.ended and select.select([pipe], [], [], 0)[0]:
                self._take_output(child, pipe)
        self._reports.introduce(child)  # if it died before it could
        self._host.printing.flush(child)
        child.exited = True
        self._host.forget(child.channel)
        if child.pidfd is not None:
            self._host.forget(child.pidfd)
        child.close()
        self._host.emit(
            ProcessExited(at=self._host.now(), who=child.who, pid=child.pid, inner_pid=child.inner_pid, status=status)
        )
        self._host.sampler.look()
        self._host.stir()
