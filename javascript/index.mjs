/** Liquid neural cells: CfC and LTC, the layer that runs them over a sequence, and gradients. */

export { ACTIVATIONS } from "./activations.mjs";
export { CfCCell } from "./cfc.mjs";
export { gradients, sequenceGradients, train } from "./gradients.mjs";
export { Bidirectional, Recurrent } from "./layer.mjs";
export { LTCCell } from "./ltc.mjs";
export { Tensor } from "./tensor.mjs";
