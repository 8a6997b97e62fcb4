"""The case for ports: each sentence is made of what was seen, and what did not come is not claimed."""

from __future__ import annotations

from itertools import pairwise

import pytest
from msgspec.structs import replace

from netsim.model.events import LabEnded
from netsim.model.fold import fold
from netsim.model.machine import Probed
from netsim.model.world import World
from netsim.story.case import EXHIBITS, Case, answered, begin, give_up, opened, press, saw
from netsim.story.case_counts import servers, shares
from netsim.story.case_proofs import MOST_PIDS, proof
from netsim.story.case_record import HERE, THERE, is_alive, is_gone
from netsim.story.case_steps import steps
from netsim.story.case_words import claims
from netsim.text.case import label, sentence
from netsim.text.case_command import command
from netsim.text.layout import wrapped
from tests.case_story import STEPS, story

LAST = len(STEPS) - 1
LONG_PIDS = 4_123_300  # seven digits: what a 64-bit Linux has at most
NETS = pytest.mark.parametrize("private", [True, False], ids=["private", "host"])


def without(case: Case, *, probes: bool = False, rows: bool = False, attempts: bool = False) -> Case:
    """The same case, and that was not seen."""
    record = case.record
    if probes:
        record = replace(record, probes=())
    if attempts:
        record = replace(record, attempts=(), accepts=())
    worlds = {lab: World() for lab in case.worlds} if rows else case.worlds
    return replace(case, record=record, worlds=worlds)


class TestSteps:
    def test_three_minutes_are_about_fifteen_presses(self) -> None:
        assert len(STEPS) == len(steps(private=True, held=True)) == len(steps(private=False, held=False)) == 17

    def test_the_exhibits_come_in_their_order_and_each_is_announced(self) -> None:
        made = steps(private=True, held=True)
        order = [each.exhibit for each in made]
        assert order == sorted(order)
        assert set(order) == set(range(1, len(EXHIBITS) + 1))
        for before, after in pairwise(made):
            new = before.exhibit != after.exhibit
            assert after.label(story(0)).startswith(f"exhibit {after.exhibit}: ") == new

    @NETS
    @pytest.mark.parametrize("step", range(LAST + 1))
    def test_everything_fits_at_80_columns_with_the_longest_pids(self, step: int, private: bool) -> None:
        case = story(step, private=private, first=LONG_PIDS)
        assert len(wrapped(sentence(case), 78, 9)) <= 2, sentence(case)
        assert len(label(case)) <= 72
        check = case.now.check(case)
        assert check is None or len(command(check)) <= 77, command(check)

    @NETS
    @pytest.mark.parametrize("step", range(LAST))
    def test_each_step_but_the_last_says_how_to_see_the_same_elsewhere(self, step: int, private: bool) -> None:
        case = story(step, private=private)
        check = case.now.check(case)
        assert check is not None
        living = {
            each.pid for world in case.worlds.values() for each in world.endpoints.values() if each.status != "ended"
        }
        assert check.inside in living if private and check.argv[0] == "ss" else check.inside == 0


