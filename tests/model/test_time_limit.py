"""How training fits into its seconds: by the speed that it shows, without that of its first steps."""

from __future__ import annotations

from model_code.train import TimeLimit


def seconds_passing(*moments: float):
    """A clock that shows these moments, one a look."""
    return iter(moments).__next__


def test_without_a_time_limit_the_last_step_stays():
    limit = TimeLimit(0, seconds_passing(0.0, 1e6))

    assert limit.last_step(20, 1000, 1000) == 1000


def test_a_time_limit_shortens_training_by_its_speed_after_the_first_steps():
    # The first 20 steps take 30 s, the next ones half a second each, and later ones a second.
    limit = TimeLimit(100, seconds_passing(0.0, 30.0, 40.0, 80.0, 101.0))

    assert [limit.last_step(step, 1000, 1000) for step in (20, 40, 80, 97)] == [1000, 160, 104, 97]


def test_a_time_limit_counts_what_an_interrupted_run_took():
    limit = TimeLimit(100, seconds_passing(0.0, 10.0))
    limit.resume(95.0)

    assert limit.last_step(20, 1000, 1000) == 20


def test_a_time_limit_lengthens_nothing():
    limit = TimeLimit(100, seconds_passing(0.0, 1.0, 1.1))

    assert (limit.last_step(20, 50, 50), limit.last_step(40, 50, 50)) == (50, 50)


def test_until_its_own_speed_shows_a_resumed_run_keeps_to_what_was_planned():
    limit = TimeLimit(100, seconds_passing(0.0, 1.0, 2.0))
    limit.resume(50.0)

    assert [limit.last_step(step, 2000, 160) for step in (100, 120)] == [160, 120 + 48 * 20]
