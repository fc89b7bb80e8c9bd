/** Arrays as they travel: {dtype, shape, base64}, little-endian; halves as float32 with `cast_from`. */

import { Tensor } from "./tensor.mjs";

const STORES = {
  bool: Uint8Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint32: Uint32Array,
  float32: Float32Array,
  float64: Float64Array,
};
const HALVES = ["float16", "bfloat16"];

/** A JSON value with every encoded array in it as a Tensor. Throws where dtype, shape and bytes disagree. */
export function decode(value) {
  if (Array.isArray(value)) return value.map(decode);
  if (value === null || typeof value !== "object") return value;
  if ("base64" in value && "dtype" in value && "shape" in value) return tensor(value);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, decode(item)]));
}

function tensor({ dtype, shape, base64 }) {
  const bytes = Uint8Array.from(Buffer.from(base64, "base64"));
  const Store = STORES[dtype];
  if (!Store) throw new RangeError(`dtype ${dtype}: must be one of ${Object.keys(STORES).join(", ")}`);
  if (bytes.length % Store.BYTES_PER_ELEMENT) throw new RangeError(`${bytes.length} bytes are no array of ${dtype}`);
  return new Tensor(shape, new Store(bytes.buffer), dtype);
}

/** The inverse of `decode`. */
export function encode(value) {
  if (value instanceof Tensor) return array(value);
  if (Array.isArray(value)) return value.map(encode);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, encode(item)]));
}

function array({ dtype, shape, data }) {
  const base64 = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64");
  return HALVES.includes(dtype) ? { dtype: "float32", shape, base64, cast_from: dtype } : { dtype, shape, base64 };
}
