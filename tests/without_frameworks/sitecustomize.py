"""Has an import of a framework fail, in every Python that starts with this folder on PYTHONPATH.

The frameworks are found as if they were installed, so that the same happens on a machine that has them and on
one that has not: what would use them fails, and is not skipped.
"""

import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec

FRAMEWORKS = ("jax", "keras", "openvino", "tensorflow", "tf_keras", "torch")


class Refused(MetaPathFinder, Loader):
    """Finds every framework, and loads none."""

    def find_spec(self, name, path=None, target=None):
        """Return a spec of a framework, with a loader that refuses; None of any other."""
        return ModuleSpec(name, self) if name in FRAMEWORKS else None

    def exec_module(self, module):
        """Raise ImportError, which says what to do."""
        raise ImportError(
            f'a test imports {module.__name__}, or starts a harness that does, under -m "not frameworks": '
            "mark the test, or its file, with pytest.mark.frameworks",
            name=module.__name__,
        )


sys.meta_path.insert(0, Refused())
