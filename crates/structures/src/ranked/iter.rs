//! Walks over a `Ranked`, in both directions.
//!
//! Leaves have no links: at the end of one the walk asks the tree for the leaf of the next rank, which costs little for
//! a hundred elements. Elements are asked for some steps ahead, for each is a cache miss of its own.

use super::arena::{Arena, Handle};
use super::tree::{Cut, Tree};
use std::ops::Range;

/// How many elements are asked for ahead.
const AHEAD: usize = 10;

/// Members with their scores, in order.
#[derive(Clone)]
pub struct Iter<'a> {
    tree: &'a Tree,
    arena: &'a Arena,
    ranks: Range<usize>,
    /// The next elements at the front, as far as they are in one leaf and in the range.
    front: &'a [Handle],
    /// The same at the back, the next one last.
    back: &'a [Handle],
}

impl<'a> Iter<'a> {
    pub(super) fn new(tree: &'a Tree, arena: &'a Arena, ranks: Range<usize>) -> Iter<'a> {
        let end = ranks.end.min(tree.len());
        let ranks = ranks.start.min(end)..end;
        Iter { tree, arena, ranks, front: &[], back: &[] }
    }

    /// The elements after a cut.
    pub(super) fn after(tree: &'a Tree, arena: &'a Arena, cut: &Cut<'a>) -> Iter<'a> {
        let mut iter = Iter::new(tree, arena, cut.rank..tree.len());
        iter.front = cut.after;
        iter.prefetch_front();
        iter
    }

    /// The elements before a cut.
    pub(super) fn before(tree: &'a Tree, arena: &'a Arena, cut: &Cut<'a>) -> Iter<'a> {
        let mut iter = Iter::new(tree, arena, 0..cut.rank);
        iter.back = cut.before;
        iter.prefetch_back();
        iter
    }

    fn prefetch_front(&self) {
        self.front.iter().take(AHEAD).for_each(|&handle| self.arena.prefetch(handle));
    }

    fn prefetch_back(&self) {
        self.back.iter().rev().take(AHEAD).for_each(|&handle| self.arena.prefetch(handle));
    }

    #[inline(always)]
    fn read(&self, handle: Handle) -> (&'a [u8], f64) {
        (self.arena.member(handle), self.arena.score(handle))
    }

    fn refill_front(&mut self) {
        let (leaf, at) = self.tree.locate(self.ranks.start);
        let rest = &leaf.handles()[at..];
        self.front = &rest[..rest.len().min(self.ranks.len())];
        self.prefetch_front();
    }

    fn refill_back(&mut self) {
        let (leaf, at) = self.tree.locate(self.ranks.end - 1);
        let rest = &leaf.handles()[..=at];
        self.back = &rest[rest.len().saturating_sub(self.ranks.len())..];
        self.prefetch_back();
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a [u8], f64);

    #[inline]
    fn next(&mut self) -> Option<(&'a [u8], f64)> {
        if self.ranks.is_empty() {
            return None;
        }
        if self.front.is_empty() {
            self.refill_front();
        }
        let (&handle, rest) = self.front.split_first()?;
        self.front = rest;
        self.ranks.start += 1;
        if let Some(&later) = rest.get(AHEAD - 1) {
            self.arena.prefetch(later);
        }
        Some(self.read(handle))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.ranks.len(), Some(self.ranks.len()))
    }

    fn nth(&mut self, count: usize) -> Option<Self::Item> {
        self.ranks.start = self.ranks.start.saturating_add(count).min(self.ranks.end);
        self.front = self.front.get(count..).unwrap_or(&[]);
        self.next()
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.ranks.is_empty() {
            return None;
        }
        if self.back.is_empty() {
            self.refill_back();
        }
        let (&handle, rest) = self.back.split_last()?;
        self.back = rest;
        self.ranks.end -= 1;
        if let Some(&later) = rest.len().checked_sub(AHEAD).and_then(|at| rest.get(at)) {
            self.arena.prefetch(later);
        }
        Some(self.read(handle))
    }
}

impl ExactSizeIterator for Iter<'_> {}
