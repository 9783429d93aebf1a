//! `Ranked`: the sorted set's large form, members ordered by (score, member) and found by member or by rank.
//!
//! ```text
//! table (tagged index) --handle--> arena: score, member <--handle-- leaves of the tree, beside the score
//! ```
//!
//! * An element lives once, in the `arena`. The index by member is the `Dict`'s table, whose slots hold handles here;
//!   the `tree` counts, so rank, select and ranges by score or member are O(log N).
//! * A million members of 16 bytes take about 51 bytes each: 26 in the arena, 11 in the table, 14 in the tree.
//! * Scores are any `f64` but NaN. 0.0 and -0.0 are equal, and a member keeps the one it had; equal scores are ordered
//!   by the members' bytes.
//! * The caller gives the hash with the member, as for a `Dict`: it must be `hasher().hash(member)`. With another,
//!   members are lost, and removing by rank panics.
//! * No operation rewrites more than a few nodes and one segment of the table.

mod arena;
mod build;
mod iter;
mod leaf;
#[cfg(test)]
mod tests;
mod tree;

pub use build::RankedBuilder;
pub use iter::Iter;

use crate::dict::table::{At, Stats, Table};
use crate::hash::Hasher;
use arena::{Arena, Handle};
use leaf::Element;
use std::ops::{Bound, Range};
use tree::{Cut, Tree};

/// What an insertion did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// The member was not there.
    Inserted,
    /// The member had this score before.
    Updated(f64),
    /// The member had an equal score, and keeps it.
    Same,
}

