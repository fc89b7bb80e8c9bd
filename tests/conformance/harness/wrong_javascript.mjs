/** The JavaScript cells with one thing wrong: `node wrong_javascript.mjs FAULT`. */

import { CfCCell, LTCCell, Recurrent } from "../../../javascript/index.mjs";
import { Cell } from "../../../javascript/cell.mjs";
import { serve } from "../../../javascript/server.mjs";
import { Service } from "../../../javascript/service.mjs";

/** Wraps a method: `change` has the method as it was, and its arguments. */
function replace(kind, name, change) {
  const was = kind.prototype[name];
  kind.prototype[name] = function (...given) {
    return change.call(this, (...now) => was.apply(this, now), ...given);
  };
}

const FAULTS = {
  heads_swapped() {
    const other = { ff1_kernel: "ff2_kernel", ff1_bias: "ff2_bias", ff2_kernel: "ff1_kernel", ff2_bias: "ff1_bias" };
    replace(CfCCell, "advance", (was, m, p, ...rest) => {
      const swapped = Object.keys(p).map((path) => [path, p["ff2_bias" in p ? (other[path] ?? path) : path]]);
      return was(m, Object.fromEntries(swapped), ...rest);
    });
  },
  time_ignored() {
    replace(Cell, "step", (was, x, h, t, ...rest) => was(x, h, 1, ...rest));
  },
  state_before_input() {
    replace(Cell, "compute", function (was, m, p, x, h, t, masks) {
      return this.advance(m, p, this.backbone(m, p, [...h, ...x], masks), h, t);
    });
  },
  float32_throughout() {
    replace(Cell, "step", (was, ...given) => was(...given).map(Math.fround));
  },
  tau_not_clipped() {
    LTCCell.prototype.advance = function (m, p, z, h, t) {
      const row = (kernel, bias) => p[kernel].map((column, k) => m.dot(z, column, p[bias][k]));
      const [target, logTau] = [row("kernel", "bias"), row("tau_kernel/kernel", "tau_kernel/bias")];
      return h.map((v, k) => {
        const share = m.divide(t, m.add(t, m.exp(logTau[k])));
        return m.tanh(m.add(v, m.multiply(share, m.subtract(target[k], v))));
      });
    };
  },
  mask_ignored() {
    replace(Recurrent, "call", (was, inputs, given) => was(inputs, { ...given, mask: undefined }));
  },
  config_loses_the_mode() {
    replace(CfCCell, "getConfig", (was) => ({ ...was(), mode: "default" }));
  },
  state_remembered() {
    let last = null;
    replace(Cell, "step", (was, x, h, ...rest) => (last = was(x, last?.length === h.length ? last : h, ...rest)));
  },
  gradient_halved() {
    replace(Service, "gradients", (was, request) => {
      const found = was(request);
      found.inputs.data.forEach((g, i) => (found.inputs.data[i] = g / 2));
      return found;
    });
  },
  dies() {
    replace(Cell, "step", () => process.exit(3));
  },
  answers_without_dtypes() {
    replace(Service, "step", (was, request) => ({ ...was(request), dtypes: undefined }));
  },
};

FAULTS[process.argv[2]]();
await serve(new Service());
