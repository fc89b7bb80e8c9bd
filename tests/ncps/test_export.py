"""Exported models run without Keras and compute the same.

ncps/README.md has the table of what is tested here. What a converter cannot do must fail with the error named
here: once it no longer does, the table is out of date.
"""

from importlib.util import find_spec

import keras
import numpy as np
import pytest
from keras import ops

from ncps import LTC, CfC
from ncps.wirings import AutoNCP
from tests.ncps.conftest import BACKEND

try:
    from onnxruntime.capi.onnxruntime_pybind11_state import Fail as RefusedByOnnxRuntime
except ImportError:  # the tests that name it are skipped
    RefusedByOnnxRuntime = None

TIME, FEATURES = 7, 3
STEPS = {"known": TIME, "unknown": None}
CONVERTERS = {"jax": "jax2onnx", "torch": "onnxscript", "tensorflow": "tf2onnx"}
LAYERS = {
    "cfc": lambda **k: CfC(8, backbone_units=16, **{"return_sequences": True, **k}),
    "wired_ltc": lambda **k: LTC(AutoNCP(12, 2), **{"return_sequences": True, **k}),
}
UNROLLED = "on torch the loop is laid out while it is read, for the steps of the sample that is read"
TWO_LENGTHS = "the converter gives the lengths of samples and elapsed times two names; none says they are one"
LOOP_LIMIT = "tf2onnx makes a constant limit of a loop int64, and what is compared to it stays int32"
NESTED = "Keras makes a SavedModel from torch of models with a single input only"

pytestmark = [
    pytest.mark.skipif(BACKEND not in CONVERTERS, reason=f"Keras exports nothing on the {BACKEND} backend"),
    pytest.mark.skipif(
        tuple(map(int, keras.__version__.split(".")[:2])) < (3, 15),
        reason="older releases of Keras have other formats and converters",
    ),
]


@pytest.fixture(params=LAYERS)
def layer(request):
    return LAYERS[request.param]


@pytest.fixture
def onnxruntime():
    pytest.importorskip(CONVERTERS[BACKEND])
    return pytest.importorskip("onnxruntime")


def steps(**unable):
    """Parametrize by `steps`, known and unknown; `unable` names the one that must fail on a backend.

    `unable` maps `{backend}_{steps}` to a pair of the error and the reason.
    """

    def parameter(name):
        error, reason = unable.get(f"{BACKEND}_{name}", (None, None))
        marks = [pytest.mark.xfail(strict=True, raises=error, reason=reason)] if reason else []
        return pytest.param(STEPS[name], id=name, marks=marks)

    return pytest.mark.parametrize("steps", [parameter(name) for name in STEPS])


def batch(size, length):
    rng = np.random.default_rng(size + length)
    samples = rng.normal(size=(size, length, FEATURES)).astype("float32")
    return samples, rng.uniform(0, 3, size=(size, length)).astype("float32")


def two_inputs(layer, steps):
    """Return a model of samples and elapsed times. It has been called once: Keras exports no other."""
    samples, elapsed = keras.Input((steps, FEATURES), name="samples"), keras.Input((steps,), name="elapsed")
    model = keras.Model([samples, elapsed], layer()(samples, timespans=elapsed))
    model(list(batch(2, TIME)))
    return model


def assert_same_outputs(model, run, steps, join=list, sizes=(4, 5)):
    """Compare `run(inputs)` with the model, for the sizes of a batch, and two lengths where they are unknown.

    `join` makes of samples and elapsed times what the model takes.
    """
    shapes = [(size, TIME) for size in sizes] + ([] if steps else [(sizes[0], TIME + 2)])
    for size, length in shapes:
        inputs = join(batch(size, length))
        got, want = run(inputs), ops.convert_to_numpy(model(inputs))
        assert got.shape == want.shape
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


def signature(batch, steps):
    """Return the inputs of a model of samples and elapsed times, for `input_signature`."""
    shapes = {"samples": (batch, steps, FEATURES), "elapsed": (batch, steps)}
    return [[keras.InputSpec(shape=shape, dtype="float32", name=n) for n, shape in shapes.items()]]


