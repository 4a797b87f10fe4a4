"""The two ways in which a bake-off ends in a sentence."""


class ComparisonRefused(Exception):
    """No comparison on this data would mean anything; the message says why and what to do."""


class CandidateFailed(Exception):
    """One candidate cannot go on; the message becomes its reason in the report and the others run all the same."""
