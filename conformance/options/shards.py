"""Shards: divides a run between several machines; the same tests are in a shard on every machine."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

WRITTEN = re.compile(r"(?P<number>\d{1,4})/(?P<count>\d{1,4})")

Item = TypeVar("Item")


@dataclass(frozen=True)
class Shard:
    """Part `number`, from 1 on, of `count`."""

    number: int
    count: int

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Return the shard that "I/N" names. Raises ValueError."""
        match = WRITTEN.fullmatch(text.strip())
        if match is None or not 1 <= int(match["number"]) <= int(match["count"]):
            raise ValueError(f"{text!r} is no shard; it is I/N, the parts numbered from 1: 1/3, 2/3, 3/3")
        return cls(int(match["number"]), int(match["count"]))

    def part(
        self,
        items: Iterable[Item],
        *,
        group: Callable[[Item], str],
        cost: Callable[[Item], int],
        name: Callable[[Item], str],
    ) -> list[Item]:
        """Return the items of this part, in their order; the parts together are all, each once.

        The items of a group are distributed by decreasing cost, so that the parts cost about the same. Items
        of equal cost are in the order of a hash of their names, so that no part gets every item of one cell.
        """
        given = list(items)
        ranked = sorted(
            range(len(given)),
            key=lambda n: (
                group(given[n]),
                -cost(given[n]),
                hashlib.sha256(name(given[n]).encode()).digest(),
            ),
        )
        mine = set(ranked[self.number - 1 :: self.count])
        return [item for n, item in enumerate(given) if n in mine]
