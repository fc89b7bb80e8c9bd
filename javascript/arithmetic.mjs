/**
 * Numbers, rounded after every operation to the precision in which a cell computes.
 *
 * A cell is written in terms of these functions and of nothing else, so that the same formula runs in float64,
 * in float32, in half precision, and on the numbers of `tape.mjs`, which remember where they came from.
 */

import { bfloat16, float16 } from "./half.mjs";

const ROUND = { float64: (a) => a, float32: Math.fround, float16, bfloat16 };

/** The dtypes of a policy: that of the variables, and that of the computation. */
export const POLICIES = {
  float32: { variable: "float32", compute: "float32" },
  float64: { variable: "float64", compute: "float64" },
  mixed_float16: { variable: "float32", compute: "float16" },
  mixed_bfloat16: { variable: "float32", compute: "bfloat16" },
};

/** Real numbers of one dtype. */
export class Arithmetic {
  constructor(dtype) {
    const round = ROUND[dtype];
    this.dtype = dtype;
    this.number = round;
    this.value = (a) => a;
    this.add = (a, b) => round(a + b);
    this.subtract = (a, b) => round(a - b);
    this.multiply = (a, b) => round(a * b);
    this.divide = (a, b) => round(a / b);
    this.negate = (a) => -a;
    this.exp = (a) => round(Math.exp(a));
    this.expm1 = (a) => round(Math.expm1(a));
    this.log1p = (a) => round(Math.log1p(a));
    this.tanh = (a) => round(Math.tanh(a));
    this.erf = (a) => round(erf(a));
  }

  /** The sum of a[i] b[i], and `start`. A half-precision sum is kept in float32, as everywhere. */
  dot(a, b, start) {
    const round = this.dtype === "float64" ? ROUND.float64 : Math.fround;
    let sum = start;
    for (let i = 0; i < a.length; i++) sum = round(sum + round(a[i] * b[i]));
    return this.number(sum);
  }
}

const known = new Map();

/** The arithmetic of a dtype. */
export function arithmetic(dtype) {
  if (!known.has(dtype)) known.set(dtype, new Arithmetic(dtype));
  return known.get(dtype);
}

/**
 * The error function, in float64.
 *
 * Below 2 the series 2/sqrt(pi) exp(-a^2) sum 2^n a^(2n+1) / (1 3 5 ... (2n+1)), whose terms have one sign; above
 * it 1 - erfc(a) by the continued fraction of erfc, of which at most 0.5 % of the result comes
 * (Abramowitz and Stegun, 7.1.6 and 7.1.14).
 */
export function erf(a) {
  const x = Math.abs(a);
  if (x > 6) return Math.sign(a);
  if (Number.isNaN(x)) return NaN;
  if (x < 2) {
    let term = a;
    let sum = a;
    for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
      term *= (2 * a * a) / (2 * n + 1);
      sum += term;
    }
    return (2 / Math.sqrt(Math.PI)) * Math.exp(-a * a) * sum;
  }
  let tail = x;
  for (let n = 80; n > 0; n--) tail = x + n / 2 / tail;
  return Math.sign(a) * (1 - Math.exp(-x * x) / (Math.sqrt(Math.PI) * tail));
}
