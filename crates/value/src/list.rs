//! The list: packed while it is small, blocks of packed elements above.
//!
//! * A list grows out of "listpack" when an addition would take it over `list-max-listpack-size`: so many elements, or
//!   the bytes that they would take in Redis' own listpack plus the bare bytes of what is added. That is asked before
//!   the addition, so an addition that then does not take place (LINSERT without its pivot) may convert as well.
//! * It goes back from "quicklist" where Redis looks for it (after pops, LREM, LTRIM and LSET): when there is one block
//!   left and that is at most half of the limit, so that pushes and pops around the limit do not convert each time.
//! * Where blocks begin and end is our own affair (a few bytes more or less to each, and neighbours that have become
//!   small are joined), so the way back may come an operation earlier or later than in Redis.
//!
//! Limits: an element is shorter than 4 GiB.

#[cfg(test)]
mod tests;

use std::ops::Range;
use structures::blocks::{self, BlockLimit, Blocks};
use structures::packed::{self, Packed};

pub use structures::blocks::End;
pub use structures::packed::PackedElement as Element;

/// The list.
#[derive(Clone, Debug)]
pub enum List {
    Packed(Packed),
    Blocks(Box<Blocks>),
}

impl Default for List {
    fn default() -> List {
        List::new()
    }
}

impl List {
    /// An empty list, to be filled before it goes into the keyspace.
    pub const fn new() -> List {
        List::Packed(Packed::new())
    }

