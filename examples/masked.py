"""Train an LTC wired by AutoNCP on a record with missing weeks; load it on another backend; draw its wiring.

    KERAS_BACKEND=jax python masked.py            half a minute on two cores
    KERAS_BACKEND=jax python masked.py --quick    a few seconds: it runs, but the model has learned little

Where samples stand on a grid, a mask says which are there. The layer passes over the others, and with
`masked_time="carry"` the time they take is added to the elapsed time of the next sample that is there.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import statsmodels.datasets

from ncps import LTC
from ncps.wirings import AutoNCP

WEEKS = 30  # that a model sees
AHEAD = 8  # weeks from the last it sees to the one it forecasts
SCALE = 5.0  # ppm; CO2 is given relative to the last week seen, in this unit
WEEK = 7 / 30.44  # months

# A program that loads a model imports ncps first; it needs no custom_objects. How a model was compiled is
# saved too, on jax with jit_compile=True, over which torch would sit for a minute: forecasts need none of it.
LOADER = """
import sys, keras, numpy as np, ncps
path, inputs, outputs = sys.argv[1:]
model = keras.models.load_model(path, compile=False)
np.save(outputs, model.predict(list(np.load(inputs).values()), batch_size=256, verbose=0))
"""


def main():
    arguments = parse()
    arguments.out.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(1)

    inputs, targets = windows(np.random.default_rng(1), step=8 if arguments.quick else 1)
    split = int(0.7 * len(targets))  # in time: the model is tested on years it has not seen
    train, test = [x[:split] for x in inputs], [x[split:] for x in inputs]

    wiring = AutoNCP(16, 1)  # 16 neurons; the one that puts out is the forecast
    model = compiled(wiring)
    model.fit(train, targets[:split], batch_size=64, epochs=1 if arguments.quick else 20, verbose=0)
    forecast = model.predict(test, batch_size=256, verbose=0)
    print(f"forecast {AHEAD} weeks ahead: MAE {mae(forecast, targets[split:]):.2f} ppm")
    print(f"the last sample again: MAE {mae(0, targets[split:]):.2f} ppm")

    model.save(arguments.out / "masked.keras")
    elsewhere = loaded(arguments.out, test, arguments.other)
    print(
        f"trained on {keras.backend.backend()}, loaded on {arguments.other}: forecasts differ by at most "
        f"{np.abs(elsewhere - forecast).max():.1g}"
    )
    wiring.draw().figure.savefig(arguments.out / "wiring.png", dpi=100)
    print(f"wrote {arguments.out / 'masked.keras'} and {arguments.out / 'wiring.png'}")


def parse():
    other = "torch" if keras.backend.backend() == "jax" else "jax"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one epoch on an eighth of the data")
    parser.add_argument("--other", default=other, help=f"backend to load the model on, by default {other}")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder of the files written")
    return parser.parse_args()


def windows(rng, step):
    """Return `[samples, elapsed, mask], targets`; a window ends with a week that is there.

    To the weeks that the record itself lacks come two of three others, left out at random.
    """
    record = statsmodels.datasets.co2.load_pandas().data["co2"].to_numpy("float32")
    there = ~np.isnan(record) & (rng.random(len(record)) < 1 / 3)
    ends = np.flatnonzero(there[:-AHEAD] & ~np.isnan(record[AHEAD:]))
    ends = ends[ends >= WEEKS][::step]
    weeks = ends[:, None] + np.arange(1 - WEEKS, 1)  # of each window, (windows, WEEKS)
    samples = (record[weeks] - record[ends, None])[..., None] / SCALE  # NaN where the record has a gap
    elapsed = np.full(weeks.shape, WEEK, "float32")
    return [samples, elapsed, there[weeks]], (record[ends + AHEAD] - record[ends])[:, None] / SCALE


def compiled(wiring):
    samples = keras.Input((WEEKS, 1), name="samples")
    elapsed = keras.Input((WEEKS,), name="elapsed")
    mask = keras.Input((WEEKS,), dtype="bool", name="mask")
    forecast = LTC(wiring, masked_time="carry")(samples, timespans=elapsed, mask=mask)
    model = keras.Model([samples, elapsed, mask], forecast)
    model.compile(keras.optimizers.Adam(0.02), "mse")
    return model


def mae(forecast, target):
    return SCALE * np.abs(forecast - target).mean()


def loaded(folder, inputs, backend):
    """Return the forecasts of the saved model in a process of its own, on another backend."""
    np.savez(folder / "inputs.npz", *inputs)
    files = [folder / name for name in ("masked.keras", "inputs.npz", "forecasts.npy")]
    environment = {**os.environ, "KERAS_BACKEND": backend}
    subprocess.run([sys.executable, "-c", LOADER, *map(str, files)], env=environment, check=True)
    return np.load(files[-1])


if __name__ == "__main__":
    main()
