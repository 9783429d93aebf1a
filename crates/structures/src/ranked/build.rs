//! Making a `Ranked` of many elements at once: in any order for ZUNIONSTORE and its kin, or sorted.
//!
//! Elements go into the arena and the index as they come; the tree is made at the end, from sorted keys, its leaves
//! seven eighths full. Sorting elements that come in order costs one pass.

use super::arena::{Arena, Handle};
use super::leaf::Element;
use super::tree::Tree;
use super::{Ranked, handle_of, index};
use crate::dict::table::Table;
use crate::hash::Hasher;

/// A `Ranked` in the making.
pub struct RankedBuilder {
    table: Table,
    arena: Arena,
    hasher: Hasher,
    handles: Vec<Handle>,
}

impl RankedBuilder {
    /// A builder that expects about so many members.
    pub fn new(hasher: Hasher, expected: usize) -> RankedBuilder {
        RankedBuilder { table: Table::new(), arena: Arena::new(), hasher, handles: Vec::with_capacity(expected) }
    }

    /// The number of members so far.
    pub fn len(&self) -> usize {
        self.handles.len()
    }

    /// Whether there is no member yet.
    pub fn is_empty(&self) -> bool {
        self.handles.is_empty()
    }

    /// Asks for the bucket of a hash, to be read soon.
    #[inline]
    pub fn prefetch(&self, hash: u64) {
        self.table.prefetch_line(hash);
    }

    /// Asks for the element of a hash, if there may be one. Reads the bucket, so that should have been asked for.
    #[inline]
    pub fn prefetch_element(&self, hash: u64) {
        if let Some(slot) = self.table.probable(hash) {
            self.arena.prefetch(handle_of(slot));
        }
    }

    /// Adds a member that is not there.
    #[inline]
    pub fn push(&mut self, hash: u64, member: &[u8], score: f64) {
        assert!(!score.is_nan(), "scores are numbers");
        let handle = index(&mut self.table, &mut self.arena, self.hasher, (hash, member, score));
        self.handles.push(handle);
    }

    /// Gives a member the score that `decide` makes of the one it has.
    #[inline]
    pub fn upsert(&mut self, hash: u64, member: &[u8], decide: impl FnOnce(Option<f64>) -> f64) {
        let arena = &self.arena;
        let found = self.table.find(hash, |slot| arena.member(handle_of(slot)) == member);
        let Some((_, slot)) = found else { return self.push(hash, member, decide(None)) };
        let handle = handle_of(slot);
        let score = decide(Some(self.arena.score(handle)));
        assert!(!score.is_nan(), "scores are numbers");
        self.arena.set_score(handle, score);
    }

    /// The set.
    pub fn finish(self) -> Ranked {
        let RankedBuilder { table, arena, hasher, handles } = self;
        let mut elements: Vec<Element> =
            handles.into_iter().map(|handle| Element { key: arena.key(handle), handle }).collect();
        let before = |a: &Element, b: &Element| {
            a.key.cmp(&b.key).then_with(|| arena.member(a.handle).cmp(arena.member(b.handle)))
        };
        elements.sort_by(before);
        Ranked { tree: Tree::build(&elements), table, arena, hasher }
    }
}
