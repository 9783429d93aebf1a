//! A sorted set of integers, packed: the encoding of small sets whose members are all integers.
//!
//! ```text
//! offset  size      field
//! 0       4         width of a member in bytes: 2, 4 or 8
//! 4       4         number of members
//! 8       width *   the members, rising, no two equal
//! ```
//!
//! All numbers are little endian; the layout is the one that Redis writes to RDB files and DUMP payloads. The width
//! is the smallest that held every member ever inserted: a number that does not fit widens all members, and removal
//! never narrows them again.
//!
//! Limits: insertion and removal move the members behind the place, so sets are meant to stay small
//! (`set-max-intset-entries`). At most `u32::MAX` members.

use std::cmp::Ordering;

const HEADER_SIZE: usize = 8;

/// A sorted set of integers, held in its serialised form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntSet {
    bytes: Vec<u8>,
}

/// The bytes are not a set of integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrupted;

/// The smallest width that holds a number.
fn width_of(number: i64) -> usize {
    if i16::try_from(number).is_ok() {
        2
    } else if i32::try_from(number).is_ok() {
        4
    } else {
        8
    }
}

impl Default for IntSet {
    fn default() -> Self {
        IntSet::new()
    }
}

impl IntSet {
    pub fn new() -> IntSet {
        IntSet { bytes: vec![2, 0, 0, 0, 0, 0, 0, 0] }
    }

