//! Combining bitmaps.
//!
//! The sources may differ in length; a missing byte counts as zero, and the result is as long as the longest
//! source. The work goes block by block over all sources, so that a block of the result stays in the first-level
//! cache, and each step over a block is a loop without branches that compiles to vector instructions.

/// How the sources are combined. X is the first source, Y any of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    And,
    Or,
    Xor,
    /// The inverse of X; takes a single source.
    Not,
    /// Set in X and in no Y.
    Diff,
    /// Set in some Y and not in X.
    Diff1,
    /// Set in X and in some Y.
    AndOr,
    /// Set in exactly one source.
    One,
}

const BLOCK: usize = 4096;

/// Replaces `dest` by the combination of `sources`, of which there is at least one.
pub fn op(dest: &mut Vec<u8>, sources: &[&[u8]], op: Op) {
    debug_assert!(op != Op::Not || sources.len() == 1);
    let Some((first, rest)) = sources.split_first() else {
        dest.clear();
        return;
    };
    let len = sources.iter().map(|source| source.len()).max().unwrap_or(0);
    dest.clear();
    dest.extend_from_slice(first);
    dest.resize(len, 0);
    for (number, block) in dest.chunks_mut(BLOCK).enumerate() {
        let start = number * BLOCK;
        let block_len = block.len();
        let parts = rest.iter().map(|source| part(source, start, block_len));
        match op {
            Op::And => parts.for_each(|part| and(block, part)),
            Op::Or => parts.for_each(|part| zip(block, part, |x, y| x | y)),
            Op::Xor => parts.for_each(|part| zip(block, part, |x, y| x ^ y)),
            Op::Not => block.iter_mut().for_each(|byte| *byte = !*byte),
            Op::One => one(block, parts),
            Op::Diff | Op::Diff1 | Op::AndOr => {
                let mut any = [0; BLOCK];
                parts.for_each(|part| zip(&mut any, part, |x, y| x | y));
                match op {
                    Op::Diff => zip(block, &any, |x, y| x & !y),
                    Op::Diff1 => zip(block, &any, |x, y| !x & y),
                    _ => zip(block, &any, |x, y| x & y),
                }
            }
        }
    }
}

/// The bytes of a source that fall into a block; fewer than the block has when the source ends before.
fn part(source: &[u8], start: usize, len: usize) -> &[u8] {
    &source[start.min(source.len())..(start + len).min(source.len())]
}

#[inline(always)]
fn zip(block: &mut [u8], part: &[u8], combine: impl Fn(u8, u8) -> u8) {
    for (x, &y) in block.iter_mut().zip(part) {
        *x = combine(*x, y);
    }
}

/// AND is the one combination with a missing byte that changes something.
fn and(block: &mut [u8], part: &[u8]) {
    zip(block, part, |x, y| x & y);
    block[part.len()..].fill(0);
}

fn one<'a>(block: &mut [u8], parts: impl Iterator<Item = &'a [u8]>) {
    // `block` holds the bits seen at least once, `twice` those seen more often.
    let mut twice = [0; BLOCK];
    for part in parts {
        for ((seen, twice), &bits) in block.iter_mut().zip(&mut twice).zip(part) {
            *twice |= *seen & bits;
            *seen |= bits;
        }
    }
    zip(block, &twice, |seen, twice| seen & !twice);
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Op; 8] = [Op::And, Op::Or, Op::Xor, Op::Not, Op::Diff, Op::Diff1, Op::AndOr, Op::One];

    fn model(sources: &[&[u8]], op: Op) -> Vec<u8> {
        let len = sources.iter().map(|source| source.len()).max().unwrap_or(0);
        let byte = |at: usize| {
            let bytes: Vec<u8> = sources.iter().map(|source| source.get(at).copied().unwrap_or(0)).collect();
            let any = bytes[1..].iter().fold(0, |x, y| x | y);
            (0..8).fold(0, |result, bit| {
                let set = |byte: u8| byte >> bit & 1 == 1;
                let on = match op {
                    Op::And => bytes.iter().all(|&byte| set(byte)),
                    Op::Or => bytes.iter().any(|&byte| set(byte)),
                    Op::Xor => bytes.iter().filter(|&&byte| set(byte)).count() % 2 == 1,
                    Op::Not => !set(bytes[0]),
                    Op::Diff => set(bytes[0]) && !set(any),
                    Op::Diff1 => !set(bytes[0]) && set(any),
                    Op::AndOr => set(bytes[0]) && set(any),
                    Op::One => bytes.iter().filter(|&&byte| set(byte)).count() == 1,
                };
                result | u8::from(on) << bit
            })
        };
        (0..len).map(byte).collect()
    }

    #[test]
    fn every_operation_agrees_with_its_definition_bit_by_bit() {
        let mut seed = 11u64;
        let mut next = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize
        };
        for round in 0..60 {
            let count = 1 + next() % 5;
            let max = if round % 6 == 0 { 2 * BLOCK + 100 } else { 40 };
            let sources: Vec<Vec<u8>> = (0..count).map(|_| (0..next() % max).map(|_| next() as u8).collect()).collect();
            let all: Vec<&[u8]> = sources.iter().map(Vec::as_slice).collect();
            let mut dest = vec![0xaa; next() % 60];
            for kind in ALL {
                let sources = if kind == Op::Not { &all[..1] } else { &all[..] };
                op(&mut dest, sources, kind);
                assert_eq!(dest, model(sources, kind), "{kind:?}");
            }
        }
    }
}
