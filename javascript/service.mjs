/** The methods of the protocol, each a function of plain values and Tensors. */

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { CfCCell } from "./cfc.mjs";
import { gradients, sequenceGradients, train } from "./gradients.mjs";
import { Bidirectional, Recurrent, stepBatch } from "./layer.mjs";
import { LTCCell } from "./ltc.mjs";
import { Tensor } from "./tensor.mjs";

const CELLS = { CfCCell, LTCCell };
const FAMILIES = { CfCCell: "cfc", LTCCell: "ltc" };

/** What is not offered here. */
export class Refused extends Error {}

const { name, version } = JSON.parse(readFileSync(new URL("package.json", import.meta.url)));
const CAPABILITIES = [
  "describe",
  "build",
  "parameters",
  "step",
  "sequence",
  "gradients",
  "sequence_gradients",
  "initial_state",
  "roundtrip",
  "save",
  "load",
  "train",
];

export class Service {
  describe() {
    return {
      protocol: "1",
      host: "node",
      cells: Object.entries(CELLS).map(([cell, kind]) => ({
        name: cell,
        family: FAMILIES[cell],
        layer: "Recurrent",
        arguments: ["units", ...Object.keys(kind.defaults)],
        defaults: kind.defaults,
      })),
      capabilities: CAPABILITIES,
      optional_params: { sequence: ["earlier"] },
      name,
      version,
      file: fileURLToPath(new URL("index.mjs", import.meta.url)),
      versions: { node: process.versions.node },
    };
  }

  build({ model }) {
    const cell = made(model);
    const variables = Object.entries(cell.parameters).map(([path, { shape, dtype }]) => {
      return { path, name: path, shape, dtype, trainable: true };
    });
    return { variables, state_size: [cell.state_size], output_size: cell.output_size };
  }

  parameters({ model }) {
    return { parameters: made(model).parameters };
  }

  initial_state({ model, batch }) {
    const state = made(model).initialState(batch);
    return { state: [state], dtypes: [state.dtype] };
  }

  step({ model, parameters, inputs, state, timespans, training = false, echo = false, seed, repeat = 1 }) {
    const cell = made(model, parameters, seed);
    const step = () => stepBatch(cell, inputs, state[0], timespans, training);
    const outputs = Array.from({ length: repeat }, step);
    const output = outputs[repeat - 1];
    return {
      output,
      state: [output],
      dtypes: { output: output.dtype, state: [output.dtype] },
      ...(repeat > 1 ? { outputs } : {}),
      ...(echo ? { after: { inputs, state, parameters: cell.parameters } } : {}),
    };
  }

  sequence(request) {
    const { model, models, parameters, inputs, options, wrapper, chunks, seed } = request;
    if (request.symbolic || request.before) throw new Refused("there are no symbolic models in JavaScript");
    const cells = cellsOf(models ?? [model], parameters, wrapper, seed);
    const settings = withoutUnroll(options ?? {});
    if (wrapper === "stacked") return stacked(cells, settings, inputs);
    const layer = cells.length > 1 ? new Bidirectional(...cells, settings) : new Recurrent(cells[0], settings);
    const { mask, timespans, initial_state, training, earlier } = request;
    if (earlier) layer.call(earlier);
    const given = { mask, timespans, initialState: initial_state?.[0], training };
    const answer = sequenceAnswer(inChunks(layer, inputs, given, chunks));
    return { ...answer, dtypes: dtypesOf(answer, cells) };
  }

  gradients({ model, parameters, inputs, state, timespans, cotangent, state_cotangent }) {
    const sum = cotangent.data.map((c, i) => c + state_cotangent[0].data[i]); // the output is the state
    const both = new Tensor(cotangent.shape, sum, cotangent.dtype);
    const found = gradients(made(model, parameters), inputs, state[0], both, timespans);
    return { ...found, state: [found.state] };
  }

  sequence_gradients({ model, parameters, inputs, initial_state, timespans, cotangent, state_cotangent }) {
    const [batch, time, width] = cotangent.shape;
    const sum = cotangent.data.slice();
    for (let i = 0; i < batch; i++) { // the last output is the last state
      for (let j = 0; j < width; j++) sum[((i + 1) * time - 1) * width + j] += state_cotangent[0].row(i)[j];
    }
    const both = new Tensor(cotangent.shape, sum, cotangent.dtype);
    const found = sequenceGradients(made(model, parameters), inputs, initial_state[0], both, timespans);
    return { ...found, initial_state: [found.initialState] };
  }

  roundtrip({ model, parameters, inputs, kind }) {
    const cell = made(model, parameters);
    const config = cell.getConfig();
    if (kind === "get_config") return { config };
    const again = copies[kind]?.(cell);
    if (!again) throw new Refused(`no round trip of kind ${kind}`);
    return { before: outputs(cell, inputs), after: outputs(again, inputs), config, config_again: again.getConfig() };
  }