    /// Takes over a serialised set after checking all of it: length, order and distinctness.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<IntSet, Corrupted> {
        let header = bytes.first_chunk::<HEADER_SIZE>().ok_or(Corrupted)?;
        let [width, len] = [0, 4].map(|at| u32::from_le_bytes([0, 1, 2, 3].map(|i| header[at + i])) as usize);
        let sound = matches!(width, 2 | 4 | 8) && len.checked_mul(width) == Some(bytes.len() - HEADER_SIZE);
        let set = IntSet { bytes };
        if sound && set.iter().is_sorted_by(|x, y| x < y) { Ok(set) } else { Err(Corrupted) }
    }

    /// The members that another set had, as `members` gave them, in a buffer that is used again. Nothing is checked.
    pub fn refilled(mut buffer: Vec<u8>, width: usize, members: &[u8]) -> IntSet {
        buffer.clear();
        buffer.extend_from_slice(&(width as u32).to_le_bytes());
        buffer.extend_from_slice(&((members.len() / width) as u32).to_le_bytes());
        buffer.extend_from_slice(members);
        IntSet { bytes: buffer }
    }

    /// The width of a member, and all members.
    #[inline]
    pub fn members(&self) -> (usize, &[u8]) {
        (self.width(), &self.bytes[HEADER_SIZE..])
    }

    /// The buffer, whatever is in it.
    pub fn into_buffer(self) -> Vec<u8> {
        self.bytes
    }

    /// The serialised set.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Bytes on the heap, for memory accounting.
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    pub fn len(&self) -> usize {
        (self.bytes.len() - HEADER_SIZE) / self.width()
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.len() == HEADER_SIZE
    }

    /// Bytes per member.
    fn width(&self) -> usize {
        usize::from(self.bytes[0])
    }

    /// The member at a rank, lowest first.
    pub fn get(&self, rank: usize) -> Option<i64> {
        (rank < self.len()).then(|| self.at(rank))
    }

    fn at(&self, rank: usize) -> i64 {
        let members = &self.bytes[HEADER_SIZE..];
        match self.width() {
            2 => i64::from(i16::from_le_bytes(members.as_chunks().0[rank])),
            4 => i64::from(i32::from_le_bytes(members.as_chunks().0[rank])),
            _ => i64::from_le_bytes(members.as_chunks().0[rank]),
        }
    }

    /// The members, rising.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = i64> + ExactSizeIterator + '_ {
        (0..self.len()).map(|rank| self.at(rank))
    }

    /// A member chosen by a random word; every member is equally likely, but for a bias below 2^-32.
    pub fn random(&self, word: u64) -> Option<i64> {
        let rank = (u128::from(word) * self.len() as u128) >> 64;
        self.get(rank as usize)
    }

    /// The rank of a number, or the rank it would get.
    fn search(&self, number: i64) -> Result<usize, usize> {
        let (mut low, mut high) = (0, self.len());
        // Numbers often arrive in rising order.
        if high > 0 && self.at(high - 1) < number {
            return Err(high);
        }
        while low < high {
            let middle = low + (high - low) / 2;
            match self.at(middle).cmp(&number) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return Ok(middle),
            }
        }
        Err(low)
    }

    pub fn contains(&self, number: i64) -> bool {
        width_of(number) <= self.width() && self.search(number).is_ok()
    }

    /// Inserts a number; says whether it was new.
    pub fn insert(&mut self, number: i64) -> bool {
        if width_of(number) > self.width() {
            self.widen(width_of(number));
        }
        let Err(rank) = self.search(number) else { return false };
        let (len, width) = (self.len(), self.width());
        let place = HEADER_SIZE + rank * width;
        let end = self.bytes.len();
        self.bytes.resize(end + width, 0);
        self.bytes.copy_within(place..end, place + width);
        self.bytes[place..place + width].copy_from_slice(&number.to_le_bytes()[..width]);
        self.set_len(len + 1);
        true
    }

    /// Removes a number; says whether it was there.
    pub fn remove(&mut self, number: i64) -> bool {
        if width_of(number) > self.width() {
            return false;
        }
        let Ok(rank) = self.search(number) else { return false };
        let (len, width) = (self.len(), self.width());
        let place = HEADER_SIZE + rank * width;
        self.bytes.drain(place..place + width);
        self.set_len(len - 1);
        true
    }

    fn set_len(&mut self, len: usize) {
        let len = u32::try_from(len).expect("a packed set has fewer than 2^32 members");
        self.bytes[4..HEADER_SIZE].copy_from_slice(&len.to_le_bytes());
    }

    /// Rewrites all members with a larger width.
    fn widen(&mut self, width: usize) {
        let mut bytes = Vec::with_capacity(HEADER_SIZE + (self.len() + 1) * width);
        bytes.extend_from_slice(&(width as u32).to_le_bytes());
        bytes.extend_from_slice(&self.bytes[4..HEADER_SIZE]);
        for number in self.iter() {
            bytes.extend_from_slice(&number.to_le_bytes()[..width]);
        }
        self.bytes = bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn agrees_with_a_set_of_the_standard_library() {
        let mut seed = 9u64;
        let mut next = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            seed ^ seed >> 31
        };
        for shift in [56, 50, 48, 33, 32, 0] {
            let (mut set, mut model) = (IntSet::new(), BTreeSet::new());
            for _ in 0..600 {
                let number = (next() as i64) >> shift;
                if next() % 3 == 0 {
                    assert_eq!(set.remove(number), model.remove(&number));
                    let present = model.iter().nth(next() as usize % model.len().max(1)).copied();
                    present.into_iter().for_each(|number| assert!(set.remove(number) && model.remove(&number)));
                } else {
                    assert_eq!(set.insert(number), model.insert(number));
                }
                assert_eq!(set.contains(number), model.contains(&number));
                assert!(set.random(next()).is_none_or(|number| model.contains(&number)));
            }
            assert!(set.iter().eq(model.iter().copied()) && set.len() == model.len());
            assert_eq!((set.get(0), set.get(set.len())), (model.first().copied(), None));
            assert_eq!(IntSet::from_bytes(set.bytes().to_vec()), Ok(set));
        }
    }

    /// The string inside DUMP's payload of a set in Redis 8.2.3, after each SADD and the SREM.
    #[test]
    fn members_widen_and_never_narrow() {
        let mut set = IntSet::new();
        assert_eq!([5, -1, 5].map(|number| set.insert(number)), [true, true, false]);
        assert_eq!(set.bytes(), b"\x02\0\0\0\x02\0\0\0\xff\xff\x05\0");
        assert!(set.insert(65_535));
        assert_eq!(set.bytes(), b"\x04\0\0\0\x03\0\0\0\xff\xff\xff\xff\x05\0\0\0\xff\xff\0\0");
        assert!(set.remove(65_535));
        assert_eq!(set.bytes(), b"\x04\0\0\0\x02\0\0\0\xff\xff\xff\xff\x05\0\0\0");
    }

    #[test]
    fn bytes_that_are_no_set_are_refused() {
        let refused: [&[u8]; 7] = [
            b"",
            b"\x02\0\0\0\0\0\0",
            b"\x03\0\0\0\0\0\0\0",
            b"\x02\0\0\0\x01\0\0\0",
            b"\x02\0\0\0\x02\0\0\0\x05\0\x05\0",
            b"\x02\0\0\0\x02\0\0\0\x05\0\x04\0",
            b"\x02\x01\0\0\0\0\0\0",
        ];
        for bytes in refused {
            assert_eq!(IntSet::from_bytes(bytes.to_vec()), Err(Corrupted), "{bytes:?}");
        }
        assert!(IntSet::from_bytes(b"\x08\0\0\0\0\0\0\0".to_vec()).is_ok_and(|set| set.is_empty()));
    }
}
