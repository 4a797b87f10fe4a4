"""A large task on paper: which limit it meets first, by the settings and by AWS's limits, and what follows."""

from __future__ import annotations

import io
import json

import pytest
from typer.testing import CliRunner

from advisor.limits import STATUSES, calls_per_second, limits
from advisor.tables import read
from cli.bulk import plan as real
from cli.main import app
from cli.plan import bulk_runs, classes, requests, training_jobs
from cli.plan.checks import Check, ScalePlan, duration, facts, shown
from cli.shared.errors import CommandFailed
from cli.shared.project import ROOT, settings_of
from lambdas.catalogue import OPERATIONS
from stacks.settings import EnvironmentSettings

MILLIONS = 10_000_000


def settings(**changes) -> EnvironmentSettings:
    """The defaults with some members changed, by the part that they are of."""
    return EnvironmentSettings.model_validate({"name": "dev", **changes})


def asked(operation: str, *options: str) -> real.BulkRequest:
    return real.BulkRequest(*real.question_of(operation, options), 1.0)


def share(plan: ScalePlan, part: str) -> float:
    """The share of the one limit whose name has these words in it."""
    (check,) = [check for check in plan.checks if part in check.name]
    return check.share


@pytest.mark.parametrize(
    ("operation", "count"), [("image-labels", 60), ("text-sentiment", 450), ("text-pii", 401)]
)
def test_a_run_on_paper_has_the_calls_and_batches_of_a_real_one(operation, count):
    request = asked(operation)
    objects = [{"key": f"{number}", "etag": "0" * 32, "size": 300} for number in range(count)]
    written = real.write_plan(request.operation, objects, io.BytesIO(), 0.0001, 5.0)
    shape = bulk_runs.Shape.of(request, count)
    assert (shape.calls, shape.batches) == (written.calls, written.batches)


def test_ten_million_images_meet_the_deployments_own_money_first():
    plan = bulk_runs.plan(asked("image-labels"), MILLIONS, settings(), None)
    assert plan.ordered[0].name == "bulk.limit_usd in cdk.json"
    assert (plan.ordered[0].needed, plan.ordered[0].allowed) == (10_000, 100)
    assert plan.seconds == MILLIONS / 5
    # The bill has tiers: a million at 0.001, four at 0.0008, five at 0.0006.
    assert plan.usd["the service"] == 1_000 + 3_200 + 3_000


def test_less_time_wants_a_higher_rate_more_workers_and_more_of_the_service():
    plan = bulk_runs.plan(asked("image-labels"), MILLIONS, settings(), 1.0)
    rate = MILLIONS / 86_400
    assert share(plan, "bulk.calls_per_second of DetectLabels") == pytest.approx(rate / 5)
    assert share(plan, "Transactions per second of DetectLabels") == pytest.approx(rate / 50)
    assert share(plan, "the month's budget") == pytest.approx(2 * rate / 1_000)
    assert share(plan, "bulk.workers") == pytest.approx(rate * 0.43 / 4)


def test_what_the_settings_hold_is_no_longer_too_much():
    bulk = {"limit_usd": 20_000, "monthly_limit_usd": 20_000, "calls_per_second": {"*": 120}, "workers": 60}
    plan = bulk_runs.plan(asked("image-labels"), MILLIONS, settings(bulk=bulk), 1.0)
    assert [check.name for check in plan.ordered if not check.fits] == [
        "Transactions per second of DetectLabels (Amazon Rekognition, account and region)"
    ]


def test_too_few_workers_make_a_run_longer_than_its_rate():
    plan = bulk_runs.plan(
        asked("image-labels"), 1_000, settings(bulk={"calls_per_second": {"*": 50}, "workers": 1}), None
    )
    assert plan.seconds == pytest.approx(1_000 * 0.43)
    for workers in range(1, 40):
        bulk = {"calls_per_second": {"*": 1_000}, "workers": workers}
        plan = bulk_runs.plan(asked("image-labels"), 1_000, settings(bulk=bulk), None)
        assert all(check.fits for check in plan.checks if "bulk.workers" in check.name)


def test_a_run_that_outlives_what_is_kept_of_it_is_told_so():
    plan = bulk_runs.plan(asked("image-labels"), 2 * MILLIONS, settings(), None)
    assert share(plan, "api.retention_days") > 1


def test_an_own_network_costs_no_run_money_and_writes_no_budget():
    plan = bulk_runs.plan(asked("image-class"), MILLIONS, settings(), None)
    assert not [check for check in plan.checks if "usd" in check.name or "budget" in check.name]


def test_a_price_that_nobody_confirmed_is_refused():
    with pytest.raises(CommandFailed, match="Nobody confirmed the price"):
        bulk_runs.plan(asked("image-labels", "features=IMAGE_PROPERTIES"), 1, settings(), None)


def test_the_deployments_budget_holds_five_hundred_requests_a_second():
    for rate, fits in ((500, True), (501, False)):
        plan = requests.plan(asked("image-labels"), rate, 100, 10, settings())
        assert (share(plan, "the deployment's budget") <= 1) is fits


