"""How the small server decides who may wait, and how many cores it takes to be its own."""

from __future__ import annotations

import os

import pytest

from serving.admission import Admission, Limits
from serving.cores import usable_cores


def waiting(sizes: list[int], *, seconds_a_byte: float, threads: int = 1, **limits: float) -> Admission:
    """An admission with requests of such sizes unanswered, after a measurement."""
    admission = Admission(Limits(**limits), threads=threads)
    admission.measured(100, 100 * seconds_a_byte)
    for size in sizes:
        admission.took(size)
    return admission


def test_the_wait_is_the_bytes_before_times_what_a_byte_takes_over_the_threads():
    admission = waiting([10, 30], seconds_a_byte=0.01, threads=2)

    assert admission.wait_seconds == pytest.approx(40 * 0.01 / 2)


@pytest.mark.parametrize(("before", "has_room"), [(2, True), (3, False)])
def test_nobody_is_let_in_who_would_wait_longer_than_the_limit(before, has_room):
    admission = waiting([10] * before, seconds_a_byte=0.01, most_wait_seconds=0.25, patient_requests=0)

    assert admission.has_room(10) is has_room


def test_a_few_may_wait_however_long_it_takes():
    admission = waiting([10] * 3, seconds_a_byte=60.0, patient_requests=4)
    assert admission.has_room(10)

    admission.took(10)
    assert not admission.has_room(10)


def test_what_was_answered_makes_room():
    admission = waiting([10] * 3, seconds_a_byte=0.01, most_wait_seconds=0.25, patient_requests=0)

    admission.answered(10)

    assert admission.has_room(10)


@pytest.mark.parametrize("limits", [{"most_requests": 2}, {"most_bytes": 29}])
def test_number_and_bytes_are_bounded_too(limits):
    assert not waiting([10, 10], seconds_a_byte=0.0, **limits).has_room(10)


def test_a_single_request_is_taken_however_large_and_slow():
    assert waiting([], seconds_a_byte=60.0, most_bytes=1, patient_requests=0).has_room(1000)


def test_before_anything_was_measured_nobody_is_turned_away_for_the_time():
    admission = Admission(Limits(patient_requests=0), threads=1)
    admission.took(10)

    assert admission.has_room(10)


def test_the_last_answers_decide_what_a_byte_takes():
    admission = waiting([10], seconds_a_byte=1.0)

    for _ in range(200):
        admission.measured(100, 1.0)

    assert admission.wait_seconds == pytest.approx(10 * 0.01, rel=0.01)


def test_one_answer_that_took_long_is_one_of_about_twenty():
    admission = waiting([10], seconds_a_byte=0.01)
    for _ in range(200):
        admission.measured(100, 1.0)

    admission.measured(100, 21.0)

    assert admission.wait_seconds == pytest.approx(10 * 0.02, rel=0.05)


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, 8),
        ({"cpu.max": "max 100000\n"}, 8),
        ({"cpu.max": "250000 100000\n"}, 3),
        ({"cpu.max": "50000 100000\n"}, 1),
        ({"cpu.max": "1600000 100000\n"}, 8),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 8),
        ({"cpu/cpu.cfs_quota_us": "200000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 2),
    ],
)
def test_the_cores_are_those_of_the_affinity_and_of_the_control_group(monkeypatch, tmp_path, files, cores):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)

    assert usable_cores(tmp_path) == cores
