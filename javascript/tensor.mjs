/** Arrays of numbers with a shape: what a batch is made of. */

const STORES = { float64: Float64Array, float32: Float32Array, float16: Float32Array, bfloat16: Float32Array };

/** An empty array of `size` numbers of a dtype; halves are kept in float32, which holds them exactly. */
export function store(dtype, size) {
  return new STORES[dtype](size);
}

/** Numbers in row-major order. */
export class Tensor {
  /**
   * @param {number[]} shape
   * @param {number[] | Float32Array | Float64Array} data as many numbers as the shape says
   * @param {string} dtype in which the numbers of a plain array are kept
   */
  constructor(shape, data, dtype = "float32") {
    const size = shape.reduce((a, b) => a * b, 1);
    if (data.length !== size) throw new RangeError(`data: ${data.length} numbers for shape [${shape}]`);
    this.shape = shape;
    this.data = Array.isArray(data) ? STORES[dtype].from(data) : data;
    this.dtype = dtype;
  }

  static zeros(shape, dtype) {
    return new Tensor(shape, store(dtype, shape.reduce((a, b) => a * b, 1)), dtype);
  }

  /** The tensor of `rows`, each an array of `width` numbers. */
  static ofRows(rows, width, dtype) {
    const made = Tensor.zeros([rows.length, width], dtype);
    rows.forEach((row, i) => made.data.set(row, i * width));
    return made;
  }

  /** The tensors of equal shape one after another along a new second axis: (batch, time, ...). */
  static stacked(steps, batch, width, dtype) {
    const made = Tensor.zeros([batch, steps.length, width], dtype);
    steps.forEach((rows, k) => {
      rows.forEach((row, i) => made.data.set(row, (i * steps.length + k) * width));
    });
    return made;
  }

  /** Row i of the first axis, its axes one after another. */
  row(i) {
    const width = this.data.length / this.shape[0];
    return this.data.subarray(i * width, (i + 1) * width);
  }

  rows() {
    return Array.from({ length: this.shape[0] }, (_, i) => this.row(i));
  }
}