/// A number that orders as scores do, and is the same for both zeros.
#[inline(always)]
fn key_of(score: f64) -> u64 {
    // The sum of -0.0 and 0.0 is 0.0.
    let bits = (score + 0.0).to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

/// What the table holds for a handle: it wants addresses, which are not 0.
#[inline(always)]
fn slot_of(handle: Handle) -> u64 {
    u64::from(handle) + 1
}

#[inline(always)]
fn handle_of(slot: u64) -> Handle {
    (slot - 1) as Handle
}

/// The sorted set.
pub struct Ranked {
    table: Table,
    arena: Arena,
    tree: Tree,
    hasher: Hasher,
}

impl Ranked {
    /// An empty set.
    pub fn new(hasher: Hasher) -> Ranked {
        Ranked { table: Table::new(), arena: Arena::new(), tree: Tree::new(), hasher }
    }

    /// The hash function whose hashes the methods want.
    pub fn hasher(&self) -> Hasher {
        self.hasher
    }

    /// The number of members.
    #[inline]
    pub fn len(&self) -> usize {
        self.tree.len()
    }

    /// Whether there is no member.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes held; reads counters.
    pub fn memory(&self) -> usize {
        size_of::<Ranked>() + self.table.bytes() + self.arena.bytes() + self.tree.bytes()
    }

    /// Figures about the index by member.
    pub fn stats(&self) -> Stats {
        self.table.stats()
    }

    /// Asks for the bucket of a hash, to be read soon.
    #[inline]
    pub fn prefetch(&self, hash: u64) {
        self.table.prefetch_line(hash);
    }

    /// Asks for the element of a hash. Reads the bucket, so that should have been asked for.
    #[inline]
    pub fn prefetch_element(&self, hash: u64) {
        if let Some(slot) = self.table.probable(hash) {
            self.arena.prefetch(handle_of(slot));
        }
    }

    /// The score of what is probably the member of a hash. Reads bucket and element.
    #[inline]
    pub fn probable_score(&self, hash: u64) -> Option<f64> {
        self.table.probable(hash).map(|slot| self.arena.score(handle_of(slot)))
    }

    /// Fetches the leaves where members with the scores `held` stand, and where members with the scores `taken` will.
    /// NaN stands nowhere in particular.
    pub fn prefetch_places(&self, held: &[f64], taken: &[f64]) {
        self.tree.foresee_all(&self.arena, held, taken);
    }

    #[inline(always)]
    fn find(&self, hash: u64, member: &[u8]) -> Option<(At, Handle)> {
        let (at, slot) = self.table.find(hash, |slot| self.arena.member(handle_of(slot)) == member)?;
        Some((at, handle_of(slot)))
    }

    #[inline(always)]
    fn element(&self, handle: Handle) -> Element {
        Element { key: self.arena.key(handle), handle }
    }

    /// Whether the member is there.
    pub fn contains(&self, hash: u64, member: &[u8]) -> bool {
        self.find(hash, member).is_some()
    }

    /// A member's score.
    #[inline]
    pub fn score(&self, hash: u64, member: &[u8]) -> Option<f64> {
        Some(self.arena.score(self.find(hash, member)?.1))
    }

    /// A member's rank, from 0.
    pub fn rank(&self, hash: u64, member: &[u8]) -> Option<usize> {
        Some(self.rank_and_score(hash, member)?.0)
    }

    /// A member's rank, from 0, and its score.
    pub fn rank_and_score(&self, hash: u64, member: &[u8]) -> Option<(usize, f64)> {
        let (_, handle) = self.find(hash, member)?;
        Some((self.tree.rank(&self.arena, self.element(handle)), self.arena.score(handle)))
    }

    /// The member of this rank, and its score.
    pub fn by_rank(&self, rank: usize) -> Option<(&[u8], f64)> {
        if rank >= self.len() {
            return None;
        }
        let (leaf, at) = self.tree.locate(rank);
        let handle = leaf.handles()[at];
        Some((self.arena.member(handle), self.arena.score(handle)))
    }

    /// A member chosen by a random word, each with the same chance but for a bias below 2^-32; and its score.
    pub fn random(&self, word: u64) -> Option<(&[u8], f64)> {
        let rank = (u128::from(word) * self.len() as u128) >> 64;
        self.by_rank(rank as usize)
    }

    /// Puts a member in, or gives it another score. The score is a number.
    pub fn insert(&mut self, hash: u64, member: &[u8], score: f64) -> Change {
        self.upsert(hash, member, |_| Some(score))
    }

    /// Puts a member in, or gives it another score, with the score that `decide` makes of the one it has. With none,
    /// nothing is changed, which is `Same`.
    #[inline]
    pub fn upsert(&mut self, hash: u64, member: &[u8], decide: impl FnOnce(Option<f64>) -> Option<f64>) -> Change {
        let Some((_, handle)) = self.find(hash, member) else {
            let Some(score) = decide(None) else { return Change::Same };
            self.add(hash, member, score);
            return Change::Inserted;
        };
        let old = self.arena.score(handle);
        let Some(score) = decide(Some(old)).filter(|score| *score != old) else { return Change::Same };
        assert!(!score.is_nan(), "scores are numbers");
        let element = self.element(handle);
        self.tree.rekey(&mut self.arena, element, key_of(score), |arena| arena.set_score(handle, score));
        Change::Updated(old)
    }

    fn add(&mut self, hash: u64, member: &[u8], score: f64) {
        assert!(!score.is_nan(), "scores are numbers");
        let handle = index(&mut self.table, &mut self.arena, self.hasher, (hash, member, score));
        self.tree.insert(&self.arena, Element { key: key_of(score), handle });
    }

    /// Removes a member; returns its score.
    pub fn remove(&mut self, hash: u64, member: &[u8]) -> Option<f64> {
        let (at, handle) = self.find(hash, member)?;
        let element = self.element(handle);
        self.tree.remove(&self.arena, element);
        self.table.remove(at);
        let score = self.arena.score(handle);
        self.arena.remove(handle);
        Some(score)
    }

    /// Removes the members of these ranks, as far as they are there, lowest first; calls `gone` with each.
    pub fn remove_range_by_rank(&mut self, ranks: Range<usize>, gone: &mut dyn FnMut(&[u8], f64)) {
        for _ in ranks.start..ranks.end.min(self.len()) {
            self.remove_at(ranks.start, gone);
        }
    }

    fn remove_at(&mut self, rank: usize, gone: &mut dyn FnMut(&[u8], f64)) {
        let handle = self.tree.remove_at(&self.arena, rank);
        let member = self.arena.member(handle);
        let found = self.table.find(self.hasher.hash(member), |slot| slot == slot_of(handle));
        let (at, _) = found.expect("every element is in the table under its hash");
        self.table.remove(at);
        gone(member, self.arena.score(handle));
        self.arena.remove(handle);
    }

    /// Removes the first member.
    pub fn pop_first(&mut self) -> Option<(Vec<u8>, f64)> {
        self.pop(0)
    }

    /// Removes the last member.
    pub fn pop_last(&mut self) -> Option<(Vec<u8>, f64)> {
        self.pop(self.len().checked_sub(1)?)
    }

    fn pop(&mut self, rank: usize) -> Option<(Vec<u8>, f64)> {
        let mut popped = None;
        self.remove_range_by_rank(rank..rank + 1, &mut |member, score| popped = Some((member.to_vec(), score)));
        popped
    }

    #[inline]
    fn cut_at_score(&self, score: f64, or_equal: bool) -> Cut<'_> {
        self.tree.below(&self.arena, key_of(score), or_equal)
    }

    /// The rank of the first member whose score is not below the bound.
    pub fn first_of_score(&self, bound: Bound<f64>) -> usize {
        match bound {
            Bound::Included(least) => self.cut_at_score(least, false).rank,
            Bound::Excluded(below) => self.cut_at_score(below, true).rank,
            Bound::Unbounded => 0,
        }
    }

    /// The members whose scores are not below the bound, to the last; one search less than by ranks.
    pub fn from_score(&self, min: Bound<f64>) -> Iter<'_> {
        let cut = match min {
            Bound::Included(least) => self.cut_at_score(least, false),
            Bound::Excluded(below) => self.cut_at_score(below, true),
            Bound::Unbounded => return self.iter(),
        };
        Iter::after(&self.tree, &self.arena, &cut)
    }

    /// The members whose scores are not above the bound, from the first; meant to be walked backwards.
    pub fn up_to_score(&self, max: Bound<f64>) -> Iter<'_> {
        let cut = match max {
            Bound::Included(most) => self.cut_at_score(most, true),
            Bound::Excluded(above) => self.cut_at_score(above, false),
            Bound::Unbounded => return self.iter(),
        };
        Iter::before(&self.tree, &self.arena, &cut)
    }

    /// The ranks of the members whose scores are within these bounds.
    pub fn ranks_of_scores(&self, min: Bound<f64>, max: Bound<f64>) -> Range<usize> {
        let start = self.first_of_score(min);
        let end = match max {
            Bound::Included(most) => self.first_of_score(Bound::Excluded(most)),
            Bound::Excluded(above) => self.first_of_score(Bound::Included(above)),
            Bound::Unbounded => self.len(),
        };
        start..end.max(start)
    }

    /// The number of members whose scores are within these bounds.
    pub fn count_in(&self, min: Bound<f64>, max: Bound<f64>) -> usize {
        self.ranks_of_scores(min, max).len()
    }

    /// The rank of the first member that is not below the bound, if all scores are equal.
    pub fn first_of_lex(&self, bound: Bound<&[u8]>) -> usize {
        match bound {
            Bound::Included(least) => self.tree.below_member(&self.arena, |member| member < least).rank,
            Bound::Excluded(below) => self.tree.below_member(&self.arena, |member| member <= below).rank,
            Bound::Unbounded => 0,
        }
    }

    /// The ranks of the members within these bounds, if all scores are equal.
    pub fn ranks_of_lex(&self, min: Bound<&[u8]>, max: Bound<&[u8]>) -> Range<usize> {
        let start = self.first_of_lex(min);
        let end = match max {
            Bound::Included(most) => self.first_of_lex(Bound::Excluded(most)),
            Bound::Excluded(above) => self.first_of_lex(Bound::Included(above)),
            Bound::Unbounded => self.len(),
        };
        start..end.max(start)
    }

    /// The members of these ranks with their scores, from both ends.
    pub fn range(&self, ranks: Range<usize>) -> Iter<'_> {
        Iter::new(&self.tree, &self.arena, ranks)
    }

    /// All members with their scores, from both ends.
    pub fn iter(&self) -> Iter<'_> {
        self.range(0..self.len())
    }

    /// One step of a scan, with the promises of `Dict::scan`.
    pub fn scan(&self, cursor: u64, visit: &mut dyn FnMut(&[u8], f64)) -> u64 {
        self.table.scan(cursor, &mut |slot| {
            let handle = handle_of(slot);
            visit(self.arena.member(handle), self.arena.score(handle));
        })
    }

    /// Panics unless everything agrees; for tests.
    pub fn check(&self) {
        self.table.check(&|slot| self.hasher.hash(self.arena.member(handle_of(slot))));
        let mut seen = 0;
        self.tree.check(&self.arena, &mut |handle| {
            let hash = self.hasher.hash(self.arena.member(handle));
            assert!(self.table.find(hash, |slot| slot == slot_of(handle)).is_some());
            seen += 1;
        });
        assert_eq!((seen, seen, seen), (self.len(), self.table.len(), self.arena.check()));
    }
}

impl Clone for Ranked {
    fn clone(&self) -> Ranked {
        let mut clone = RankedBuilder::new(self.hasher, self.len());
        self.iter().for_each(|(member, score)| clone.push(self.hasher.hash(member), member, score));
        clone.finish()
    }
}

impl std::fmt::Debug for Ranked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// Stores an element and its slot in the table.
#[inline]
fn index(table: &mut Table, arena: &mut Arena, hasher: Hasher, element: (u64, &[u8], f64)) -> Handle {
    let (hash, member, score) = element;
    let handle = arena.insert(member, score);
    let arena = &*arena;
    table.insert(hash, slot_of(handle), &move |slot| hasher.hash(arena.member(handle_of(slot))));
    handle
}
