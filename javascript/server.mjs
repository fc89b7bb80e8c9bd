/** JSON-RPC 2.0 over stdin and stdout, one message a line; docs/protocol.md of the suite is the contract. */

import { createInterface } from "node:readline";
import { ownFrames } from "./frames.mjs";
import { Refused } from "./service.mjs";
import { decode, encode } from "./wire.mjs";

const [RAISED, NOT_SUPPORTED, PARSE_ERROR, UNKNOWN_METHOD] = [-32001, -32002, -32700, -32601];
/** The specification is written with Python's names for errors. */
const PYTHON_NAMES = { RangeError: "ValueError" };

/** Answer with the methods of `service` until the requests end. */
export async function serve(service) {
  Error.stackTraceLimit = 50; // of which the cells' own frames are reported
  console.log = console.info = console.error; // stdout is the protocol's
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    process.stdout.write(`${JSON.stringify(answer(service, line))}\n`);
  }
}

function answer(service, line) {
  let id = null;
  try {
    const { id: given, method, params } = parsed(line);
    id = given;
    const methods = service.describe().capabilities;
    if (!methods.includes(method)) {
      throw new RpcError(UNKNOWN_METHOD, `no method ${method}; there are ${methods.join(", ")}`);
    }
    return { jsonrpc: "2.0", id, result: encode(service[method](decode(params ?? {}))) };
  } catch (error) {
    return { jsonrpc: "2.0", id, error: told(error) };
  }
}

class RpcError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

function parsed(line) {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new RpcError(PARSE_ERROR, error.message);
  }
}

/** Whose fault it is. */
function told(error) {
  if (error instanceof RpcError) return { code: error.code, message: error.message };
  if (error instanceof Refused) return { code: NOT_SUPPORTED, message: error.message };
  const type = PYTHON_NAMES[error.name] ?? error.name;
  const data = { type, message: error.message, traceback: error.stack, frames: ownFrames(error) };
  return { code: RAISED, message: `${type}: ${error.message}`, data };
}
