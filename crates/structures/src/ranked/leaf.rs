//! A leaf of the tree: up to 62 elements in 512 bytes, 8 for each.
//!
//! A score's *key* is a `u64` that orders as scores do. A leaf does not store keys but, in 32 bits, how far each lies
//! above the leaf's `base`, in units of `1 << shift`, rounded down. That order is right as far as it goes; where two
//! are equal the elements themselves decide, which costs a cache miss each. As a leaf covers a narrow range, that is
//! rare but for truly equal scores; and for integers and many other scores nothing is lost by rounding at all: then the
//! leaf is `exact`.
//!
//! The unit grows when a key out of range comes in, by shifting what is there, without a look at the elements. It
//! shrinks when a leaf that is not exact is split.

use super::arena::{Arena, Handle};
use std::cmp::Ordering;

/// Elements in a leaf.
pub(super) const LEAF: usize = 62;

/// An element on its way in or out; it is in the arena.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element {
    pub(super) key: u64,
    pub(super) handle: Handle,
}

#[repr(C, align(64))]
pub(super) struct Leaf {
    base: u64,
    shift: u8,
    /// Whether `base + (delta << shift)` is the key of each element.
    exact: bool,
    len: u16,
    deltas: [u32; LEAF],
    handles: [Handle; LEAF],
}

const _: () = assert!(size_of::<Leaf>() == 512);

impl Leaf {
    pub(super) fn new() -> Leaf {
        Leaf { base: 0, shift: 0, exact: true, len: 0, deltas: [0; LEAF], handles: [0; LEAF] }
    }

