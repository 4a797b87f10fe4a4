"""How long do ten million objects take, and where do they end: `python -m benchmarks.bulk_simulation`.

A simulation with discrete events, and no measurement of AWS: batches are worked by workers that book their calls in the
token bucket, calls fail by chance, workers die, and what failed is redriven. The rules are the worker's own
(lambdas/bulk/calls.py); within a batch the fates of its objects are drawn in numbers, not one by one.
"""

from __future__ import annotations

import heapq
import json
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from cli.bulk.plan import IMAGES_IN_A_BATCH, TEXTS_IN_A_BATCH
from definitions.service_limits import SERVICE_LIMITS
from lambdas.bulk.batch import PAUSE_SECONDS, TRIES
from tools.arguments import refuse_arguments

RESULT = Path(__file__).with_name("results") / "bulk_simulation.json"
DAY = 86_400.0
# Objects of a batch, and of a call: pictures are asked about one by one.
PICTURES, TEXTS = (
    (IMAGES_IN_A_BATCH, 1),
    (TEXTS_IN_A_BATCH, SERVICE_LIMITS["BatchDetectSentiment"].most_documents),
)


@dataclass(frozen=True)
class Scenario:
    """One run.

    Attributes:
        name: of it.
        objects: how many.
        batch: objects of a batch, and of a call.
        calls_per_second: of the deployment's bucket.
        workers: at the same time.
        usd_per_object: list price.
        passing: share of the calls that the service throttles or fails for the moment; a throttle pauses everybody.
        poisoned: share of the objects that no try will answer.
        dying: share of the deliveries of a batch in which the worker dies before its end; it is delivered again.
        call_seconds: that the service takes.
    """

    name: str
    objects: int
    batch: tuple[int, int]
    calls_per_second: float
    workers: int
    usd_per_object: float
    passing: float = 0.0
    poisoned: float = 0.0
    dying: float = 0.0
    call_seconds: float = 0.3


@dataclass
class Outcome:
    """What became of a run's objects.

    Attributes:
        done, failed: objects, each in one of them.
        charged: objects, those twice of the call whose answer a dying worker had not kept.
        calls: to the service, those that failed included.
        seconds: until the last batch was written.
        redrives: attempts after the first.
    """

    done: int = 0
    failed: int = 0
    charged: int = 0
    calls: int = 0
    seconds: float = 0.0
    redrives: int = 0


class Bucket:
    """The token bucket's arithmetic (lambdas/bulk/rate_limiter.py) without its table."""

    def __init__(self, calls_per_second: float) -> None:
        self.interval = 1 / calls_per_second
        self.next_call = 0.0

    def book(self, now: float, calls: int) -> float:
        """The time of the first of so many calls."""
        begin = max(now, self.next_call)
        self.next_call = begin + calls * self.interval
        return begin

    def push_back(self, seconds: float) -> None:
        """Lets everybody wait."""
        self.next_call += seconds


@dataclass
class Delivery:
    """A batch at a worker.

    Attributes:
        objects: of it.
        bad: of them that no try will answer.
        waiting: calls that are still to be made.
        left: objects that are not answered yet.
        tries: rounds of calls that were made.
    """

    objects: int
    bad: int
    waiting: int
    left: int
    tries: int = 0


