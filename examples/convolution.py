"""Put a convolution in front of CfC and LTC: what its stride does to elapsed times and masks.

    KERAS_BACKEND=jax python convolution.py            about a minute on two cores
    KERAS_BACKEND=jax python convolution.py --quick    seconds: it runs, but the models have learned little

The record is the sea surface temperature off Peru, monthly, 1950 to 2010. One month in two is kept, at
random. From the samples of three years a model forecasts the next one, a month or several later, and is not
told the season: it has to find it in the samples and in the times between them.
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import matplotlib
import numpy as np
import statsmodels.datasets
from keras import ops
from rich.console import Console
from rich.table import Table

from ncps import LTC, CfC
from ncps.wirings import AutoNCP

KEPT = 1 / 2  # of the months
MONTHS = 36  # that a window reaches back
STRIDE = 2
STEPS = 25  # of a window, shorter ones padded in front: 1 + a multiple of the stride
SCALE = 3.0  # degrees; differences of temperature are given to the models in this unit
SPLIT = 1990  # tested on this year and those after it, trained on those before


def main():
    arguments = parse()
    arguments.out.mkdir(parents=True, exist_ok=True)
    months, values = record()
    rng = np.random.default_rng(arguments.seed)
    passes, tested, epochs = (1, 1, 1) if arguments.quick else (6, 4, 20)
    early = months < SPLIT * 12
    train = gather([windows(months[early], values[early], rng) for _ in range(passes)])
    test = gather([windows(months[~early], values[~early], rng) for _ in range(tested)])

    rows = []
    for name, make in networks(arguments.seed).items():
        keras.utils.set_random_seed(arguments.seed)
        model = compiled(make, steps=epochs * -(-len(train[1]) // 64))
        model.fit(*train, batch_size=64, epochs=epochs, verbose=0)
        forecast = model.predict(test[0], batch_size=256, verbose=0)
        rows.append((name, model.count_params(), error(forecast, test[1])))
    rows.append(("the last sample again", 0, error(0.0, test[1])))

    show(rows, len(train[1]), len(test[1]), epochs)
    draw(test[0][1][0], test[0][2][0], rows, arguments.out / "convolution.png")
    print(f"wrote {arguments.out / 'convolution.png'}")


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one epoch on less data")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder of the files written")
    return parser.parse_args()


def record():
    """Return the months of the record, counted from the year 0, and their temperatures."""
    table = statsmodels.datasets.elnino.load_pandas().data.to_numpy("float32")
    months = (table[:, :1] * 12 + np.arange(12)).astype(int)
    return months.ravel(), table[:, 1:].ravel()


def windows(months, values, rng):
    """Return samples `(windows, STEPS, 1)`, elapsed times and mask `(windows, STEPS)`, and targets.

    The last step is the question: the value before it again, and the time since. Values are relative to it.
    A window has as many samples as its months have; the steps in front of these are 0, and masked.
    """
    kept = rng.random(len(months)) < KEPT
    months, values = months[kept], values[kept]
    asked = np.flatnonzero(months - months[0] >= MONTHS)
    samples, elapsed = np.zeros((2, len(asked), STEPS), "float32")
    mask = np.zeros((len(asked), STEPS), bool)
    for row, k in enumerate(asked):
        first = max(np.searchsorted(months, months[k] - MONTHS), k + 1 - STEPS)
        used = slice(STEPS - (k + 1 - first), None)
        samples[row, used] = np.append(values[first:k], values[k - 1]) - values[k - 1]
        elapsed[row, used] = np.diff(months[first : k + 1], prepend=months[first])
        mask[row, used] = True
    return samples[..., None] / SCALE, elapsed, mask, (values[asked] - values[asked - 1])[:, None] / SCALE


def gather(series):
    """Return the windows of all series: `[samples, elapsed, mask], targets`, as `fit` takes them."""
    *inputs, targets = (np.concatenate(parts) for parts in zip(*series, strict=True))
    return inputs, targets


def summed(elapsed):
    """Return the times between the outputs of a causal convolution of that stride, `(batch, outputs)`.

    An output stands at the last sample that it sees: the first one, and from there each STRIDE-th. All gaps
    from one to the next have passed. The last output sees the last sample only because the steps are
    1 and a multiple of the stride.
    """
    between = ops.reshape(elapsed[:, 1:], (-1, (STEPS - 1) // STRIDE, STRIDE))
    return ops.concatenate([elapsed[:, :1], ops.sum(between, axis=-1)], axis=1)


def convolved(samples, elapsed):
    """Return a causal convolution of samples and the gaps between them, which it does not know otherwise.

    Causal padding is zeros in front, as masked steps are here, and lets no output see what follows it.
    """
    both = ops.concatenate([samples, elapsed[..., None]], axis=-1)
    return keras.layers.Conv1D(12, 3, strides=STRIDE, padding="causal", activation="tanh")(both)


def recurrent(samples, elapsed, mask, seed):
    """Return a wired `LTC` on top of a `CfC`. A mask is given to both: a convolution passes none on."""
    options = {} if elapsed is None else {"timespans": elapsed}
    x = CfC(16, backbone_units=24, backbone_dropout=0.0, return_sequences=True)(samples, mask=mask, **options)
    return LTC(AutoNCP(16, 4, seed=seed))(x, mask=mask, **options)


def networks(seed):
    """Return the networks to compare: by name, a function of the samples, the elapsed times and the mask."""

    def thinned(x):
        return x[:, ::STRIDE]

    return {
        "GRU behind the convolution": lambda x, t, mask: keras.layers.GRU(24)(
            convolved(x, t), mask=thinned(mask)
        ),
        "CfC, LTC without convolution": lambda x, t, mask: recurrent(x, t, mask, seed),
        "convolution, gaps summed": lambda x, t, mask: recurrent(
            convolved(x, t), summed(t), thinned(mask), seed
        ),
        "convolution, every second gap": lambda x, t, mask: recurrent(
            convolved(x, t), thinned(t), thinned(mask), seed
        ),
        "convolution, gaps to it alone": lambda x, t, mask: recurrent(
            convolved(x, t), None, thinned(mask), seed
        ),
    }


def compiled(make, steps):
    samples, elapsed = keras.Input((STEPS, 1), name="samples"), keras.Input((STEPS,), name="elapsed")
    mask = keras.Input((STEPS,), dtype="bool", name="mask")
    model = keras.Model([samples, elapsed, mask], keras.layers.Dense(1)(make(samples, elapsed, mask)))
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.01, steps)), "mse")
    return model


def error(forecast, target):
    """Return the mean absolute error, in degrees."""
    return SCALE * np.abs(forecast - target).mean()


def show(rows, trained, tested, epochs):
    table = Table(title=f"{epochs} epochs on {trained} windows; tested on {tested} windows since {SPLIT}")
    for heading in ("model", "parameters", "MAE, degrees"):
        table.add_column(heading, justify="left" if heading == "model" else "right")
    for name, parameters, mae in rows:
        table.add_row(name, str(parameters), f"{mae:.2f}")
    Console().print(table)


def draw(elapsed, mask, rows, path):
    """Draw a window, and where the outputs of the convolution stand in time; and the errors."""
    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(
        1, 2, figsize=(11, 3.8), width_ratios=(3, 2), layout="constrained"
    )
    when = np.cumsum(elapsed)
    outputs = slice(None, None, STRIDE)
    rows_drawn = [
        ("samples", when[mask], "#7B8494"),
        ("outputs, gaps summed", np.cumsum(np.asarray(summed(elapsed[None]))[0])[mask[outputs]], "#0F8A6D"),
        ("outputs, every second gap", np.cumsum(elapsed[outputs])[mask[outputs]], "#C2571A"),
    ]
    for height, (label, times, color) in enumerate(rows_drawn):
        left.plot(times, np.full(len(times), 2.0 - height), "o-", color=color, ms=5, lw=1)
        left.text(0, 2.2 - height, label, color=color)
    left.set(xlabel="months", yticks=[], ylim=(-0.4, 2.6), title="One window, as the layers are told it")
    names, _, errors = zip(*rows, strict=True)
    right.barh(names, errors, color=["#0F8A6D" if "summed" in name else "#B9C0CB" for name in names])
    right.bar_label(right.containers[0], fmt="%.2f", padding=3)
    right.invert_yaxis()
    right.set(xlabel="mean absolute error, degrees", title="Error of the next sample")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    left.spines["left"].set_visible(False)
    figure.savefig(path, dpi=100)


if __name__ == "__main__":
    main()
