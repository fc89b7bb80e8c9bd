/** Numbers that remember how they were made, from which derivatives are taken backwards. */

/** A value, the numbers it was made of, and the slope by each. */
class Variable {
  constructor(value, parents, slopes) {
    this.value = value;
    this.parents = parents;
    this.slopes = slopes;
    this.gradient = 0;
  }
}

/** An arithmetic whose numbers are recorded; values are those of the arithmetic `m`. */
export class Tape {
  constructor(m) {
    this.m = m;
    this.made = [];
  }

  /** A number by which a derivative can be taken. */
  number(a) {
    return this.record(this.m.number(a), [], []);
  }

  record(value, parents, slopes) {
    const variable = new Variable(value, parents, slopes);
    this.made.push(variable);
    return variable;
  }

  value(a) {
    return a.value;
  }

  add(a, b) {
    return this.record(this.m.add(a.value, b.value), [a, b], [1, 1]);
  }

  subtract(a, b) {
    return this.record(this.m.subtract(a.value, b.value), [a, b], [1, -1]);
  }

  multiply(a, b) {
    return this.record(this.m.multiply(a.value, b.value), [a, b], [b.value, a.value]);
  }

  divide(a, b) {
    const value = this.m.divide(a.value, b.value);
    return this.record(value, [a, b], [1 / b.value, -value / b.value]);
  }

  negate(a) {
    return this.record(-a.value, [a], [-1]);
  }

  exp(a) {
    const value = this.m.exp(a.value);
    return this.record(value, [a], [value]);
  }

  expm1(a) {
    return this.record(this.m.expm1(a.value), [a], [Math.exp(a.value)]);
  }

  log1p(a) {
    return this.record(this.m.log1p(a.value), [a], [1 / (1 + a.value)]);
  }

  tanh(a) {
    const value = this.m.tanh(a.value);
    return this.record(value, [a], [1 / Math.cosh(a.value) ** 2]);
  }

  erf(a) {
    return this.record(this.m.erf(a.value), [a], [(2 / Math.sqrt(Math.PI)) * Math.exp(-(a.value ** 2))]);
  }

  dot(a, b, start) {
    const values = (numbers) => numbers.map((number) => number.value);
    const [av, bv] = [values(a), values(b)];
    return this.record(this.m.dot(av, bv, start.value), [start, ...a, ...b], [1, ...bv, ...av]);
  }

  /** Give every number the derivative of sum(seeds[i] outputs[i]) by it, as its `gradient`. */
  backward(outputs, seeds) {
    for (const variable of this.made) variable.gradient = 0;
    outputs.forEach((output, i) => (output.gradient += seeds[i]));
    for (let i = this.made.length - 1; i >= 0; i--) {
      const { parents, slopes, gradient } = this.made[i];
      parents.forEach((parent, k) => (parent.gradient += gradient * slopes[k]));
    }
  }
}
