/** Refuses what cannot be, by name: what was given, what is allowed. */

import { ACTIVATIONS } from "./activations.mjs";
import { POLICIES } from "./arithmetic.mjs";

function refuse(name, value, allowed) {
  throw new RangeError(`${name}: ${JSON.stringify(value)} must be ${allowed}`);
}

export function wholeAtLeast(least, name, value) {
  if (!Number.isInteger(value) || value < least) refuse(name, value, `a whole number, at least ${least}`);
}

export function oneOf(names, name, value) {
  if (!names.includes(value)) refuse(name, value, `one of ${names.join(", ")}`);
}

export function activation(name, value) {
  oneOf(Object.keys(ACTIVATIONS), name, value);
}

export function policy(value) {
  oneOf(Object.keys(POLICIES), "dtype", value);
}

export function share(name, value) {
  if (typeof value !== "number" || !(value >= 0 && value < 1)) refuse(name, value, "a number in [0, 1)");
}

export function knownNames(config, allowed) {
  for (const name of Object.keys(config)) {
    if (!allowed.includes(name)) throw new TypeError(`${name}: unknown; the arguments are ${allowed.join(", ")}`);
  }
}

/** A row of numbers of the right length. */
export function row(name, value, width) {
  if (value?.length !== width) throw new RangeError(`${name}: ${value?.length} numbers, but should be ${width}`);
}

/** Elapsed time: finite and at least 0. */
export function elapsed(value) {
  if (!(value >= 0 && value < Infinity)) refuse("t", value, "a finite number, at least 0");
}
