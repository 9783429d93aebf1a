//! The tree of a `Ranked`: a B+ tree by (key, member) whose inner nodes count what is below each child.
//!
//! ```text
//! inner: keys    [first key of each child]     63 children in 2 KiB
//!        handles [first element of each child]
//!        counts  [elements below each child]
//!        children
//! leaf:  62 elements in 512 bytes, see `leaf`
//! ```
//!
//! * `keys` and `handles` are those of the child's first element, always; so a search needs no other memory until keys
//!   are equal, and then compares members.
//! * Counts give ranks on the way down; there are no links between leaves, for the way from a rank to its leaf is
//!   short.
//! * A full node splits in the middle, but at its end when the new element comes last, so that rising scores fill their
//!   nodes.
//! * A node less than a third full joins a neighbour if five sixths hold both. Nothing is moved between nodes
//!   otherwise.
//! * All leaves have the same depth. The root of an empty tree is an empty leaf.

use super::arena::{Arena, Handle};
use super::leaf::{Element, LEAF, Leaf};
use crate::prefetch::prefetch_read;

/// Children of an inner node.
const FAN: usize = 63;
/// Of 62 places in a leaf and 63 in an inner node, those that building from sorted elements fills.
const BUILT_LEAF: usize = 55;
const BUILT_FAN: usize = 55;

/// Scores whose leaves are asked for at once, at most.
const FORESEEN: usize = 64;

/// Elements with equal scores that are asked for.
const TIES: usize = 3;

/// Trees of so many elements are in the processor's cache.
const CACHED: usize = 10_000;

enum Node {
    Leaf(Box<Leaf>),
    Inner(Box<Inner>),
}

#[repr(C, align(64))]
struct Inner {
    keys: [u64; FAN],
    len: usize,
    handles: [Handle; FAN],
    counts: [u32; FAN],
    children: [Option<Node>; FAN],
}

const _: () = assert!(size_of::<Inner>() <= 2048);

/// A node with what its parent notes about it.
struct Child {
    first: Element,
    count: u32,
    node: Node,
}

/// Which element to take out.
#[derive(Clone, Copy)]
enum Which {
    /// This one; should it get this key instead, it need not leave its leaf if that holds the new place for certain.
    Element(Element, Option<u64>),
    Rank(usize),
}

/// What taking out did.
enum Outcome {
    /// The element stays in its leaf under its new key.
    Moved,
    /// The element is out; if it was the first of its node, the next is the first now.
    Removed { handle: Handle, first: Option<Element> },
}

/// What part of a node's places joining may fill, and below what part it is tried.
fn may_join(len: usize, with: usize, places: usize) -> bool {
    len < places / 3 && len + with <= places / 6 * 5
}

impl Inner {
    fn new() -> Box<Inner> {
        Box::new(Inner { keys: [0; FAN], len: 0, handles: [0; FAN], counts: [0; FAN], children: [const { None }; FAN] })
    }

    #[inline(always)]
    fn child(&self, at: usize) -> &Node {
        let child = self.children[at].as_ref().expect("children are there up to the length");
        child.prefetch();
        child
    }

    /// The last child that has elements of this key, or where they would be.
    #[inline(always)]
    fn child_for(&self, key: u64) -> &Node {
        self.child(self.keys().partition_point(|&other| other <= key).saturating_sub(1))
    }

    #[inline(always)]
    fn child_mut(&mut self, at: usize) -> &mut Node {
        let child = self.children[at].as_mut().expect("children are there up to the length");
        child.prefetch();
        child
    }

    fn keys(&self) -> &[u64] {
        &self.keys[..self.len]
    }

    /// Elements before those of the child at `at`.
    #[inline(always)]
    fn before(&self, at: usize) -> usize {
        self.counts[..at].iter().map(|&count| count as usize).sum()
    }

    fn first(&self) -> Element {
        Element { key: self.keys[0], handle: self.handles[0] }
    }

    /// Children whose first element is not after `element`.
    #[inline(always)]
    fn not_after(&self, arena: &Arena, element: Element) -> usize {
        let below = self.keys().partition_point(|&key| key < element.key);
        if self.keys().get(below) != Some(&element.key) {
            return below;
        }
        let equal = self.keys()[below..].partition_point(|&key| key == element.key);
        let member = arena.member(element.handle);
        let firsts = &self.handles[below..below + equal];
        below + firsts.partition_point(|&first| first == element.handle || arena.member(first) <= member)
    }

