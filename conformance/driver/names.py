"""A file that maps the paths of a cell's variables to the names of the specification.

# path in the cell = name in the specification; {i} is a number
"gate/kernel" = "time_a/kernel"
"hidden_{i}/kernel" = "backbone_{i}/kernel"
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path


class NoMapping(ValueError):
    """{path}: {why}"""


def read(path: str | os.PathLike[str]) -> dict[str, str]:
    """Return the names in a TOML file by path. Raises NoMapping if the file holds no such names."""
    try:
        mapping = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as wrong:
        raise NoMapping(f"{path}: cannot be read: {getattr(wrong, 'strerror', wrong)}") from None
    except tomllib.TOMLDecodeError as wrong:
        raise NoMapping(f"{path}: not TOML: {wrong}") from None
    for key, name in mapping.items():
        if not isinstance(name, str):
            raise NoMapping(f'{path}: {key}: must be a line "path in the cell" = "name in the specification"')
    return mapping
