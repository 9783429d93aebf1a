//! What PFDEBUG and PFSELFTEST show and check.

use super::{Corrupted, DENSE_SIZE, Encoding, REGISTERS, Registers};
use super::{add_dense, count, count_registers, create_sparse, dense_registers, encoding, sparse, to_dense};

/// The opcodes of a sparse value as text, in the notation of PFDEBUG DECODE: `z:` for ZERO, `Z:` for XZERO,
/// `v:rank,run` for VAL. `None` when the value is dense. The opcodes are shown as they are, sound or not.
pub fn decode(value: &[u8]) -> Option<String> {
    if encoding(value) == Encoding::Dense {
        return None;
    }
    let shown = sparse::opcodes(value).map(|opcode| match opcode.rank {
        0 if opcode.is_xzero() => format!("Z:{}", opcode.run),
        0 => format!("z:{}", opcode.run),
        rank => format!("v:{rank},{}", opcode.run),
    });
    Some(shown.collect::<Vec<_>>().join(" "))
}

/// The value of every register (PFDEBUG GETREG). Redis converts the value to dense for this; call [`to_dense`].
pub fn registers(value: &[u8]) -> Result<Registers, Corrupted> {
    let mut registers = Registers::new();
    registers.merge_from(value)?;
    Ok(registers)
}

/// Elements that the self-test counts; enough to pass every order of magnitude that fits a second.
const SELF_TEST_ELEMENTS: u64 = 100_000;
/// Six times the standard error of 1.04 / sqrt(16384): no seed-free check fails by chance.
const SELF_TEST_ERROR: f64 = 6.0 * 0.008_125;

/// Checks on this machine that packed registers read back as written, and that estimates stay within their error
/// (PFSELFTEST). On failure it says what went wrong.
pub fn self_test() -> Result<(), String> {
    let mut value = create_sparse();
    to_dense(&mut value).map_err(|Corrupted| "an empty value does not convert".to_owned())?;
    let mut model = Registers::new();
    for index in 0..REGISTERS {
        let rank = (index * 37 % 64) as u8;
        super::dense::raise(super::dense_registers_mut(&mut value), index, rank);
        model.raise_run(index, 1, rank);
    }
    let read = registers(&value).map_err(|Corrupted| "a dense value cannot be read".to_owned())?;
    if read.as_slice() != model.as_slice() {
        return Err("registers do not read back as written".to_owned());
    }
    let mut packed = vec![0; DENSE_SIZE - super::HEADER_SIZE];
    super::dense::pack(&model, packed.as_mut_slice().try_into().expect("the vector has that size"));
    if packed != dense_registers(&value) {
        return Err("packing at once differs from setting one by one".to_owned());
    }
    self_test_error()
}

fn self_test_error() -> Result<(), String> {
    let mut value = create_sparse();
    to_dense(&mut value).map_err(|Corrupted| "an empty value does not convert".to_owned())?;
    let mut checkpoint = 1;
    for element in 1..=SELF_TEST_ELEMENTS {
        add_dense(&mut value, &element.to_le_bytes());
        if element != checkpoint {
            continue;
        }
        checkpoint *= 10;
        let counted = count(&mut value).map_err(|Corrupted| "a dense value cannot be counted".to_owned())?;
        let union = registers(&value).map(|registers| count_registers(&registers));
        if union != Ok(counted.cardinality) {
            return Err(format!("two ways to count {element} elements differ"));
        }
        let allowed = (element as f64 * SELF_TEST_ERROR).ceil() + 1.0;
        if counted.cardinality.abs_diff(element) as f64 > allowed {
            return Err(format!("{element} elements are counted as {}", counted.cardinality));
        }
    }
    Ok(())
}
