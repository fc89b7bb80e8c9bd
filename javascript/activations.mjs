/**
 * The activations that the specification covers: functions of one number in an arithmetic `m`.
 *
 * A kink is told by the value of the number, so that a derivative takes the slope of the side it is on.
 */

/** 1 / (1 + exp(-a)), which overflows for no argument. */
export function sigmoid(m, a) {
  const one = m.number(1);
  if (m.value(a) >= 0) return m.divide(one, m.add(one, m.exp(m.negate(a))));
  const decay = m.exp(a);
  return m.divide(decay, m.add(one, decay));
}

/** |a|. */
export function absolute(m, a) {
  return m.value(a) < 0 ? m.negate(a) : a;
}

/** a held between two numbers. */
export function clip(m, a, low, high) {
  if (m.value(a) < low) return m.number(low);
  return m.value(a) > high ? m.number(high) : a;
}

function linear(m, a) {
  return a;
}

function tanh(m, a) {
  return m.tanh(a);
}

/** 1.7159 tanh(0.666 a) (LeCun et al., "Efficient BackProp", 1998). */
function lecunTanh(m, a) {
  return m.multiply(m.number(1.7159), m.tanh(m.multiply(m.number(0.666), a)));
}

function relu(m, a) {
  return m.value(a) > 0 ? a : m.number(0);
}

function silu(m, a) {
  return m.multiply(a, sigmoid(m, a));
}

/** log(1 + exp(a)), which overflows for no argument. */
function softplus(m, a) {
  if (m.value(a) > 0) return m.add(a, m.log1p(m.exp(m.negate(a))));
  return m.log1p(m.exp(a));
}

function elu(m, a) {
  return m.value(a) > 0 ? a : m.expm1(a);
}

/** a Phi(a), with Phi the distribution function of the normal distribution. */
function gelu(m, a) {
  const half = m.multiply(m.number(0.5), a);
  return m.multiply(half, m.add(m.number(1), m.erf(m.multiply(m.number(Math.SQRT1_2), a))));
}

/** The approximation of gelu by tanh (Hendrycks and Gimpel, 2016). */
function geluTanh(m, a) {
  const cube = m.multiply(m.multiply(m.multiply(m.number(0.044715), a), a), a);
  const inner = m.multiply(m.number(Math.sqrt(2 / Math.PI)), m.add(a, cube));
  return m.multiply(m.multiply(m.number(0.5), a), m.add(m.number(1), m.tanh(inner)));
}

function leakyRelu(m, a) {
  return m.value(a) > 0 ? a : m.multiply(m.number(0.2), a);
}

/** By the names of the specification. */
export const ACTIVATIONS = {
  linear,
  tanh,
  lecun_tanh: lecunTanh,
  sigmoid,
  relu,
  silu,
  softplus,
  elu,
  gelu,
  gelu_tanh: geluTanh,
  leaky_relu: leakyRelu,
};
