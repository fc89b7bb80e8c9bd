"""The frames of an exception that are the target's own code, for the answer that reports it."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from typing import Any

MOST = 20
"""The most frames of an answer; the innermost are kept."""
_STANDARD_LIBRARY = os.path.dirname(os.path.abspath(os.__file__))
_HARNESS = os.path.dirname(os.path.abspath(__file__))
_INSTALLED = ("site-packages", "dist-packages")
_OTHERS = ("conformance", "jax", "jaxlib", "keras", "numpy", "tensorflow", "tf_keras", "torch")
"""Packages that are no target's own code, even where they are installed in place."""
_AUTOGRAPH = "__autograph_generated_file"


def own_frames(error: BaseException, target: str) -> list[dict[str, Any]]:
    """Return the frames of the target's own code as {"file", "line", "function", "code"}, outermost first.

    An exception that a framework raised from another one continues with the frames of that one.
    """
    packages, others = _packages(target), _folders()
    frames: list[traceback.FrameSummary] = []
    for cause in _causes(error):
        stack = _stack(cause)
        own = [frame for frame in stack if _is_own(frame.filename, packages, others)]
        frames = [frame for frame in frames if frame not in own] + own
        if own and own[-1] is stack[-1]:
            break
    return [_as_json(frame) for frame in frames[-MOST:]]


def _packages(target: str) -> set[str]:
    """Return the top-level packages of a target: that of its name, and those that its class comes from."""
    module, _, name = target.partition(":")
    kind = getattr(sys.modules.get(module), "__dict__", {}).get(name)
    homes = (getattr(one, "__module__", None) for one in (kind, getattr(kind, "implements", None)))
    return {str(home).partition(".")[0] for home in (module, *homes) if home}


def _folders() -> list[str]:
    """Return the folders that hold no code of a target's own, unless it is installed there."""
    files = (getattr(sys.modules.get(name), "__file__", None) for name in _OTHERS)
    return [_STANDARD_LIBRARY, _HARNESS, *(os.path.dirname(os.path.abspath(file)) for file in files if file)]


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception, the one that it was raised from, and so on, each once."""
    seen: list[BaseException] = []
    while error is not None and not any(error is one for one in seen):
        yield error
        seen.append(error)
        error = error.__cause__


def _stack(error: BaseException) -> list[traceback.FrameSummary]:
    """Return the frames of one exception; code that TensorFlow's AutoGraph generated is mapped back."""
    walked = traceback.walk_tb(error.__traceback__)
    frames = list(traceback.StackSummary.extract(walked, lookup_lines=False))
    both = (error, error.__context__)  # Keras raises a new exception, which lacks it
    metadata = (getattr(one, "ag_error_metadata", None) for one in both)
    mapped = next((getattr(one, "translated_stack", ()) for one in metadata if one is not None), ())
    places = [(frame.filename, frame.lineno, frame.function_name) for frame in reversed(mapped)]
    return frames + [traceback.FrameSummary(*place, lookup_line=False) for place in places]


def _is_own(file: str, packages: set[str], others: list[str]) -> bool:
    if file.startswith("<") or os.path.basename(file).startswith(_AUTOGRAPH):
        return False
    path = os.path.abspath(file)
    *folders, _ = parts = path.split(os.sep)
    installed = [i for i, part in enumerate(folders) if part in _INSTALLED]
    if installed:
        return parts[installed[-1] + 1].removesuffix(".py") in packages
    return not any(path.startswith(folder + os.sep) for folder in others)


def _as_json(frame: traceback.FrameSummary) -> dict[str, Any]:
    told = {"file": frame.filename, "line": frame.lineno or 1, "function": frame.name}
    return {**told, "code": frame.line.strip()} if frame.line else told
