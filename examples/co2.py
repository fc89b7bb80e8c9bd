"""Forecast CO2 from irregular samples: CfC and LTC, which are told the elapsed time, against GRU.

    KERAS_BACKEND=jax python co2.py            about a minute on two cores
    KERAS_BACKEND=jax python co2.py --quick    a few seconds: it runs, but the models have learned little

The record is that of Mauna Loa, weekly, 1958 to 2001, with the gaps it has. A week in four is kept, at
random, so that samples are weeks or months apart. From 24 of them a model forecasts the next, of which it
knows when it is taken. With the seasons that matters: CO2 rises by 6 ppm from autumn to spring, then falls.
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

from ncps import LTC, CfC
from ncps.wirings import AutoNCP

SAMPLES = 24  # that a model sees before it is asked
KEPT = 1 / 4  # of the weeks
SCALE = 5.0  # ppm; differences of CO2 are given to the models in this unit
MONTH = 30.44  # days; elapsed times are given in months, so that most are about 1
SPLIT = 1985  # tested on this year and those after it, trained on those before

LOOKS = {  # in the picture
    "GRU": {"color": "#7B8494", "marker": "x"},
    "GRU, gap as a feature": {"color": "#2B6CB0", "marker": "s"},
    "CfC": {"color": "#0F8A6D", "marker": "o"},
    "LTC, wired": {"color": "#C2571A", "marker": "D"},
}


def main():
    arguments = parse()
    out = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    record = statsmodels.datasets.co2.load_pandas().data["co2"].dropna()
    rng = np.random.default_rng(arguments.seed)
    passes, tested, epochs = (1, 1, 1) if arguments.quick else (8, 4, 30)
    train = gather([thinned(record[: str(SPLIT - 1)], rng) for _ in range(passes)])
    tests = [thinned(record[str(SPLIT) :], rng) for _ in range(tested)]
    test = gather(tests)

    forecasts, rows = {}, []
    for name, make in layers(arguments.seed).items():
        keras.utils.set_random_seed(arguments.seed)
        model = compiled(make, steps=epochs * -(-len(train[1]) // 64))
        model.fit(*train, batch_size=64, epochs=epochs, verbose=0)
        forecasts[name] = model.predict(test[0], batch_size=256, verbose=0)
        rows.append((name, model.count_params(), *errors(forecasts[name], test[1])))
        if not name.startswith("GRU"):
            path = out / f"{name.split(',')[0].lower()}.keras"
            save_and_load(model, path, test[0], forecasts[name])

    rows.append(("the last sample again", 0, *errors(np.zeros_like(test[1]), test[1])))
    show(rows, len(train[1]), len(test[1]), epochs)
    draw(record, tests[0], test, forecasts, out / "co2.png")
    print(f"wrote {out / 'co2.png'}")


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one epoch on less data")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder of the files written")
    return parser.parse_args()


def thinned(record, rng):
    """Return some weeks of the record, which are not evenly spaced."""
    return record[rng.random(len(record)) < KEPT]


def gather(series):
    """Return the windows of all series: `[samples, elapsed], targets`, as `fit` takes them."""
    samples, elapsed, targets = zip(*(windows(one) for one in series), strict=True)
    return [np.concatenate(samples), np.concatenate(elapsed)], np.concatenate(targets)


def windows(series):
    """Return samples `(windows, SAMPLES + 1, 1)`, the times between them, and targets `(windows, 1)`.

    The last step is the question. What is not known yet stands as the value before it, held, and its elapsed
    time says how long ago that was. Values are relative to it: the trend would leave what was trained on.
    """
    values = np.lib.stride_tricks.sliding_window_view(series.to_numpy("float32"), SAMPLES + 1)
    days = (series.index - series.index[0]).days.to_numpy("float32")
    gaps = np.lib.stride_tricks.sliding_window_view(np.diff(days, prepend=days[0]) / MONTH, SAMPLES + 1)
    last = values[:, -2:-1]
    known = np.concatenate([values[:, :-1], last], axis=1) - last
    return known[..., None] / SCALE, gaps.astype("float32"), (values[:, -1:] - last) / SCALE


def layers(seed):
    """Return the layers to compare, of about one size: by name, a function of samples and elapsed times."""

    def informed(samples, elapsed):
        return keras.layers.GRU(28)(keras.ops.concatenate([samples, elapsed[..., None]], axis=-1))

    return {
        "GRU": lambda samples, elapsed: keras.layers.GRU(28)(samples),
        "GRU, gap as a feature": informed,
        "CfC": lambda samples, elapsed: CfC(16, backbone_units=32, backbone_dropout=0.0)(
            samples, timespans=elapsed
        ),
        # 24 neurons, 4 of which put out.
        "LTC, wired": lambda samples, elapsed: LTC(AutoNCP(24, 4, seed=seed))(samples, timespans=elapsed),
    }


def compiled(make, steps):
    samples, elapsed = keras.Input((None, 1), name="samples"), keras.Input((None,), name="elapsed")
    model = keras.Model([samples, elapsed], keras.layers.Dense(1)(make(samples, elapsed)))
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.01, steps)), "mse")
    return model


def errors(forecast, target):
    """Return the mean absolute and the root mean square error, in ppm."""
    miss = SCALE * (forecast - target)
    return np.abs(miss).mean(), np.sqrt((miss**2).mean())


def save_and_load(model, path, inputs, before):
    """Save and load a model: the layers are registered, so `load_model` needs `import ncps` alone."""
    model.save(path)
    after = keras.models.load_model(path).predict(inputs, batch_size=256, verbose=0)
    print(f"wrote {path}; loaded again, its forecasts differ by at most {np.abs(after - before).max():.1g}")


def show(rows, trained, tested, epochs):
    table = Table(title=f"{epochs} epochs on {trained} windows; tested on {tested} windows since {SPLIT}")
    for heading in ("model", "parameters", "MAE, ppm", "RMSE, ppm"):
        table.add_column(heading, justify="left" if heading == "model" else "right")
    for name, parameters, mae, rmse in rows:
        table.add_row(name, str(parameters), f"{mae:.2f}", f"{rmse:.2f}")
    Console().print(table)


def draw(record, series, test, forecasts, path):
    """Draw three years of forecasts, and the error by the time between the last sample and the next."""
    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(
        1, 2, figsize=(11, 4.2), width_ratios=(2, 1), layout="constrained"
    )
    dates, last = series.index[SAMPLES:], series.to_numpy()[SAMPLES - 1 : -1]
    shown = (dates >= "1990") & (dates < "1993")
    weekly = record["1990":"1992"]
    left.plot(weekly.index, weekly, color="#D3D7DE", lw=5, label="weekly record, mostly unseen")
    for name, forecast in forecasts.items():
        values = (last + SCALE * forecast[: len(last), 0])[shown]
        left.plot(dates[shown], values, **LOOKS[name], ls="", ms=5, label=name)
    left.set(ylabel="CO2, ppm", title="Each point is forecast from the 24 samples before it")
    left.legend(frameon=False, fontsize=9, loc="upper left", ncols=3)
    left.set_ylim(top=left.get_ylim()[1] + 3)  # room for the legend

    weeks = test[0][1][:, -1] * MONTH / 7
    bins = np.digitize(weeks, [1.5, 2.5, 4.5, 7.5, 11.5])
    for name, forecast in forecasts.items():
        miss = SCALE * np.abs(forecast - test[1])[:, 0]
        right.plot([miss[bins == b].mean() for b in range(6)], **LOOKS[name], ms=5)
    right.set_xticks(range(6), ["1", "2", "3-4", "5-7", "8-11", "12+"])
    right.set(xlabel="weeks since the last sample", ylabel="mean absolute error, ppm", ylim=(0, None))
    right.set_title("Error by the gap to bridge")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=100)


if __name__ == "__main__":
    main()