def exported_to_onnx(model, onnxruntime, folder, **options):
    """Return a function that runs the exported model in ONNX Runtime."""
    path = str(folder / "model.onnx")
    model.export(path, format="onnx", verbose=False, **options)
    session = onnxruntime.InferenceSession(path)
    names = [node.name for node in session.get_inputs()]

    def run(inputs):
        values = inputs if isinstance(inputs, list) else [inputs]
        return session.run(None, dict(zip(names, values, strict=True)))[0]

    return run


@steps(
    jax_unknown=(ValueError, TWO_LENGTHS),
    torch_unknown=(RefusedByOnnxRuntime, UNROLLED),
    tensorflow_known=(RefusedByOnnxRuntime, LOOP_LIMIT),
)
def test_onnx(layer, steps, tmp_path, onnxruntime):
    model = two_inputs(layer, steps)
    assert_same_outputs(model, exported_to_onnx(model, onnxruntime, tmp_path), steps)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="needed on tensorflow only, where test_onnx says why")
def test_onnx_of_known_steps_exported_as_unknown(layer, tmp_path, onnxruntime):
    model = two_inputs(layer, TIME)
    run = exported_to_onnx(model, onnxruntime, tmp_path, input_signature=signature(None, None))
    assert_same_outputs(model, run, TIME)


@steps(
    torch_unknown=(RefusedByOnnxRuntime, UNROLLED),
    tensorflow_known=(RefusedByOnnxRuntime, LOOP_LIMIT),
)
def test_onnx_with_elapsed_time_as_a_feature(layer, steps, tmp_path, onnxruntime):
    def join(inputs):
        samples, elapsed = inputs
        return np.concatenate([samples, elapsed[..., None]], axis=-1)

    sequences = keras.Input((steps, FEATURES + 1))
    model = keras.Model(sequences, layer(time_feature=True)(sequences))
    model(join(batch(2, TIME)))
    assert_same_outputs(model, exported_to_onnx(model, onnxruntime, tmp_path), steps, join)


@steps(torch_known=(AttributeError, NESTED), torch_unknown=(AttributeError, NESTED))
def test_saved_model(layer, steps, tmp_path):
    tensorflow = pytest.importorskip("tensorflow")
    model = two_inputs(layer, steps)
    options = {}
    if BACKEND == "jax" and steps is None:  # says that both lengths are one
        shapes = [f"(batch, steps, {FEATURES})", "(batch, steps)"]
        options = {"jax2tf_kwargs": {"polymorphic_shapes": [shapes]}}
    model.export(tmp_path / "model", format="tf_saved_model", verbose=False, **options)
    loaded = tensorflow.saved_model.load(str(tmp_path / "model"))
    assert_same_outputs(model, lambda inputs: loaded.serve(inputs).numpy(), steps)


@pytest.mark.skipif(BACKEND != "torch", reason="Keras exports so from torch only")
@steps(torch_unknown=(RuntimeError, UNROLLED))
def test_torch_export(layer, steps, tmp_path):
    torch = pytest.importorskip("torch")
    model, path = two_inputs(layer, steps), tmp_path / "model.pt2"
    dims = {0: torch.export.Dim("batch")}
    dims |= {} if steps else {1: torch.export.Dim("steps")}
    model.export(path, format="torch", verbose=False, dynamic_shapes=[([dims, dims],)])
    program = torch.export.load(path).module()
    assert_same_outputs(
        model, lambda inputs: program([torch.from_numpy(x) for x in inputs]).detach().numpy(), steps
    )


@pytest.mark.skipif(BACKEND == "torch", reason="torch can, see above")
def test_torch_export_is_not_offered_elsewhere(layer, tmp_path):
    with pytest.raises(ValueError, match="requires PyTorch backend"):
        two_inputs(layer, TIME).export(tmp_path / "model.pt2", format="torch", verbose=False)


