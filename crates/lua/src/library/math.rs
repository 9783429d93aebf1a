//! `math`: Lua's own, but for random numbers, which do not depend on the machine.
//!
//! They are those of `drand48` with the state that it has by tradition before it is given a seed. So each engine begins
//! with the same numbers, and goes on with them from script to script.

use super::{add, take};
use crate::raw::raise::Raise;
use crate::raw::stack::Stack;

const STATE: u64 = 0x1234_abcd_330e;
const MULTIPLIER: u64 = 0x5_deec_e66d;
const INCREMENT: u64 = 0xb;
const STATE_BITS: u32 = 48;
/// What a seed does not say of the state.
const SEED_LOW: u64 = 0x330e;

/// A generator of random numbers.
pub(crate) struct Random(u64);

impl Default for Random {
    fn default() -> Random {
        Random(STATE)
    }
}

impl Random {
    fn seed(seed: u32) -> Random {
        Random(u64::from(seed) << 16 | SEED_LOW)
    }

    /// At least 0, and below 1.
    fn next(&mut self) -> f64 {
        const BITS: u32 = 31;
        self.0 = self.0.wrapping_mul(MULTIPLIER).wrapping_add(INCREMENT) & ((1 << STATE_BITS) - 1);
        let drawn = self.0 >> (STATE_BITS - BITS);
        let bound = f64::from(i32::MAX);
        (drawn as f64 % bound) / bound
    }
}

/// Fills the table in a slot.
pub(super) fn open(stack: &mut Stack<'_>, stock: i32, library: i32) -> Result<(), Raise> {
    const NAMES: [&str; 28] = [
        "abs", "acos", "asin", "atan", "atan2", "ceil", "cos", "cosh", "deg", "exp", "floor", "fmod", "frexp", "huge",
        "ldexp", "log", "log10", "max", "min", "mod", "modf", "pi", "pow", "rad", "sin", "sinh", "sqrt", "tan",
    ];
    for name in NAMES.into_iter().chain(["tanh"]) {
        take(stack, stock, library, name, None)?;
    }
    add(stack, library, "random", random)?;
    add(stack, library, "randomseed", randomseed)
}

fn random(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    let mut random = stack.context.library.random.take();
    let drawn = random.next();
    stack.context.library.random.set(random);
    let (low, high, wrong) = match stack.top() {
        0 => {
            stack.push_number(drawn);
            return Ok(1);
        }
        1 => (1, stack.expect_int(1)?, 1),
        2 => (stack.expect_int(1)?, stack.expect_int(2)?, 2),
        _ => return Err(Raise::at("wrong number of arguments")),
    };
    if low > high {
        return Err(Raise::argument(wrong, "interval is empty"));
    }
    let width = f64::from(high.wrapping_sub(low).wrapping_add(1));
    stack.push_number((drawn * width).floor() + f64::from(low));
    Ok(1)
}

fn randomseed(stack: &mut Stack<'_>) -> Result<i32, Raise> {
    let seed = stack.expect_int(1)?;
    stack.context.library.random.set(Random::seed(seed as u32));
    Ok(0)
}
