"""Harnesses are started ahead, and none is left behind."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.driver.pool import HarnessKey, Pool
from conformance.options import RunOptions

FIRST, SECOND, THIRD = (
    HarnessKey.of("ncps", backend, tier)
    for backend, tier in (("torch", "float64"), ("torch", "float32"), ("numpy", "float64"))
)


class Harness:
    """Stands for a process that has compiled three programs."""

    programs = 3

    def __init__(self) -> None:
        self.closed = False

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[HarnessKey, Harness]]:
    """Return the list of what a pool starts."""
    found: list[tuple[HarnessKey, Harness]] = []

    def start(_: Pool, place: HarnessKey) -> Any:
        found.append((place, Harness()))
        return found[-1][1]

    monkeypatch.setattr(Pool, "start", start)
    return found


def test_the_next_harness_starts_while_one_is_at_work(started: list[tuple[HarnessKey, Harness]]) -> None:
    with Pool(RunOptions()) as pool:
        pool.order = (FIRST, SECOND, THIRD)
        pool.at(FIRST)
        assert [place for place, _ in started] == [FIRST, SECOND]
        assert pool.at(SECOND) is started[1][1] and started[0][1].closed
        assert [place for place, _ in started] == [FIRST, SECOND, THIRD]
        assert not started[1][1].closed and not started[2][1].closed
    assert all(harness.closed for _, harness in started)
    assert pool.programs == 3 * len(started)


def test_what_described_a_target_is_used_when_its_turn_comes(
    started: list[tuple[HarnessKey, Harness]],
) -> None:
    with Pool(RunOptions()) as pool:
        ahead = pool.start_ahead(THIRD)
        pool.at(FIRST)
        assert pool.at(THIRD) is ahead and [place for place, _ in started] == [THIRD, FIRST]
