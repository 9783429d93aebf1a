//! From a histogram of register values to a cardinality.
//!
//! Otmar Ertl, "New cardinality estimation algorithms for HyperLogLog sketches" (2017), the improved raw
//! estimator: unbiased from zero to the largest counts without the lookup tables and switches of earlier
//! estimators. Redis uses it too; the order of the floating point operations follows the paper, so the rounded
//! results are equal.

use super::{INDEX_BITS, REGISTERS};

/// How many registers hold each value. Six bits can hold values above 51 although no hash produces them; a forged
/// string may. The estimator does not look at those.
pub(super) type Histogram = [u32; 64];

/// The number of hash bits a register summarises: the paper's q.
const Q: usize = 64 - INDEX_BITS;
/// The limit of the paper's bias correction for many registers: 1 / (2 ln 2).
const ALPHA_INFINITY: f64 = 0.721_347_520_444_481_7;

pub(super) fn estimate(histogram: &Histogram) -> u64 {
    let m = REGISTERS as f64;
    let saturated = f64::from(histogram[Q + 1]);
    let mut z = m * tau((m - saturated) / m);
    for &registers in histogram[1..=Q].iter().rev() {
        z = 0.5 * (z + f64::from(registers));
    }
    z += m * sigma(f64::from(histogram[0]) / m);
    (ALPHA_INFINITY * m * m / z).round() as u64
}

/// The paper's sigma: corrects for registers that are still zero.
fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let mut weight = 1.0;
    let mut z = x;
    loop {
        x *= x;
        let before = z;
        z += x * weight;
        weight += weight;
        if z == before {
            return z;
        }
    }
}

/// The paper's tau: corrects for registers that can grow no further.
fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let mut weight = 1.0;
    let mut z = 1.0 - x;
    loop {
        x = x.sqrt();
        let before = z;
        weight *= 0.5;
        z -= (1.0 - x).powi(2) * weight;
        if z == before {
            return z / 3.0;
        }
    }
}