  save({ model, parameters, path, inputs, timespans, options }) {
    const layer = { cell: made(model, parameters), options: options ?? {} };
    writeFileSync(path, JSON.stringify({ ...layer, kind: model.cell }));
    return { output: outputs(layer.cell, inputs, timespans, layer.options) };
  }

  load({ path, inputs, timespans }) {
    const { kind, cell, options } = JSON.parse(readFileSync(path, "utf8"));
    return { output: outputs(CELLS[kind].fromJSON(cell), inputs, timespans, options) };
  }

  train({ model, parameters, inputs, targets, steps, seed, timespans }) {
    const cell = made(model, parameters, seed);
    const before = cell.clone().parameters;
    const losses = Float64Array.from(train(cell, inputs, targets, { steps, timespans }));
    return { before, after: cell.parameters, losses: new Tensor([steps], losses, "float64") };
  }
}

/** The ways to copy a cell: by its config, by its parameters, by its JSON. */
const copies = {
  config: (cell) => withParameters(cell.constructor.fromConfig(cell.getConfig()), cell),
  weights: (cell) => withParameters(new cell.constructor(cell.config), JSON.parse(JSON.stringify(cell))),
  model: (cell) => cell.constructor.fromJSON(JSON.parse(JSON.stringify(cell))),
  clone: (cell) => cell.clone(),
};

function withParameters(fresh, { inputs, parameters }) {
  return fresh.build(inputs).setParameters(parameters);
}

/** The cell of a request, built, with its parameters. */
function made({ cell, config = {}, input_dim, dtype = "float32", seed = 0 }, parameters, asked) {
  if (!(cell in CELLS)) throw new Refused(`no cell ${cell}; there are ${Object.keys(CELLS).join(", ")}`);
  const built = new CELLS[cell]({ ...config, dtype, seed: asked ?? seed }).build(input_dim);
  return parameters ? built.setParameters(parameters) : built;
}

/** The cells of a sequence: one, two for both directions, or one above the other. */
function cellsOf(models, parameters, wrapper, seed) {
  if (wrapper?.includes("bidirectional")) return parameters.map((values) => made(models[0], values, seed));
  if (wrapper === "stacked") return models.map((model, i) => made(model, parameters[i], seed));
  return [made(models[0], parameters, seed)];
}

/** A loop in JavaScript is a loop: there is nothing to unroll, and the option changes nothing. */
function withoutUnroll({ unroll, ...options }) {
  return options;
}

function stacked(cells, options, inputs) {
  const lower = cells.slice(0, -1).map((cell) => new Recurrent(cell, { return_sequences: true }));
  const features = lower.reduce((found, layer) => layer.call(found).output, inputs);
  return sequenceAnswer([new Recurrent(cells.at(-1), options).call(features)]);
}

/** The layer called on one chunk after another; the initial state goes to the first. */
function inChunks(layer, inputs, given, chunks) {
  let start = 0;
  return (chunks ?? [inputs.shape[1]]).map((size) => {
    const part = (tensor) => tensor && (chunks ? sliced(tensor, start, size) : tensor);
    const initialState = start === 0 ? given.initialState : undefined;
    const parts = { mask: part(given.mask), timespans: part(given.timespans) };
    const answer = layer.call(part(inputs), { ...given, ...parts, initialState });
    start += size;
    return answer;
  });
}

/** Samples start .. start + size - 1 of every sequence. */
function sliced({ shape, data, dtype }, start, size) {
  const [batch, time, ...rest] = shape;
  const width = rest.reduce((a, b) => a * b, 1);
  const found = new data.constructor(batch * size * width);
  for (let i = 0; i < batch; i++) {
    const from = (i * time + start) * width;
    found.set(data.subarray(from, from + size * width), i * size * width);
  }
  return new Tensor([batch, size, ...rest], found, dtype);
}

/** The dtypes of outputs, last states and variables. */
function dtypesOf({ output, state = [] }, cells) {
  const variables = cells.flatMap((cell) => Object.values(cell.parameters));
  const each = (tensors) => tensors.map(({ dtype }) => dtype);
  return { output: output.dtype ?? each(output), state: each(state), variables: each(variables) };
}

function sequenceAnswer(answers) {
  const last = answers.at(-1);
  const inTime = answers.length > 1 && last.output.shape?.length === 3;
  const whole = inTime ? joined(answers.map((answer) => answer.output)) : last.output;
  return last.state ? { output: whole, state: [last.state] } : { output: whole };
}

/** Tensors (batch, time, width) one after another in time. */
function joined(parts) {
  const [batch, , width] = parts[0].shape;
  const at = (tensor, k) => tensor.rows().map((row) => row.subarray(k * width, (k + 1) * width));
  const steps = parts.flatMap((tensor) => Array.from({ length: tensor.shape[1] }, (_, k) => at(tensor, k)));
  return Tensor.stacked(steps, batch, width, parts[0].dtype);
}

function outputs(cell, inputs, timespans, options = {}) {
  return new Recurrent(cell, { ...options, return_sequences: true }).call(inputs, { timespans }).output;
}
