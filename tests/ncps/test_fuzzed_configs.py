"""Configs with anything in them: a cell or wiring is made, or TypeError or ValueError says what is wrong."""

import copy

import keras
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ncps import CfCCell, LTCCell, MixedMemoryCell, WiredCfCCell, WiredLTCCell
from ncps.wirings import AutoNCP, Wiring
from tests.fuzzed import fuzzed
from tests.ncps.wiring_examples import EXAMPLES

STRANGE = (
    *(
        "",
        "relu",
        "\ud800",
        "../../etc/passwd",
        0,
        -1,
        2**63,
        10**30,
        1e308,
        float("nan"),
        True,
        None,
        [],
        {},
        [[]],
    ),
    *([1, "a"], {"": None}, {"class_name": "system", "module": "os", "config": {}}, {"config": {}}),
)
anything = (
    st.sampled_from(STRANGE).map(copy.deepcopy) | st.integers(-3, 9) | st.floats() | st.text(max_size=5)
)


def built(wiring, input_dim=3):
    wiring.build(input_dim)
    return wiring


def by_hand():
    """Return a wiring whose config holds its synapses."""
    wiring = built(Wiring(3))
    wiring.add_synapse(0, 1, -1)
    wiring.add_sensory_synapse(2, 0, 1)
    return wiring


WIRINGS = [*(built(kind(**arguments)) for kind, arguments in EXAMPLES.values()), by_hand()]
CELLS = [
    CfCCell(4, backbone_units=3),
    LTCCell(4),
    WiredCfCCell(AutoNCP(8, 2)),
    WiredLTCCell(AutoNCP(8, 2)),
    MixedMemoryCell(CfCCell(3)),
]


KERAS_OWN = ("name", "trainable", "dtype", "module", "class_name", "registered_name", "build_config")
"""What Keras reads for itself, in configs and round them, and refuses in its own ways."""


def places(value, path=()):
    """Return every place of ours inside nested objects, matrices aside."""
    items = value.items() if isinstance(value, dict) else ()
    found = [place for key, item in items for place in ((*path, key), *places(item, (*path, key)))]
    return [place for place in found if not set(place) & set(KERAS_OWN)]


@st.composite
def spoiled(draw, config):
    """Return a config with a value or two replaced, removed or added."""
    made = copy.deepcopy(config)
    for _ in range(draw(st.integers(1, 2))):
        *way, last = draw(st.sampled_from(places(made) or [("units",)]))
        inner = made
        for key in way:
            inner = inner[key]
        act = draw(st.sampled_from(("replace", "replace", "remove", "add")))
        if act == "remove":
            inner.pop(last, None)
        else:
            inner[draw(st.text(max_size=3)) if act == "add" else last] = draw(anything)
    return made


@pytest.mark.parametrize("whole", WIRINGS, ids=lambda wiring: type(wiring).__name__)
@given(data=st.data())
@fuzzed(60)
def test_a_wiring_is_made_of_its_config_or_refused(whole, data):
    config = data.draw(spoiled(whole.get_config()))
    synapses = config.get("recurrent_command_synapses", 0)
    assume(not isinstance(synapses, int) or synapses < 1_000_000)  # each of more would be drawn
    try:
        made = type(whole).from_config(copy.deepcopy(config))
        made.build(3)
    except (TypeError, ValueError) as wrong:
        assert str(wrong)
        return
    assert isinstance(made, Wiring)
    assert made.adjacency_matrix.shape == (made.units, made.units)
    assert made.sensory_adjacency_matrix.shape == (3, made.units)


@pytest.mark.parametrize("whole", CELLS, ids=lambda cell: type(cell).__name__)
@given(data=st.data())
@fuzzed(60)
def test_a_cell_is_made_of_its_config_or_refused(whole, data):
    config = data.draw(spoiled(whole.get_config()))
    try:
        made = type(whole).from_config(copy.deepcopy(config))
    except (TypeError, ValueError) as wrong:
        assert str(wrong)
        return
    assert type(made) is type(whole)
    assert isinstance(made.get_config(), dict)


@pytest.mark.parametrize(
    "named",
    [
        {"module": "os", "class_name": "system", "config": "touch {path}", "registered_name": "system"},
        {"module": "builtins", "class_name": "exec", "config": {"source": "open({path!r}, 'w')"}},
        {"module": "subprocess", "class_name": "Popen", "config": {"args": ["touch", "{path}"]}},
        {"class_name": "__lambda__", "config": {"value": "AAAA"}},
    ],
    ids=lambda named: named["class_name"],
)
@pytest.mark.parametrize("kind", [WiredCfCCell, MixedMemoryCell], ids=lambda kind: kind.__name__)
def test_what_a_config_names_is_not_run(kind, named, tmp_path):
    note = tmp_path / "note"
    text = str(note)
    named = {**named, "config": _filled(named["config"], text)}
    part = "wiring" if kind is WiredCfCCell else "cell"
    whole = WiredCfCCell(AutoNCP(8, 2)) if kind is WiredCfCCell else MixedMemoryCell(CfCCell(3))
    with keras.saving.custom_object_scope({}), pytest.raises((TypeError, ValueError)):
        kind.from_config({**whole.get_config(), part: named})
    assert not note.exists()


def _filled(value, path):
    """Return the texts of a config with the path in them."""
    if isinstance(value, dict):
        return {key: _filled(item, path) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, path) for item in value]
    return value.format(path=path)


def test_a_saved_lambda_is_not_loaded(tmp_path):
    """`.keras` files are loaded in safe mode, which is Keras's default and is not turned off."""
    layer = keras.layers.RNN(CfCCell(3))
    model = keras.Sequential([keras.Input((None, 2)), layer, keras.layers.Lambda(lambda x: x)])
    model.save(path := tmp_path / "model.keras")
    with pytest.raises(ValueError, match=r"safe_mode|lambda|Lambda"):
        keras.saving.load_model(path)
