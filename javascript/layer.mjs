/** Cells over sequences: samples at uneven times, with some of them missing. */

import * as check from "./checks.mjs";
import { Tensor } from "./tensor.mjs";

const DEFAULTS = {
  return_sequences: false,
  return_state: false,
  go_backwards: false,
  stateful: false,
  zero_output_for_mask: false,
  masked_time: "drop",
  time_feature: false,
};

/**
 * Runs a cell over a batch of sequences.
 *
 *     const layer = new Recurrent(new CfCCell({ units: 8 }), { return_sequences: true });
 *     const inputs = new Tensor([1, 2, 3], [1, 2, 3, 4, 5, 6]);
 *     const { output } = layer.call(inputs, { timespans: new Tensor([1, 2], [1, 0.5]) });
 */
export class Recurrent {
  /** @param options as in Keras, and `masked_time` ("drop" or "carry") and `time_feature` of the specification. */
  constructor(cell, options = {}) {
    check.knownNames(options, Object.keys(DEFAULTS));
    this.cell = cell;
    this.options = { ...DEFAULTS, ...options };
    check.oneOf(["drop", "carry"], "masked_time", this.options.masked_time);
    this.state = null;
  }

  /**
   * @param {Tensor} inputs (batch, time, features)
   * @param {Tensor} [given.timespans] elapsed time before each sample, (batch, time) or (batch, time, 1); 1 if none
   * @param {Tensor} [given.mask] (batch, time), 0 where a sample is missing: the state is held
   * @param {Tensor} [given.initialState] (batch, units); zeros if none
   * @param {boolean} [given.training] whether the backbone drops features, one mask a sample for the whole sequence
   * @returns {{output: Tensor, state?: Tensor}} output (batch, time, units), or (batch, units) of the last step
   */
  call(inputs, given = {}) {
    const [batch, time] = checkedShape(inputs);
    const { samples, times } = this.timed(inputs, given.timespans);
    if (this.cell.inputs === null) this.cell.build(samples[0][0].length);
    const p = this.cell.numbers();
    const present = given.mask ? maskOf(given.mask, batch, time).rows() : null;
    const kept = this.options.stateful ? this.state : null;
    if (kept && kept.shape[0] !== batch) {
      throw new RangeError(`inputs: ${batch} sequences, but the layer keeps the states of ${kept.shape[0]}`);
    }
    const begin = given.initialState ?? kept ?? this.cell.initialState(batch);
    check.row("initial state", begin.data, batch * this.cell.state_size);
    const sequences = samples.map((row, i) => {
      const masks = given.training ? this.cell.dropoutMasks() : null;
      return this.run(row, times[i], present?.[i], begin.row(i), (x, h, t) => this.cell.step(x, h, t, masks, p));
    });
    return this.answer(sequences, time);
  }

  /** Inputs as rows of samples, and the elapsed time of each. */
  timed(inputs, timespans) {
    const [batch, time, width] = inputs.shape;
    const split = this.options.time_feature ? width - 1 : width;
    const sample = (row, k) => row.subarray(k * width, k * width + split);
    const each = (pick) => inputs.rows().map((row) => Array.from({ length: time }, (_, k) => pick(row, k)));
    const samples = each(sample);
    if (this.options.time_feature) return { samples, times: each((row, k) => row[k * width + split]) };
    if (!timespans) return { samples, times: samples.map((row) => row.map(() => 1)) };
    const [b, t, last = 1] = timespans.shape;
    if (timespans.shape.length < 2 || timespans.shape.length > 3 || b !== batch || t !== time || last !== 1) {
      const allowed = `[${batch}, ${time}] or [${batch}, ${time}, 1]`;
      throw new RangeError(`timespans: shape [${timespans.shape}] must be ${allowed}`);
    }
    return { samples, times: timespans.rows().map((row) => Array.from(row)) };
  }

