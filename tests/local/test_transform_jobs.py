"""How a batch transform divides an object into requests, and what of SageMaker's the embedded one refuses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_aws.sagemaker.errors import ServiceError
from local_aws.sagemaker.transform_jobs import line_batches

LINES = st.lists(st.binary(min_size=1, max_size=8).filter(lambda line: line.strip() and b"\n" not in line))


@given(LINES, st.integers(8, 40), st.booleans())
def test_every_line_is_asked_once_in_order_in_requests_as_full_as_they_may_be(lines, most, single):
    batches = list(line_batches(b"\n".join(lines), most, single=single))
    assert [line for batch in batches for line in batch.split(b"\n")] == lines
    assert all(len(batch) <= most for batch in batches)
    if single:
        assert len(batches) == len(lines)
    else:
        for batch, after in zip(batches, batches[1:], strict=False):
            assert len(batch) + 1 + len(after.split(b"\n")[0]) > most


def test_without_a_limit_all_lines_go_together_and_empty_ones_are_none():
    assert list(line_batches(b"one\n\n  \ntwo\n", None, single=False)) == [b"one\ntwo"]


def test_a_line_that_no_request_can_hold_fails_its_object():
    with pytest.raises(ServiceError, match="A record has 9 bytes, more than MaxPayloadInMB allows"):
        list(line_batches(b"short\n123456789", 8, single=False))
