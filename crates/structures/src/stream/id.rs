//! `StreamId`: the 128 bits by which the entries of a stream are ordered.

use std::fmt;

/// Milliseconds, and a number that tells the entries of one millisecond apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    pub ms: u64,
    pub seq: u64,
}

impl StreamId {
    /// The lowest id, which no entry has.
    pub const MIN: StreamId = StreamId { ms: 0, seq: 0 };
    /// The highest id.
    pub const MAX: StreamId = StreamId { ms: u64::MAX, seq: u64::MAX };

    pub const fn new(ms: u64, seq: u64) -> StreamId {
        StreamId { ms, seq }
    }

    /// Whether it is the id that no entry has, which stands for "none".
    pub fn is_zero(self) -> bool {
        self == StreamId::MIN
    }

    /// The id above this one, if there is one.
    pub fn next(self) -> Option<StreamId> {
        match self.seq.checked_add(1) {
            Some(seq) => Some(StreamId { seq, ..self }),
            None => Some(StreamId { ms: self.ms.checked_add(1)?, seq: 0 }),
        }
    }

    /// The id below this one, if there is one.
    pub fn previous(self) -> Option<StreamId> {
        match self.seq.checked_sub(1) {
            Some(seq) => Some(StreamId { seq, ..self }),
            None => Some(StreamId { ms: self.ms.checked_sub(1)?, seq: u64::MAX }),
        }
    }

    /// Both numbers, the highest byte first: the order of these bytes is the order of ids.
    pub fn to_bytes(self) -> [u8; 16] {
        ((u128::from(self.ms) << 64) | u128::from(self.seq)).to_be_bytes()
    }

    /// The id that became these bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> StreamId {
        let both = u128::from_be_bytes(bytes);
        StreamId { ms: (both >> 64) as u64, seq: both as u64 }
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ms, self.seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_and_bytes_follow_the_order() {
        let ids = [(0, 0), (0, 1), (0, u64::MAX), (1, 0), (7, 9), (u64::MAX, 0), (u64::MAX, u64::MAX)];
        let ids = ids.map(|(ms, seq)| StreamId::new(ms, seq));
        assert!(ids.is_sorted() && ids.map(StreamId::to_bytes).is_sorted());
        for id in ids {
            assert_eq!(StreamId::from_bytes(id.to_bytes()), id);
            assert_eq!(id.next().and_then(StreamId::previous), id.next().map(|_| id));
            assert_eq!(id.previous().and_then(StreamId::next), id.previous().map(|_| id));
            assert!(id.next().is_none_or(|next| next > id) && id.previous().is_none_or(|previous| previous < id));
        }
        assert_eq!((StreamId::MIN.previous(), StreamId::MAX.next()), (None, None));
        assert_eq!(StreamId::new(0, u64::MAX).next(), Some(StreamId::new(1, 0)));
        assert_eq!(StreamId::new(12, 3).to_string(), "12-3");
    }
}