  /** One sequence: its outputs in running order, and the last state. */
  run(samples, times, present, state, step) {
    const { go_backwards, zero_output_for_mask, masked_time } = this.options;
    const nothing = this.cell.initialState();
    const outputs = [];
    let output = nothing;
    let waiting = 0;
    for (let i = 0; i < samples.length; i++) {
      const k = go_backwards ? samples.length - 1 - i : i;
      if (present && !present[k]) {
        waiting += masked_time === "carry" ? times[k] : 0;
        outputs.push(zero_output_for_mask ? nothing : output);
        continue;
      }
      state = output = step(samples[k], state, times[k] + waiting);
      waiting = 0;
      outputs.push(output);
    }
    return { outputs, state: Float64Array.from(state) };
  }

  answer(sequences, time) {
    const [units, dtype] = [this.cell.output_size, this.cell.policy.compute];
    const state = Tensor.ofRows(sequences.map((s) => s.state), units, dtype);
    if (this.options.stateful) this.state = state;
    const steps = Array.from({ length: time }, (_, k) => sequences.map((s) => s.outputs[k]));
    const output = this.options.return_sequences
      ? Tensor.stacked(steps, sequences.length, units, dtype)
      : Tensor.ofRows(steps[time - 1], units, dtype);
    return this.options.return_state ? { output, state } : { output };
  }
}

/** Two cells over one sequence, the second from the last sample to the first. */
export class Bidirectional {
  constructor(forward, backward, options = {}) {
    this.forward = new Recurrent(forward, options);
    this.backward = new Recurrent(backward, { ...options, go_backwards: true });
  }

  /** As `Recurrent`; the outputs of both, those of the second put back into the order of the samples. */
  call(inputs, given = {}) {
    const forward = this.forward.call(inputs, given).output;
    const backward = this.backward.call(inputs, given).output;
    return { output: [forward, backward.shape.length === 3 ? reversed(backward) : backward] };
  }
}

function maskOf(mask, batch, time) {
  const [b, t] = mask.shape;
  if (mask.shape.length !== 2 || b !== batch || t !== time) {
    throw new RangeError(`mask: shape [${mask.shape}] must be [${batch}, ${time}]`);
  }
  return mask;
}

function reversed(tensor) {
  const [batch, time, width] = tensor.shape;
  const at = (row, k) => row.subarray(k * width, (k + 1) * width);
  const steps = Array.from({ length: time }, (_, k) => tensor.rows().map((row) => at(row, time - 1 - k)));
  return Tensor.stacked(steps, batch, width, tensor.dtype);
}

function checkedShape(inputs) {
  if (inputs.shape.length !== 3) {
    throw new RangeError(`inputs: shape [${inputs.shape}] must be [batch, time, features]`);
  }
  if (inputs.shape[1] < 1) throw new RangeError("inputs: a sequence without a sample");
  return inputs.shape;
}

/**
 * One step of a batch: rows of inputs and of states, and elapsed time as a Tensor of shape [], [batch] or [batch, 1].
 *
 * @returns {Tensor} the states after, which are the outputs
 */
export function stepBatch(cell, inputs, states, timespans = null, training = false) {
  const batch = inputs.shape[0];
  const times = timesOf(timespans, batch);
  const masks = () => (training ? cell.dropoutMasks() : null);
  const p = cell.numbers();
  const rows = inputs.rows().map((x, i) => cell.step(x, states.row(i), times(i), masks(), p));
  return Tensor.ofRows(rows, cell.output_size, cell.policy.compute);
}

/** The elapsed time of sample i. */
export function timesOf(timespans, batch) {
  if (!timespans) return () => 1;
  const { shape, data } = timespans;
  if (shape.length === 0) return () => data[0];
  if (shape.length > 2 || shape[0] !== batch || (shape[1] ?? 1) !== 1) {
    throw new RangeError(`timespans: shape [${shape}] must be [], [${batch}] or [${batch}, 1]`);
  }
  return (i) => data[i];
}