    /// What OBJECT ENCODING answers.
    pub fn encoding_name(&self) -> &'static str {
        match self {
            List::Packed(_) => "listpack",
            List::Blocks(_) => "quicklist",
        }
    }

    /// Number of elements.
    #[inline]
    pub fn len(&self) -> usize {
        match self {
            List::Packed(packed) => packed.len(),
            List::Blocks(blocks) => blocks.len(),
        }
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes held besides the object itself.
    pub fn memory(&self) -> usize {
        match self {
            List::Packed(packed) => packed.memory(),
            List::Blocks(blocks) => blocks.memory(),
        }
    }

    /// Becomes blocks if so many elements of so many bytes are too much for it; for additions, before they are made.
    #[inline]
    pub fn make_room(&mut self, elements: usize, bytes: usize, limit: BlockLimit) {
        if let List::Packed(packed) = self
            && limit.is_exceeded(packed, elements, bytes)
        {
            let packed = std::mem::take(packed);
            *self = List::Blocks(Box::new(Blocks::from_packed(packed, limit)));
        }
    }

    /// Becomes packed again if it is small enough; for removals, after they are made.
    #[inline]
    pub fn shrink(&mut self, limit: BlockLimit) {
        if let List::Blocks(blocks) = self {
            let small = blocks.single_block().filter(|block| limit.is_half_enough(block));
            if let Some(block) = small {
                // A clone takes no more memory than its elements.
                *self = List::Packed(block.clone());
            }
        }
    }

    /// Adds an element at an end.
    #[inline]
    pub fn push(&mut self, end: End, string: &[u8]) {
        let element = Element::of(string);
        match (self, end) {
            (List::Packed(packed), End::Front) => packed.push_front(element),
            (List::Packed(packed), End::Back) => packed.push_back(element),
            (List::Blocks(blocks), end) => blocks.push(end, element),
        }
    }

    /// Takes the element at an end out, and calls `take` with it.
    #[inline]
    pub fn pop<R>(&mut self, end: End, take: impl FnOnce(Element<'_>) -> R) -> Option<R> {
        let packed = match self {
            List::Packed(packed) => packed,
            List::Blocks(blocks) => return blocks.pop(end, take),
        };
        let at = match end {
            End::Front => packed.front(),
            End::Back if packed.is_empty() => return None,
            End::Back => packed.before(packed.end()),
        };
        let taken = take(packed.at(at)?);
        packed.remove(at, 1);
        Some(taken)
    }

    /// The element with this number.
    #[inline]
    pub fn get(&self, index: usize) -> Option<Element<'_>> {
        match self {
            List::Packed(packed) => packed.get(index),
            List::Blocks(blocks) => blocks.get(index),
        }
    }

    /// The number of the first element that is this string.
    pub fn position(&self, string: &[u8]) -> Option<usize> {
        let sought = Element::of(string);
        self.iter_from(0).position(|element| element == sought)
    }

    /// Puts an element in so that it has this number, at most the length.
    pub fn insert(&mut self, index: usize, string: &[u8]) {
        let element = Element::of(string);
        match self {
            List::Packed(packed) => packed.insert_at(index, element),
            List::Blocks(blocks) => blocks.insert(index, element),
        }
    }

    /// Replaces the element with this number, which is below the length.
    pub fn replace(&mut self, index: usize, string: &[u8]) {
        let element = Element::of(string);
        match self {
            List::Packed(packed) => {
                let at = packed.seek(index).expect("the caller gives a number below the length");
                packed.replace(at, element);
            }
            List::Blocks(blocks) => blocks.replace(index, element),
        }
    }

    /// Removes the elements with these numbers, as far as there are any.
    pub fn remove(&mut self, range: Range<usize>) {
        match self {
            List::Packed(packed) => packed.remove_range(range.start, range.len()),
            List::Blocks(blocks) => blocks.remove(range),
        }
    }

    /// Removes up to `most` elements that are this string, seen from an end; returns how many there were.
    pub fn remove_equal(&mut self, end: End, string: &[u8], most: usize) -> usize {
        match self {
            List::Packed(packed) => packed.remove_equal(end == End::Front, Element::of(string), most),
            List::Blocks(blocks) => blocks.remove_equal(end, string, most),
        }
    }

    /// The elements from the one with this number on, forwards.
    pub fn iter_from(&self, index: usize) -> Forwards<'_> {
        match self {
            List::Packed(packed) => {
                let mut elements = packed.iter();
                elements.drop_front(index);
                Forwards::Packed(elements)
            }
            List::Blocks(blocks) => Forwards::Blocks(blocks.iter_from(index)),
        }
    }

    /// The elements from the one with this number on, backwards; from the last if there are fewer.
    pub fn iter_back_from(&self, index: usize) -> Backwards<'_> {
        match self {
            List::Packed(packed) => {
                let mut elements = packed.iter();
                elements.drop_back(packed.len().saturating_sub(index.saturating_add(1)));
                Backwards::Packed(elements)
            }
            List::Blocks(blocks) => Backwards::Blocks(blocks.iter_back_from(index)),
        }
    }

    /// All elements.
    pub fn iter(&self) -> Forwards<'_> {
        self.iter_from(0)
    }

    /// Panics unless everything agrees; for tests.
    pub fn check(&self) {
        match self {
            List::Packed(packed) => packed.check(),
            List::Blocks(blocks) => blocks.check(),
        }
    }
}

/// Elements from front to back.
#[derive(Clone)]
pub enum Forwards<'a> {
    Packed(packed::Iter<'a>),
    Blocks(blocks::Forwards<'a>),
}

impl<'a> Iterator for Forwards<'a> {
    type Item = Element<'a>;

    #[inline]
    fn next(&mut self) -> Option<Element<'a>> {
        match self {
            Forwards::Packed(elements) => elements.next(),
            Forwards::Blocks(elements) => elements.next(),
        }
    }
}

/// Elements from back to front.
#[derive(Clone)]
pub enum Backwards<'a> {
    Packed(packed::Iter<'a>),
    Blocks(blocks::Backwards<'a>),
}

impl<'a> Iterator for Backwards<'a> {
    type Item = Element<'a>;

    #[inline]
    fn next(&mut self) -> Option<Element<'a>> {
        match self {
            Backwards::Packed(elements) => elements.next_back(),
            Backwards::Blocks(elements) => elements.next(),
        }
    }
}
