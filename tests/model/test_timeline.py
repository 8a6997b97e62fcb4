"""The timeline: going to any point is folding from the start, and moments are where something was to be seen."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netsim.files.recording import load
from netsim.files.replay import bundled
from netsim.model import events as e
from netsim.model.fold import fold_all
from netsim.model.timeline import Timeline
from netsim.model.visible import moments
from netsim.model.world import World
from tests.script import Script, ref, tcp


@cache
def recorded() -> tuple[e.AnyEvent, ...]:
    """A whole real session, with packets that were held."""
    return tuple(load(bundled()["handshake"]))


EVERY = 64


def timeline_of(events: tuple[e.AnyEvent, ...], most: int = 100_000, every: int = EVERY) -> Timeline:
    timeline = Timeline(most, every)
    for event in events:
        timeline.append(event)
    return timeline


some_events = st.lists(st.sampled_from(range(129)), max_size=400).map(lambda picks: tuple(recorded()[i] for i in picks))


class TestGoingThere:
    @settings(deadline=None)
    @given(events=some_events, data=st.data())
    def test_any_point_of_any_events_is_the_fold_from_the_start(
        self, events: tuple[e.AnyEvent, ...], data: st.DataObject
    ) -> None:
        timeline = timeline_of(events)
        index = data.draw(st.integers(0, len(events)))
        assert timeline.at(index) == fold_all(World(), events[:index])

    @settings(deadline=None)
    @given(repeats=st.integers(0, 12), most=st.integers(1, 700), data=st.data())
    def test_the_same_where_old_events_have_become_one_world(
        self, repeats: int, most: int, data: st.DataObject
    ) -> None:
        events = recorded() + recorded()[50:] * repeats
        timeline = timeline_of(events, most)
        assert len(timeline) == len(events)
        assert len(timeline.events) <= max(most, EVERY)
        assert timeline.events == events[timeline.first :]
        index = data.draw(st.integers(timeline.first, len(events)))
        assert timeline.at(index) == fold_all(World(), events[:index])
        assert all(timeline.first <= moment < len(events) for moment in timeline.moments)

    def test_what_was_forgotten_can_t_be_gone_to(self) -> None:
        timeline = timeline_of(recorded(), 100)
        assert timeline.first == EVERY
        with pytest.raises(IndexError, match="129 events, and the first 64 are not kept, not 63"):
            timeline.at(63)

    def test_between_two_points_are_the_events_that_lead_there(self) -> None:
        timeline = timeline_of(recorded(), 100)
        start, end = 70, 90
        assert fold_all(timeline.at(start), timeline.between(start, end)) == timeline.at(end)

    def test_a_fresh_lab_is_a_fresh_world(self) -> None:
        """A recording may go on over several labs: each is as if it were alone."""
        twice = recorded() + recorded()
        assert fold_all(World(), twice) == fold_all(World(), recorded())


def seen(world: World) -> tuple[object, ...]:
    """What a person sees of a world, without clocks."""
    programs = tuple((each.who, each.pid, each.status, each.line, each.marks) for each in world.endpoints.values())
    return programs, world.packets, world.slots, world.kernel, world.gate, world.ended


class TestMoments:
    @given(events=some_events)
    def test_those_of_the_timeline_are_those_of_its_events(self, events: tuple[e.AnyEvent, ...]) -> None:
        assert [*timeline_of(events).moments, len(events)] == moments(events)

    def test_each_shows_something_that_the_one_before_did_not(self) -> None:
        timeline = timeline_of(recorded())
        for one, other in pairwise(moments(recorded())):
            assert seen(timeline.at(one)) != seen(timeline.at(other)), (one, other)

    def test_the_first_is_the_opening_with_both_programs(self) -> None:
        first = timeline_of(recorded()).at(moments(recorded())[0])
        assert {each.status for each in first.endpoints.values()} == {"stopped"}
        assert len(first.endpoints) == 2
        assert first.step == 0

    def test_every_packet_and_every_call_has_its_own(self) -> None:
        timeline, known, returned = timeline_of(recorded()), 0, 0
        for index in moments(recorded()):
            so_far = recorded()[:index]
            packets = sum(isinstance(event, e.PacketHeld) for event in so_far)
            calls = sum(isinstance(event, e.CallReturned) for event in so_far)
            assert packets <= known + 1
            assert calls <= returned + 1
            known, returned = packets, calls
            assert len(timeline.at(index).packets) == packets
        assert (known, returned) == (11, 14)

    def test_a_sample_with_nothing_new_is_none_and_a_state_that_comes_late_is_one(self) -> None:
        script = Script()
        script.open()
        script.call("server", "socket", socket=ref(3, 501))
        script.stop("server", script.line("server", "setsockopt"), s=3)
        script.now += 1.0
        script.kernel(tcp("TIME_WAIT", 51324, 8888, expires_ms=900))
        before = len(script.events)
        script.kernel(tcp("TIME_WAIT", 51324, 8888, expires_ms=100))
        assert moments(script.events)[-2:] == [before - 1, before + 1]
        script.now += 1.0
        script.kernel()
        assert moments(script.events)[-2:] == [before + 1, before + 2]

    def test_states_that_follow_a_packet_at_once_belong_to_it(self) -> None:
        events = recorded()
        syn = next(index for index, event in enumerate(events) if isinstance(event, e.PacketHeld))
        assert isinstance(events[syn + 1], e.SocketsObserved)
        found = moments(events)
        assert syn + 1 not in found
        assert syn + 2 in found

    def test_the_gate_is_seen(self) -> None:
        script = Script()
        script.open()
        script.accept("Step", "server")
        for event in (e.GateOpened(at=script.now), e.GateClosed(at=script.now)):
            count = len(moments(script.events))
            script.add(event)
            script.accept("Step", "server")
            assert len(moments(script.events)) == count + 1
