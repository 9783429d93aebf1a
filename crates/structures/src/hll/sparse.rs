//! The sparse encoding: run-length opcodes that together describe 16384 registers.
//!
//! ```text
//! ZERO   00xxxxxx            x + 1 registers (1 to 64) are zero
//! XZERO  01xxxxxx yyyyyyyy   xy + 1 registers (1 to 16384) are zero
//! VAL    1vvvvvxx            x + 1 registers (1 to 4) hold v + 1 (1 to 32)
//! ```
//!
//! Raising a register finds the opcode that covers it, splits it into at most three, and joins equal VAL runs
//! around the place. Where Redis would join and where not is visible in the bytes, so we do the same: zero runs
//! are never joined, a zero run of at most 64 is written as ZERO, and joining looks at five opcodes from the one
//! before the split.
//!
//! Limits: a register above 32, or a string longer than the configured size, does not fit; the caller then goes
//! over to the dense encoding. Opcodes come from clients (SET), so a walk stops with `Corrupted` when it would
//! leave the registers; a second XZERO byte that is missing counts as zero.

use super::estimate::Histogram;
use super::unpacked::Registers;
use super::{Corrupted, HEADER_SIZE, REGISTERS};

const ZERO_RUN_MAX: usize = 64;
const VAL_RUN_MAX: usize = 4;
const VAL_RANK_MAX: u8 = 32;
/// How many opcodes the joining step looks at.
const JOIN_STEPS: usize = 5;

/// What became of an attempt to raise a register.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Raised {
    Unchanged,
    Changed,
    /// Nothing was changed, because the result does not fit the sparse encoding.
    TooLarge,
}

/// One opcode. A rank of zero means a run of zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Opcode {
    pub rank: u8,
    pub run: usize,
    pub size: usize,
}

impl Opcode {
    /// Decodes the opcode at `at`, which must be inside the value.
    #[inline(always)]
    fn at(value: &[u8], at: usize) -> Opcode {
        let byte = value[at];
        let low = usize::from(byte & 0x3f);
        if byte & 0x80 != 0 {
            Opcode { rank: (byte >> 2 & 0x1f) + 1, run: usize::from(byte & 3) + 1, size: 1 }
        } else if byte & 0x40 == 0 {
            Opcode { rank: 0, run: low + 1, size: 1 }
        } else {
            let next = usize::from(value.get(at + 1).copied().unwrap_or(0));
            Opcode { rank: 0, run: (low << 8 | next) + 1, size: 2 }
        }
    }

    /// Whether it is the two-byte form of a zero run.
    pub fn is_xzero(self) -> bool {
        self.size == 2
    }
}

/// All opcodes of a value, in order, without any check of their sum.
pub(super) fn opcodes(value: &[u8]) -> impl Iterator<Item = Opcode> + '_ {
    let mut at = HEADER_SIZE;
    std::iter::from_fn(move || {
        let opcode = (at < value.len()).then(|| Opcode::at(value, at))?;
        at += opcode.size;
        Some(opcode)
    })
}

/// A place between two opcodes from which a search may begin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor {
    at: usize,
    /// The first register that the opcode at `at` describes.
    first: usize,
    /// Where the opcode before it begins; equal to `at` when there is none.
    previous: usize,
}

impl Cursor {
    pub const START: Cursor = Cursor { at: HEADER_SIZE, first: 0, previous: HEADER_SIZE };
}

fn val(rank: u8, run: usize) -> u8 {
    debug_assert!((1..=VAL_RANK_MAX).contains(&rank) && (1..=VAL_RUN_MAX).contains(&run));
    0x80 | (rank - 1) << 2 | (run - 1) as u8
}

/// Up to three opcodes that replace one.
struct Replacement {
    bytes: [u8; 5],
    len: usize,
}

impl Replacement {
    fn push(&mut self, byte: u8) {
        self.bytes[self.len] = byte;
        self.len += 1;
    }

