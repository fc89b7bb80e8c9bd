"""Requests a target's description before it is judged."""

from __future__ import annotations

from typing import Any

from conformance.driver.implementation import (
    EXEC,
    HarnessFault,
    ImplementationRaised,
    NotSupported,
    RequestRefused,
)
from conformance.driver.pool import HarnessKey, Pool, speed
from conformance.options.kinds import UsageError
from conformance.options.table import RunOptions

WHERE = "--path DIR imports from a folder, --python PATH with another interpreter"


class CannotBeJudged(Exception):
    """{target}: {why}"""


def described(options: RunOptions, target: str, pool: Pool, *, both: bool = False) -> dict[str, Any]:
    """Return the description of `target` on the backend that starts fastest.

    The harness of a Keras cell stays in the pool; with `both` that of the other precision imports beside it.

    Raises:
        UsageError: there is no such module or class.
        CannotBeJudged: its import fails, or it is no cell of a known family.
    """
    quickest = "" if target.startswith(EXEC) else max(options.backends, key=speed, default="")
    everything = HarnessKey.of(target, quickest, "float64")  # else Keras makes float32 of float64
    try:
        implementation = pool.start_ahead(everything)
        if both and quickest:
            pool.start_ahead(HarnessKey.of(target, quickest, "float32"))
        description = implementation.describe()
        if description["host"] != "keras":  # its harnesses have another key, by the name of its host
            pool.end_ahead(target)
        return description
    except OSError as missing:
        raise UsageError(f"{target}: cannot be started: {missing.strerror}") from None
    except RequestRefused as refused:
        raise UsageError(f"unknown target {refused.message}") from None
    except ImplementationRaised as raised:
        if raised.type == "ModuleNotFoundError" and repr(target.split(":")[0]) in raised.message:
            raise UsageError(f"unknown target {target!r}: {raised.message}; {WHERE}") from None
        there = f" in {options.python}; {WHERE}" if raised.type == "ModuleNotFoundError" else ""
        raise CannotBeJudged(f"{target} cannot be imported: {raised}{there}") from None
    except NotSupported as unknown:
        raise CannotBeJudged(f"cannot be judged: {unknown.reason}") from None
    except HarnessFault as fault:
        raise CannotBeJudged(f"{target} cannot be judged: {fault}") from None
