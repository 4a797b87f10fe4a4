"""AWS's own worked examples: what its pages charge in an example is what the advisor reckons, within a tenth."""

from __future__ import annotations

from typing import Any

import pytest

from advisor import Problem, tables
from advisor.billed_answers import Answers
from advisor.charges import Lines, priced
from advisor.costs import monthly_cost
from advisor.own_bills import ways_of_serving
from advisor.prices import price_table

NEAR = 0.1
# A candidate, the answers that the example gives, its items a month, AWS's US dollars, the page, and when it was read:
# by this project, or by the public notes that quote it.
EXAMPLES = [
    (
        "rekognition.detect_labels",
        {"modality": "image", "task": "classification"},
        2_500_000,
        2_200.0,
        "https://aws.amazon.com/rekognition/pricing/, 2026-10-07",
    ),
    (
        "rekognition.start_label_detection",
        {"modality": "video", "task": "classification", "minutes_per_item": 1.0},
        100_000,
        10_000.0,
        "https://aws.amazon.com/rekognition/pricing/, 2026",
    ),
    (
        "rekognition.start_content_moderation",
        {"modality": "video", "task": "moderation", "minutes_per_item": 1.0},
        50_000,
        5_000.0,
        "https://aws.amazon.com/rekognition/pricing/, 2026",
    ),
    (
        "rekognition.start_content_moderation",
        {"modality": "video", "task": "moderation", "minutes_per_item": 1.0},
        4_271,
        427.14,
        "AWS Machine Learning Blog on moderation by video or by images, 2026",
    ),
    (
        "rekognition.detect_moderation_labels",
        {"modality": "image", "task": "moderation"},
        4_271 * 60 * 2,
        512.57,
        "AWS Machine Learning Blog on moderation by video or by images, 2026",
    ),
    (
        "comprehend.detect_sentiment",
        {"modality": "text", "task": "sentiment", "characters_per_item": 550},
        10_000,
        6.0,
        "https://aws.amazon.com/comprehend/pricing/, 2026",
    ),
    (
        "textract.detect_document_text",
        {"modality": "image", "task": "document_text"},
        100_000,
        150.0,
        "https://aws.amazon.com/textract/pricing/, 2026",
    ),
    (
        "textract.analyze_document.tables",
        {"modality": "image", "task": "document_fields"},
        5_000,
        325.0,
        "https://aws.amazon.com/textract/pricing/, 2026",
    ),
    (
        "textract.analyze_expense",
        {"modality": "image", "task": "expense_document"},
        50_000,
        500.0,
        "the sample cost table of an AWS Guidance that reads invoices, 2024",
    ),
    (
        "translate.translate_text",
        {"modality": "text", "task": "translation", "characters_per_item": 1_000},
        10_000,
        150.0,
        "the sample cost table of an AWS Guidance that reads invoices, 2024",
    ),
    (
        "translate.translate_text",
        {"modality": "text", "task": "translation", "characters_per_item": 6_500},
        1,
        0.0975,
        "https://aws.amazon.com/translate/pricing/, 2026",
    ),
    (
        "translate.translate_text",
        {"modality": "text", "task": "translation", "characters_per_item": 5_000},
        400,
        30.0,
        "https://aws.amazon.com/translate/pricing/, 2026",
    ),
    (
        "polly.synthesize_speech",
        {"modality": "text", "task": "speech_synthesis", "characters_per_item": 1_000},
        1_000,
        16.0,
        "https://aws.amazon.com/polly/pricing/, 2026-10-07",
    ),
    (
        "polly.synthesize_speech",
        {
            "modality": "text",
            "task": "speech_synthesis",
            "characters_per_item": 1_000,
            "operations_per_item": 2,
        },
        1_000,
        32.0,
        "https://aws.amazon.com/polly/pricing/ (speech and its marks), 2026",
    ),
]
SUPER_RESOLUTION = "awslabs/aws-ai-solution-kit, docs/en-branded/deploy-image-super-resolution.md, 2022"
INTELLI_AGENT = "aws-samples/Intelli-Agent, COST.md, 2024"
DIFFUSION = "awslabs/stable-diffusion-aws-extension, its cost estimations of 2023"
IRISH_BILL = "aws-samples/sagemaker-ssh-helper, Sample_Costs.md, AWS's own bill for December 2023"
LAMBDA = "https://aws.amazon.com/lambda/pricing/, 2026"
GATEWAY = "https://aws.amazon.com/api-gateway/pricing/, 2026"
S3 = "https://aws.amazon.com/s3/faqs/, 2026"
# One line of a bill: a price's id, its region, the units, whether the free tier is taken off, AWS's US dollars, and the
# page, or where AWS's own people reckoned so.
LINES = [
    ("apigateway.request", "us-east-1", 15e9, False, 36_353.0, GATEWAY),
    ("apigateway.request", "us-east-1", 5e6, False, 17.5, GATEWAY),
    ("apigateway.request", "us-east-1", 1e6, False, 3.5, SUPER_RESOLUTION),
    ("apigateway.request", "us-east-1", 300_000, False, 1.05, DIFFUSION),
    ("transfer.out_gb", "us-east-1", 14.3, False, 1.29, GATEWAY),
    ("transfer.out_gb", "us-east-1", 4_000, False, 360.0, SUPER_RESOLUTION),
    ("transfer.out_gb", "us-east-1", 63_488, False, 5_263.27, S3),
    ("s3.standard.gb_month", "us-east-1", 52_900, False, 1_215.0, S3),
    ("s3.standard.gb_month", "us-east-1", 1_000, False, 23.0, DIFFUSION),
    ("s3.put", "us-east-1", 310_000, False, 1.55, S3),
    ("s3.get", "us-east-1", 620_000, False, 0.25, S3),
    ("stepfunctions.transition", "us-east-1", 600 * 15, True, 0.13, DIFFUSION),
    ("stepfunctions.transition", "us-east-1", 1_000 * 15, True, 0.28, INTELLI_AGENT),
    ("lambda.arm64.gb_second", "us-east-1", 32e6, True, 421.34, LAMBDA),
    ("lambda.request", "us-east-1", 3e6, True, 0.4, LAMBDA),
    ("lambda.request", "us-east-1", 7.44e6, False, 1.49, LAMBDA),
    ("sagemaker.ml.g4dn.xlarge.hosting", "us-east-1", 278, False, 204.61, SUPER_RESOLUTION),
    ("sagemaker.endpoint.data_gb", "us-east-1", 1_000 + 4_000, False, 16.0 + 64.0, SUPER_RESOLUTION),
    ("sagemaker.endpoint.volume_gb_month", "us-east-1", 10, False, 1.4, INTELLI_AGENT),
    ("sagemaker.ml.g4dn.2xlarge.hosting", "us-east-1", 10 * 22, False, 206.0, DIFFUSION),
    ("sagemaker.ml.g4dn.2xlarge.training", "us-east-1", 300, False, 282.0, DIFFUSION),
    ("sagemaker.ml.m5.xlarge.training", "eu-west-1", 44.015, False, 11.31, IRISH_BILL),
    ("sagemaker.ml.g4dn.xlarge.training", "eu-west-1", 14.801, False, 12.17, IRISH_BILL),
    ("sagemaker.ml.m5.xlarge.batch", "eu-west-1", 2.126, False, 0.55, IRISH_BILL),
    ("sagemaker.ml.g4dn.xlarge.hosting", "eu-west-1", 1.299, False, 1.07, IRISH_BILL),
    # Two inference units for eight hours are sixteen hours, at the price of one.
    (
        "rekognition.custom_labels.inference_hour",
        "us-east-1",
        2 * 8,
        False,
        64.0,
        "https://docs.aws.amazon.com/rekognition/latest/customlabels-dg/running-model.html, 2026",
    ),
]
# An own model as an example serves it: the way, the answers, what the example says in place of the assumptions, its
# items a month, AWS's US dollars, and the page.
SERVED = [
    (
        "an endpoint on GPUs",
        {"modality": "image", "burstiness": "steady"},
        {
            "throughput": {"gpu_endpoint": {"large": 1.0}},
            "capacity": {"target_utilisation": 1.0, "hours_per_month": 278},
            "traffic": {"steady": {"peak_over_mean": 1.0}},
            "sent": {"item_kilobytes": {"image": 1_000.0}, "answer_kilobytes": 4_000.0},
        },
        1_000_000,
        204.61 + 16.0 + 64.0,
        SUPER_RESOLUTION,
    ),
    (
        "a serverless endpoint",
        {"modality": "text", "region": "eu-west-1"},
        {"throughput": {"serverless": {"large_seconds": 0.048, "large_memory_gb": 6.0}}},
        1_000_000,
        5.78,
        "AWS Machine Learning Blog on an endpoint by FastAPI and Lambda, DistilBERT beside it, 2023",
    ),
    (
        "an asynchronous endpoint that scales to zero",
        {"modality": "text", "burstiness": "spiky"},
        {
            "throughput": {"asynchronous": {"price": "sagemaker.ml.g4dn.2xlarge.hosting"}},
            "traffic": {"spiky": {"awake_hours": 1.9 * 20}},
        },
        1_000,
        37.12,
        INTELLI_AGENT,
    ),
    (
        "a LiteRT model in a Lambda function",
        {"modality": "text", "free_tier": True},
        {"throughput": {"lambda": {"seconds": 32.0, "memory_gb": 1.0}}},
        1_000_000,
        421.34 + 0.2,
        LAMBDA,
    ),
]


