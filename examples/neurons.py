"""Look into an LTC: the potential of every neuron, at every step, of a network that forecasts sunspots.

    KERAS_BACKEND=jax python neurons.py            half a minute on two cores
    KERAS_BACKEND=jax python neurons.py --quick    seconds: it runs, but the model has learned little

The record is the number of sunspots, yearly, 1700 to 2008; two years in three are kept, at random. At each of
them an LTC wired by `AutoNCP` forecasts the number three years ahead. It has 13 neurons, in three layers: the
inter neurons see the input, command neurons see them, and the motor neuron is the forecast.
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import matplotlib
import numpy as np
import statsmodels.datasets
from rich.console import Console
from rich.table import Table

from ncps import LTC
from ncps.wirings import AutoNCP

KEPT = 2 / 3  # of the years
AHEAD = 3  # years
SCALE = 100.0  # sunspots; the model is given them in this unit
STEPS = 40  # samples of a window to train on
WARM = 10  # steps in which the potentials settle: no error is counted there
SPLIT = 1900  # looked at from this year on, trained on those before

COLORS = {"inter": "#2B6CB0", "command": "#0F8A6D", "motor": "#C2571A"}


def main():
    arguments = parse()
    arguments.out.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(arguments.seed)
    rng = np.random.default_rng(arguments.seed)
    years, numbers = statsmodels.datasets.sunspots.load_pandas().data.to_numpy("float32").T

    layer = LTC(AutoNCP(13, 1), return_sequences=True)
    train(layer, years, numbers, rng, passes=1 if arguments.quick else 8, epochs=1 if arguments.quick else 40)

    seen = sequence(years, numbers, years >= SPLIT, rng)
    forecast, potentials = states(layer, *seen[:2])
    miss, same = (SCALE * np.abs(f - seen[2])[WARM:].mean() for f in (forecast, seen[0]))
    print(f"forecast {AHEAD} years ahead: MAE {miss:.1f} sunspots; the last sample again: {same:.1f}")
    show(layer.cell.wiring, potentials, seen[0][:, 0])
    draw(layer.cell.wiring, potentials, forecast[:, 0], seen, arguments.out / "neurons.png")
    print(f"wrote {arguments.out / 'neurons.png'}")


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one epoch on less data")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder of the files written")
    return parser.parse_args()


def sequence(years, numbers, among, rng):
    """Return samples `(steps, 1)`, times since the sample before, targets `(steps, 1)`, years `(steps,)`."""
    k = np.flatnonzero(among[:-AHEAD] & (rng.random(len(years) - AHEAD) < KEPT))
    elapsed = np.diff(years[k], prepend=years[k[0]] - 1)
    return numbers[k, None] / SCALE, elapsed, numbers[k + AHEAD, None] / SCALE, years[k]


def train(layer, years, numbers, rng, passes, epochs):
    """Train `layer`, whose output is the forecast, on windows of the early years, thinned `passes` times."""
    early = years < SPLIT - AHEAD  # so that no target is of the years looked at
    windows = []
    for _ in range(passes):
        *parts, _ = sequence(years, numbers, early, rng)
        starts = range(0, len(parts[0]) - STEPS + 1, 3)
        windows += [[part[k : k + STEPS] for part in parts] for k in starts]
    samples, elapsed, targets = (np.stack(parts) for parts in zip(*windows, strict=True))

    inputs = [keras.Input((STEPS, 1), name="samples"), keras.Input((STEPS,), name="elapsed")]
    model = keras.Model(inputs, layer(inputs[0], timespans=inputs[1]))
    model.compile(keras.optimizers.Adam(0.02), "mse")
    counted = np.broadcast_to(np.arange(STEPS) >= WARM, elapsed.shape).astype("float32")
    model.fit([samples, elapsed], targets, sample_weight=counted, batch_size=32, epochs=epochs, verbose=0)


def states(layer, samples, elapsed):
    """Return the outputs `(steps, outputs)` and all potentials `(steps, neurons)` of one sequence."""
    telling = LTC(layer.cell, return_sequences=True, return_state_sequences=True)
    outputs, potentials = telling(samples[None], timespans=elapsed[None].astype("float32"))
    return keras.ops.convert_to_numpy(outputs)[0], keras.ops.convert_to_numpy(potentials)[0]


def layers(wiring):
    """Return the neurons of each layer, by its name, from the input to the output."""
    neurons = [wiring.get_neurons_of_layer(k) for k in range(wiring.num_layers)]
    return {wiring.get_type_of_neuron(layer[0]): layer for layer in neurons}


def show(wiring, potentials, samples):
    table = Table(title=f"Potentials at {len(samples)} samples since {SPLIT}")
    for heading in ("neuron", "layer", "lowest", "highest", "correlation with the samples"):
        table.add_column(heading, justify="left" if heading == "layer" else "right")
    for name, neurons in layers(wiring).items():
        for neuron in neurons:
            v = potentials[WARM:, neuron]
            r = np.corrcoef(v, samples[WARM:])[0, 1] if v.std() > 1e-6 else 0.0
            table.add_row(str(neuron), name, f"{v.min():.2f}", f"{v.max():.2f}", f"{r:.2f}")
    Console().print(table)


def draw(wiring, potentials, forecast, seen, path):
    """Draw the record and the forecasts, and below them the potentials, layer by layer."""
    matplotlib.use("agg")
    from matplotlib import pyplot

    samples, _, targets, years = seen
    by_layer = layers(wiring)
    figure, (top, *rest) = pyplot.subplots(
        1 + len(by_layer), 1, figsize=(11, 8), sharex=True, layout="constrained"
    )
    top.plot(years, SCALE * samples[:, 0], "o-", color="#7B8494", ms=4, lw=1, label="samples")
    top.plot(
        years + AHEAD, SCALE * forecast, "o", color=COLORS["motor"], ms=4, label="forecast for that year"
    )
    top.set(ylabel="sunspots")
    top.legend(frameon=False, ncols=2, loc="upper left", fontsize=9)
    top.set_ylim(top=1.25 * SCALE * targets.max())
    for axes, (name, neurons) in zip(rest, by_layer.items(), strict=True):
        for neuron in neurons:
            (line,) = axes.plot(years, potentials[:, neuron], color=COLORS[name], lw=1.3)
            line.set_alpha(0.35 + 0.65 * neurons.index(neuron) / max(1, len(neurons) - 1))
            axes.annotate(
                f" {neuron}", (years[-1], potentials[-1, neuron]), color=COLORS[name], fontsize=8, va="center"
            )
        axes.set(ylabel=f"{name}: potential")
    rest[-1].set(xlabel="year")
    for axes in (top, *rest):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=100)


if __name__ == "__main__":
    main()
