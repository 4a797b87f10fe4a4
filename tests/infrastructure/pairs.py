"""What an environment may have, one option at a time, and environments in which each pair of options meets."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from functools import partial
from itertools import combinations
from typing import Any

REGISTRY = "111122223333.dkr.ecr.us-east-1.amazonaws.com/recognition-serving:1"
CLASSIFIER = "arn:aws:comprehend:us-east-1:111122223333:document-classifier-endpoint/ours"
POOL = "arn:aws:cognito-idp:us-east-1:111122223333:userpool/us-east-1_Example12"
CPU = {"inference.instance_type": "ml.c5.xlarge"}
WEEKLY = {"kind": "rnn", "expression": "rate(7 days)", "data_prefix": "reviews"}
# By name what each sets, by the settings' paths. Those that two options set have the same value in both.
OPTIONS: dict[str, dict[str, Any]] = {
    "another region": {"region": "eu-central-1"},
    "an account": {"account": "111122223333"},
    "no protection": {"termination_protection": False},
    "a boundary": {"permissions_boundary": "arn:aws:iam::111122223333:policy/bound"},
    "data that goes": {"storage.keep_data_when_destroyed": False},
    "a network": {"training.network": {}},
    "a marker": {"training.marker_name": "TRAIN.json"},
    "a schedule": {"training.schedules": [WEEKLY]},
    "other types": {"training.fallback_instance_types": ["ml.g6.xlarge"]},
    "tuning": {"training.tuning": {"ranges": {"cnn": {"learning_rate": [0.01, 1.0]}}}},
    "warm hosts": {"training.use_spot": False, "training.warm_pool_seconds": 600},
    "several hosts": {"training.instance_count": 2},
    "no isolation": {"training.network_isolation": False},
    "born approved": {"training.approval": "Approved"},
    "by hand": {"release.on_approval": False},
    "instances": {"inference.instance_count": 3, "inference.traffic_routing": "linear"},
    "autoscaling": {"inference.autoscaling": {"maximum_instances": 4}},
    "serverless": {"inference.serverless": {}},
    "one endpoint": {"inference.multi_model": {}, **CPU},
    "asynchronous": {"inference.asynchronous": {}},
    "to zero": {"inference.scale_to_zero": {}},
    "a shadow": {"inference.shadow_percent": 10},
    "our container": {"inference.container": "litert", "inference.litert_image_uri": REGISTRY, **CPU},
    "tokens": {"api.authorization": "COGNITO_USER_POOLS", "api.user_pools": {"arns": [POOL]}},
    "a firewall": {"api.firewall": {}},
    "callers": {"api.callers": {"shop": {"requests_per_second": 5.0, "burst_requests": 10}}},
    "private": {"api.vpc_endpoint_ids": ["vpce-0123456789abcdef0"]},
    "litert function": {"api.own_backend": "litert"},
    "a cascade": {"api.policies": {"text-sentiment": {"backend": "cascade", "threshold": 0.8}}},
    "nothing kept": {"api.idempotency_seconds": 0},
    "a cache": {"api.cache_seconds": 600},
    "set aside": {"api.reserved_concurrency": 50},
    "a classifier": {"api.document_classifier_endpoint_arn": CLASSIFIER},
    "the console": {"console": {}},
    "a budget": {"budget": {"monthly_us_dollars": 200, "email": "bills@example.org"}},
    "monitoring": {"monitoring.dashboard": True, "monitoring.email": "alarms@example.org"},
    "captures": {"monitoring.capture": {}},
    "drift": {
        "monitoring.capture": {},
        "monitoring.drift": {"retrain_on": {"rnn": "reviews"}, "labels": {}},
    },
    "scheduled shutdown": {
        "scheduled_shutdown": {"idle_hours": 4, "office_hours": {}},
        "termination_protection": False,
    },
}
# The pairs that an environment may not have. Every other has to synthesise.
APART = {
    frozenset(pair)
    for pair in (
        ("another region", "a classifier"),
        ("another region", "our container"),
        ("the console", "tokens"),
        ("the console", "callers"),
        ("the console", "private"),
        ("serverless", "autoscaling"),
        ("serverless", "a shadow"),
        ("serverless", "one endpoint"),
        ("serverless", "captures"),
        ("serverless", "drift"),
        ("one endpoint", "autoscaling"),
        ("one endpoint", "a shadow"),
        ("one endpoint", "our container"),
        ("one endpoint", "captures"),
        ("one endpoint", "drift"),
    )
}
PAIRS = [frozenset(pair) for pair in combinations(OPTIONS, 2)]


def environment(names: Iterable[str]) -> dict[str, Any]:
    """The settings of an environment with these options, as cdk.json has them."""
    written: dict[str, Any] = {}
    for name in names:
        for path, value in OPTIONS[name].items():
            *parents, last = path.split(".")
            part = written
            for parent in parents:
                part = part.setdefault(parent, {})
            part[last] = copy.deepcopy(value)
    return written


def rows() -> list[list[str]]:
    """Few environments in which every pair that may stand together does: each takes the options that add most."""
    left = {pair for pair in PAIRS if pair not in APART}
    chosen = []
    while left:
        row: list[str] = []
        while names := [name for name in OPTIONS if name not in row and fits(name, row)]:
            row.append(max(names, key=partial(gain, row, left)))
        left -= {frozenset(pair) for pair in combinations(row, 2)}
        chosen.append(sorted(row))
    return chosen


def gain(row: list[str], left: set[frozenset[str]], name: str) -> tuple[int, int]:
    """How many pairs an option adds to a row, and how many it could add to any."""
    return sum(frozenset((name, other)) in left for other in row), sum(name in pair for pair in left)


def fits(name: str, row: list[str]) -> bool:
    """Whether an option may be beside all of a row."""
    return all(frozenset((name, other)) not in APART for other in row)
