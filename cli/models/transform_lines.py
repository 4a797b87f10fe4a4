"""Makes the lines that a transform sends of data as people have it, and knows which sample each line is of."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from cli.shared.consoles import say
from cli.shared.errors import CommandFailed
from definitions.networks import NETWORKS
from model_code.data.columns import Columns

FILE = "samples.jsonl"
# An endpoint takes no larger request, and a transform job sends none (MaxPayloadInMB).
MOST_BYTES = 6 * 1024 * 1024
LEFT_OUT_NAMED = 10


@dataclass(frozen=True)
class Lines:
    """What was written.

    Attributes:
        file: a sample a line, as the endpoint takes it.
        places: of each line, the file or row that it is of.
    """

    file: Path
    places: list[str]


def write_lines(source: Path, kind: str, columns: Columns, directory: Path) -> Lines:
    """Writes FILE to `directory`, and tells what is left out and why.

    Raises:
        CommandFailed: when the source cannot be read, or holds nothing that the network reads.
    """
    from model_code.data.samples import LeftOut
    from model_code.data.unlabelled import unlabelled_in
    from model_code.evaluation.known_input import instance_of
    from model_code.failures import JobFailed

    places, left_out, other = [], [], ""
    file = directory / FILE
    try:
        with file.open("w", encoding="utf-8") as lines:
            for sample in unlabelled_in(source, columns):
                if isinstance(sample, LeftOut):
                    left_out.append(str(sample))
                    continue
                place, feature, content = sample
                if feature not in NETWORKS[kind].features:
                    other = feature
                    break
                line = json.dumps(instance_of(content, feature), ensure_ascii=False)
                if len(line.encode()) > MOST_BYTES:
                    left_out.append(f"{place} is larger than a request may be")
                    continue
                lines.write(line + "\n")
                places.append(place)
    except JobFailed as failure:
        raise CommandFailed(f"{failure} Nothing was sent.") from failure
    if other:
        raise CommandFailed(
            f"{source} holds samples of the feature '{other}', which the {kind} does not read."
        )
    if left_out:
        named = "\n".join(f"  {reason}" for reason in left_out[:LEFT_OUT_NAMED])
        more = f"\n  and {len(left_out) - LEFT_OUT_NAMED:,} more" if len(left_out) > LEFT_OUT_NAMED else ""
        say(f"{len(left_out):,} left out:\n{named}{more}", err=True)
    if not places:
        raise CommandFailed(f"{source} holds no sample that the {kind} reads. Nothing was sent.")
    return Lines(file, places)
