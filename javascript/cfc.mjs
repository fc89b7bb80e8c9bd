/** The closed-form continuous-time cell (Hasani et al., Nature Machine Intelligence 4, 2022). */

import { absolute, ACTIVATIONS, sigmoid } from "./activations.mjs";
import { Cell, dense } from "./cell.mjs";
import * as check from "./checks.mjs";

/**
 * h' from the input x, the state h and the elapsed time t.
 *
 *     const cell = new CfCCell({ units: 8 }).build(3);
 *     let h = cell.initialState();
 *     h = cell.step([0.1, 0.2, 0.3], h, 0.5);
 */
export class CfCCell extends Cell {
  static defaults = {
    mode: "default",
    activation: "tanh",
    head_activation: "tanh",
    backbone_units: 128,
    backbone_layers: 1,
    backbone_dropout: 0.1,
  };

  checkArguments() {
    super.checkArguments();
    check.oneOf(["default", "pure", "no_gate"], "mode", this.config.mode);
    check.activation("activation", this.config.activation);
    check.oneOf(["tanh", "lecun_tanh", "linear"], "head_activation", this.config.head_activation);
  }

  get backboneActivation() {
    return this.config.activation;
  }

  headShapes() {
    const kernel = [this.width, this.config.units];
    const bias = [this.config.units];
    const first = { ff1_kernel: kernel, ff1_bias: bias };
    if (this.config.mode === "pure") return { ...first, w_tau: [1, ...bias], A: [1, ...bias] };
    const second = { ff2_kernel: kernel, ff2_bias: bias };
    const times = { "time_a/kernel": kernel, "time_a/bias": bias, "time_b/kernel": kernel, "time_b/bias": bias };
    return { ...first, ...second, ...times };
  }

  advance(m, p, z, h, t) {
    const f1 = dense(m, p, "ff1_kernel", "ff1_bias", z);
    if (this.config.mode === "pure") return f1.map((f, k) => pure(m, f, p.w_tau[k], p.A[k], t));
    const f2 = dense(m, p, "ff2_kernel", "ff2_bias", z);
    const slope = dense(m, p, "time_a/kernel", "time_a/bias", z);
    const offset = dense(m, p, "time_b/kernel", "time_b/bias", z);
    const head = ACTIVATIONS[this.config.head_activation];
    const join = this.config.mode === "no_gate" ? noGate : gated;
    return f1.map((_, k) => join(m, head(m, f1[k]), head(m, f2[k]), gate(m, slope[k], offset[k], t)));
  }
}

/** s = sigma(-a t + b), the time gate. */
function gate(m, a, b, t) {
  return sigmoid(m, m.add(m.negate(m.multiply(a, t)), b));
}

/** f1 (1 - s) + f2 s. */
function gated(m, f1, f2, s) {
  return m.add(m.multiply(f1, m.subtract(m.number(1), s)), m.multiply(f2, s));
}

/** f1 + s f2. */
function noGate(m, f1, f2, s) {
  return m.add(f1, m.multiply(s, f2));
}

/** A - A f1 exp(-t (|w_tau| + |f1|)). */
function pure(m, f1, w, A, t) {
  const rate = m.add(absolute(m, w), absolute(m, f1));
  const decay = m.exp(m.negate(m.multiply(t, rate)));
  return m.subtract(A, m.multiply(m.multiply(A, f1), decay));
}
