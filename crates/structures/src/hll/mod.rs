//! HyperLogLog in Redis' own string representation.
//!
//! A HyperLogLog is a plain string value, so clients may GET it, move it to another server and SET it again.
//! The bytes are therefore a public format, and this module produces the bytes Redis produces:
//!
//! ```text
//! offset  size   field
//! 0       4      magic "HYLL"
//! 4       1      encoding: 0 dense, 1 sparse
//! 5       3      unused (zero when we create it, ignored when we read it)
//! 8       8      cached cardinality, little endian; the top bit of byte 15 says that it is stale
//! 16      ...    dense: 16384 registers of 6 bits, packed from the low bit up (12288 bytes)
//!                sparse: run-length opcodes, see `sparse`
//! ```
//!
//! An element is hashed (`hash`); the low 14 bits choose a register, and the register keeps the longest run of
//! trailing zeros seen in the remaining 50 bits, plus one. The estimate (`estimate`) needs only the histogram of
//! the register values. Standard error: 0.81 %.
//!
//! Invariant: every function that changes a register marks the cached cardinality as stale.
//!
//! Limits: nothing here decides what a missing key or a wrong type means; that belongs to the commands. A string
//! that passed [`validate`] may still hold sparse opcodes which do not describe 16384 registers; every function
//! that meets them answers [`Corrupted`] and never panics.

mod debug;
mod dense;
mod estimate;
mod hash;
mod sparse;
#[cfg(test)]
mod tests;
mod unpacked;

pub use debug::{decode, registers, self_test};
pub use unpacked::Registers;

/// Number of registers, fixed by the format.
pub const REGISTERS: usize = 1 << INDEX_BITS;
/// Length of the header in front of the registers.
pub const HEADER_SIZE: usize = 16;
/// Length of a whole dense HyperLogLog.
pub const DENSE_SIZE: usize = HEADER_SIZE + REGISTERS * REGISTER_BITS / 8;

const INDEX_BITS: usize = 14;
const REGISTER_BITS: usize = 6;
const MAGIC: &[u8; 4] = b"HYLL";
const ENCODING_OFFSET: usize = 4;
const CARDINALITY_OFFSET: usize = 8;
/// The byte and the bit of the cached cardinality that say that it is stale.
const STALE_OFFSET: usize = 15;
const STALE_BIT: u8 = 0x80;

const _: () = assert!(DENSE_SIZE == 12_304);

/// How the registers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Encoding {
    Dense = 0,
    Sparse = 1,
}

/// The string is not a HyperLogLog at all (Redis: WRONGTYPE).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotHll;

/// The header is right but the sparse opcodes do not describe 16384 registers (Redis: INVALIDOBJ).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrupted;

/// The answer of [`count`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    pub cardinality: u64,
    /// The cached cardinality was stale and has been written, so the value's bytes changed.
    pub refreshed: bool,
}

/// An empty HyperLogLog, as PFADD creates it. Its cached cardinality (zero) is valid.
pub fn create_sparse() -> Vec<u8> {
    let mut value = Vec::with_capacity(HEADER_SIZE + 2);
    push_header(&mut value, Encoding::Sparse);
    sparse::push_zeros(&mut value, REGISTERS);
    value
}

fn push_header(value: &mut Vec<u8>, encoding: Encoding) {
    value.extend_from_slice(MAGIC);
    value.push(encoding as u8);
    value.resize(value.len() + HEADER_SIZE - MAGIC.len() - 1, 0);
}

/// Whether a string is a HyperLogLog. Looks at the header and the length only, as Redis does: the opcodes of a
/// sparse one are checked by whoever reads them.
pub fn validate(value: &[u8]) -> Result<Encoding, NotHll> {
    if value.len() < HEADER_SIZE || &value[..MAGIC.len()] != MAGIC {
        return Err(NotHll);
    }
    match value[ENCODING_OFFSET] {
        0 if value.len() == DENSE_SIZE => Ok(Encoding::Dense),
        1 => Ok(Encoding::Sparse),
        _ => Err(NotHll),
    }
}

/// The encoding of a string that passed [`validate`].
pub fn encoding(value: &[u8]) -> Encoding {
    debug_assert!(validate(value).is_ok());
    if value[ENCODING_OFFSET] == Encoding::Dense as u8 { Encoding::Dense } else { Encoding::Sparse }
}

/// Marks the cached cardinality as stale; its other bits stay as they are, as in Redis.
pub fn invalidate_cache(value: &mut [u8]) {
    value[STALE_OFFSET] |= STALE_BIT;
}

/// Adds an element to a string that passed [`validate`]. Says whether a register changed. A sparse value that
/// would outgrow `sparse_max_bytes` (header included), or gets a register above 32, becomes dense.
pub fn add(value: &mut Vec<u8>, element: &[u8], sparse_max_bytes: usize) -> Result<bool, Corrupted> {
    match encoding(value) {
        Encoding::Dense => Ok(add_dense(value, element)),
        Encoding::Sparse => {
            let (index, rank) = hash::register_of(element);
            let mut cursor = sparse::Cursor::START;
            set_register(value, &mut cursor, index, rank, sparse_max_bytes)
        }
    }
}

/// Adds an element to a dense value in place, without allocating. `value` must be dense.
pub fn add_dense(value: &mut [u8], element: &[u8]) -> bool {
    let (index, rank) = hash::register_of(element);
    raise_dense(value, index, rank)
}

