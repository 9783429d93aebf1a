//! The dense encoding: 16384 registers of six bits.
//!
//! ```text
//! byte      0        1        2        3
//!       11000000 22221111 33333322 55444444      the digit says which register a bit belongs to
//! ```
//!
//! Register i starts at bit 6 * i, counted from the low bit of byte 0. One register is read and written through
//! the two bytes around it. Whole values are unpacked eight registers (six bytes) at a time, by spreading 48 bits
//! over the bytes of a u64 in three halving steps; that is what makes counting and merging fast.

use super::estimate::Histogram;
use super::unpacked::Registers;
use super::{DENSE_SIZE, HEADER_SIZE, REGISTER_BITS, REGISTERS};

const PACKED_SIZE: usize = DENSE_SIZE - HEADER_SIZE;
pub(super) type Packed = [u8; PACKED_SIZE];

/// Registers per step of the bulk functions, and the packed bytes they fill.
const LANES: usize = 8;
const LANES_PACKED: usize = LANES * REGISTER_BITS / 8;
/// Lanes are handled in blocks of this many, so that the compiler can use vectors within a block.
const BLOCK: usize = 16;
const BLOCK_PACKED: usize = BLOCK * LANES_PACKED;

const _: () = assert!(REGISTERS.is_multiple_of(BLOCK * LANES));
const _: () = assert!(PACKED_SIZE.is_multiple_of(BLOCK_PACKED));

/// Where the two bytes around a register begin, and how far up in them it is. The last register has no byte
/// after its own, so there the two bytes begin one earlier.
fn position(index: usize) -> (usize, usize) {
    let bit = index * REGISTER_BITS;
    let byte = (bit / 8).min(PACKED_SIZE - 2);
    (byte, bit - byte * 8)
}

const REGISTER_MASK: u16 = (1 << REGISTER_BITS) - 1;

/// Raises a register to `rank`; says whether it was lower.
pub(super) fn raise(packed: &mut Packed, index: usize, rank: u8) -> bool {
    let (byte, shift) = position(index % REGISTERS);
    let pair = u16::from_le_bytes([packed[byte], packed[byte + 1]]);
    let raised = (pair >> shift & REGISTER_MASK) < u16::from(rank);
    if raised {
        let pair = pair & !(REGISTER_MASK << shift) | u16::from(rank) << shift;
        packed[byte..byte + 2].copy_from_slice(&pair.to_le_bytes());
    }
    raised
}

#[cfg(test)]
pub(super) fn get(packed: &Packed, index: usize) -> u8 {
    let (byte, shift) = position(index);
    let pair = u16::from_le_bytes([packed[byte], packed[byte + 1]]);
    (pair >> shift & REGISTER_MASK) as u8
}

/// Spreads the low 48 bits of a word, eight registers of six bits, over its eight bytes.
#[inline(always)]
fn spread(word: u64) -> u64 {
    let word = word & 0x0000_0000_00ff_ffff | (word & 0x0000_ffff_ff00_0000) << 8;
    let word = word & 0x0000_0fff_0000_0fff | (word & 0x00ff_f000_00ff_f000) << 4;
    word & 0x003f_003f_003f_003f | (word & 0x0fc0_0fc0_0fc0_0fc0) << 2
}

/// The inverse of [`spread`].
#[inline(always)]
fn gather(word: u64) -> u64 {
    let word = word & 0x003f_003f_003f_003f | (word & 0x3f00_3f00_3f00_3f00) >> 2;
    let word = word & 0x0000_0fff_0000_0fff | (word & 0x0fff_0000_0fff_0000) >> 4;
    word & 0x0000_0000_00ff_ffff | (word & 0x00ff_ffff_0000_0000) >> 8
}

#[inline(always)]
fn load_lanes(packed: &[u8; LANES_PACKED]) -> u64 {
    let mut word = [0; 8];
    word[..LANES_PACKED].copy_from_slice(packed);
    u64::from_le_bytes(word)
}

#[inline(always)]
fn unpack_block(packed: &[u8; BLOCK_PACKED]) -> [u8; BLOCK * LANES] {
    let mut unpacked = [0; BLOCK * LANES];
    let (sources, _) = packed.as_chunks::<LANES_PACKED>();
    let (lanes, _) = unpacked.as_chunks_mut::<LANES>();
    for (lane, source) in lanes.iter_mut().zip(sources) {
        *lane = spread(load_lanes(source)).to_le_bytes();
    }
    unpacked
}

/// Joins registers into a union.
pub(super) fn merge_into(packed: &Packed, registers: &mut Registers) {
    let (blocks, _) = registers.0.as_chunks_mut::<{ BLOCK * LANES }>();
    let (sources, _) = packed.as_chunks::<BLOCK_PACKED>();
    for (block, source) in blocks.iter_mut().zip(sources) {
        let unpacked = unpack_block(source);
        for (register, rank) in block.iter_mut().zip(unpacked) {
            *register = (*register).max(rank);
        }
    }
}

/// Writes unpacked registers in the packed form.
pub(super) fn pack(registers: &Registers, packed: &mut Packed) {
    let (lanes, _) = registers.0.as_chunks::<LANES>();
    let (targets, _) = packed.as_chunks_mut::<LANES_PACKED>();
    for (target, lane) in targets.iter_mut().zip(lanes) {
        let word = gather(u64::from_le_bytes(*lane)).to_le_bytes();
        target.copy_from_slice(&word[..LANES_PACKED]);
    }
}

pub(super) fn histogram(packed: &Packed) -> Histogram {
    let mut tally = Tally::new();
    let (sources, _) = packed.as_chunks::<BLOCK_PACKED>();
    for source in sources {
        tally.add(&unpack_block(source));
    }
    tally.sum()
}

pub(super) fn histogram_of(registers: &Registers) -> Histogram {
    let mut tally = Tally::new();
    let (blocks, _) = registers.0.as_chunks::<{ BLOCK * LANES }>();
    for block in blocks {
        tally.add(block);
    }
    tally.sum()
}

/// Partial histograms, one per lane of a u64. Neighbouring registers often hold the same value; counting them in
/// one table would make each increment wait for the one before it.
struct Tally([[u32; 64]; LANES]);

impl Tally {
    fn new() -> Tally {
        Tally([[0; 64]; LANES])
    }

    #[inline(always)]
    fn add(&mut self, block: &[u8; BLOCK * LANES]) {
        let (groups, _) = block.as_chunks::<LANES>();
        for group in groups {
            for (table, &rank) in self.0.iter_mut().zip(group) {
                table[usize::from(rank & 63)] += 1;
            }
        }
    }

    fn sum(&self) -> Histogram {
        let mut histogram = [0; 64];
        for table in &self.0 {
            for (total, count) in histogram.iter_mut().zip(table) {
                *total += count;
            }
        }
        histogram
    }
}
