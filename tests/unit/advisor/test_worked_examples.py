"""AWS's own worked examples: what its pages charge in an example is what the advisor reckons, within a tenth."""

from __future__ import annotations

import pytest

from advisor import Problem, tables
from advisor.costs import monthly_cost
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
# What a deployment pays beside its operations: a price's id, the units, AWS's US dollars, and the page.
LINES = [
    ("apigateway.request", 15e9, 36_353.0, "https://aws.amazon.com/api-gateway/pricing/, 2026"),
    # Two inference units for eight hours are sixteen hours, at the price of one.
    (
        "rekognition.custom_labels.inference_hour",
        2 * 8,
        64.0,
        "https://docs.aws.amazon.com/rekognition/latest/customlabels-dg/running-model.html, 2026",
    ),
]


@pytest.mark.parametrize(("candidate", "answers", "volume", "usd", "source"), EXAMPLES)
def test_an_example_of_aws_costs_what_its_page_says(candidate, answers, volume, usd, source):
    found = monthly_cost(tables.candidates()[candidate], Problem(**answers), volume)
    assert found.monthly_usd == pytest.approx(usd, rel=NEAR), source


@pytest.mark.parametrize(("price", "units", "usd", "source"), LINES)
def test_a_line_of_a_bill_of_aws_costs_what_its_page_says(price, units, usd, source):
    assert price_table("us-east-1")[price].charge(units) == pytest.approx(usd, rel=NEAR), source