def test_callers_share_what_one_of_them_may_spend_and_write():
    alone = requests.plan(asked("image-labels"), 100, 100, 1, settings())
    shared = requests.plan(asked("image-labels"), 100, 100, 10, settings())
    for part in ("caller_usd_per_hour", "caller_usd_per_month", "a caller's budget"):
        assert share(shared, part) == pytest.approx(share(alone, part) / 10)


def test_an_endpoint_needs_instances_for_its_rate_and_a_serverless_one_places():
    plan = requests.plan(asked("image-class"), 2_000, 100, 1, settings())
    # 800 a second at 70 % of what an instance holds.
    assert share(plan, "inference.instance_count") == 4
    scaled = settings(inference={"autoscaling": {"maximum_instances": 8}})
    assert share(requests.plan(asked("image-class"), 2_000, 100, 1, scaled), "maximum_instances") == 0.5
    serverless = settings(inference={"serverless": {}, "transform": {"instance_type": "ml.c5.xlarge"}})
    assert share(requests.plan(asked("image-class"), 2_000, 100, 1, serverless), "maximum_concurrency") == 20


def test_an_endpoint_is_paid_for_its_hours_its_disks_and_the_data_of_its_requests():
    seconds = 730 * 3_600
    usd = {
        instance: requests.plan(
            asked("image-class"), 1, 100, 1, settings(inference={"instance_type": instance})
        ).usd
        for instance in ("ml.g4dn.xlarge", "ml.c5.xlarge")
    }
    # 100 KB in and 1 KB out for each request; a c5 has no disk of its own, and so a volume of 20 GB.
    data = seconds * 101 / 1e6 * 0.016
    assert usd["ml.g4dn.xlarge"]["the endpoint"] == pytest.approx(730 * 0.7364 + data, abs=0.02)
    assert usd["ml.c5.xlarge"]["the endpoint"] == pytest.approx(730 * 0.204 + 20 * 0.14 + data, abs=0.02)
    assert usd["ml.c5.xlarge"]["data out of AWS"] == pytest.approx(seconds / 1e6 * 0.09, abs=0.01)


def test_reserved_functions_and_the_firewall_are_limits_where_they_are_set():
    api = {"reserved_concurrency": 50, "firewall": {}}
    plan = requests.plan(asked("image-labels"), 100, 100, 1, settings(api=api))
    assert share(plan, "api.reserved_concurrency") == pytest.approx(100 * 0.4 / 50)
    assert share(plan, "requests_in_five_minutes") == pytest.approx(100 * 300 / 3_000)


def test_many_classes_meet_the_managed_services_bounds_first():
    assert classes.plan(1_000, settings()).ordered[0].quota.id == "rekognition.custom_labels.classes"
    # About 68 bytes a class: 350,000 bytes are kept.
    assert share(classes.plan(6_000, settings()), "Idempotency-Key") > 1


def test_what_the_gates_read_does_not_grow_with_the_classes_and_the_report_does(tmp_path, monkeypatch):
    numpy = pytest.importorskip("numpy")
    from model_code.evaluation import quality
    from model_code.evaluation.files import EVALUATION_FILE, GATE_FILE, write_report
    from model_code.scores import Predictions

    monkeypatch.setattr(quality, "RESAMPLES", 2)
    count = 60
    labels = [f"{number:020}" for number in range(count)]
    likely = numpy.full((count, count), 1 / count)
    report = quality.quality(Predictions.likeliest(likely), numpy.arange(count), labels, "accuracy")
    write_report({**report, "labels": labels, "artefact_sha256": "0" * 64}, tmp_path)
    assert (tmp_path / GATE_FILE).stat().st_size <= classes.GATE_BYTES
    matrix = json.dumps(report["multiclass_classification_metrics"]["confusion_matrix"], indent=1)
    assert len(matrix) == pytest.approx(count**2 * (20 + classes.CELL_BYTES), rel=0.25)
    assert (tmp_path / EVALUATION_FILE).stat().st_size > len(matrix)


def test_more_hosts_train_sooner_but_each_reads_everything():
    with_volumes = settings(training={"instance_type": "ml.m5.xlarge"})
    one, four = (training_jobs.plan(MILLIONS, 20, 32, 5, hosts, with_volumes) for hosts in (1, 4))
    assert four.seconds < one.seconds
    assert share(one, "training.volume_gigabytes") == share(four, "training.volume_gigabytes") == 5


def test_a_host_with_disks_of_its_own_is_not_held_to_the_setting_of_a_volume():
    plan = training_jobs.plan(MILLIONS, 20, 32, 5, 1, settings(training={"instance_type": "ml.g5.xlarge"}))
    assert not any("volume_gigabytes" in check.name for check in plan.checks)
    assert plan.assumed[-1].startswith("Each host needs 250 GB of disk. ml.g5.xlarge has disks of its own")


