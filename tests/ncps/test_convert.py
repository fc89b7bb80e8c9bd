"""Weights of PyPI's `ncps` taken over: recorded cells compute the same here, and what differs is refused."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest

import ncps
from ncps.convert import load_pypi
from tests.ncps.helpers import array, check_examples

RECORDS = json.loads(Path(__file__).with_name("records").joinpath("pypi_ncps_weights.json").read_text())[
    "records"
]
COMPUTED = [name for name, record in RECORDS.items() if record["outputs"] is not None]
HEADS = {"torch": "tanh", "keras": "linear"}


def weights(record):
    return {name: np.asarray(value, dtype="float32") for name, value in record["weights"].items()}


def theirs(record):
    """Return the arguments of ours for the arguments of theirs."""
    own = {"head_activation": HEADS[record["framework"]], **record["arguments"]}
    if record["kind"] == "LTC":
        del own["head_activation"]
        return own
    if isinstance(record["units"], list):
        return {"sparse_time_heads": False, **own}
    return {"activation": "lecun_tanh", **own}


def target(record, **changed):
    """Return a layer, or for a cell a cell, built as the record says, apart from what is changed."""
    units = record["units"]
    if isinstance(units, list):
        kind, given = units
        units = getattr(ncps.wirings, kind)(**{**given, **changed.pop("wiring", {})})
    made = getattr(ncps, record["kind"])(units, **{**theirs(record), **changed})
    features = np.shape(record["inputs"])[-1]
    made.build((None, features) if record["kind"].endswith("Cell") else (None, None, features))
    return made


def run(made, record):
    """Return the outputs of all steps and the last h, step by step from zeros."""
    cell = made if record["kind"].endswith("Cell") else made.cell
    x = np.asarray(record["inputs"], dtype="float32")
    t = record["timespans"]
    states, outputs = cell.get_initial_state(batch_size=x.shape[1]), []
    states = states if isinstance(states, (list, tuple)) else [states]
    for i in range(len(x)):
        elapsed = None if t is None else np.asarray(t[i], dtype="float32")
        output, states = cell(x[i] if t is None else (x[i], elapsed), list(states))
        outputs.append(array(output))
    return np.stack(outputs), array(states[0])


def refuses(made, source, *words, error=ValueError):
    """Check that the message has the words, and that no weight has changed."""
    before = [array(v) for v in made.weights]
    with pytest.raises(error) as caught:
        load_pypi(made, source)
    for word in words:
        assert word in str(caught.value)
    for old, v in zip(before, made.weights, strict=True):
        np.testing.assert_array_equal(old, array(v))


@pytest.mark.parametrize("name", COMPUTED)
def test_what_is_taken_over_computes_as_there(name):
    record = RECORDS[name]
    made = target(record)
    before, _ = run(made, record)
    load_pypi(made, weights(record))
    outputs, state = run(made, record)
    # Both sides round in float32, 6e-8 of values about 1, some tens of times in each of three steps.
    np.testing.assert_allclose(outputs, record["outputs"], rtol=3e-6, atol=3e-6)
    np.testing.assert_allclose(state, record["state"], rtol=3e-6, atol=3e-6)
    assert np.abs(before - outputs).max() > 0.01


@pytest.mark.parametrize("name", ["torch CfC wired mixed", "keras CfC default"])
def test_a_file_is_read_as_a_mapping(name, tmp_path):
    record = RECORDS[name]
    np.savez(tmp_path / "w.npz", **weights(record))
    made, again = target(record), target(record)
    load_pypi(made, tmp_path / "w.npz")
    load_pypi(again, weights(record))
    for one, other in zip(made.weights, again.weights, strict=True):
        np.testing.assert_array_equal(array(one), array(other))


def test_a_file_with_pickled_objects_is_refused(tmp_path):
    record = RECORDS["torch CfCCell"]
    np.savez(tmp_path / "w.npz", **{"ff1.bias": np.array([{}], dtype=object)})
    refuses(target(record), str(tmp_path / "w.npz"), "allow_pickle")


def test_tensors_of_torch_are_taken_with_their_gradients():
    torch = pytest.importorskip("torch")
    record = RECORDS["torch CfC pure"]
    made = target(record)
    load_pypi(made, {k: torch.nn.Parameter(torch.tensor(v)) for k, v in weights(record).items()})
    outputs, _ = run(made, record)
    np.testing.assert_allclose(outputs, record["outputs"], rtol=3e-6, atol=3e-6)


def test_a_cell_inside_a_layer_of_keras_is_a_target():
    record = RECORDS["torch CfCCell"]
    layer = keras.layers.RNN(ncps.CfCCell(record["units"], **theirs(record)))
    layer.build((None, None, np.shape(record["inputs"])[-1]))
    load_pypi(layer, weights(record))
    bias = next(v for v in layer.weights if v.path.endswith("time_a/bias"))
    np.testing.assert_array_equal(array(bias), -weights(record)["time_a.bias"])


def test_a_backbone_of_more_than_ten_modules_is_ordered_by_number():
    cell = ncps.CfCCell(2, mode="pure", backbone_units=3, backbone_layers=7)
    cell.build((None, 1))
    source = {f"backbone.{2 * i}.weight": np.full((3, 3), float(i)) for i in reversed(range(7))}
    source |= {f"backbone.{2 * i}.bias": np.full(3, float(i)) for i in range(7)}
    head = {
        "ff1.weight": np.ones((2, 3)),
        "ff1.bias": np.ones(2),
        "w_tau": np.ones((1, 2)),
        "A": np.ones((1, 2)),
    }
    load_pypi(cell, source | head)
    assert [array(layer.bias)[0] for layer in cell.backbone] == [0, 1, 2, 3, 4, 5, 6]


def test_missing_left_over_and_misshapen_entries_are_named_together():
    record = RECORDS["torch CfC default"]
    source = weights(record)
    del source["rnn_cell.ff2.bias"]
    source["fc.weight"] = np.zeros((1, 4))
    source["rnn_cell.ff1.weight"] = np.zeros((4, 6))
    made = target(record)
    refuses(
        made,
        source,
        "missing: ff2_bias",
        "left over: fc.weight",
        "rnn_cell.ff1.weight (as ff1_kernel it is (6, 4)",
    )


def test_entries_for_one_weight_twice_are_refused():
    record = RECORDS["torch CfCCell"]
    source = weights(record)
    refuses(
        target(record), {**source, "rnn_cell.ff1.bias": source["ff1.bias"]}, "ff1.bias", "rnn_cell.ff1.bias"
    )


def test_weights_of_two_keras_layers_are_refused():
    record = RECORDS["keras CfC default"]
    source = weights(record)
    second = {f"other/{name}": value for name, value in source.items()}
    refuses(target(record), {**source, **second}, "give the weights of one layer")


def test_what_is_no_number_is_named():
    record = RECORDS["torch CfCCell"]
    refuses(target(record), {**weights(record), "ff1.bias": "zeros"}, "ff1.bias holds no numbers")


@pytest.mark.parametrize(
    ("name", "given", "needed"),
    [
        ("torch CfC default", {"head_activation": "linear"}, "head_activation='tanh'"),
        ("keras CfC default", {"head_activation": "tanh"}, "CfCCell(..., head_activation='linear')"),
        ("torch CfC wired", {"sparse_time_heads": True}, "sparse_time_heads=False"),
        ("keras CfC wired", {"sparse_time_heads": True}, "sparse_time_heads=False"),
        ("torch CfC wired pure", {"fully_recurrent": False}, "fully_recurrent=True"),
        ("torch LTC explicit", {"solver": "rk4"}, "solver='semi_implicit'"),
        ("keras LTC", {"implicit_param_constraints": True}, "implicit_param_constraints=False"),
    ],
)
def test_a_target_that_computes_otherwise_is_told_what_to_pass(name, given, needed):
    record = RECORDS[name]
    refuses(target(record, **given), weights(record), needed)


@pytest.mark.parametrize(
    "name", ["torch CfC wired", "torch CfC wired mixed", "torch LTC explicit", "keras LTC"]
)
def test_another_wiring_is_refused(name):
    record = RECORDS[name]
    named = "erev" if name.startswith("keras") else "sparsity_mask"
    refuses(target(record, wiring={"seed": 8}), weights(record), "another wiring", named)


def test_neurons_of_torch_that_are_no_outputs_here_are_refused():
    wiring = ncps.wirings.Random(4, output_dim=2, sparsity_level=0.5)
    cell = ncps.WiredCfCCell(wiring, sparse_time_heads=False)
    cell.build((None, 3))
    refuses(cell, {}, "puts out the 4 neurons of the last layer", "2 motor neurons")


def test_mixed_memory_of_keras_is_refused():
    record = RECORDS["keras CfC mixed"]
    refuses(target(record), weights(record), "mixed memory of PyPI's Keras cells")
    refuses(target(record, mixed_memory=False), weights(record), "mixed memory of PyPI's Keras cells")


def test_a_dense_ltc_is_told_that_theirs_is_wired():
    record = RECORDS["torch LTC explicit"]
    layer = ncps.LTC(8)
    layer.build((None, None, 3))
    refuses(layer, weights(record), "FullyConnected(n)", error=TypeError)


def test_another_layer_a_target_not_built_and_another_source_are_refused():
    source = weights(RECORDS["torch CfCCell"])
    refuses(keras.layers.Dense(1), source, "target must be", error=TypeError)
    refuses(ncps.CfCCell(4), source, "not built")
    refuses(target(RECORDS["torch CfCCell"]), [1.0], "source must be", error=TypeError)


def test_the_example_of_the_docstring_runs():
    check_examples(load_pypi)


def test_the_cells_of_a_wired_cfc_are_ordered_by_number():
    record = RECORDS["keras CfC wired"]
    numbered = {"cf_c_cell": "cf_c_cell_9", "cf_c_cell_1": "cf_c_cell_10", "cf_c_cell_2": "cf_c_cell_11"}
    source = {
        "/".join(numbered.get(part, part) for part in name.split("/")): value
        for name, value in reversed(weights(record).items())
    }
    assert source.keys().isdisjoint(weights(record))
    made = target(record)
    load_pypi(made, source)
    np.testing.assert_allclose(run(made, record)[0], record["outputs"], rtol=3e-6, atol=3e-6)
