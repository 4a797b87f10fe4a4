"""How offensive an English text is, by a small linear model, in the shape of Comprehend's DetectToxicContent."""

from __future__ import annotations

from typing import Any

from local_aws.managed.service import loaded_once

MARK = (
    "alt-profanity-check's linear model (MIT): offensive or not, without a difference between insults, threats and "
    "hate; not Comprehend"
)
# Of Comprehend's kinds the one that its authors named the model after; it tells no other.
KIND = "PROFANITY"


@loaded_once
def model() -> Any:
    """The model, loaded at first use (scikit-learn with it)."""
    import profanity_check

    return profanity_check


def toxic_content(texts: list[str]) -> dict[str, Any]:
    """DetectToxicContent: each segment by itself, where Comprehend reads it in the light of those before."""
    return {
        "ResultList": [
            {"Labels": [{"Name": KIND, "Score": score}], "Toxicity": score}
            for score in map(float, model().predict_prob(texts))
        ]
    }