    /// The child that holds the element of this rank, and its rank there; `total` elements are in this node.
    #[inline]
    fn child_of_rank(&self, mut rank: usize, total: usize) -> (usize, usize) {
        if rank > total / 2 {
            let mut start = total;
            for (at, &count) in self.counts[..self.len].iter().enumerate().rev() {
                start -= count as usize;
                if rank >= start {
                    return (at, rank - start);
                }
            }
        }
        for (at, &count) in self.counts[..self.len].iter().enumerate() {
            if rank < count as usize {
                return (at, rank);
            }
            rank -= count as usize;
        }
        unreachable!("the rank is below the number of elements")
    }

    fn set_first(&mut self, at: usize, first: Element) {
        (self.keys[at], self.handles[at]) = (first.key, first.handle);
    }

    fn insert_child(&mut self, at: usize, child: Child) {
        let len = self.len;
        self.keys.copy_within(at..len, at + 1);
        self.handles.copy_within(at..len, at + 1);
        self.counts.copy_within(at..len, at + 1);
        self.children[at..=len].rotate_right(1);
        self.set_first(at, child.first);
        self.counts[at] = child.count;
        self.children[at] = Some(child.node);
        self.len += 1;
    }

    fn remove_child(&mut self, at: usize) -> Node {
        let len = self.len;
        let node = self.children[at].take().expect("children are there up to the length");
        self.keys.copy_within(at + 1..len, at);
        self.handles.copy_within(at + 1..len, at);
        self.counts.copy_within(at + 1..len, at);
        self.children[at..len].rotate_left(1);
        self.len -= 1;
        node
    }

    /// Moves the children from `at` on to the end of `target`.
    fn pour(&mut self, at: usize, target: &mut Inner) {
        for from in at..self.len {
            let node = self.children[from].take().expect("children are there up to the length");
            let first = Element { key: self.keys[from], handle: self.handles[from] };
            let place = target.len;
            target.insert_child(place, Child { first, count: self.counts[from], node });
        }
        self.len = at;
    }

    /// Adds a child; splits if there is no room, and gives the right half.
    fn add_child(&mut self, at: usize, child: Child, made: &mut Made) -> Option<Child> {
        if self.len < FAN {
            self.insert_child(at, child);
            return None;
        }
        let middle = if at == FAN { FAN - 1 } else { FAN / 2 };
        let mut right = Inner::new();
        made.inners += 1;
        self.pour(middle, &mut right);
        if at <= middle {
            self.insert_child(at, child);
        } else {
            right.insert_child(at - middle, child);
        }
        let count = right.before(right.len) as u32;
        Some(Child { first: right.first(), count, node: Node::Inner(right) })
    }

    /// Joins the child at `at` with a neighbour, if one of them has few elements.
    fn join_child(&mut self, arena: &Arena, at: usize, made: &mut Made) {
        let len = self.child(at).len();
        let places = self.child(at).places();
        if len >= places / 3 {
            return;
        }
        let fits = |other: usize| may_join(len, self.child(other).len(), places);
        let left = if at > 0 && fits(at - 1) {
            at - 1
        } else if at + 1 < self.len && fits(at + 1) {
            at
        } else {
            return;
        };
        let count = self.counts[left + 1];
        let next = self.remove_child(left + 1);
        self.counts[left] += count;
        match (self.child_mut(left), next) {
            (Node::Leaf(leaf), Node::Leaf(next)) => {
                leaf.append(arena, &next);
                made.leaves -= 1;
            }
            (Node::Inner(inner), Node::Inner(mut next)) => {
                next.pour(0, inner);
                made.inners -= 1;
            }
            _ => unreachable!("siblings have the same height"),
        }
    }
}

impl Node {
    /// Asks for what a search reads first.
    #[inline(always)]
    fn prefetch(&self) {
        match self {
            Node::Leaf(leaf) => {
                let start = std::ptr::from_ref(&**leaf).cast::<u8>();
                for line in 0..size_of::<Leaf>() / 64 {
                    prefetch_read(start.wrapping_add(line * 64));
                }
            }
            Node::Inner(inner) => {
                let start = std::ptr::from_ref(&**inner).cast::<u8>();
                for line in 0..8 {
                    prefetch_read(start.wrapping_add(line * 64));
                }
            }
        }
    }

