"""What the program sees around it is what `python program.py` gives it."""

from __future__ import annotations

import ast
import resource
import subprocess
from pathlib import Path

import psutil
import pytest

from netsim.model.events import ProgramPrinted
from tests.lab.endpoint_driver import FOLDER, PYTHON, Endpoint


def test_it_says_who_it_is() -> None:
    with Endpoint("import os\nprint(os.getpid(), os.readlink('/proc/self'))\n", who="udpclient12") as endpoint:
        endpoint.run()
        assert endpoint.hello == {
            "type": "Hello", "who": "udpclient12", "pid": endpoint.pid, "inner_pid": endpoint.pid,
        }  # fmt: skip
        assert {event.who for event in endpoint.events} == {"udpclient12"}
        assert endpoint.printed() == f"{endpoint.pid} {endpoint.pid}\n"


def test_its_name_is_at_most_15_bytes_long() -> None:
    with Endpoint("import socket; socket.socket()\n", who="averylongname") as endpoint:
        endpoint.stopped()
        assert psutil.Process(endpoint.pid).name().startswith("netsim-averylon")
        assert Path(f"/proc/{endpoint.pid}/comm").read_text() == "netsim-averylon\n"


def test_files_are_numbered_as_ever() -> None:
    text = "import os, socket\nprint(sorted(map(int, os.listdir('/proc/self/fd'))))\nprint(socket.socket())\n"
    with Endpoint(text) as endpoint:
        endpoint.run()
        first, second = endpoint.printed().splitlines()
        assert first == "[0, 1, 2, 3, 200]"  # 3 is the directory, 200 the channel
        assert second.startswith("<socket.socket fd=3, family=")


def test_its_surroundings_are_those_of_a_plain_python(tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    (tmp_path / "stops.py").write_text("print('the program has a module of its own, named like one of ours')\n")
    text = """
import json, sys
'''a string'''
import stops
print(__name__, __file__, __package__, __spec__, __cached__, __doc__, __builtins__.__name__)
print(sorted(vars()))
print(sys.argv, sys.path[0], sys.modules['__main__'].__dict__ is globals())
print([name for name in sys.modules if name.startswith('netsim') or name == 'endpoint'])
print(sys.stdout.encoding, sys.stdout.name, sys.stdout.mode, sys.stdout.fileno(), type(sys.stdout).__name__)
print(sys.stderr.fileno(), sys.stdin.read() == '', sys.stdout is sys.__stdout__, sys.getrecursionlimit())
import pickle
class A: pass
print(type(pickle.loads(pickle.dumps(A()))) is A)
if __name__ == "__main__":
    print("main")
"""
    path.write_text(text)
    with Endpoint(text, str(path)) as endpoint:
        assert endpoint.run().error is None
    plain = subprocess.run(
        [PYTHON, str(path)], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, timeout=120
    )
    assert endpoint.printed() == plain.stdout


# --- print


def test_prints_are_told_line_by_line_and_in_chunks() -> None:
    text = """
import sys
print('a', 'b', 3)
print('one\\ntwo')
print('err', file=sys.stderr)
sys.stdout.write('x' * 100_000 + '\\n')
sys.stdout.buffer.write('é€𝄞'.encode() * 5000); sys.stdout.flush()
print('\\udc80 and \\ud83d')
print('bye', end='')
"""
    with Endpoint(text) as endpoint:
        endpoint.run()
        events = endpoint.all(ProgramPrinted)
        assert [event.text for event in events[:2]] == ["a b 3\n", "one\ntwo"]
        assert endpoint.printed("stderr") == "err\n"
        assert max(len(event.text.encode()) for event in events) <= 4100
        assert endpoint.printed() == (
            "a b 3\none\ntwo\n" + "x" * 100_000 + "\n" + "é€𝄞" * 5000 + "\\udc80 and \\ud83d\nbye"
        )


def test_a_megabyte_in_a_loop() -> None:
    with Endpoint("for i in range(20_000):\n    print(str(i) * 10)\n") as endpoint:
        endpoint.run()
        assert endpoint.printed() == "".join(f"{str(i) * 10}\n" for i in range(20_000))


def test_threads_may_print_at_once() -> None:
    text = """
import threading
def talk(n):
    for i in range(200):
        print(f'{n}' * 50)
threads = [threading.Thread(target=talk, args=(n,)) for n in range(4)]
for each in threads: each.start()
for each in threads: each.join()
"""
    with Endpoint(text) as endpoint:
        endpoint.run()
        assert sorted(endpoint.printed().split()) == sorted(str(n) * 50 for n in range(4) for _ in range(200))


def test_a_program_may_do_what_it_likes_with_its_streams() -> None:
    text = """
import contextlib, io, sys
with contextlib.redirect_stdout(io.StringIO()) as f: print('caught')
sys.stdout.reconfigure(line_buffering=False)
print('kept back'); print('again')
out = sys.stdout
sys.stdout = None
print('nowhere')
import socket; socket.socket()
sys.stdout = out
print(f.getvalue())
sys.stdout.close()
sys.stderr.close()
"""
    with Endpoint(text) as endpoint:
        endpoint.stopped()
        assert endpoint.printed() == ""
        assert endpoint.run().error is None
        assert endpoint.printed() == "kept back\nagain\ncaught\n\n"
        assert endpoint.exit_status() == 0


# --- the rest


def test_nothing_but_the_standard_library_is_imported() -> None:
    text = """
import os, sys
print([os.path.dirname(os.__file__)])
print([getattr(m, '__file__', None) for m in sys.modules.values() if m.__name__ != '__main__'])
"""
    with Endpoint(text) as endpoint:
        endpoint.run()
        (library,), files = map(ast.literal_eval, endpoint.printed().splitlines())
    strange = [each for each in files if each and not each.startswith((library, str(FOLDER)))]
    assert strange == []
    assert not [each for each in files if each and "site-packages" in each]


def test_it_works_with_few_file_descriptors() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, before[1]))
    try:
        endpoint = Endpoint("import socket\nprint(socket.socket().fileno())\n")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    with endpoint:
        assert endpoint.run().error is None
        assert endpoint.printed() == "3\n"


def test_it_can_be_started_as_a_file_too_and_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER.parent)
    for name in ("endpoint", "endpoint/__main__.py"):
        monkeypatch.setattr("tests.lab.endpoint_driver.PROGRAM", Path(name))
        with Endpoint("import os\nos.chdir('/')\nos.fork() or os._exit(0)\nos.wait()\n1 / 0\n") as endpoint:
            end = endpoint.run()
            assert "endpoint" not in end.traceback
            assert end.line == 5
