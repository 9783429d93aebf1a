//! Where a `Ranked` keeps its elements: score and member, once, in pages of one size class each.
//!
//! ```text
//! handle: page number (21 bits) | index in the page (11 bits)
//!
//! page of small objects (size 10, 12, ... 1024, at most 64 KiB and 2,048 objects)
//! +--------+--------+-- ... --+      object: score:f64 | length:u8 [, length:u16 if that is 255] | member
//! | object | object |         |
//! +--------+--------+-- ... --+      page of large objects: each its own allocation, score:f64 | member
//! ```
//!
//! A handle stays good until its element is freed, while pages may move; so pages grow as they fill, and all of this is
//! safe code. Objects are not aligned: to round 25 bytes up to 32 would spare a third of them the second cache line,
//! but cost 6 bytes for each.
//!
//! Limits: 2^32 - 1 elements. Elements are not moved together when many were removed; a page is given back when it is
//! empty.

use crate::prefetch::prefetch_read;

const INDEX_BITS: u32 = 11;
const PAGE_OBJECTS: usize = 1 << INDEX_BITS;
const PAGE_BYTES: usize = 64 * 1024;
const SCORE_BYTES: usize = 8;
/// The largest small object.
const SMALL_MAX: usize = 1024;
/// Size classes are so many bytes apart: a member of 16 bytes takes 26.
const STEP: usize = 2;
/// The class of large objects.
const LARGE: usize = 0;
/// A length that does not fit in a byte follows in two.
const LONG: u8 = u8::MAX;
const NONE: u32 = u32::MAX;

/// Names an element.
pub(super) type Handle = u32;

enum Store {
    Small(Vec<u8>),
    Large(Vec<Box<[u8]>>),
}

struct Page {
    store: Store,
    /// Bytes of an object; 0 for large ones.
    size: u32,
    class: u16,
    /// Objects in use.
    used: u16,
    /// Objects ever handed out.
    ever: u16,
    /// A freed object, plus 1; its first two bytes hold the next (for large ones, all its bytes are these two).
    free: u16,
    /// Neighbours in the list of the class' pages that have room.
    prev: u32,
    next: u32,
}

#[derive(Clone, Copy)]
struct Class {
    /// The first page that has room.
    with_room: u32,
    /// Whether a page was ever full: then a new one takes all its memory at once, which nothing touches before it is
    /// used.
    filled: bool,
}

/// The elements' memory.
pub(super) struct Arena {
    pages: Vec<Page>,
    /// As far as classes were ever used.
    classes: Vec<Class>,
    /// Numbers of pages that are given back.
    vacant: Vec<u32>,
    bytes: usize,
    len: usize,
}

/// The class of a member of this length, and the bytes before the member.
fn class_of(len: usize) -> (usize, usize) {
    let before = SCORE_BYTES + if len < usize::from(LONG) { 1 } else { 3 };
    match (before + len).div_ceil(STEP) {
        class if class * STEP <= SMALL_MAX => (class, before),
        _ => (LARGE, SCORE_BYTES),
    }
}

fn objects_in_page(class: usize) -> usize {
    if class == LARGE { PAGE_OBJECTS } else { (PAGE_BYTES / (class * STEP)).min(PAGE_OBJECTS) }
}

impl Page {
    fn is_full(&self) -> bool {
        self.free == 0 && usize::from(self.ever) == objects_in_page(usize::from(self.class))
    }

    #[inline(always)]
    fn object(&self, index: usize) -> &[u8] {
        match &self.store {
            Store::Small(bytes) => {
                let size = self.size as usize;
                &bytes[index * size..][..size]
            }
            Store::Large(objects) => &objects[index],
        }
    }

    fn object_mut(&mut self, index: usize) -> &mut [u8] {
        match &mut self.store {
            Store::Small(bytes) => {
                let size = self.size as usize;
                &mut bytes[index * size..][..size]
            }
            Store::Large(objects) => &mut objects[index],
        }
    }

    fn capacity(&self) -> usize {
        match &self.store {
            Store::Small(bytes) => bytes.capacity(),
            Store::Large(objects) => objects.capacity() * size_of::<Box<[u8]>>(),
        }
    }

