import assert from "node:assert/strict";
import test from "node:test";
import { ACTIVATIONS, Bidirectional, CfCCell, gradients, LTCCell, Recurrent, sequenceGradients, Tensor, train } from "../index.mjs";
import { arithmetic, erf } from "../arithmetic.mjs";
import { bfloat16, float16 } from "../half.mjs";

const CELLS = [
  new CfCCell({ units: 3, backbone_units: 4, dtype: "float64" }),
  new CfCCell({ units: 3, backbone_layers: 0, mode: "no_gate", dtype: "float64" }),
  new CfCCell({ units: 3, backbone_units: 4, mode: "pure", activation: "gelu", dtype: "float64" }),
  new LTCCell({ units: 3, dtype: "float64" }),
  new LTCCell({ units: 3, solver: "explicit", activation: "softplus", dtype: "float64" }),
].map((cell) => cell.build(2));

test("a mask of another shape and a batch of another size are refused by name", () => {
  const layer = new Recurrent(CELLS[0], { stateful: true });
  const inputs = Tensor.zeros([2, 3, 2], "float64");
  assert.throws(() => layer.call(inputs, { mask: Tensor.zeros([1, 3], "float64") }), /^RangeError: mask: shape \[1,3\]/);
  layer.call(inputs);
  assert.throws(() => layer.call(Tensor.zeros([1, 3, 2], "float64")), /keeps the states of 2/);
});

test("the error function, to 15 digits of published tables", () => {
  assert.equal(erf(0), 0);
  const known = { 0.5: 0.520499877813046538, 1: 0.842700792949714869, 2: 0.995322265018952734, 3: 0.999977909503001415 };
  for (const [a, want] of Object.entries(known).map(([text, value]) => [Number(text), value])) {
    assert.ok(Math.abs(erf(a) - want) < 4e-16, `erf(${a})`);
    assert.equal(erf(-a), -erf(a));
  }
  assert.ok(Math.abs(erf(2 - 1e-12) - erf(2)) < 1e-13);
});

test("halves round to the nearest, ties to even", () => {
  const rounded = [1 + 2 ** -11, 1 + 3 * 2 ** -11, 65504, 65520, 2 ** -25, 0.1].map(float16);
  assert.deepEqual(rounded, [1, 1 + 2 ** -9, 65504, Infinity, 0, 0.0999755859375]);
  assert.deepEqual([1 + 2 ** -8, 1 + 3 * 2 ** -8, 0.1].map(bfloat16), [1, 1 + 2 ** -6, 0.10009765625]);
});

test("float32 is rounded after every operation", () => {
  const m = arithmetic("float32");
  assert.equal(m.add(1, 2 ** -25), 1);
  assert.equal(m.number(0.1), Math.fround(0.1));
});

test("a step of an LTC whose target is the state stays where it is", () => {
  const cell = new LTCCell({ units: 1, activation: "linear" }).build(1);
  cell.setParameters({ kernel: [0, 1], bias: [0], "tau_kernel/kernel": [0, 0], "tau_kernel/bias": [0] });
  assert.deepEqual([...cell.step([5], [0.75], 2)], [0.75]);
  cell.setParameters({ kernel: [1, 0] }); // target 1, tau 1: half of the way in t = 1
  assert.deepEqual([...cell.step([1], [0], 1)], [0.5]);
});

test("a gate of time 0 is half of each head", () => {
  const cell = new CfCCell({ units: 1, backbone_layers: 0, head_activation: "linear" }).build(1);
  cell.setParameters({ ff1_kernel: [1, 0], ff2_kernel: [3, 0], "time_a/kernel": [1, 0], "time_b/kernel": [0, 0] });
  assert.deepEqual([...cell.step([1], [0], 0)], [2]);
});

test("derivatives are those of finite differences", () => {
  for (const cell of CELLS) {
    const inputs = new Tensor([1, 2], Float64Array.of(0.3, -0.7), "float64");
    const states = new Tensor([1, 3], Float64Array.of(0.1, -0.2, 0.4), "float64");
    const times = new Tensor([1], Float64Array.of(0.6), "float64");
    const cotangent = new Tensor([1, 3], Float64Array.of(1, -2, 0.5), "float64");
    const found = gradients(cell, inputs, states, cotangent, times);
    const loss = () => {
      const after = cell.step(inputs.data, states.data, times.data[0]);
      return after.reduce((sum, a, k) => sum + a * cotangent.data[k], 0);
    };
    const slope = (data, i) => {
      const before = data[i];
      const at = (value) => ((data[i] = value), loss());
      const difference = (at(before + 1e-6) - at(before - 1e-6)) / 2e-6;
      data[i] = before;
      return difference;
    };
    const pairs = [[inputs, found.inputs], [states, found.state], [times, found.timespans]];
    for (const [path, value] of Object.entries(cell.parameters)) {
      if (path !== "w_tau") pairs.push([value, found.parameters[path]]); // which is at its kink
    }
    for (const [value, gradient] of pairs) {
      value.data.forEach((_, i) => assert.ok(Math.abs(slope(value.data, i) - gradient.data[i]) < 1e-8));
    }
  }
});