    /// Appends a run of a register value; nothing when the run is empty.
    fn push_run(&mut self, rank: u8, run: usize) {
        if run == 0 {
            return;
        }
        if rank != 0 {
            self.push(val(rank, run));
        } else if run <= ZERO_RUN_MAX {
            self.push(run as u8 - 1);
        } else {
            self.push(0x40 | ((run - 1) >> 8) as u8);
            self.push((run - 1) as u8);
        }
    }
}

/// Appends a run of zeros.
pub(super) fn push_zeros(value: &mut Vec<u8>, run: usize) {
    let mut replacement = Replacement { bytes: [0; 5], len: 0 };
    replacement.push_run(0, run);
    value.extend_from_slice(&replacement.bytes[..replacement.len]);
}

/// The opcode that covers a register, as found by [`find`].
struct Found {
    opcode: Opcode,
    place: Cursor,
    /// Where the opcode before `place.previous` begins, if the walk went that far.
    older: usize,
}

/// The registers that eight bytes describe, counted without decoding one opcode after the other.
///
/// The difficulty is that the second byte of an XZERO may look like an opcode. Lanes that look like the beginning
/// of an XZERO come in series; in a series every other one is a beginning, starting with the first, unless that is
/// itself a second byte left over from the block before (`pending`). A subtraction finds them: its borrow runs
/// through a series and flips where the parity of the lane says so. (The same idea finds escaped quotes in JSON:
/// Langdale and Lemire, "Parsing gigabytes of JSON per second", 2019.)
///
/// Returns the count, and whether the block ends within an XZERO. In that case the upper part of its run is in this
/// count, and the lower part in that of the next block.
#[inline(always)]
fn block_run(word: u64, pending: u64) -> (usize, u64) {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const ODD: u64 = 0x0100_0100_0100_0100;
    let top = word >> 7 & ONES;
    let like_xzero = word >> 6 & ONES & !top & !pending;
    let starts = (like_xzero << 8 | ODD).wrapping_sub(like_xzero) ^ ODD;
    let starts = starts & like_xzero;
    let seconds = starts << 8 | pending;
    let vals = top & !seconds;
    // Which bits of each lane are part of a run. Each factor turns a one into a mask over its lane.
    let zeros = ONES & !starts & !seconds & !vals;
    let upper = word & (starts * 0x3f);
    let lower = word & ((vals * 0x03) | (zeros * 0x3f) | (seconds * 0xff));
    // Every lane but the beginning of an XZERO ends an opcode, and so stands for one register more.
    let ends = ONES & !starts;
    let pairs = |word: u64| (word & 0x00ff_00ff_00ff_00ff) + (word >> 8 & 0x00ff_00ff_00ff_00ff);
    let sum = |pairs: u64| pairs.wrapping_mul(0x0001_0001_0001_0001) >> 48;
    let run = sum(pairs(lower) + pairs(ends)) + (sum(pairs(upper)) << 8);
    (run as usize, starts >> 56)
}

/// Skips blocks of eight bytes that end before register `index`. Returns a place at least two opcodes before the
/// one that covers it, or `from` itself; `previous` is right only in the latter case.
fn skip_blocks(value: &[u8], from: Cursor, index: usize) -> Cursor {
    let (mut at, mut first, mut pending) = (from.at, from.first, 0);
    let mut last = (at, first, pending);
    while let Some(block) = value[at..].first_chunk() {
        let (run, next_pending) = block_run(u64::from_le_bytes(*block), pending);
        if first + run > index {
            break;
        }
        last = (at, first, pending);
        (at, first, pending) = (at + block.len(), first + run, next_pending);
    }
    match last {
        (at, ..) if at == from.at => from,
        (at, first, 0) => Cursor { at, first, previous: at },
        (at, first, _) => Cursor { at: at + 1, first: first + usize::from(value[at]) + 1, previous: at },
    }
}