@pytest.mark.parametrize(("candidate", "answers", "volume", "usd", "source"), EXAMPLES)
def test_an_example_of_aws_costs_what_its_page_says(candidate, answers, volume, usd, source):
    found = monthly_cost(tables.candidates()[candidate], Problem(**answers), volume)
    assert found.monthly_usd == pytest.approx(usd, rel=NEAR), source


@pytest.mark.parametrize(("price", "region", "units", "free_tier", "usd", "source"), LINES)
def test_a_line_of_a_bill_of_aws_costs_what_its_page_says(price, region, units, free_tier, usd, source):
    assert price_table(region)[price].charge(units, free_tier) == pytest.approx(usd, rel=NEAR), source


@pytest.mark.parametrize(("serving", "answers", "said", "volume", "usd", "source"), SERVED)
def test_a_served_model_of_aws_costs_what_its_page_says(
    monkeypatch, serving, answers, said, volume, usd, source
):
    monkeypatch.setattr(tables, "assumptions", lambda: mixed(ASSUMPTIONS, said))
    problem, is_small = Answers(**answers), "Lambda" in serving
    (lines,) = [lines for lines, way, *_ in ways_of_serving(False, is_small, problem) if way == serving]
    charges = priced(lines, price_table(problem.region), bool(problem.free_tier))
    assert Lines.of(charges).usd(volume) == pytest.approx(usd, rel=NEAR), source


