//! `PackedRanked`: the sorted set's small form, pairs of member and score in one `Packed`, by (score, member).
//!
//! A score that is an integer of up to 53 bits is written as one, any other as the 4 or 8 bytes of the float that holds
//! it exactly. Members are compared as strings, however they are written. The rules for scores are those of
//! `crate::ranked::Ranked`, and so are the methods' names.

use super::{At, Iter, Packed, PackedElement};
use crate::ranked::Change;
use std::cmp::Ordering;
use std::ops::{Bound, Range};

/// The greatest magnitude of a score written as an integer.
const INTEGER_MAX: f64 = 9_007_199_254_740_992.0;

/// A small sorted set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackedRanked {
    pairs: Packed,
}

fn with_score<R>(score: f64, write: impl FnOnce(PackedElement<'_>) -> R) -> R {
    let negative_zero = score == 0.0 && score.is_sign_negative();
    if score.abs() <= INTEGER_MAX && score.trunc() == score && !negative_zero {
        write(PackedElement::Int(score as i64))
    } else if f64::from(score as f32) == score {
        write(PackedElement::Bytes(&(score as f32).to_le_bytes()))
    } else {
        write(PackedElement::Bytes(&score.to_le_bytes()))
    }
}

#[inline]
fn score_of(element: PackedElement<'_>) -> f64 {
    match element {
        PackedElement::Int(value) => value as f64,
        PackedElement::Bytes(bytes) => match bytes.first_chunk::<8>() {
            Some(bytes) => f64::from_le_bytes(*bytes),
            None => f64::from(f32::from_le_bytes(*bytes.first_chunk().expect("a float has 4 bytes or 8"))),
        },
    }
}

fn order(score: f64, member: PackedElement<'_>, other_score: f64, other: &[u8]) -> Ordering {
    let by_score = score.partial_cmp(&other_score).expect("scores are numbers");
    by_score.then_with(|| member.with_bytes(|member| member.cmp(other)))
}

impl PackedRanked {
    /// An empty set. Takes no memory yet.
    pub const fn new() -> PackedRanked {
        PackedRanked { pairs: Packed::new() }
    }

    /// A set of the pairs that another one had.
    #[inline]
    pub fn of_pairs(pairs: Packed) -> PackedRanked {
        PackedRanked { pairs }
    }

    /// Members and scores in turn.
    #[inline]
    pub fn pairs(&self) -> &Packed {
        &self.pairs
    }

    #[inline]
    pub fn into_pairs(self) -> Packed {
        self.pairs
    }

    /// The number of members.
    pub fn len(&self) -> usize {
        self.pairs.len() / 2
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Bytes held on the heap.
    pub fn memory(&self) -> usize {
        self.pairs.memory()
    }

    /// The bytes of all pairs.
    pub fn byte_len(&self) -> usize {
        self.pairs.byte_len()
    }

    /// Where a member is, for `rescore`, and its score.
    #[inline]
    pub fn find(&self, member: &[u8]) -> Option<(At, f64)> {
        let (at, value) = self.pairs.find_field(member)?;
        Some((at, score_of(self.pairs.at(value).expect("a score follows a member"))))
    }

    /// A member's score.
    pub fn score(&self, member: &[u8]) -> Option<f64> {
        Some(self.find(member)?.1)
    }

    /// A member's rank, from 0.
    pub fn rank(&self, member: &[u8]) -> Option<usize> {
        let sought = PackedElement::of(member);
        self.iter().position(|(found, _)| found == sought)
    }

    /// The pair of this rank.
    pub fn by_rank(&self, rank: usize) -> Option<(PackedElement<'_>, f64)> {
        let at = self.pairs.seek(rank.checked_mul(2)?)?;
        let member = self.pairs.at(at)?;
        Some((member, score_of(self.pairs.at(self.pairs.after(at)).expect("a score follows a member"))))
    }

    /// Puts a member in, or gives it another score. The score is a number.
    pub fn insert(&mut self, member: &[u8], score: f64) -> Change {
        match self.find(member) {
            Some((_, old)) if old == score => Change::Same,
            Some((at, old)) => {
                self.rescore(at, member, score);
                Change::Updated(old)
            }
            None => {
                self.insert_new(member, score);
                Change::Inserted
            }
        }
    }

    /// Gives the member that was found at `at` another score.
    pub fn rescore(&mut self, at: At, member: &[u8], score: f64) {
        self.pairs.remove(at, 2);
        self.insert_new(member, score);
    }

    /// Puts a member in that is not there.
    pub fn insert_new(&mut self, member: &[u8], score: f64) {
        assert!(!score.is_nan(), "scores are numbers");
        let mut at = self.pairs.front();
        while let Some(found) = self.pairs.at(at) {
            let value = self.pairs.after(at);
            let found_score = score_of(self.pairs.at(value).expect("a score follows a member"));
            if order(found_score, found, score, member).is_gt() {
                break;
            }
            at = self.pairs.after(value);
        }
        let at = with_score(score, |score| self.pairs.insert(at, score));
        self.pairs.insert(at, PackedElement::of(member));
    }

    /// Adds a member that comes after all others.
    pub fn push_last(&mut self, member: &[u8], score: f64) {
        self.pairs.push_back(PackedElement::of(member));
        with_score(score, |score| self.pairs.push_back(score));
    }

    /// Removes a member; returns its score.
    pub fn remove(&mut self, member: &[u8]) -> Option<f64> {
        let (at, score) = self.find(member)?;
        self.pairs.remove(at, 2);
        Some(score)
    }

    /// Removes the members of these ranks.
    pub fn remove_range_by_rank(&mut self, ranks: Range<usize>) {
        self.pairs.remove_range(ranks.start * 2, ranks.len() * 2);
    }

    /// All pairs in order, from both ends.
    pub fn iter(&self) -> RankedIter<'_> {
        RankedIter(self.pairs.iter())
    }

    /// The pairs of these ranks, from both ends.
    pub fn range(&self, ranks: Range<usize>) -> RankedIter<'_> {
        let mut elements = self.pairs.iter();
        elements.drop_front(ranks.start * 2);
        elements.drop_back(self.len().saturating_sub(ranks.end) * 2);
        RankedIter(elements)
    }

    /// The rank of the first member whose score is not below the bound.
    pub fn first_of_score(&self, bound: Bound<f64>) -> usize {
        self.iter()
            .position(|(_, score)| match bound {
                Bound::Included(least) => score >= least,
                Bound::Excluded(below) => score > below,
                Bound::Unbounded => true,
            })
            .unwrap_or(self.len())
    }

    /// The rank of the first member that is not below the bound, if all scores are equal.
    pub fn first_of_lex(&self, bound: Bound<&[u8]>) -> usize {
        self.iter()
            .position(|(member, _)| {
                member.with_bytes(|member| match bound {
                    Bound::Included(least) => member >= least,
                    Bound::Excluded(below) => member > below,
                    Bound::Unbounded => true,
                })
            })
            .unwrap_or(self.len())
    }

    /// Panics unless all is well formed and in order.
    pub fn check(&self) {
        self.pairs.check();
        assert!(self.pairs.len().is_multiple_of(2));
        let pairs: Vec<_> = self.iter().map(|(member, score)| (score, member.to_vec())).collect();
        assert!(pairs.is_sorted_by(|a, b| a < b));
    }
}

/// Pairs of member and score.
#[derive(Clone, Debug)]
pub struct RankedIter<'a>(Iter<'a>);

impl<'a> Iterator for RankedIter<'a> {
    type Item = (PackedElement<'a>, f64);

    fn next(&mut self) -> Option<Self::Item> {
        Some((self.0.next()?, score_of(self.0.next()?)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.0.len() / 2, Some(self.0.len() / 2))
    }
}

impl DoubleEndedIterator for RankedIter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let score = score_of(self.0.next_back()?);
        Some((self.0.next_back()?, score))
    }
}

impl ExactSizeIterator for RankedIter<'_> {}