@pytest.fixture
def litert():
    """Return the module of LiteRT's interpreter."""
    if BACKEND == "torch" and find_spec("litert_torch") is None:  # once imported, jax computes in float64
        pytest.skip("litert-torch is not installed")
    return pytest.importorskip("ai_edge_litert.interpreter")


def exported_to_litert(model, litert, folder, **options):
    """Return a function that runs the exported model in LiteRT."""
    path = str(folder / "model.tflite")
    model.export(path, format="litert", verbose=False, **options)
    runner = litert.Interpreter(path).get_signature_runner()
    names = {"torch": ("args_0_0", "args_0_1")}.get(BACKEND, ("samples", "elapsed"))

    def run(inputs):
        (outputs,) = runner(**dict(zip(names, inputs, strict=True))).values()
        return outputs

    return run


on_tensorflow = pytest.mark.skipif(BACKEND != "tensorflow", reason="Keras writes so from tensorflow only")
on_torch = pytest.mark.skipif(BACKEND != "torch", reason="Keras writes so from torch only")


@on_tensorflow
@steps()
def test_litert_of_last_outputs(layer, steps, tmp_path, litert):
    model = two_inputs(lambda: layer(return_sequences=False), steps)
    assert_same_outputs(model, exported_to_litert(model, litert, tmp_path), steps)


@on_tensorflow
@steps()
def test_litert_of_sequences_for_a_batch_size(layer, steps, tmp_path, litert):
    model = two_inputs(layer, steps)
    run = exported_to_litert(model, litert, tmp_path, input_signature=signature(1, steps))
    assert_same_outputs(model, run, steps, sizes=(1,))


@on_tensorflow
def test_litert_of_sequences_in_an_unrolled_layer(layer, tmp_path, litert):
    model = two_inputs(lambda: layer(unroll=True), TIME)
    assert_same_outputs(model, exported_to_litert(model, litert, tmp_path), TIME)


@on_tensorflow
@steps()
def test_litert_of_sequences_for_any_batch_size_is_refused(layer, steps, tmp_path, litert):
    """The loop keeps its outputs in a list of tensors of unknown size, which LiteRT itself does not have."""
    model = two_inputs(layer, steps)
    run = exported_to_litert(model, litert, tmp_path)
    with pytest.raises(RuntimeError, match="Select TensorFlow op"):
        run(batch(4, TIME))


@on_tensorflow
def test_litert_is_not_written_where_builtin_operations_do_not_suffice(layer, tmp_path):
    tensorflow = pytest.importorskip("tensorflow")
    builtins = {"supported_ops": [tensorflow.lite.OpsSet.TFLITE_BUILTINS]}
    model, path = two_inputs(layer, TIME), tmp_path / "model.tflite"
    with pytest.raises(Exception, match="TensorListReserve"):
        model.export(path, format="litert", verbose=False, target_spec=builtins)
    assert not path.exists()


@on_torch
@steps(torch_unknown=(RuntimeError, UNROLLED))
def test_litert_from_torch_for_one_sample(steps, tmp_path, litert):
    model = two_inputs(LAYERS["cfc"], steps)
    assert_same_outputs(model, exported_to_litert(model, litert, tmp_path), steps, sizes=(1,))


@on_torch
def test_litert_from_torch_for_another_batch_size(tmp_path, litert):
    model = two_inputs(LAYERS["cfc"], TIME)
    run = exported_to_litert(model, litert, tmp_path, input_signature=signature(4, TIME))
    assert_same_outputs(model, run, TIME, sizes=(4,))


@on_torch
def test_litert_from_torch_of_a_wired_ltc(tmp_path, litert):
    model = two_inputs(LAYERS["wired_ltc"], TIME)
    assert_same_outputs(model, exported_to_litert(model, litert, tmp_path), TIME, sizes=(1,))


@pytest.mark.skipif(BACKEND != "jax", reason="tensorflow and torch can, see above")
def test_litert_is_not_offered_on_jax(layer, tmp_path):
    with pytest.raises(ValueError, match="requires TensorFlow or PyTorch backend"):
        two_inputs(layer, TIME).export(tmp_path / "model.tflite", format="litert", verbose=False)
