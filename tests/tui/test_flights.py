"""Packets on their way: in order, one after the other, and never for long."""

from __future__ import annotations

from netsim.tui.flights import FLIGHT, MOST, Flights
from tests.worlds import packets

THREE = packets("> SYN seq=0", "< SYN ACK seq=0 ack=1", "> ACK ack=1")


def test_those_of_one_sample_fly_one_after_the_other() -> None:
    flights = Flights(enabled=True)
    flights.look(THREE, 10.0)
    assert list(flights.progress(10.0)) == [1, 2, 3]
    underway = flights.progress(10.0 + FLIGHT * 1.5)
    assert list(underway) == [2, 3]
    assert 0.4 < underway[2] < 0.6
    assert underway[3] == 0.0
    assert flights.progress(10.0 + FLIGHT * 3.01) == {}


def test_each_flies_once() -> None:
    flights = Flights(enabled=True)
    flights.look(THREE, 10.0)
    flights.look(THREE, 20.0)
    assert flights.progress(20.0) == {}


def test_of_a_burst_only_the_newest_fly() -> None:
    flights = Flights(enabled=True)
    flights.look(packets(*["> ACK ack=1"] * 200), 10.0)
    assert list(flights.progress(10.0)) == list(range(201 - MOST, 201))
    assert flights.progress(10.0 + FLIGHT * (MOST + 0.1)) == {}


def test_without_animation_nothing_flies() -> None:
    flights = Flights(enabled=False)
    flights.look(THREE, 10.0)
    assert flights.progress(10.0) == {}


def test_the_person_goes_on_and_they_have_arrived() -> None:
    flights = Flights(enabled=True)
    flights.look(THREE, 10.0)
    flights.land()
    assert flights.progress(10.0) == {}