/// Walks to the opcode that covers register `index`.
fn find(value: &[u8], from: Cursor, index: usize) -> Result<Found, Corrupted> {
    let mut place = skip_blocks(value, from, index);
    let mut older = place.previous;
    while place.at < value.len() {
        let opcode = Opcode::at(value, place.at);
        if index < place.first + opcode.run {
            // An XZERO that is cut short cannot be replaced. Redis splits a run that leaves the registers, so we do.
            let whole = place.at + opcode.size <= value.len();
            return if whole { Ok(Found { opcode, place, older }) } else { Err(Corrupted) };
        }
        older = place.previous;
        place = Cursor { at: place.at + opcode.size, first: place.first + opcode.run, previous: place.at };
    }
    Err(Corrupted)
}

/// Raises register `index` to `rank` unless it is as high already. The search begins at `cursor`, which is then
/// moved to a place from which any higher index can be found.
pub(super) fn raise(
    value: &mut Vec<u8>,
    cursor: &mut Cursor,
    index: usize,
    rank: u8,
    size_max: usize,
) -> Result<Raised, Corrupted> {
    if rank > VAL_RANK_MAX {
        return Ok(Raised::TooLarge);
    }
    let Found { opcode: old, place, older } = find(value, *cursor, index)?;
    if old.rank >= rank {
        *cursor = place;
        return Ok(Raised::Unchanged);
    }
    let before = index - place.first;
    let mut new = Replacement { bytes: [0; 5], len: 0 };
    new.push_run(old.rank, before);
    new.push(val(rank, 1));
    new.push_run(old.rank, old.run - before - 1);

    if new.len > old.size && value.len() + new.len - old.size > size_max {
        return Ok(Raised::TooLarge);
    }
    replace(value, place.at, old.size, &new.bytes[..new.len]);
    // Joining can make the opcode before `place` reach further, so the next search begins there. When the walk
    // did not pass it, the one before it is unknown, and the next search begins at the start.
    *cursor = if cursor.at < place.at {
        let run = Opcode::at(value, place.previous).run;
        Cursor { at: place.previous, first: place.first - run, previous: older }
    } else {
        Cursor::START
    };
    join_runs(value, place.previous);
    Ok(Raised::Changed)
}

/// Replaces `old_len` bytes at `at` by others.
fn replace(value: &mut Vec<u8>, at: usize, old_len: usize, new: &[u8]) {
    let len = value.len();
    // An XZERO of a short run may shrink from two bytes to one, for a single register.
    value.resize(len.max(len + new.len() - old_len), 0);
    value.copy_within(at + old_len..len, at + new.len());
    value[at..at + new.len()].copy_from_slice(new);
    value.truncate(len + new.len() - old_len);
}

/// Joins neighbouring VAL opcodes of equal rank while the run fits in one.
fn join_runs(value: &mut Vec<u8>, from: usize) {
    let mut at = from;
    for _ in 0..JOIN_STEPS {
        if at >= value.len() {
            return;
        }
        let here = Opcode::at(value, at);
        if here.rank != 0 && at + 1 < value.len() {
            let next = Opcode::at(value, at + 1);
            if next.rank == here.rank && here.run + next.run <= VAL_RUN_MAX {
                value[at] = val(here.rank, here.run + next.run);
                value.remove(at + 1);
                continue;
            }
        }
        at += here.size;
    }
}

/// Joins the registers of a sparse value into a union.
pub(super) fn merge_into(value: &[u8], registers: &mut Registers) -> Result<(), Corrupted> {
    let mut index = 0;
    for opcode in opcodes(value) {
        if index + opcode.run > REGISTERS {
            return Err(Corrupted);
        }
        if opcode.rank != 0 {
            registers.raise_run(index, opcode.run, opcode.rank);
        }
        index += opcode.run;
    }
    if index == REGISTERS { Ok(()) } else { Err(Corrupted) }
}

pub(super) fn histogram(value: &[u8]) -> Result<Histogram, Corrupted> {
    let mut histogram = [0u32; 64];
    let mut index = 0;
    for opcode in opcodes(value) {
        index += opcode.run;
        if index > REGISTERS {
            return Err(Corrupted);
        }
        histogram[usize::from(opcode.rank)] += opcode.run as u32;
    }
    if index == REGISTERS { Ok(histogram) } else { Err(Corrupted) }
}
