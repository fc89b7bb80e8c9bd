/** What CfC and LTC cells share: arguments, parameters, a backbone, dropout, and their plain JSON. */

import { ACTIVATIONS } from "./activations.mjs";
import { arithmetic, POLICIES } from "./arithmetic.mjs";
import * as check from "./checks.mjs";
import { generator } from "./random.mjs";
import { store, Tensor } from "./tensor.mjs";

/** A recurrent cell: subclasses say which parameters there are, and how the state advances. */
export class Cell {
  /** @param config arguments by the names of the specification; `dtype` and `seed` besides. */
  constructor(config) {
    const defaults = { dtype: "float32", seed: 0, ...this.constructor.defaults };
    check.knownNames(config, ["units", ...Object.keys(defaults)]);
    this.config = { ...defaults, ...config };
    this.checkArguments();
    this.policy = POLICIES[this.config.dtype];
    this.arithmetic = arithmetic(this.policy.compute);
    this.random = generator(this.config.seed + 1);
    this.inputs = null;
    this.parameters = {};
  }

  checkArguments() {
    const { units, backbone_units, backbone_layers, backbone_dropout, dtype } = this.config;
    check.wholeAtLeast(1, "units", units);
    check.wholeAtLeast(0, "backbone_layers", backbone_layers);
    if (backbone_layers > 0) check.wholeAtLeast(1, "backbone_units", backbone_units);
    check.share("backbone_dropout", backbone_dropout);
    check.policy(dtype);
  }

  get state_size() {
    return this.config.units;
  }

  get output_size() {
    return this.config.units;
  }

  /** How many features reach the heads. */
  get width() {
    const { units, backbone_layers, backbone_units } = this.config;
    return backbone_layers > 0 ? backbone_units : this.inputs + units;
  }

  /** Shapes by the paths of the specification. */
  shapes() {
    const { units, backbone_layers, backbone_units } = this.config;
    const found = {};
    let width = this.inputs + units;
    for (let i = 0; i < backbone_layers; i++) {
      found[`backbone_${i}/kernel`] = [width, backbone_units];
      found[`backbone_${i}/bias`] = [backbone_units];
      width = backbone_units;
    }
    return { ...found, ...this.headShapes() };
  }

  /** Make the parameters for inputs of `features` numbers: Glorot-uniform kernels, zero biases. */
  build(features) {
    check.wholeAtLeast(1, "features", features);
    this.inputs = features;
    const random = generator(this.config.seed);
    this.parameters = {};
    for (const [path, shape] of Object.entries(this.shapes())) {
      this.parameters[path] = initial(path, shape, this.policy.variable, random);
    }
    return this;
  }

  /** Set parameters, each a Tensor or an array of its numbers, by path. */
  setParameters(values) {
    for (const [path, value] of Object.entries(values)) {
      const variable = this.parameters[path];
      if (!variable) {
        throw new RangeError(`${path}: unknown; the parameters are ${Object.keys(this.parameters).join(", ")}`);
      }
      const data = value.data ?? value;
      check.row(path, data, variable.data.length);
      variable.data.set(data);
    }
    return this;
  }

  /** The state before the first sample: zeros, of one sample or of a batch. */
  initialState(batch) {
    const { units } = this.config;
    const { compute } = this.policy;
    return batch === undefined ? store(compute, units) : Tensor.zeros([batch, units], compute);
  }

  /**
   * One step of one sample.
   *
   * @param {ArrayLike<number>} x the input
   * @param {ArrayLike<number>} h the state before
   * @param {number} t elapsed time since the previous sample, finite and at least 0
   * @param {number[][] | null} masks of the backbone's layers, from `dropoutMasks`; none at inference
   * @param p the parameters, from `numbers`, where many steps are made with the same ones
   * @returns {Float64Array | Float32Array} the state after, which is the output
   */
  step(x, h, t = 1, masks = null, p = null) {
    if (this.inputs === null) this.build(x.length);
    check.row("x", x, this.inputs);
    check.row("h", h, this.config.units);
    check.elapsed(t);
    const m = this.arithmetic;
    const after = store(this.policy.compute, this.config.units);
    after.set(this.compute(m, p ?? this.numbers(m), toNumbers(m, x), toNumbers(m, h), m.number(t), masks));
    return after;
  }

  /** The parameters as numbers of an arithmetic; a kernel as its columns, for a dot product reads one. */
  numbers(m = this.arithmetic) {
    const found = {};
    for (const [path, { shape, data }] of Object.entries(this.parameters)) {
      found[path] = path.endsWith("kernel") ? columns(m, data, shape) : toNumbers(m, data);
    }
    return found;
  }

  /** The new state, of numbers of the arithmetic `m`. */
  compute(m, p, x, h, t, masks) {
    return this.advance(m, p, this.backbone(m, p, [...x, ...h], masks), h, t);
  }

  backbone(m, p, z, masks) {
    const act = ACTIVATIONS[this.backboneActivation];
    for (let i = 0; i < this.config.backbone_layers; i++) {
      z = dense(m, p, `backbone_${i}/kernel`, `backbone_${i}/bias`, z).map((a) => act(m, a));
      if (masks) z = z.map((a, k) => m.multiply(a, m.number(masks[i][k])));
    }
    return z;
  }

  /** A mask for each layer of the backbone, of numbers 0 and 1 / (1 - rate), for one sample; null without dropout. */
  dropoutMasks() {
    const { backbone_dropout: rate, backbone_layers, backbone_units } = this.config;
    if (rate === 0 || backbone_layers === 0) return null;
    const feature = () => (this.random() < rate ? 0 : 1 / (1 - rate));
    return Array.from({ length: backbone_layers }, () => Array.from({ length: backbone_units }, feature));
  }

  getConfig() {
    return { ...this.config };
  }

  static fromConfig(config) {
    return new this(config);
  }

  /** The cell with its parameters as plain JSON, from which `fromJSON` makes it again. */
  toJSON() {
    const numbers = ([path, { data }]) => [path, Array.from(data)];
    const parameters = Object.fromEntries(Object.entries(this.parameters).map(numbers));
    return { cell: this.constructor.name, config: this.getConfig(), inputs: this.inputs, parameters };
  }

  static fromJSON({ config, inputs, parameters }) {
    const cell = this.fromConfig(config);
    return inputs === null ? cell : cell.build(inputs).setParameters(parameters);
  }

  clone() {
    return this.constructor.fromJSON(this.toJSON());
  }
}

/** z K + b. */
export function dense(m, p, kernel, bias, z) {
  return p[kernel].map((column, k) => m.dot(z, column, p[bias][k]));
}

/** An array of numbers as numbers of an arithmetic. */
export function toNumbers(m, data) {
  return Array.from(data, (a) => m.number(a));
}

function columns(m, data, [rows, count]) {
  const column = (k) => Array.from({ length: rows }, (_, i) => m.number(data[i * count + k]));
  return Array.from({ length: count }, (_, k) => column(k));
}

function initial(path, shape, dtype, random) {
  const made = Tensor.zeros(shape, dtype);
  if (path === "A") made.data.fill(1);
  if (path.endsWith("kernel")) {
    const limit = Math.sqrt(6 / (shape[0] + shape[1]));
    made.data.forEach((_, i) => (made.data[i] = limit * (2 * random() - 1)));
  }
  return made;
}