    /// An index for a new object of `bytes`, whose memory is there; `whole`: taken for the whole page.
    fn take(&mut self, bytes: usize, whole: bool) -> usize {
        self.used += 1;
        if let Some(index) = self.free.checked_sub(1).map(usize::from) {
            self.free = link_of(self.object(index));
            if let Store::Large(objects) = &mut self.store {
                objects[index] = vec![0; bytes].into_boxed_slice();
            }
            return index;
        }
        let index = usize::from(self.ever);
        self.ever += 1;
        let most = objects_in_page(usize::from(self.class));
        // Else grown by half, so that small sets have small pages.
        let room = if whole { most } else { (index / 2).max(4) }.min(most - index);
        match &mut self.store {
            Store::Small(store) => {
                if store.len() + bytes > store.capacity() {
                    store.reserve_exact(room * bytes);
                }
                store.resize(store.len() + bytes, 0);
            }
            Store::Large(objects) => {
                if objects.len() == objects.capacity() {
                    objects.reserve_exact(room);
                }
                objects.push(vec![0; bytes].into_boxed_slice());
            }
        }
        index
    }
}

fn link_of(object: &[u8]) -> u16 {
    u16::from_le_bytes(*object.first_chunk().expect("objects have two bytes at least"))
}

/// The page and the index of a handle.
#[inline(always)]
fn split(handle: Handle) -> (usize, usize) {
    ((handle >> INDEX_BITS) as usize, handle as usize % PAGE_OBJECTS)
}

impl Arena {
    pub(super) const fn new() -> Arena {
        Arena { pages: Vec::new(), classes: Vec::new(), vacant: Vec::new(), bytes: 0, len: 0 }
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
            + self.pages.capacity() * size_of::<Page>()
            + self.vacant.capacity() * 4
            + self.classes.capacity() * size_of::<Class>()
    }

    fn link(&mut self, number: u32) {
        let class = usize::from(self.pages[number as usize].class);
        let first = std::mem::replace(&mut self.classes[class].with_room, number);
        let page = &mut self.pages[number as usize];
        (page.prev, page.next) = (NONE, first);
        if first != NONE {
            self.pages[first as usize].prev = number;
        }
    }

    fn unlink(&mut self, number: u32) {
        let page = &self.pages[number as usize];
        let (prev, next, class) = (page.prev, page.next, usize::from(page.class));
        if prev == NONE {
            self.classes[class].with_room = next;
        } else {
            self.pages[prev as usize].next = next;
        }
        if next != NONE {
            self.pages[next as usize].prev = prev;
        }
    }

    #[cold]
    fn add_page(&mut self, class: usize) -> u32 {
        let (store, size) = if class == LARGE {
            (Store::Large(Vec::new()), 0)
        } else {
            (Store::Small(Vec::new()), (class * STEP) as u32)
        };
        let page = Page { store, size, class: class as u16, used: 0, ever: 0, free: 0, prev: NONE, next: NONE };
        let number = match self.vacant.pop() {
            Some(number) => {
                self.pages[number as usize] = page;
                number
            }
            None => {
                assert!(self.pages.len() < 1 << (32 - INDEX_BITS), "a sorted set has fewer than 2^32 members");
                self.pages.push(page);
                self.pages.len() as u32 - 1
            }
        };
        self.link(number);
        number
    }

    /// Stores an element.
    pub(super) fn insert(&mut self, member: &[u8], score: f64) -> Handle {
        let (class, before) = class_of(member.len());
        if class >= self.classes.len() {
            self.classes.resize(class + 1, Class { with_room: NONE, filled: false });
        }
        let mut number = self.classes[class].with_room;
        if number == NONE {
            number = self.add_page(class);
        }
        let page = &mut self.pages[number as usize];
        // A freed large object holds the two bytes of its link.
        let held = page.capacity() + if class == LARGE && page.free != 0 { 2 } else { 0 };
        let bytes = if class == LARGE { before + member.len() } else { class * STEP };
        let index = page.take(bytes, self.classes[class].filled);
        self.bytes += page.capacity() + if class == LARGE { bytes } else { 0 };
        self.bytes -= held;
        let object = page.object_mut(index);
        object[..SCORE_BYTES].copy_from_slice(&score.to_le_bytes());
        if before == SCORE_BYTES + 1 {
            object[SCORE_BYTES] = member.len() as u8;
        } else if before == SCORE_BYTES + 3 {
            object[SCORE_BYTES] = LONG;
            object[SCORE_BYTES + 1..before].copy_from_slice(&(member.len() as u16).to_le_bytes());
        }
        object[before..before + member.len()].copy_from_slice(member);
        if page.is_full() {
            self.classes[class].filled = true;
            self.unlink(number);
        }
        self.len += 1;
        number << INDEX_BITS | index as u32
    }