def attempt(
    scenario: Scenario, healthy: int, poisoned: int, now: float, random: np.random.Generator
) -> tuple[Outcome, int]:
    """One attempt over so many objects from `now` on; what came of it, and how many healthy ones failed by chance."""
    bucket, outcome, unlucky = Bucket(scenario.calls_per_second), Outcome(seconds=now), 0
    # When each worker books next: the bucket hears the bookings in the order of their times.
    events: list[tuple[float, int, Delivery | None]] = [
        (now, worker, None) for worker in range(scenario.workers)
    ]
    size, together = scenario.batch
    total = healthy + poisoned
    while events:
        clock, worker, delivery = heapq.heappop(events)
        if delivery is None:
            if not total:
                continue
            objects = min(size, total)
            bad = int(random.hypergeometric(poisoned, healthy, objects)) if poisoned else 0
            healthy, poisoned, total = healthy - (objects - bad), poisoned - bad, total - objects
            delivery = Delivery(objects, bad, -(-objects // together), objects)
        outcome.calls += delivery.waiting
        clock = call(scenario, bucket, clock, delivery, random)
        if delivery.waiting and delivery.tries < TRIES:
            heapq.heappush(events, (clock, worker, delivery))
            continue
        # A poisoned object gets its own refusal as soon as its call is heard; chance decides whose calls never were.
        bad, left = delivery.bad, delivery.left
        lost_bad = int(random.hypergeometric(bad, delivery.objects - bad, left)) if left and bad else 0
        lost = left - lost_bad
        answered = delivery.objects - bad - lost
        if random.random() < scenario.dying:
            # What its earlier calls were told is kept; the time of a whole delivery is an upper bound.
            outcome.charged += min(together, answered)
            again = Delivery(delivery.objects, bad, -(-delivery.objects // together), delivery.objects)
            heapq.heappush(events, (clock, worker, again))
            continue
        outcome.charged += answered
        outcome.done += answered
        outcome.failed += bad + lost
        unlucky += lost
        outcome.seconds = max(outcome.seconds, clock)
        heapq.heappush(events, (clock, worker, None))
    return outcome, unlucky


def call(
    scenario: Scenario, bucket: Bucket, now: float, delivery: Delivery, random: np.random.Generator
) -> float:
    """Makes a delivery's waiting calls; when they have ended, and in the delivery what is left of it."""
    made, together = delivery.waiting, scenario.batch[1]
    begin = bucket.book(now, made)
    failing = int(random.binomial(made, scenario.passing)) if scenario.passing else 0
    bucket.push_back(failing * PAUSE_SECONDS)
    delivery.waiting, delivery.tries = failing, delivery.tries + 1
    delivery.left = min(failing * together, delivery.left)
    # A worker makes one call after the other, at the bucket's pace or at its own where that is slower.
    return begin + (made - 1) * max(bucket.interval, scenario.call_seconds) + scenario.call_seconds


def run(scenario: Scenario, seed: int = 0, most_redrives: int = 20) -> Outcome:
    """A run with its redrives, until only poisoned objects have failed."""
    random = np.random.default_rng(seed)
    poisoned = int(random.binomial(scenario.objects, scenario.poisoned))
    healthy, total = scenario.objects - poisoned, Outcome()
    while True:
        outcome, unlucky = attempt(scenario, healthy, poisoned, total.seconds, random)
        total.done += outcome.done
        total.failed = outcome.failed
        total.charged += outcome.charged
        total.calls += outcome.calls
        total.seconds = outcome.seconds
        if not unlucky or total.redrives == most_redrives:
            return total
        healthy, total.redrives = unlucky, total.redrives + 1


MILLIONS = 10_000_000
PLAIN_PICTURES = Scenario("pictures, 50 calls a second", MILLIONS, PICTURES, 50.0, 30, 0.001)
PLAIN_TEXTS = Scenario("texts, 10 calls a second of 25", MILLIONS, TEXTS, 10.0, 20, 0.0003)
SCENARIOS = (
    PLAIN_PICTURES,
    replace(PLAIN_PICTURES, name="pictures, 1 in 1,000 poisoned", poisoned=0.001),
    replace(PLAIN_PICTURES, name="pictures, 1 % of the calls throttled", passing=0.01, poisoned=0.001),
    replace(PLAIN_PICTURES, name="pictures, 1 in 10,000 workers dies", dying=0.0001, poisoned=0.001),
    PLAIN_TEXTS,
    replace(PLAIN_TEXTS, name="texts, half of the calls throttled", passing=0.5, poisoned=0.001),
    replace(PLAIN_TEXTS, name="texts, all of it", passing=0.1, poisoned=0.001, dying=0.001),
)


def main() -> None:
    """Runs every scenario, checks that no object is lost or in two places, and writes the result."""
    rows = []
    for scenario in SCENARIOS:
        began = time.perf_counter()
        outcome = run(scenario)
        if outcome.done + outcome.failed != scenario.objects:
            raise SystemExit(f"{scenario.name}: {outcome} does not add up to {scenario.objects}.")
        rows.append(
            {
                "scenario": asdict(scenario),
                **asdict(outcome),
                "days": round(outcome.seconds / DAY, 2),
                "usd": round(outcome.charged * scenario.usd_per_object, 2),
                "charged_twice": outcome.charged - outcome.done,
                "simulated_in_seconds": round(time.perf_counter() - began, 1),
            }
        )
        last = rows[-1]
        print(
            f"{scenario.name:<40} {last['days']:>6.2f} days  {last['usd']:>10,.2f} US$  {outcome.done:>10,} done  "
            f"{outcome.failed:>7,} failed  {last['charged_twice']:>6,} charged twice  {outcome.redrives} redrives"
        )
    RESULT.write_text(
        json.dumps(
            {"question": "How long do ten million objects take, and where do they end?", "rows": rows},
            indent=1,
        )
        + "\n",
        encoding="utf-8",
    )


if __name__ == "__main__":
    refuse_arguments(__doc__)
    main()
