/** The frames of an error that are the cells' own code: neither Node's, nor a dependency's, nor the harness's. */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The most frames of an answer; the innermost are kept. */
const MOST = 20;
const HARNESS = ["frames", "harness", "server", "service", "wire"].map((name) => new URL(`${name}.mjs`, import.meta.url).href);
/** `at new Tensor (file:///folder/tensor.mjs:12:34)`, or without a name; async are only the callers of `serve`. */
const FRAME = /^\s+at (?!async )(?:(.+?) \()?(file:.+?):(\d+):\d+\)?$/;

/** Return [{ file, line, function, code }], outermost first. */
export function ownFrames({ stack }) {
  const found = String(stack).split("\n").map((text) => FRAME.exec(text)).filter((match) => match && isOwn(match[2]));
  return found.slice(0, MOST).reverse().map(asJson);
}

function isOwn(url) {
  return !HARNESS.includes(url) && !url.includes("/node_modules/");
}

function asJson([, name, url, line]) {
  const file = fileURLToPath(url);
  return { file, line: Number(line), function: name ?? "(anonymous)", code: lineOf(file, Number(line)) };
}

/** The line of a file, stripped; undefined if it cannot be read. */
function lineOf(file, line) {
  try {
    return readFileSync(file, "utf8").split("\n")[line - 1]?.trim();
  } catch {
    return undefined;
  }
}