    fn len(&self) -> usize {
        match self {
            Node::Leaf(leaf) => leaf.len(),
            Node::Inner(inner) => inner.len,
        }
    }

    fn places(&self) -> usize {
        match self {
            Node::Leaf(_) => LEAF,
            Node::Inner(_) => FAN,
        }
    }

    /// Puts an element in; returns the right half if the node was split.
    fn insert(&mut self, arena: &Arena, element: Element, made: &mut Made) -> Option<Child> {
        match self {
            Node::Leaf(leaf) => {
                let at = leaf.place_for(arena, element);
                if leaf.len() < LEAF {
                    leaf.insert(at, element);
                    return None;
                }
                let middle = if at == 0 || at == LEAF { at } else { LEAF / 2 };
                let mut right = Box::new(leaf.split_off(arena, middle));
                made.leaves += 1;
                if at < middle || at == 0 {
                    leaf.insert(at, element);
                } else {
                    right.insert(at - middle, element);
                }
                Some(Child { first: right.element(arena, 0), count: right.len() as u32, node: Node::Leaf(right) })
            }
            Node::Inner(inner) => {
                let not_after = inner.not_after(arena, element);
                let at = not_after.saturating_sub(1);
                let split = inner.child_mut(at).insert(arena, element, made);
                if not_after == 0 {
                    inner.set_first(0, element);
                }
                inner.counts[at] += 1;
                let right = split?;
                inner.counts[at] -= right.count;
                inner.add_child(at + 1, right, made)
            }
        }
    }

    fn remove(&mut self, arena: &Arena, which: Which, made: &mut Made) -> Outcome {
        match self {
            Node::Leaf(leaf) => {
                let at = match which {
                    Which::Element(element, key) => {
                        let at = leaf.place_of(element);
                        if key.is_some_and(|key| leaf.move_within(arena, at, key)) {
                            return Outcome::Moved;
                        }
                        at
                    }
                    Which::Rank(rank) => rank,
                };
                let handle = leaf.handles()[at];
                leaf.remove(at);
                let first = (at == 0 && leaf.len() > 0).then(|| leaf.element(arena, 0));
                Outcome::Removed { handle, first }
            }
            Node::Inner(inner) => {
                let (at, which) = match which {
                    Which::Element(element, _) => (inner.not_after(arena, element) - 1, which),
                    Which::Rank(rank) => {
                        let (at, rank) = inner.child_of_rank(rank, inner.before(inner.len));
                        (at, Which::Rank(rank))
                    }
                };
                let (handle, first) = match inner.child_mut(at).remove(arena, which, made) {
                    Outcome::Moved => return Outcome::Moved,
                    Outcome::Removed { handle, first } => (handle, first),
                };
                inner.counts[at] -= 1;
                let emptied = inner.counts[at] == 0;
                if emptied {
                    match inner.remove_child(at) {
                        Node::Leaf(_) => made.leaves -= 1,
                        Node::Inner(_) => made.inners -= 1,
                    }
                } else {
                    if let Some(first) = first {
                        inner.set_first(at, first);
                    }
                    inner.join_child(arena, at, made);
                }
                let changed = at == 0 && (emptied || first.is_some()) && inner.len > 0;
                Outcome::Removed { handle, first: changed.then(|| inner.first()) }
            }
        }
    }

    fn check(&self, arena: &Arena, visit: &mut dyn FnMut(Handle), found: &mut Made) -> (usize, Option<Element>, usize) {
        match self {
            Node::Leaf(leaf) => {
                found.leaves += 1;
                leaf.check(arena);
                leaf.handles().iter().for_each(|&handle| visit(handle));
                (leaf.len(), (leaf.len() > 0).then(|| leaf.element(arena, 0)), 0)
            }
            Node::Inner(inner) => {
                found.inners += 1;
                assert!(inner.len > 0 && inner.children[inner.len..].iter().all(Option::is_none));
                let mut heights = Vec::new();
                for at in 0..inner.len {
                    let (count, first, height) = inner.child(at).check(arena, visit, found);
                    let first = first.expect("only the root is empty");
                    assert_eq!(count, inner.counts[at] as usize);
                    assert_eq!((first.key, first.handle), (inner.keys[at], inner.handles[at]));
                    heights.push(height);
                }
                assert!(heights.iter().all(|height| *height == heights[0]));
                (inner.before(inner.len), Some(inner.first()), heights[0] + 1)
            }
        }
    }
}

