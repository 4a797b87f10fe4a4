"""Puts many texts to Comprehend, as many in one call as it takes; every text gets an answer of its own."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lambdas.common.answers import Reading, retries_of, stand_in_of
from lambdas.common.errors import RequestRefused, unavailable
from lambdas.common.service_errors import explain, explain_code, reading_answer

# The function has 28 s: a call with the short timeout takes 14 at most with its second try, and the
# budget's table 3 before it and 3 after it. Later no further piece is asked.
NO_CALL_AFTER_SECONDS = 8.0
SUFFIX = "Exception"
# What an error without a meaning of its own is called.
FAILED = "ServiceFailed"

Readings = dict[int, Reading | RequestRefused]


def ask_in_pieces(
    texts: dict[int, str],
    size: int,
    limits: str,
    ask: Callable[[list[str]], dict[str, Any]],
    readings_of: Callable[[dict[str, Any]], Iterator[tuple[int, Reading | RequestRefused]]],
) -> tuple[Readings, str | None, int]:
    """What Comprehend says to each text, by its index, the stand-in's mark, and how many calls were repeated.

    A piece that fails as a whole fails its own texts only: what was answered (and charged) before is not lost. One that
    is refused for good is asked in halves, because Comprehend may refuse it for one of its texts, and charges nothing.

    Args:
        texts: by index.
        size: of a piece.
        limits: what the operation takes, a sentence.
        ask: calls Comprehend with the texts of a piece.
        readings_of: position in the piece and reading or refusal, for each text of a piece.
    """
    started = time.monotonic()
    readings_by_index: Readings = {}
    stand_in, retries = None, 0
    indices = list(texts)
    pieces = deque(indices[first : first + size] for first in range(0, len(indices), size))
    while pieces:
        piece = pieces.popleft()
        if time.monotonic() - started > NO_CALL_AFTER_SECONDS:
            late = unavailable(
                "NotAsked", "Comprehend was too slow to be asked about this text. Send it again."
            )
            readings_by_index |= dict.fromkeys(piece, late)
            continue
        try:
            answer = ask([texts[index] for index in piece])
            retries += retries_of(answer)
            with reading_answer():
                readings = dict(readings_of(answer))
                if readings.keys() != set(range(len(piece))):
                    raise ValueError("not an answer to each text")
        except RequestRefused as error:
            readings_by_index |= dict.fromkeys(piece, error)
            continue
        except (ClientError, BotoCoreError) as error:
            refused = explain(error, "Comprehend", limits)
            if refused.status < 500 and len(piece) > 1:
                middle = len(piece) // 2
                pieces.extendleft((piece[middle:], piece[:middle]))
            else:
                readings_by_index |= dict.fromkeys(piece, refused)
            continue
        stand_in = stand_in_of(answer) or stand_in
        readings_by_index |= {piece[position]: reading for position, reading in readings.items()}
    return readings_by_index, stand_in, retries


def item_error(error: dict[str, Any], limits: str) -> RequestRefused:
    """What an entry of an ErrorList means; its message may repeat the text and is left out.

    Botocore's model calls ErrorCode a number and lists none. It is read as an exception's name with or without the last
    word, as a status, and in capitals, as the same model's PageBasedErrorCode is spelt.
    """
    code: str = error["ErrorCode"]
    name = code.title().replace("_", "") if code.isupper() else code
    spelt = (explain_code(spelling, "Comprehend", limits) for spelling in (name, name + SUFFIX))
    return next(
        (refused for refused in spelt if refused.code != FAILED), explain_code(code, "Comprehend", limits)
    )
