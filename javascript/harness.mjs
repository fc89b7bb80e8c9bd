/**
 * Serves the cells over stdin and stdout, for a conformance suite to judge: `node harness.mjs`.
 *
 * JSON-RPC 2.0, one message a line; docs/protocol.md of the suite is the contract.
 */

import { createInterface } from "node:readline";
import { Refused, Service } from "./service.mjs";
import { decode, encode } from "./wire.mjs";

const [RAISED, NOT_SUPPORTED, PARSE_ERROR, UNKNOWN_METHOD] = [-32001, -32002, -32700, -32601];
const PYTHON_NAMES = { RangeError: "ValueError" };
/** The specification is written with Python's names for errors. */

const service = new Service();
console.log = console.info = console.error; // stdout is the protocol's

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  process.stdout.write(`${JSON.stringify(answer(line))}\n`);
}

function answer(line) {
  let id = null;
  try {
    const request = JSON.parse(line);
    id = request.id ?? null;
    if (!Service.METHODS.includes(request.method)) {
      return failure(id, UNKNOWN_METHOD, `no method ${request.method}; there are ${Service.METHODS.join(", ")}`);
    }
    return { jsonrpc: "2.0", id, result: encode(service[request.method](decode(request.params ?? {}))) };
  } catch (error) {
    if (error instanceof SyntaxError) return failure(id, PARSE_ERROR, error.message);
    if (error instanceof Refused) return failure(id, NOT_SUPPORTED, error.message);
    const type = PYTHON_NAMES[error.name] ?? error.name;
    return failure(id, RAISED, `${type}: ${error.message}`, { type, message: error.message, traceback: error.stack });
  }
}

function failure(id, code, message, data) {
  return { jsonrpc: "2.0", id, error: data ? { code, message, data } : { code, message } };
}
