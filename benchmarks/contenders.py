"""The layers that are compared, each in a process of its own interpreter and backend.

    PYTHON benchmarks/contenders.py

reads one request a line from stdin, JSON such as `{"contender": "ours CfC", "time": 128, "work": "train"}`,
and answers with one line, `{"seconds": s, "mb": m}`: how long one forward pass or training step took, and by
how much the peak of resident memory grew. The first answer of a kind contains its building and compiling.
Needs NumPy, Keras, and what it compares; nothing of the suite.
"""

import json
import os
import resource
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
BATCH, FEATURES, UNITS, BACKBONE = 32, 16, 64, 128
WIRED_UNITS, MOTORS = 32, 4


def keras_model(layer, steps, timed):
    """Return a compiled Keras model of one layer that puts out its last output."""
    import keras

    x = keras.Input((steps, FEATURES))
    t = keras.Input((steps,))
    model = keras.Model([x, t], layer(x, timespans=t)) if timed else keras.Model(x, layer(x))
    model.compile("adam", "mse")
    return model


class OfKeras:
    """A layer in a Keras model: `predict_on_batch` and `train_on_batch`, as `fit` calls them."""

    def __init__(self, make, timed=False):
        self.make, self.timed = make, timed

    def build(self, steps):
        model = keras_model(self.make(), steps, self.timed)
        x, t, y = data(steps, model.output_shape[-1])
        inputs = [x, t] if self.timed else x
        return {
            "forward": lambda: model.predict_on_batch(inputs),
            "train": lambda: model.train_on_batch(inputs, y),
        }


class OfTorch:
    """A torch module: forward without gradients, and loss, gradients and a step of Adam."""

    def __init__(self, make):
        self.make = make

    def build(self, steps):
        import torch

        module, units = self.make()
        x, _, y = (torch.from_numpy(a) for a in data(steps, units))
        optimizer = torch.optim.Adam(module.parameters())

        def last():
            output, _ = module(x)
            return output if output.ndim == 2 else output[:, -1]

        def forward():
            with torch.no_grad():
                return last()

        def train():
            optimizer.zero_grad()
            loss = ((last() - y) ** 2).mean()
            loss.backward()
            optimizer.step()
            return loss.item()

        return {"forward": forward, "train": train}


def data(steps, units):
    import numpy as np

    draw = np.random.default_rng(0)
    shapes = ((BATCH, steps, FEATURES), (BATCH, steps), (BATCH, units))
    x, t, y = (draw.uniform(0, 1, shape).astype("float32") for shape in shapes)
    return x, t, y


def ours(kind):
    def make():
        import ncps

        if kind == "CfC":
            return ncps.CfC(UNITS, backbone_units=BACKBONE, backbone_dropout=0.0)
        return ncps.LTC(ncps.wirings.AutoNCP(WIRED_UNITS, MOTORS))

    return make


def peer_keras(kind):
    def make():
        from ncps import keras, wirings

        if kind == "CfC":
            return keras.CfC(UNITS, backbone_units=BACKBONE, backbone_layers=1, backbone_dropout=0.0)
        return keras.LTC(wirings.AutoNCP(WIRED_UNITS, MOTORS))

    return make


def peer_torch(kind):
    def make():
        from ncps import torch, wirings

        if kind == "CfC":
            options = {"backbone_units": BACKBONE, "backbone_layers": 1, "backbone_dropout": 0.0}
            return torch.CfC(FEATURES, UNITS, return_sequences=False, **options), UNITS
        return torch.LTC(FEATURES, wirings.AutoNCP(WIRED_UNITS, MOTORS), return_sequences=False), MOTORS

    return make


def of_keras(name):
    def make():
        import keras

        return getattr(keras.layers, name)(UNITS)

    return make


def torch_gru():
    import torch

    return torch.nn.GRU(FEATURES, UNITS, batch_first=True), UNITS


CONTENDERS = {
    "ours CfC": OfKeras(ours("CfC")),
    "ours CfC, timespans": OfKeras(ours("CfC"), timed=True),
    "ours LTC": OfKeras(ours("LTC")),
    "ours LTC, timespans": OfKeras(ours("LTC"), timed=True),
    "ncps.keras CfC": OfKeras(peer_keras("CfC")),
    "ncps.keras LTC": OfKeras(peer_keras("LTC")),
    "ncps.torch CfC": OfTorch(peer_torch("CfC")),
    "ncps.torch LTC": OfTorch(peer_torch("LTC")),
    "keras GRU": OfKeras(of_keras("GRU")),
    "keras LSTM": OfKeras(of_keras("LSTM")),
    "torch.nn.GRU": OfTorch(torch_gru),
}


def peak():
    """Return the most memory this process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main():
    answers, built = os.fdopen(os.dup(1), "w"), {}
    os.dup2(2, 1)  # what frameworks print is no answer
    import keras  # noqa: F401  its import is nobody's time

    for line in sys.stdin:
        request = json.loads(line)
        contender, steps = request["contender"], request["time"]
        before, begin = peak(), time.perf_counter()
        try:
            if (contender, steps) not in built:
                built[contender, steps] = CONTENDERS[contender].build(steps)
            built[contender, steps][request["work"]]()
            answer = {"seconds": time.perf_counter() - begin, "mb": peak() - before}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
