"""The Keras backend of these tests is the one KERAS_BACKEND names; each file passes on every one of them."""

import keras
import pytest

BACKEND = keras.backend.backend()

if BACKEND == "jax":  # hundreds of small programs, each run once: their compilation is most of the time
    import jax

    jax.config.update("jax_disable_most_optimizations", True)


@pytest.fixture
def trainable_backend():
    """Skip a test of training where Keras itself cannot train."""
    if BACKEND in ("numpy", "openvino"):
        pytest.skip(f"Keras cannot train on the {BACKEND} backend: it has no gradients")


@pytest.fixture
def random_backend():
    """Skip a test of dropout masks where a random tensor has no fixed value."""
    if BACKEND == "openvino":
        pytest.skip(
            "the openvino backend draws a random tensor again at each evaluation; it cannot train either"
        )


@pytest.fixture
def exact_backend():
    """Skip a test of close agreement where the backend chooses a lower precision by itself."""
    if BACKEND == "openvino":
        pytest.skip("the openvino backend computes float64 in float32, and predicts in bfloat16 where it can")


@pytest.fixture
def masking_backend():
    """Skip where Keras itself drops the masks of layers, as 3.8 does on numpy."""
    masked = keras.layers.Masking()(keras.ops.zeros((1, 1, 1)))
    if getattr(masked, "_keras_mask", None) is None and keras.version().startswith("3.8."):
        pytest.skip("this Keras drops the masks of layers on numpy")


@pytest.fixture(autouse=True)
def same_seed():
    keras.utils.set_random_seed(7)


@pytest.fixture(autouse=True, scope="module")
def programs_of_a_file():
    """Drop what a file had compiled: jax keeps every program, gigabytes in all, and none is run again."""
    yield
    if BACKEND == "jax":
        jax.clear_caches()
