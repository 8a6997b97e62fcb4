"""Packets on their way: in order, one after the other, and never for long."""

from __future__ import annotations

from netsim.tui.flights import CALM, FLIGHT, MOST, Flights
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


def test_in_a_flood_no_packet_waits_for_those_before() -> None:
    flights = Flights(enabled=True)
    every = packets(*["> ACK ack=1"] * 400)
    over = 10.0
    for look in range(1, 100):
        over += 0.03
        flights.look(every[: 4 * look], over)
        assert len(flights.progress(over)) <= MOST
    assert flights.progress(over) == {}
    flights.look(every, over + CALM)
    assert list(flights.progress(over + CALM)) == [397, 398, 399, 400]


def test_what_the_person_does_in_a_flood_flies_again() -> None:
    flights = Flights(enabled=True)
    every = packets(*["> ACK ack=1"] * (2 * MOST + 1))
    flights.look(every[:MOST], 10.0)
    flights.look(every[: 2 * MOST], 10.1)
    assert flights.progress(10.1) == {}
    flights.land()
    flights.look(every, 10.2)
    assert list(flights.progress(10.2)) == [2 * MOST + 1]