ASSUMPTIONS = tables.assumptions()


def mixed(table: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    """A table with what an example says in its place."""
    return {
        **table,
        **{key: mixed(table[key], one) if isinstance(one, dict) else one for key, one in said.items()},
    }


def test_the_whole_bill_of_an_endpoint_behind_an_api_is_the_sum_that_aws_gives():
    """A million images to an endpoint, with their requests, their data and what leaves AWS."""
    lines = [usd_of(line) for line in LINES if line[-1] == SUPER_RESOLUTION]
    # Without the logs and the container's image, ten cents.
    assert sum(lines) == pytest.approx(648.21, rel=0.01)


def usd_of(line: tuple[Any, ...]) -> float:
    price, region, units, free_tier, *_ = line
    return price_table(region)[price].charge(units, free_tier)


def test_a_foundation_model_is_charged_for_the_tokens_that_its_guide_counts():
    """Nova Lite at 0.06 and 0.24 a million: 200 tokens of instructions, what is seen or read, and 60 of an answer."""
    converse = tables.candidates()["bedrock.converse"]
    for answers, tokens in (
        ({"modality": "image", "task": "classification"}, 1_300),
        # A frame a second, 288 tokens each; from 16 minutes on no more than 960 frames.
        ({"modality": "video", "task": "streaming_labels", "minutes_per_item": 0.5}, 8_640),
        ({"modality": "video", "task": "streaming_labels", "minutes_per_item": 30.0}, 276_480),
        ({"modality": "text", "task": "summarization", "characters_per_item": 44_000}, 11_000),
    ):
        found = monthly_cost(converse, Problem(**answers), 1_000).monthly_usd
        assert found == pytest.approx((200 + tokens) * 0.06 / 1_000 + 60 * 0.24 / 1_000), answers