/// Nodes that there are.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
struct Made {
    leaves: usize,
    inners: usize,
}

/// A place between two elements: those before it in number, and the neighbours on both sides within one leaf, if any.
pub(super) struct Cut<'a> {
    pub(super) rank: usize,
    pub(super) before: &'a [Handle],
    pub(super) after: &'a [Handle],
}

pub(super) struct Tree {
    root: Node,
    made: Made,
    len: usize,
}

impl Tree {
    pub(super) fn new() -> Tree {
        Tree { root: Node::Leaf(Box::new(Leaf::new())), made: Made { leaves: 1, inners: 0 }, len: 0 }
    }

    /// The tree of these elements, which are in order.
    pub(super) fn build(elements: &[Element]) -> Tree {
        let mut made = Made::default();
        let mut level: Vec<Child> = evenly(elements.len(), BUILT_LEAF)
            .map(|range| {
                made.leaves += 1;
                let part = &elements[range];
                Child { first: part[0], count: part.len() as u32, node: Node::Leaf(Box::new(Leaf::of(part))) }
            })
            .collect();
        while level.len() > 1 {
            let mut children = level.into_iter();
            level = evenly(children.len(), BUILT_FAN)
                .map(|range| {
                    made.inners += 1;
                    let mut inner = Inner::new();
                    for (at, child) in children.by_ref().take(range.len()).enumerate() {
                        inner.insert_child(at, child);
                    }
                    let count = inner.before(inner.len) as u32;
                    Child { first: inner.first(), count, node: Node::Inner(inner) }
                })
                .collect();
        }
        match level.pop() {
            Some(child) => Tree { root: child.node, made, len: elements.len() },
            None => Tree::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn bytes(&self) -> usize {
        self.made.leaves * size_of::<Leaf>() + self.made.inners * size_of::<Inner>()
    }

    /// Puts in an element that is not there.
    pub(super) fn insert(&mut self, arena: &Arena, element: Element) {
        self.len += 1;
        if let Some(right) = self.root.insert(arena, element, &mut self.made) {
            let left = std::mem::replace(&mut self.root, Node::Inner(Inner::new()));
            self.made.inners += 1;
            let Node::Inner(root) = &mut self.root else { unreachable!("the root was just made") };
            let first = match &left {
                Node::Leaf(leaf) => leaf.element(arena, 0),
                Node::Inner(inner) => inner.first(),
            };
            let count = self.len as u32 - right.count;
            root.insert_child(0, Child { first, count, node: left });
            root.insert_child(1, right);
        }
    }

    /// Takes out an element that is there.
    pub(super) fn remove(&mut self, arena: &Arena, element: Element) {
        self.take(arena, Which::Element(element, None));
    }

    /// Takes out the element of this rank.
    pub(super) fn remove_at(&mut self, arena: &Arena, rank: usize) -> Handle {
        assert!(rank < self.len);
        self.take(arena, Which::Rank(rank)).expect("only elements under another key are moved")
    }

    /// Gives an element another key. The arena still has the old one, and must get the new one in `change` only.
    pub(super) fn rekey(&mut self, arena: &mut Arena, element: Element, key: u64, change: impl FnOnce(&mut Arena)) {
        if self.len > CACHED {
            self.foresee(key);
        }
        let taken = self.take(arena, Which::Element(element, Some(key)));
        change(arena);
        if taken.is_some() {
            self.insert(arena, Element { key, ..element });
        }
    }

    /// Asks for the leaves where these scores stand (`held`), then for those where they come to stand (`taken`) and the
    /// elements there with which they will be compared. All go down a level before any goes down the next, so that
    /// their misses overlap.
    pub(super) fn foresee_all(&self, arena: &Arena, held: &[f64], taken: &[f64]) {
        if self.len <= CACHED {
            return;
        }
        let mut ways = [(0, &self.root); FORESEEN];
        let count = (held.len() + taken.len()).min(FORESEEN);
        let ways = &mut ways[..count];
        for (way, &score) in ways.iter_mut().zip(held.iter().chain(taken)) {
            way.0 = super::key_of(score);
        }
        // All leaves have the same depth.
        while let Some((_, Node::Inner(_))) = ways.first() {
            for (key, node) in ways.iter_mut() {
                if let Node::Inner(inner) = *node {
                    *node = inner.child_for(*key);
                }
            }
        }
        for (key, node) in ways.iter().skip(held.len()) {
            if let Node::Leaf(leaf) = node {
                leaf.equals(*key).iter().take(TIES).for_each(|&handle| arena.prefetch(handle));
            }
        }
    }

    /// Asks for the leaf where a key belongs, so that it comes while another is being changed.
    fn foresee(&self, key: u64) {
        let mut node = &self.root;
        while let Node::Inner(inner) = node {
            node = inner.child_for(key);
        }
    }

    fn take(&mut self, arena: &Arena, which: Which) -> Option<Handle> {
        let outcome = self.root.remove(arena, which, &mut self.made);
        let Outcome::Removed { handle, .. } = outcome else { return None };
        self.len -= 1;
        while let Node::Inner(inner) = &mut self.root {
            match inner.len {
                0 => *self = Tree::new(),
                1 => {
                    self.root = inner.remove_child(0);
                    self.made.inners -= 1;
                }
                _ => break,
            }
        }
        Some(handle)
    }

    /// The rank of an element that is there.
    pub(super) fn rank(&self, arena: &Arena, element: Element) -> usize {
        let (mut node, mut rank) = (&self.root, 0);
        loop {
            match node {
                Node::Leaf(leaf) => return rank + leaf.place_of(element),
                Node::Inner(inner) => {
                    let at = inner.not_after(arena, element) - 1;
                    node = inner.child(at);
                    rank += inner.before(at);
                }
            }
        }
    }

    /// The leaf that has the element of this rank, and its place there.
    pub(super) fn locate(&self, mut rank: usize) -> (&Leaf, usize) {
        assert!(rank < self.len);
        let (mut node, mut total) = (&self.root, self.len);
        loop {
            match node {
                Node::Leaf(leaf) => return (leaf, rank),
                Node::Inner(inner) => {
                    let (at, rest) = inner.child_of_rank(rank, total);
                    (node, rank, total) = (inner.child(at), rest, inner.counts[at] as usize);
                }
            }
        }
    }

    /// Cuts behind the elements whose key is below `key`, or with `or_equal` not above it.
    pub(super) fn below(&self, arena: &Arena, key: u64, or_equal: bool) -> Cut<'_> {
        let firsts_below = |inner: &Inner| {
            let below = |&other: &u64| other < key || (or_equal && other == key);
            inner.keys().partition_point(below)
        };
        self.partition(firsts_below, |leaf| leaf.below(arena, key, or_equal))
    }

    /// Cuts behind the elements for whose members `is_below` holds, if those are the first ones.
    pub(super) fn below_member(&self, arena: &Arena, is_below: impl Fn(&[u8]) -> bool) -> Cut<'_> {
        let below = |handles: &[Handle]| handles.partition_point(|&handle| is_below(arena.member(handle)));
        self.partition(|inner| below(&inner.handles[..inner.len]), |leaf| below(leaf.handles()))
    }

    fn partition(&self, in_inner: impl Fn(&Inner) -> usize, in_leaf: impl Fn(&Leaf) -> usize) -> Cut<'_> {
        let (mut node, mut rank) = (&self.root, 0);
        loop {
            match node {
                Node::Leaf(leaf) => {
                    let (before, after) = leaf.handles().split_at(in_leaf(leaf));
                    return Cut { rank: rank + before.len(), before, after };
                }
                Node::Inner(inner) => {
                    let at = in_inner(inner).saturating_sub(1);
                    node = inner.child(at);
                    rank += inner.before(at);
                }
            }
        }
    }

    /// Panics unless all is in order and every count right; calls `visit` with each element.
    pub(super) fn check(&self, arena: &Arena, visit: &mut dyn FnMut(Handle)) {
        let mut found = Made::default();
        let (len, ..) = self.root.check(arena, visit, &mut found);
        assert_eq!((len, found), (self.len, self.made));
    }
}

/// Cuts `0..len` into parts of nearly the same length, at most `most`.
fn evenly(len: usize, most: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    let parts = len.div_ceil(most);
    (0..parts).map(move |part| part * len / parts..(part + 1) * len / parts)
}