    /// Frees an element.
    pub(super) fn remove(&mut self, handle: Handle) {
        let (number, index) = split(handle);
        let page = &mut self.pages[number];
        let was_full = page.is_full();
        let link = page.free.to_le_bytes();
        page.free = index as u16 + 1;
        page.used -= 1;
        if let Store::Large(objects) = &mut page.store {
            self.bytes -= objects[index].len();
            objects[index] = Box::from([0; 2]);
            self.bytes += 2;
        }
        page.object_mut(index)[..2].copy_from_slice(&link);
        let (empty, held) = (page.used == 0, page.capacity());
        if let (Store::Large(objects), true) = (&page.store, empty) {
            self.bytes -= objects.len() * 2;
        }
        self.len -= 1;
        if was_full {
            self.link(number as u32);
        }
        if empty {
            self.unlink(number as u32);
            self.bytes -= held;
            self.pages[number].store = Store::Small(Vec::new());
            self.vacant.push(number as u32);
        }
    }

    #[inline(always)]
    fn object(&self, handle: Handle) -> &[u8] {
        let (number, index) = split(handle);
        self.pages[number].object(index)
    }

    #[inline(always)]
    pub(super) fn score(&self, handle: Handle) -> f64 {
        f64::from_le_bytes(*self.object(handle).first_chunk().expect("an object begins with a score"))
    }

    pub(super) fn set_score(&mut self, handle: Handle, score: f64) {
        let (number, index) = split(handle);
        self.pages[number].object_mut(index)[..SCORE_BYTES].copy_from_slice(&score.to_le_bytes());
    }

    #[inline(always)]
    pub(super) fn member(&self, handle: Handle) -> &[u8] {
        let (number, index) = split(handle);
        let page = &self.pages[number];
        let object = page.object(index);
        if page.size == 0 {
            return &object[SCORE_BYTES..];
        }
        let len = object[SCORE_BYTES];
        if len < LONG {
            &object[SCORE_BYTES + 1..][..usize::from(len)]
        } else {
            let len = u16::from_le_bytes([object[SCORE_BYTES + 1], object[SCORE_BYTES + 2]]);
            &object[SCORE_BYTES + 3..][..usize::from(len)]
        }
    }

    /// The score as a key of the tree.
    #[inline(always)]
    pub(super) fn key(&self, handle: Handle) -> u64 {
        super::key_of(self.score(handle))
    }

    /// Asks for an element, to be read soon.
    #[inline(always)]
    pub(super) fn prefetch(&self, handle: Handle) {
        let (number, index) = split(handle);
        if let Some(page) = self.pages.get(number)
            && let Store::Small(bytes) = &page.store
        {
            let start = bytes.as_ptr().wrapping_add(index * page.size as usize);
            prefetch_read(start);
            prefetch_read(start.wrapping_add(page.size as usize - 1));
        }
    }

    /// Panics unless the pages agree with themselves; returns the number of elements.
    pub(super) fn check(&self) -> usize {
        let (mut len, mut bytes) = (0, 0);
        for page in &self.pages {
            bytes += page.capacity();
            if page.capacity() == 0 {
                continue;
            }
            let mut freed = 0;
            let mut free = page.free;
            while let Some(index) = free.checked_sub(1) {
                freed += 1;
                free = link_of(page.object(usize::from(index)));
            }
            assert_eq!(page.ever, page.used + freed);
            assert!(page.used > 0);
            len += usize::from(page.used);
            if let Store::Large(objects) = &page.store {
                bytes += objects.iter().map(|object| object.len()).sum::<usize>();
            }
        }
        for (class, found) in self.classes.iter().enumerate() {
            let (mut number, mut prev) = (found.with_room, NONE);
            while number != NONE {
                let page = &self.pages[number as usize];
                assert!(!page.is_full() && usize::from(page.class) == class && page.prev == prev);
                (prev, number) = (number, page.next);
            }
        }
        assert_eq!((len, bytes), (self.len, self.bytes));
        len
    }
}