test("a masked sample holds the state, and its time counts where it is carried", () => {
  const cell = CELLS[0];
  const inputs = new Tensor([1, 3, 2], Float64Array.of(1, 2, 9, 9, 3, 4), "float64");
  const mask = new Tensor([1, 3], Uint8Array.of(1, 0, 1));
  const timespans = new Tensor([1, 3], Float64Array.of(1, 2, 3));
  const first = cell.step([1, 2], cell.initialState(), 1);
  for (const [masked_time, t] of [["drop", 3], ["carry", 5]]) {
    const { output } = new Recurrent(cell, { return_sequences: true, masked_time }).call(inputs, { mask, timespans });
    assert.deepEqual([...output.data], [...first, ...first, ...cell.step([3, 4], first, t)]);
  }
});

test("backwards is forwards through the sequence reversed", () => {
  const inputs = new Tensor([1, 2, 2], Float64Array.of(1, 2, 3, 4), "float64");
  const { output } = new Bidirectional(CELLS[0], CELLS[0], { return_sequences: true }).call(inputs);
  const last = CELLS[0].step([3, 4], CELLS[0].initialState());
  assert.deepEqual([...output[1].data], [...CELLS[0].step([1, 2], last), ...last]);
});

test("JSON keeps a cell whole", () => {
  for (const cell of CELLS) {
    const again = cell.constructor.fromJSON(JSON.parse(JSON.stringify(cell)));
    assert.deepEqual(again.step([1, 2], [0, 0, 0], 0.5), cell.step([1, 2], [0, 0, 0], 0.5));
    assert.deepEqual(again.getConfig(), cell.getConfig());
  }
});

test("training makes the loss smaller", () => {
  const cell = new CfCCell({ units: 1, backbone_units: 4, backbone_dropout: 0 }).build(2);
  const inputs = new Tensor([2, 2, 2], Float32Array.of(1, 0, 0, 1, 0, 1, 1, 0));
  const losses = train(cell, inputs, new Tensor([2, 1], Float32Array.of(0.5, -0.5)), { steps: 200, rate: 0.2 });
  assert.ok(losses.at(-1) < losses[0] / 10);
});

test("a bad argument is refused by name", () => {
  const refused = (config, name, kind = CfCCell) => {
    assert.throws(() => new kind(config), new RegExp(`^(RangeError|TypeError): ${name}`));
  };
  refused({ units: 0 }, "units");
  refused({ units: 2, mode: "prue" }, "mode");
  refused({ units: 2, backbone_dropout: 1 }, "backbone_dropout");
  refused({ units: 2, solvr: "explicit" }, "solvr", LTCCell);
  refused({ units: 2, backbone_units: 3 }, "backbone_units", LTCCell);
  assert.throws(() => CELLS[0].step([1, 2, 3], [0, 0, 0]), /x: 3 numbers, but should be 2/);
  assert.throws(() => CELLS[0].step([1, 2], [0, 0, 0], -1), /t: -1 must be a finite number, at least 0/);
  assert.ok("gelu_tanh" in ACTIVATIONS);
});

test("the gradients of a sequence are those of its steps, one after the other", () => {
  for (const cell of CELLS) {
    const numbers = (shape, ...data) => new Tensor(shape, Float64Array.from(data), "float64");
    const inputs = numbers([1, 2, 2], 0.3, -0.7, 0.9, 0.1);
    const [x, y] = [numbers([1, 2], 0.3, -0.7), numbers([1, 2], 0.9, 0.1)];
    const first = numbers([1, 3], 0.2, -0.4, 0.6);
    const cotangents = numbers([1, 2, 3], 1, -2, 0.5, 0.25, 1.5, -1);
    const found = sequenceGradients(cell, inputs, first, cotangents, numbers([1, 2], 0.6, 1.2));
    const between = numbers([1, 3], ...cell.step(x.data, first.data, 0.6));
    const last = gradients(cell, y, between, numbers([1, 3], 0.25, 1.5, -1), numbers([1], 1.2));
    const before = numbers([1, 3], ...cotangents.row(0).slice(0, 3).map((c, i) => c + last.state.data[i]));
    const early = gradients(cell, x, first, before, numbers([1], 0.6));
    const near = (got, want) => want.forEach((a, i) => assert.ok(Math.abs(got[i] - a) < 1e-12));
    near(found.inputs.data, [...early.inputs.data, ...last.inputs.data]);
    near(found.initialState.data, [...early.state.data]);
    near(found.timespans.data, [...early.timespans.data, ...last.timespans.data]);
    for (const [path, { data }] of Object.entries(found.parameters)) {
      near(data, [...early.parameters[path].data].map((a, i) => a + last.parameters[path].data[i]));
    }
  }
});
