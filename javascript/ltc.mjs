/** The dense liquid time-constant cell (Hasani et al., AAAI 2021): dv/dt = (d - v) / tau, advanced by t. */

import { ACTIVATIONS, clip } from "./activations.mjs";
import { Cell, dense } from "./cell.mjs";
import * as check from "./checks.mjs";

/** log tau is held in [-9, 9], where tau and 1 / tau are normal numbers in every dtype. */
const LOG_TAU_LIMIT = 9;

/**
 * h' = activation(v), v a step of the solver from h.
 *
 *     const cell = new LTCCell({ units: 8, solver: "semi_implicit" }).build(3);
 *     const h = cell.step([0.1, 0.2, 0.3], cell.initialState(), 0.5);
 */
export class LTCCell extends Cell {
  static defaults = {
    activation: "tanh",
    solver: "semi_implicit",
    backbone_activation: "tanh",
    backbone_units: null,
    backbone_layers: 0,
    backbone_dropout: 0,
  };

  checkArguments() {
    super.checkArguments();
    const { backbone_units, backbone_layers, solver } = this.config;
    if (backbone_layers === 0 && backbone_units !== null) {
      throw new RangeError(`backbone_units: ${backbone_units} with backbone_layers 0 must be null`);
    }
    check.oneOf(["semi_implicit", "explicit"], "solver", solver);
    check.activation("activation", this.config.activation);
    check.activation("backbone_activation", this.config.backbone_activation);
  }

  get backboneActivation() {
    return this.config.backbone_activation;
  }

  headShapes() {
    const kernel = [this.width, this.config.units];
    const bias = [this.config.units];
    return { kernel, bias, "tau_kernel/kernel": kernel, "tau_kernel/bias": bias };
  }

  advance(m, p, z, h, t) {
    const target = dense(m, p, "kernel", "bias", z);
    const logTau = dense(m, p, "tau_kernel/kernel", "tau_kernel/bias", z);
    const act = ACTIVATIONS[this.config.activation];
    const share = this.config.solver === "explicit" ? explicit : semiImplicit;
    return h.map((v, k) => {
      const tau = m.exp(clip(m, logTau[k], -LOG_TAU_LIMIT, LOG_TAU_LIMIT));
      return act(m, m.add(v, m.multiply(share(m, tau, t), m.subtract(target[k], v))));
    });
  }
}

/** t / (t + tau): backward Euler, which stays between v and the target for every t. */
function semiImplicit(m, tau, t) {
  return m.divide(t, m.add(t, tau));
}

/** t / tau: forward Euler, stable only while t < 2 tau. */
function explicit(m, tau, t) {
  return m.divide(t, tau);
}
