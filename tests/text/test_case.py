"""The case for ports, drawn: each kind of step at three sizes against stored files, and what holds of all of them.

`python -m tests.text.test_case` draws the files anew: look at what changed before it is committed.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from netsim.model.world import Slot
from netsim.story.case import Proof
from netsim.text.case import Sizes, draw_case
from netsim.text.case_books import answer_text, by_pid, by_port
from netsim.text.charset import ASCII, UNICODE, Charset, cells
from netsim.text.lines import Line, plain
from tests.case_story import STEPS, story
from tests.text.test_snapshots import FOLDER, LETTERS, SIZES

LAST = len(STEPS) - 1
STORED = (1, 2, 4, 6, 8, 9, 11, 13, 15, LAST)
EVERY_SIZE = pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
NETS = pytest.mark.parametrize("private", [True, False], ids=["private", "host"])


def draw(step: int, size: tuple[int, int], charset: Charset = UNICODE, *, private: bool = True) -> list[Line]:
    case = story(step, private=private)
    return draw_case(case, *size, charset, now=max(world.at for world in case.worlds.values()))


def text(lines: list[Line]) -> str:
    return "\n".join(plain(line) for line in lines)


def snapshot(step: int, size: tuple[int, int]) -> str:
    """Each row's text, and below it a letter for each cell's style."""
    rows = []
    for line in draw(step, size):
        rows.append(plain(line).rstrip())
        rows.append(("~" + "".join(LETTERS[span.style] * len(span.text) for span in line)).rstrip())
    return "\n".join(rows) + "\n"


def path_of(step: int, size: tuple[int, int]) -> Path:
    return FOLDER / f"case-{step}-{size[0]}x{size[1]}.txt"


@EVERY_SIZE
@pytest.mark.parametrize("step", STORED)
def test_a_step_looks_as_it_was_stored(step: int, size: tuple[int, int]) -> None:
    assert snapshot(step, size) == path_of(step, size).read_text("utf-8")


@NETS
@EVERY_SIZE
@pytest.mark.parametrize("step", range(LAST + 1))
def test_every_step_fills_the_screen_and_has_one_thing_in_reverse(
    step: int, size: tuple[int, int], private: bool
) -> None:
    for charset in (UNICODE, ASCII):
        lines = draw(step, size, charset, private=private)
        assert len(lines) == size[1]
        assert {cells(plain(line)) for line in lines} == {size[0]}
        assert [span.text for line in lines for span in line if span.style == "next"] == ["SPACE"]
        assert charset is UNICODE or text(lines).isascii()


@pytest.mark.parametrize("height", range(24, 80))
def test_every_row_belongs_to_a_part(height: int) -> None:
    sizes = Sizes.of(height)
    assert min(sizes) >= 4
    assert len(draw(4, (80, height))) == height


class TestBooks:
    def test_both_books_begin_with_one_entry_that_was_not_tried(self) -> None:
        shown = text(draw(0, (80, 24)))
        assert "8888  not tried yet" in shown
        assert "41233  not asked yet" in shown

    def test_an_answer_of_before_the_restart_is_not_shown_as_one_of_now(self) -> None:
        shown = text(draw(2, (80, 24)))
        assert "41233  ended; not asked again yet" in shown
        assert "alive" not in shown

    def test_twelve_pids_in_six_rows(self) -> None:
        shown = text(draw(4, (80, 24)))
        assert "12 of 12" in shown
        assert ".. 8 more  all ProcessLookupError" in shown
        assert "1 of 12" in shown

    @pytest.mark.parametrize("height", [5, 6, 9, 12, 13, 20])
    def test_as_many_pids_as_there_is_room_for(self, height: int) -> None:
        lines = [plain(line) for line in by_pid(story(4), 40, height, UNICODE)]
        assert len(lines) == height
        hidden = next((int(line.split()[1]) for line in lines if line.startswith(" .. ")), 0)
        pids = [line for line in lines if line.split()[:1] and line.split()[0].isdigit()]
        assert len(pids) + hidden == 12

    def test_the_fork_is_named_and_who_took_whom(self) -> None:
        case = story(8)
        pids = "\n".join(plain(line) for line in by_pid(case, 40, 6, UNICODE))
        ports = "\n".join(plain(line) for line in by_port(case, 39, 6, UNICODE))
        assert f"{case.pid('server.1')}  alive  (its fork)" in pids
        assert f"→  PID {case.pid('server.1')}" in ports
        assert "2 of 2" in ports

    def test_what_os_kill_may_say(self) -> None:
        probe = story(1).record.probes[0]
        assert answer_text(None) == "not asked yet"
        assert answer_text(replace(probe, errno="ESRCH")) == "ProcessLookupError"
        assert answer_text(replace(probe, errno="EPERM")) == "alive, another user's"
        assert answer_text(replace(probe, same=False)) == "another process now"
        assert answer_text(replace(probe, zombie=True)) == "ended, not reaped"
        assert answer_text(replace(probe, failure="no")) == "can't be asked"


class TestRows:
    def test_a_forked_listener_has_one_row_with_both_pids_as_ss_has_it(self) -> None:
        case = story(7)
        rows = [line for line in text(draw(7, (80, 24))).splitlines() if " LISTEN " in line]
        assert len(rows) == 1
        assert f"{case.pid()} {case.pid('server.1')}" in rows[0]
        assert "2 processes" in rows[0]

    def test_siblings_have_a_row_each(self) -> None:
        case = story(9)
        rows = [line for line in text(draw(9, (80, 24))).splitlines() if " LISTEN " in line]
        assert len(rows) == 2
        assert str(case.pid("server")) in rows[0]
        assert str(case.pid("server2")) in rows[1]

    def test_the_kernel_s_own_rows_have_no_pid(self) -> None:
        shown = text(draw(11, (80, 24)))
        assert "FIN_WAIT2" in shown
        assert "LAST_ACK" in shown
        assert "58 s left" in text(draw_case(story(12), 80, 24, UNICODE, now=story(12).worlds["here"].at - 0.5))

    def test_the_other_machine_s_rows_are_set_apart(self) -> None:
        assert "ANOTHER MACHINE" in text(draw(14, (80, 24)))
        assert "THE OTHER SERVER" in text(draw(14, (80, 24), private=False))

    def test_each_lab_s_time_runs_by_its_own_clock(self) -> None:
        case = story(14)
        there = case.worlds["there"]
        row = there.slots[0].row
        assert row is not None
        left = replace(row, pids=(), whose="kernel", expires_at=there.at + 58.0)
        case = replace(case, worlds={**case.worlds, "there": replace(there, slots=(Slot(left),))})
        shown = text(draw_case(case, 120, 36, UNICODE, now=there.at + 57.0, now_there=there.at))
        assert "58 s left" in shown


class TestVerdict:
    def test_every_claim_has_its_command_and_what_that_printed(self) -> None:
        rows = text(draw(LAST, (80, 24))).splitlines()
        commands = [row for row in rows if row.startswith("     $ ")]
        assert len(commands) == 5
        assert sum(row.startswith((" 1 ok", " 2 ok", " 3 ok", " 4 ok", " 5 ok")) for row in rows) == 5
        assert any(row.startswith(" TIME-WAIT 0 0 127.0.0.1:8888") for row in rows)

    def test_nothing_of_it_reaches_the_terminal_unescaped(self) -> None:
        case = story(LAST)
        proofs = {**case.proofs, 2: Proof(case.proofs[2].check, "\x1b[2J evil\nsecond\nthird\nfourth\nfifth")}
        shown = text(draw_case(replace(case, proofs=proofs), 80, 24, UNICODE, now=0.0))
        assert "\x1b" not in shown
        assert "\\x1b[2J evil" in shown
        assert "(+" in shown

    def test_what_could_not_be_run_is_said(self) -> None:
        shown = text(draw_case(replace(story(LAST), proofs={}), 80, 24, UNICODE, now=0.0))
        assert shown.count("(it could not be run here)") == 5


if __name__ == "__main__":
    for each in STORED:
        for wanted in SIZES:
            path_of(each, wanted).write_text(snapshot(each, wanted), "utf-8")
