"""What becomes of each member of a request: it is honoured, recorded, or refused by its name.

What no table names is refused, so that nothing is dropped in silence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

HONOURED, RECORDED, REFUSED = "honoured", "recorded", "refused"


@dataclass(frozen=True)
class Members:
    """What becomes of an operation's members, by their paths such as `Tags[].Key`; a path stands for all below it.

    Attributes:
        honoured: what happens is by them.
        recorded: they are told again by the operation that describes, and nothing else comes of them here.
        values: the only ones that are taken of a member.
    """

    honoured: frozenset[str] = frozenset()
    recorded: frozenset[str] = frozenset()
    values: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    def fate(self, path: str) -> str:
        """Of one member."""
        for listed, fate in ((self.honoured, HONOURED), (self.recorded, RECORDED)):
            if any(above in listed for above in upwards(path)):
                return fate
        return REFUSED

    def refusals(self, request: Mapping[str, Any]) -> Iterator[str]:
        """A sentence for each member, or value, of a request that is not taken."""
        for path, value in leaves(request):
            if self.fate(path) == REFUSED:
                yield f"The embedded AWS does nothing with {path}, and so takes none: leave it out here."
            elif path in self.values and value not in self.values[path]:
                known = " or ".join(str(taken) for taken in self.values[path])
                yield f"The embedded AWS takes {known} as {path}, and nothing else."


def members(
    honoured: str = "", recorded: str = "", values: Mapping[str, tuple[Any, ...]] | None = None
) -> Members:
    """A table's entry, its paths divided by spaces."""
    return Members(frozenset(honoured.split()), frozenset(recorded.split()), values or {})


def upwards(path: str) -> Iterator[str]:
    """A path, and each above it: `A[].B`, `A[]`, `A`."""
    yield path
    while path:
        path = path[:-2] if path.endswith("[]") else path.rpartition(".")[0]
        yield path


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a request with its path; what is empty is one too."""
    if isinstance(value, dict) and value:
        for name, member in value.items():
            yield from leaves(member, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list) and value:
        for member in value:
            yield from leaves(member, f"{path}[]")
    elif path:
        yield path, value
