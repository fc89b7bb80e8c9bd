"""Faults that end or stop the process."""

from __future__ import annotations

import os
import time
from typing import Any

from .fault import Fault, FaultOfLTC, found_by, ops


@found_by("time.zero", "the harness died with status 3")
class Dies(Fault):
    """The process ends where the time is 0."""

    def advance(self, heads: Any, h: Any, t: Any) -> Any:
        if t is not None and not ops.convert_to_numpy(t).any():
            os._exit(3)
        return super().advance(heads, h, t)


@found_by("time.large", "the harness did not answer step within")
class Hangs(FaultOfLTC):
    """A step takes as long as the time that it is given."""

    def advance(self, heads: Any, h: Any, t: Any) -> Any:
        time.sleep(0.0 if t is None else float(ops.max(t)))
        return super().advance(heads, h, t)
