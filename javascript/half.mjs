/** Half precision: numbers rounded to the nearest, ties to even, of float16 and of bfloat16. */

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** The nearest float16 (11 significant bits, 2^-24 the smallest above 0, 65504 the largest). */
export function float16(a) {
  if (!Number.isFinite(a) || a === 0) return a;
  const exponent = Math.max(Math.floor(Math.log2(Math.abs(a))), -14);
  const unit = 2 ** (exponent - 10);
  const rounded = toEven(a / unit) * unit;
  return Math.abs(rounded) > 65504 ? Math.sign(a) * Infinity : rounded;
}

/** The nearest bfloat16: a float32 less its last 16 bits. */
export function bfloat16(a) {
  float[0] = a;
  if (!Number.isFinite(float[0])) return float[0];
  bits[0] = (bits[0] + 0x7fff + ((bits[0] >>> 16) & 1)) & 0xffff0000;
  return float[0];
}

function toEven(a) {
  const low = Math.floor(a);
  const part = a - low;
  if (part !== 0.5) return part < 0.5 ? low : low + 1;
  return low % 2 === 0 ? low : low + 1;
}