class TestSentences:
    def test_before_anything_was_tried_both_numbers_are_named(self) -> None:
        assert "port 8888" in sentence(story(0))
        assert "PID 41233" in sentence(story(0))

    def test_the_restart_asks_before_the_kernel_answers(self) -> None:
        case = story(2)
        old, new = servers(case)
        assert sentence(case).endswith(f"Predict: who answers at port 8888, and who at PID {old.pid}?")
        assert case.record.probe_of(new.pid) is None

    def test_the_poster_counts(self) -> None:
        assert sentence(story(4)) == "Twelve servers, twelve PIDs, one port. Which number goes on the poster?"

    def test_a_pid_that_was_dealt_again_is_no_life_sign(self) -> None:
        case = story(3)
        old = servers(case)[0]
        stranger = Probed(0, old.pid, "", 99.0, same=False, name="cron")
        assert is_gone(stranger)
        assert not is_alive(stranger)
        assert "given to another process" in sentence(answered(case, stranger))

    def test_a_zombie_is_not_alive(self) -> None:
        assert not is_alive(Probed(0, 7, "", 1.0, same=True, zombie=True))

    def test_ports_that_can_t_be_had_are_said_with_their_errno(self) -> None:
        text = sentence(story(5, private=False))
        assert "two services: 8889 8890." in text
        assert "80 (EACCES) and 443 (EACCES)" in text
        assert sentence(story(6, private=False)).startswith("Two look-ups, two answers")

    def test_who_served_whom_is_counted_by_accept(self) -> None:
        fork = story(8)
        assert sorted(shares(fork).values()) == [1, 1]
        assert sorted(shares(story(9)).values()) == [1, 2]
        for pid, count in shares(story(9)).items():
            assert f"PID {pid} took {count}" in sentence(story(9))

    def test_close_is_said_of_a_living_server(self) -> None:
        assert "FIN_WAIT2 and LAST_ACK are the kernel's" in sentence(story(11))
        assert "FIN_WAIT2 is the kernel's" in sentence(story(11, private=False))

    def test_where_no_net_can_be_set_apart_that_is_said(self) -> None:
        assert sentence(story(14, private=False)).startswith("No net can be set apart here")

    def test_both_numberings_are_told(self) -> None:
        case = story(15)
        assert f"they call themselves {case.pid() - 41230} and 3" in sentence(case)

    @NETS
    @pytest.mark.parametrize("step", range(LAST))
    def test_no_sentence_without_what_backs_it(self, step: int, private: bool) -> None:
        case = story(step, private=private)
        said = sentence(case)
        needs = {
            "rows": {0, 5, 7, 9, 10, 11, 12},
            "probes": {1, 3, 4, 11, 12},
            "attempts": {1, 3, 6, 8, 9, 15},
        }
        for what, where in needs.items():
            if step in where:
                assert sentence(without(case, **{what: True})) != said, what

    def test_claims_that_did_not_hold_are_not_ticked(self) -> None:
        assert [holds for holds, _ in claims(story(LAST))] == [True] * 5
        assert [holds for holds, _ in claims(story(0))] == [False] * 5
        assert [holds for holds, _ in claims(without(story(LAST), probes=True))] == [False, True, True, True, True]


class TestProofs:
    def test_inside_a_net_of_its_own_it_is_netsim_shell(self) -> None:
        case = story(7)
        check = proof(case, 3)
        assert check is not None
        assert command(check) == f"netsim shell --lab {case.pid()} -- ss -Htlnp"

    def test_on_the_machine_s_own_net_it_is_ss_and_the_ports(self) -> None:
        check = proof(story(6, private=False), 2)
        assert check is not None
        assert command(check) == "ss -Htlnp sport = :8889 or sport = :8890"

    def test_the_restarts_are_ps_s_with_the_first_pids_and_the_last(self) -> None:
        case = story(4)
        check = proof(case, 1)
        assert check is not None
        pids = check.argv[-1].split(",")
        assert len(pids) == MOST_PIDS
        assert pids[-1] == str(case.pid())

    def test_the_other_machine_is_looked_at_from_the_inside(self) -> None:
        case = story(14)
        check = proof(case, 5)
        assert check is not None
        assert check.inside == case.pid(lab=THERE) != case.pid()


class TestGoingOn:
    def test_space_waits_until_the_step_is_done(self) -> None:
        case = opened(begin(steps(private=True, held=True), private=True, port=8888, other_port=8888), HERE)
        assert press(case) is case
        assert sentence(case) == ""
        assert label(case) == "starting ..."

    def test_the_last_step_is_the_last(self) -> None:
        assert press(story(LAST)) is story(LAST)

    def test_what_does_not_come_is_said_and_space_goes_on(self) -> None:
        waiting = replace(story(3), step=4, aim=0)
        gave_up = give_up(waiting)
        assert "did not come" in sentence(gave_up)
        assert press(gave_up).step == 5
        assert not press(gave_up).trouble

    def test_a_lab_that_ends_ends_the_case(self) -> None:
        case = story(3)
        world = case.worlds[HERE]
        event = LabEnded(at=9.0, reason="The lab was ended by signal SIGKILL.")
        ended = saw(case, HERE, event, world, fold(world, event))
        assert sentence(ended) == "The lab was ended by signal SIGKILL. b begins the case again, esc goes back."
        assert press(ended) is ended

    def test_a_helper_that_can_t_be_asked_is_said(self) -> None:
        case = answered(story(1), Probed(1, 41233, failure="The helper ended with status 1."))
        assert "The helper ended with status 1." in sentence(case)
