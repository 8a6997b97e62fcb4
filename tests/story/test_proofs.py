"""The commands that prove a row: fixed words and numbers, and each with what to look for."""

from __future__ import annotations

import re
import shlex

import pytest

from netsim.model.world import Row
from netsim.story.proofs import inside, proofs, spelled_by_ss
from netsim.text.charset import UNICODE
from netsim.text.lines import plain
from netsim.text.proof import Run, command_line, draw_proof, printed
from tests.script import ref, tcp
from tests.story.test_cells import WORLD, row_of
from tests.worlds import build, had, program

LISTENER = row_of(WORLD, 8888)
CONNECTION = row_of(WORLD, 51324, 8888)
LEFT_OVER = row_of(WORLD, 51600, 8888)


def commands(row: Row) -> list[str]:
    return [shlex.join(proof.argv) for proof in proofs(WORLD, row)]


def test_a_listeners_commands() -> None:
    assert commands(LISTENER) == [
        "ss -tlnop 'sport = :8888'",
        "lsof -nPw -iTCP:8888 -sTCP:LISTEN",
        "grep -E 'sl|: [^ ]*:22B8 ' /proc/net/tcp",
        "readlink /proc/41233/fd/3",
        "ps -o pid,lstart,comm -p 41233",
    ]


def test_a_connections_commands() -> None:
    assert commands(CONNECTION)[0] == "ss -tanop 'sport = :51324 and dport = :8888'"
    assert commands(CONNECTION)[2] == "grep -E 'sl|: [^ ]*:C87C .*:22B8 ' /proc/net/tcp"
    assert commands(row_of(WORLD, 8888, transport="udp"))[0] == "ss -uanop 'sport = :8888'"


def test_a_row_of_the_kernels_is_proved_by_what_is_not_there() -> None:
    found = proofs(WORLD, LEFT_OVER)
    assert [proof.argv[0] for proof in found] == ["ss", "lsof", "grep", "ps"]  # ps: of who had it
    assert "TIME-WAIT" in found[0].look
    assert "no process" in found[0].look
    assert "inode of 0" in found[2].look
    assert found[3].none.startswith("No line: 41240 is gone")


def test_the_file_number_is_the_one_of_that_socket() -> None:
    assert "readlink /proc/41233/fd/4" in commands(row_of(WORLD, 8888, 51324))


def test_a_stranger_s_files_are_listed() -> None:
    world = build(kernel=(tcp("LISTEN", 9000, inode=5),))
    row = Row(key=row_of(WORLD, 8888).key, state="LISTEN", pids=(77,))
    assert "ls -l /proc/77/fd" in [shlex.join(proof.argv) for proof in proofs(world, row)]


def test_every_word_of_a_command_is_harmless() -> None:
    rows = [slot.row for slot in WORLD.slots if slot.row]
    for proof in (proof for row in rows for proof in proofs(WORLD, row)):
        assert proof.look.endswith((".", "not here."))
        for word in proof.argv:
            assert re.fullmatch(r"[\w/:,=|^*.\[\] -]+", word), word


def test_in_whose_net_they_run() -> None:
    assert inside(WORLD) in (41233, 41240)
    ended = program("server", status="ended")
    assert inside(build(ended)) == 0
    assert inside(build(ended, program("client1"))) == 41240


def test_how_ss_spells_states() -> None:
    assert [spelled_by_ss(state) for state in ("ESTABLISHED", "SYN_RECV", "LISTEN", "FIN_WAIT1")] == [
        "ESTAB", "SYN-RECV", "LISTEN", "FIN-WAIT-1",
    ]  # fmt: skip


# --- the page


def page(*outputs: str | None, chosen: int = 0, width: int = 80, height: int = 24, private: bool = True) -> list[str]:
    runs = [Run(proof, output) for proof, output in zip(proofs(WORLD, LISTENER), outputs, strict=False)]
    lines = draw_proof(LISTENER, runs, chosen, width, height, UNICODE, private=private, now="")
    assert all(len(plain(line)) == width for line in lines)
    assert len(lines) == height
    return [plain(line).rstrip() for line in lines]


def test_each_command_can_be_copied_with_the_way_into_the_net() -> None:
    ss, *_, ps = proofs(WORLD, LISTENER)
    assert command_line(ss, private=True) == "netsim shell -- ss -tlnop 'sport = :8888'"
    assert command_line(ss, private=False) == "ss -tlnop 'sport = :8888'"
    assert command_line(ps, private=True) == "ps -o pid,lstart,comm -p 41233"


def test_real_output_stands_below_its_command() -> None:
    rows = page("State Recv-Q\nLISTEN 0 5 127.0.0.1:8888\n", None)
    at = rows.index(" ► $ netsim shell -- ss -tlnop 'sport = :8888'")
    assert rows[at + 1 : at + 4] == [
        "     State Recv-Q", "     LISTEN 0 5 127.0.0.1:8888", "   Look for LISTEN and pid=41233.",
    ]  # fmt: skip
    assert "     (it runs ..)" in rows


def test_what_is_not_installed_says_so() -> None:
    rows = page("", "lsof: No such file or directory\n")
    assert "     lsof is not installed here: ask for it by that name." in rows
    assert "   It has no line: the row is gone by now." in rows


def test_long_and_hostile_output_stays_inside() -> None:
    rows = page("head\n" + "x" * 200 + "\x1b[2J\u202e", "\n".join(map(str, range(500))), chosen=1, height=40)
    assert not any(char in row for row in rows for char in "\x1b\u202e")
    assert any(r"\x1b[2J" in row for row in rows)
    assert "     (and 488 more lines)" in rows


@pytest.mark.parametrize("chosen", range(5))
@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 30), (200, 50)])
def test_the_chosen_command_is_to_be_seen(chosen: int, width: int, height: int) -> None:
    rows = page(*["head\n" + "line\n" * 5] * 5, chosen=chosen, width=width, height=height)
    assert sum(row.startswith(" ►") for row in rows) == 1
    assert rows[-2].startswith(" SPACE  back to the table" if chosen == 4 else " SPACE  the next command")


def test_ss_words_stand_on_the_page_once() -> None:
    rows = page("", "", "", "", "", chosen=4, height=50)
    assert sum("SYN_RECV is SYN-RECV" in row for row in rows) == 1


def test_nothing_printed_yet() -> None:
    assert printed(Run(proofs(WORLD, LISTENER)[0])) == ["(it runs ..)"]


def test_a_restart_is_told_by_ps() -> None:
    world = build(
        program("server", pid=41302, former_pids=(41233,), sockets=(ref(3, 60, 8888),)),
        kernel=(tcp("LISTEN", 8888, inode=60, send=5),),
        remembered=had(8888, 41233),
    )
    last = proofs(world, row_of(world, 8888))[-1]
    assert last.argv == ("ps", "-o", "pid,lstart,comm", "-p", "41302,41233")
    assert last.look == "41233 is not there any more, 41302 started later: the port is the same."
