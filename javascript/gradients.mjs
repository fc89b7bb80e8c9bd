/** Derivatives of a step and of a sequence, and plain gradient descent through a sequence. */

import { toNumbers } from "./cell.mjs";
import { timesOf } from "./layer.mjs";
import { Tape } from "./tape.mjs";
import { Tensor } from "./tensor.mjs";

/**
 * The derivatives of sum(output * cotangent) of one step of a batch, which by the chain rule serve any loss.
 *
 * @returns {{inputs: Tensor, state: Tensor, timespans: Tensor | null, parameters: Object<string, Tensor>}}
 */
export function gradients(cell, inputs, states, cotangent, timespans = null) {
  const { compute } = cell.policy;
  const at = timesOf(timespans, inputs.shape[0]);
  const found = {
    inputs: Tensor.zeros(inputs.shape, compute),
    state: Tensor.zeros(states.shape, compute),
    timespans: timespans && Tensor.zeros(timespans.shape, compute),
    parameters: zeros(cell),
  };
  inputs.rows().forEach((row, i) => {
    const tape = new Tape(cell.arithmetic);
    const p = cell.numbers(tape);
    const [x, h, t] = [toNumbers(tape, row), toNumbers(tape, states.row(i)), tape.number(at(i))];
    tape.backward(cell.compute(tape, p, x, h, t, null), cotangent.row(i));
    found.inputs.row(i).set(x.map((a) => a.gradient));
    found.state.row(i).set(h.map((a) => a.gradient));
    if (timespans) found.timespans.data[timespans.shape.length ? i : 0] += t.gradient;
    accumulate(found.parameters, p);
  });
  return found;
}

/**
 * The derivatives of sum(outputs * cotangents) of a sequence, whose last output is its last state.
 *
 * @param {Tensor} inputs (batch, time, features)
 * @param {Tensor} initialState (batch, units)
 * @param {Tensor} cotangents (batch, time, units)
 * @param {Tensor | null} timespans (batch, time) or (batch, time, 1)
 * @returns {{inputs: Tensor, initialState: Tensor, timespans: Tensor | null, parameters: Object<string, Tensor>}}
 */
export function sequenceGradients(cell, inputs, initialState, cotangents, timespans = null) {
  const { compute } = cell.policy;
  const width = inputs.shape[2];
  const found = {
    inputs: Tensor.zeros(inputs.shape, compute),
    initialState: Tensor.zeros(initialState.shape, compute),
    timespans: timespans && Tensor.zeros(timespans.shape, compute),
    parameters: zeros(cell),
  };
  inputs.rows().forEach((row, i) => {
    const tape = new Tape(cell.arithmetic);
    const p = cell.numbers(tape);
    const x = toNumbers(tape, row);
    const t = toNumbers(tape, timespans ? timespans.row(i) : new Array(inputs.shape[1]).fill(1));
    const first = toNumbers(tape, initialState.row(i));
    const outputs = [];
    for (let h = first, k = 0; k < t.length; k++) {
      h = cell.compute(tape, p, x.slice(k * width, (k + 1) * width), h, t[k], null);
      outputs.push(...h);
    }
    tape.backward(outputs, cotangents.row(i));
    found.inputs.row(i).set(x.map((a) => a.gradient));
    found.initialState.row(i).set(first.map((a) => a.gradient));
    if (timespans) found.timespans.row(i).set(t.map((a) => a.gradient));
    accumulate(found.parameters, p);
  });
  return found;
}

/**
 * Steps of gradient descent on the mean square of (last output - target), while the backbone drops features.
 *
 * @param {Tensor} inputs (batch, time, features)
 * @param {Tensor} targets (batch, units)
 * @returns {number[]} the loss before each step
 */
export function train(cell, inputs, targets, { steps = 1, rate = 0.1, timespans = null } = {}) {
  return Array.from({ length: steps }, () => {
    const total = zeros(cell, "float64");
    const losses = inputs.rows().map((row, i) => {
      const times = timespans ? timespans.row(i) : null;
      return descend(cell, total, row, inputs.shape, targets.row(i), times, targets.data.length);
    });
    for (const [path, gradient] of Object.entries(total)) {
      cell.setParameters({ [path]: cell.parameters[path].data.map((a, k) => a - rate * gradient.data[k]) });
    }
    return losses.reduce((a, b) => a + b, 0);
  });
}

/** The share of one sequence in the loss; its gradient is added to `total`. */
function descend(cell, total, row, [, time, width], target, times, count) {
  const tape = new Tape(cell.arithmetic);
  const p = cell.numbers(tape);
  const masks = cell.dropoutMasks();
  let h = toNumbers(tape, cell.initialState());
  for (let k = 0; k < time; k++) {
    const x = toNumbers(tape, row.subarray(k * width, (k + 1) * width));
    h = cell.compute(tape, p, x, h, tape.number(times ? times[k] : 1), masks);
  }
  const errors = h.map((a, k) => a.value - target[k]);
  tape.backward(h, errors.map((e) => (2 * e) / count));
  accumulate(total, p);
  return errors.reduce((sum, e) => sum + (e * e) / count, 0);
}

function zeros(cell, dtype = cell.policy.variable) {
  const like = ([path, { shape }]) => [path, Tensor.zeros(shape, dtype)];
  return Object.fromEntries(Object.entries(cell.parameters).map(like));
}

/** Add what a tape found; a kernel is recorded by its columns. */
function accumulate(total, recorded) {
  for (const [path, values] of Object.entries(recorded)) {
    const { data } = total[path];
    if (!Array.isArray(values[0])) values.forEach((a, k) => (data[k] += a.gradient));
    else values.forEach((column, k) => column.forEach((a, i) => (data[i * values.length + k] += a.gradient)));
  }
}