def test_shards_behind_those_that_a_run_lists_are_not_in_its_data_version():
    assert share(training_jobs.plan(5_000_000, 20, 32, 5, 1, settings()), "data_version") == 1
    assert share(training_jobs.plan(MILLIONS, 20, 32, 5, 1, settings()), "data_version") == 2


def test_a_job_that_is_ended_too_early_is_told_so():
    plan = training_jobs.plan(MILLIONS, 20, 96, 20, 1, settings())
    assert share(plan, "training.max_runtime_seconds") > 1


def test_every_limit_is_held_against_something_and_says_where_it_stands():
    plans = (
        bulk_runs.plan(asked("image-labels"), 1, settings(), None),
        requests.plan(asked("image-labels"), 1, 1, 1, settings()),
        classes.plan(2, settings()),
        training_jobs.plan(1, 1, 32, 1, 1, settings()),
    )
    used = {check.quota.id for plan in plans for check in plan.checks if check.quota}
    assert set(limits()) <= used
    for entry in (*limits().values(), calls_per_second("DetectLabels", "us-east-1")):
        assert entry.value > 0 and entry.status in STATUSES and entry.source.startswith("https://")


def test_a_regions_own_rate_comes_first_and_an_unknown_operation_has_none():
    assert calls_per_second("DetectLabels", "us-east-1").value == 50
    assert calls_per_second("DetectLabels", "eu-central-1").value == 5
    assert calls_per_second("InvokeEndpoint", "us-east-1") is None


def test_every_operation_has_a_rate_but_those_whose_rate_nobody_found():
    asked = {one.api for one in OPERATIONS if one.service in ("rekognition", "comprehend")}
    without = {name for name in asked if calls_per_second(name, "eu-central-1") is None}
    assert without == {
        *("DetectTargetedSentiment", "BatchDetectTargetedSentiment"),
        *("DetectToxicContent", "ClassifyDocument"),
    }
    faster = {name for name in asked if calls_per_second(name, "us-west-2") != calls_per_second(name, "x")}
    assert faster == {
        *("CompareFaces", "DetectFaces", "DetectLabels", "DetectModerationLabels", "DetectText"),
        "RecognizeCelebrities",
    }


def test_the_limit_of_the_greatest_share_stands_first_and_shares_are_exact():
    checks = [Check("low", 1, 10, "s", ""), Check("high", 30, 10, "s", "More."), Check("mid", 9, 10, "s", "")]
    found = facts(ScalePlan("A task", checks, {}, "run"))
    assert [one["name"] for one in found["limits"]] == ["high", "mid", "low"]
    assert [(one["share"], one["fits"]) for one in found["limits"]] == [
        (3.0, False),
        (0.9, True),
        (0.1, True),
    ]
    assert found["limits_checked_on"] == str(read("limits.toml")["checked_on"])


@pytest.mark.parametrize(
    "words",
    [
        ["bulk", "--objects", "10000000", "--operation", "text-sentiment", "--days", "2"],
        ["requests", "--rate", "2000", "--operation", "text-class"],
        ["classes", "--count", "1000"],
        ["training", "--images", "10000000", "--hosts", "4"],
    ],
)
def test_each_plan_is_told_to_people_and_to_programs(words):
    result = CliRunner().invoke(app, ["plan", *words], env={"COLUMNS": "300"})
    assert result.exit_code == 0, result.output
    assert "the first is" in result.output and "US dollars a " in result.output
    document = json.loads(CliRunner().invoke(app, ["plan", *words, "--json"]).output)
    assert (
        document["ok"]
        and document["result"]["limits"][0]["share"] >= document["result"]["limits"][-1]["share"]
    )


def test_the_page_of_the_commands_quotes_the_plans():
    page = (ROOT / "docs" / "commands.md").read_text()
    dev = settings_of("dev")
    for plan in (
        bulk_runs.plan(asked("image-labels"), MILLIONS, dev, None),
        bulk_runs.plan(asked("image-labels"), MILLIONS, dev, 1.0),
        requests.plan(asked("image-labels"), 2_000, 100, 50, dev),
        classes.plan(1_000, dev),
        training_jobs.plan(MILLIONS, 20, 32, None, 4, dev),
    ):
        first, usd = plan.ordered[0], list(plan.usd.values())
        cells = [
            plan.task,
            first.name,
            f"{first.needed:,.0f} of {first.allowed:,.0f} {first.unit}",
            str(sum(not check.fits for check in plan.checks)),
            "unknown" if None in usd else f"{sum(usd):,.0f} a {plan.per}",
            "–" if plan.seconds is None else duration(plan.seconds),
        ]
        assert f"| {' | '.join(cells)} |" in page


def test_words_of_a_plan_are_no_markup():
    plan = ScalePlan("[red]A task", [Check("[bold]x", 2, 1, "s", "[link]")], {"a": None}, "run", 10)
    from cli.shared.consoles import Console

    console = Console(width=200, record=True)
    console.print(shown(plan))
    assert "[red]A task" in console.export_text() and settings_of("dev").name == "dev"