fn raise_dense(value: &mut [u8], index: usize, rank: u8) -> bool {
    debug_assert_eq!(encoding(value), Encoding::Dense);
    let changed = dense::raise(dense_registers_mut(value), index, rank);
    if changed {
        invalidate_cache(value);
    }
    changed
}

/// Raises one register of a value of either encoding. The cursor is where a sparse search begins, and is left
/// where a search for a higher index may begin.
fn set_register(
    value: &mut Vec<u8>,
    cursor: &mut sparse::Cursor,
    index: usize,
    rank: u8,
    sparse_max_bytes: usize,
) -> Result<bool, Corrupted> {
    if encoding(value) == Encoding::Dense {
        return Ok(raise_dense(value, index, rank));
    }
    match sparse::raise(value, cursor, index, rank, sparse_max_bytes)? {
        sparse::Raised::Unchanged => Ok(false),
        sparse::Raised::Changed => {
            invalidate_cache(value);
            Ok(true)
        }
        sparse::Raised::TooLarge => {
            to_dense(value)?;
            Ok(raise_dense(value, index, rank))
        }
    }
}

/// Converts a sparse value to dense; its header stays, the cached cardinality included. Says whether there was
/// anything to do. A corrupted value is left alone.
pub fn to_dense(value: &mut Vec<u8>) -> Result<bool, Corrupted> {
    if encoding(value) == Encoding::Dense {
        return Ok(false);
    }
    let mut registers = Registers::new();
    registers.merge_from(value)?;
    write_dense(value, &registers);
    Ok(true)
}

/// Replaces the registers of a value by `registers`, in dense form. The header's other fields stay.
pub fn write_dense(value: &mut Vec<u8>, registers: &Registers) {
    if value.capacity() < DENSE_SIZE {
        // A dense value never grows again, so it is given exactly its size.
        value.reserve_exact(DENSE_SIZE - value.len());
    }
    value.resize(DENSE_SIZE, 0);
    value[ENCODING_OFFSET] = Encoding::Dense as u8;
    dense::pack(registers, dense_registers_mut(value));
}

/// The cardinality of a value, from the cache when it is valid. A stale cache is refreshed.
pub fn count(value: &mut [u8]) -> Result<Count, Corrupted> {
    if let Some(cardinality) = cached(value) {
        return Ok(Count { cardinality, refreshed: false });
    }
    let cardinality = estimate::estimate(&histogram(value)?);
    value[CARDINALITY_OFFSET..HEADER_SIZE].copy_from_slice(&cardinality.to_le_bytes());
    Ok(Count { cardinality, refreshed: true })
}

/// The cached cardinality, unless it is stale.
pub fn cached(value: &[u8]) -> Option<u64> {
    if value[STALE_OFFSET] & STALE_BIT != 0 {
        return None;
    }
    let bytes = value[CARDINALITY_OFFSET..HEADER_SIZE].try_into();
    Some(u64::from_le_bytes(bytes.expect("the field has eight bytes")))
}

/// The cardinality of a union that was collected in `registers`.
pub fn count_registers(registers: &Registers) -> u64 {
    estimate::estimate(&dense::histogram_of(registers))
}

fn histogram(value: &[u8]) -> Result<estimate::Histogram, Corrupted> {
    match encoding(value) {
        Encoding::Dense => Ok(dense::histogram(dense_registers(value))),
        Encoding::Sparse => sparse::histogram(value),
    }
}

impl Registers {
    /// Joins in a HyperLogLog that passed [`validate`]: every register becomes the larger of the two. When the
    /// value is corrupted, registers up to the damage may have been joined.
    pub fn merge_from(&mut self, value: &[u8]) -> Result<(), Corrupted> {
        match encoding(value) {
            Encoding::Dense => {
                dense::merge_into(dense_registers(value), self);
                Ok(())
            }
            Encoding::Sparse => sparse::merge_into(value, self),
        }
    }
}

/// Stores a union in `dest`, a string that passed [`validate`] and is itself part of the union. `any_dense` says
/// whether a source or the destination is dense: then the result is, too. Otherwise the registers are added
/// one by one in rising order to the sparse value, which may promote it. The cache is stale afterwards even if
/// nothing changed, as in Redis.
pub fn merge_into(
    dest: &mut Vec<u8>,
    registers: &Registers,
    any_dense: bool,
    sparse_max_bytes: usize,
) -> Result<(), Corrupted> {
    if any_dense || encoding(dest) == Encoding::Dense {
        write_dense(dest, registers);
    } else {
        let mut cursor = sparse::Cursor::START;
        for (index, &rank) in registers.as_slice().iter().enumerate() {
            if rank == 0 {
                continue;
            }
            set_register(dest, &mut cursor, index, rank, sparse_max_bytes)?;
            if encoding(dest) == Encoding::Dense {
                write_dense(dest, registers);
                break;
            }
        }
    }
    invalidate_cache(dest);
    Ok(())
}

fn dense_registers(value: &[u8]) -> &dense::Packed {
    value[HEADER_SIZE..].try_into().expect("a validated dense value has its full length")
}

fn dense_registers_mut(value: &mut [u8]) -> &mut dense::Packed {
    (&mut value[HEADER_SIZE..]).try_into().expect("a validated dense value has its full length")
}