    /// A leaf of these elements, which are in order.
    pub(super) fn of(elements: &[Element]) -> Leaf {
        let mut leaf = Leaf::new();
        let (Some(first), Some(last)) = (elements.first(), elements.last()) else { return leaf };
        let shift = 32u32.saturating_sub((last.key - first.key).leading_zeros());
        (leaf.base, leaf.shift, leaf.len) = (first.key, shift as u8, elements.len() as u16);
        for (at, element) in elements.iter().enumerate() {
            let above = element.key - first.key;
            leaf.exact &= above & ((1 << shift) - 1) == 0;
            leaf.deltas[at] = (above >> shift) as u32;
            leaf.handles[at] = element.handle;
        }
        leaf
    }

    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        usize::from(self.len)
    }

    #[inline(always)]
    pub(super) fn handles(&self) -> &[Handle] {
        &self.handles[..self.len()]
    }

    #[inline(always)]
    fn deltas(&self) -> &[u32] {
        &self.deltas[..self.len()]
    }

    pub(super) fn key(&self, arena: &Arena, at: usize) -> u64 {
        if self.exact { self.base + (u64::from(self.deltas[at]) << self.shift) } else { arena.key(self.handles[at]) }
    }

    pub(super) fn element(&self, arena: &Arena, at: usize) -> Element {
        Element { key: self.key(arena, at), handle: self.handles[at] }
    }

    /// The places of the elements whose delta is that of `key`.
    #[inline(always)]
    fn near(&self, key: u64) -> (usize, usize) {
        let Some(above) = key.checked_sub(self.base) else { return (0, 0) };
        let Ok(delta) = u32::try_from(above >> self.shift) else { return (self.len(), self.len()) };
        // All lines at once, without a branch: their misses overlap.
        let low: usize = self.deltas().iter().map(|&other| u32::from(other < delta)).sum::<u32>() as usize;
        let equal = self.deltas()[low..].iter().take_while(|&&other| other == delta).count();
        (low, low + equal)
    }

    /// The elements that a search for `key` has to look at.
    #[inline]
    pub(super) fn equals(&self, key: u64) -> &[Handle] {
        let (low, high) = self.near(key);
        &self.handles[low..high]
    }

    /// Elements before this one, which is not in the leaf.
    pub(super) fn place_for(&self, arena: &Arena, element: Element) -> usize {
        let (low, high) = self.near(element.key);
        let handles = &self.handles[low..high];
        let before = handles.partition_point(|&other| {
            let by_key = arena.key(other).cmp(&element.key);
            by_key.then_with(|| arena.member(other).cmp(arena.member(element.handle))) == Ordering::Less
        });
        low + before
    }

    /// Where this element is.
    pub(super) fn place_of(&self, element: Element) -> usize {
        let (low, high) = self.near(element.key);
        let handles = &self.handles[low..high];
        low + handles.iter().position(|&other| other == element.handle).expect("the element is in its leaf")
    }

    /// Elements whose key is below `key`, or with `or_equal` not above it.
    pub(super) fn below(&self, arena: &Arena, key: u64, or_equal: bool) -> usize {
        let (low, high) = self.near(key);
        if low == high {
            return low;
        }
        if self.exact {
            let between = (key - self.base) & ((1 << self.shift) - 1) != 0;
            return if or_equal || between { high } else { low };
        }
        low + self.handles[low..high].partition_point(|&other| {
            let other = arena.key(other);
            other < key || (or_equal && other == key)
        })
    }

    /// Makes `key` a key that has a delta.
    fn make_fit(&mut self, key: u64) {
        if self.len == 0 {
            (self.base, self.shift, self.exact) = (key, 0, true);
            return;
        }
        let most = u64::from(self.deltas[self.len() - 1]);
        let mut by = 0;
        let (base, moved) = loop {
            let shift = u32::from(self.shift) + by;
            let unit = 1u64 << shift;
            let units = (self.base.saturating_sub(key) + unit - 1) >> shift;
            // Keys are far above the greatest unit, so there is a base below each.
            let base = self.base - (units << shift);
            if (key - base) >> shift <= u64::from(u32::MAX) && (most >> by) + units <= u64::from(u32::MAX) {
                break (base, units as u32);
            }
            by += 1;
        };
        if by == 0 && moved == 0 {
            return;
        }
        let len = self.len();
        for delta in &mut self.deltas[..len] {
            // A shift by 32 is needed when the range is all there is.
            let wide = u64::from(*delta);
            self.exact &= wide & ((1 << by) - 1) == 0;
            *delta = (wide >> by) as u32 + moved;
        }
        self.base = base;
        self.shift += by as u8;
    }

    /// Puts an element in at its place; the leaf is not full.
    pub(super) fn insert(&mut self, at: usize, element: Element) {
        self.make_fit(element.key);
        let above = element.key - self.base;
        let len = self.len();
        self.deltas.copy_within(at..len, at + 1);
        self.handles.copy_within(at..len, at + 1);
        self.deltas[at] = (above >> self.shift) as u32;
        self.handles[at] = element.handle;
        self.exact &= above & ((1 << self.shift) - 1) == 0;
        self.len += 1;
    }

    pub(super) fn remove(&mut self, at: usize) {
        let len = self.len();
        self.deltas.copy_within(at + 1..len, at);
        self.handles.copy_within(at + 1..len, at);
        self.len -= 1;
    }

    /// Gives the element at `at` another key, if it stays between the same two leaves for certain: not as the first or
    /// the last. Tells whether it did.
    pub(super) fn move_within(&mut self, arena: &Arena, at: usize, key: u64) -> bool {
        let last = self.len() - 1;
        if at == 0 || at == last || key <= self.key(arena, 0) || key >= self.key(arena, last) {
            return false;
        }
        let element = Element { key, handle: self.handles[at] };
        self.remove(at);
        let place = self.place_for(arena, element);
        self.insert(place, element);
        true
    }

    fn elements(&self, arena: &Arena) -> Vec<Element> {
        if !self.exact {
            self.handles().iter().for_each(|&handle| arena.prefetch(handle));
        }
        (0..self.len()).map(|at| self.element(arena, at)).collect()
    }

    /// Moves the elements from `at` on into a new leaf.
    pub(super) fn split_off(&mut self, arena: &Arena, at: usize) -> Leaf {
        if !self.exact {
            // Narrower ranges have finer units.
            let elements = self.elements(arena);
            *self = Leaf::of(&elements[..at]);
            return Leaf::of(&elements[at..]);
        }
        let mut right = Leaf { base: self.base, shift: self.shift, exact: true, ..Leaf::new() };
        let count = self.len() - at;
        right.deltas[..count].copy_from_slice(&self.deltas()[at..]);
        right.handles[..count].copy_from_slice(&self.handles()[at..]);
        (right.len, self.len) = (count as u16, at as u16);
        right
    }

    /// Takes the elements of the next leaf, for which there is room.
    pub(super) fn append(&mut self, arena: &Arena, next: &Leaf) {
        let mut elements = self.elements(arena);
        elements.extend(next.elements(arena));
        *self = Leaf::of(&elements);
    }

    /// Panics unless the elements are in order and their deltas right.
    pub(super) fn check(&self, arena: &Arena) {
        let mut previous: Option<(u64, &[u8])> = None;
        for (&handle, &delta) in self.handles().iter().zip(self.deltas()) {
            let current = (arena.key(handle), arena.member(handle));
            assert!(previous.is_none_or(|previous| previous < current));
            let above = current.0 - self.base;
            assert_eq!(above >> self.shift, u64::from(delta));
            assert!(!self.exact || above & ((1 << self.shift) - 1) == 0);
            previous = Some(current);
        }
    }
}
