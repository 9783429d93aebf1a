//! The small form: a collection as tagged bytes, which the keyspace keeps within its entry.
//!
//! Most collections are small, and most of what a small one would take is not its elements: a box, a buffer and the
//! allocator's rounding of both. As bytes in the entry it takes one allocation and one cache miss. The bytes are those
//! of the packed form as they are; the tag says which form it is, and how many elements there are, so nothing is parsed
//! on the way in or out:
//!
//! ```text
//! tag  0..3  form: list, set, set of integers, hash, sorted set, stream
//!      3..15 number of elements in the buffer; of a set of integers, the width of a member; of a stream, 0
//! ```
//!
//! Only a stream has to be put together first: what it knows besides its entries goes in front of them.
//!
//! Nobody works on these bytes. Who looks at a collection or changes it gets an [`Object`] from a [`Workbench`], whose
//! buffer is used again and again: a copy of a few cache lines each way, and no allocation. What has outgrown
//! [`SMALL_MAX`] is boxed, and stays so. A hash whose fields may have deadlines is never small: the index of those
//! wants it boxed.

use crate::string::Str;
use crate::{Hash, Kind, List, Object, Set, SortedSet, Stream};
use std::borrow::Cow;
use structures::dict::{TAGGED_MAX, Tagged, ValueRef};
use structures::packed::Packed;

/// Most bytes of elements in the small form. An entry of this and a key of usual length is still of a slab's classes.
pub const SMALL_MAX: usize = 384;

// An element takes a byte at least, so a tag can count them.
const _: () = assert!(SMALL_MAX < 1 << 12 && SMALL_MAX <= TAGGED_MAX);

/// What a workbench's buffer has room for: a small collection that grows, until it is boxed.
const BUFFER: usize = 1536;
/// Of that, room before the first element, for pushes to the front.
const FRONT: usize = 256;
/// A buffer that has grown beyond this is not kept.
const BUFFER_MAX: usize = 16 << 10;

const LIST: u16 = 0;
const SET: u16 = 1;
const INTS: u16 = 2;
const HASH: u16 = 3;
const SORTED_SET: u16 = 4;
const STREAM: u16 = 5;

/// The small form of a collection, if it has one. `image` has room for one that is put together.
#[inline]
pub fn deflate<'o>(object: &'o Object, image: &'o mut Vec<u8>) -> Option<Tagged<'o>> {
    let (form, packed) = match object {
        Object::List(List::Packed(packed)) => (LIST, packed),
        Object::List(List::Blocks(_)) | Object::Detached(_) => return None,
        Object::Hash(hash) => (HASH, hash.untimed()?),
        Object::SortedSet(zset) => (SORTED_SET, zset.packed()?.pairs()),
        Object::Set(set) => match set.as_packed() {
            Some(packed) => (SET, packed),
            None => {
                let (width, members) = set.as_ints()?.members();
                return tagged(INTS, width, members);
            }
        },
        Object::Stream(stream) => {
            let is_small = stream.put_image(image, SMALL_MAX);
            return is_small.then_some(Tagged { tag: STREAM, bytes: image });
        }
    };
    tagged(form, packed.len(), packed.as_bytes())
}

#[inline]
fn tagged(form: u16, number: usize, bytes: &[u8]) -> Option<Tagged<'_>> {
    (bytes.len() <= SMALL_MAX).then_some(Tagged { tag: form | (number as u16) << 3, bytes })
}

fn parts(small: Tagged<'_>) -> (u16, usize) {
    (small.tag & 7, usize::from(small.tag >> 3))
}

/// The collection of a small form, in this buffer.
#[inline]
fn inflate_into(buffer: Vec<u8>, front: usize, small: Tagged<'_>) -> Object {
    let (form, number) = parts(small);
    let packed = |buffer| Packed::refilled(buffer, front, small.bytes, number);
    match form {
        LIST => Object::List(List::Packed(packed(buffer))),
        SET => Object::Set(Set::of_packed(packed(buffer))),
        INTS => Object::Set(Set::of_ints(buffer, number, small.bytes)),
        HASH => Object::Hash(Hash::of_packed(packed(buffer))),
        SORTED_SET => Object::SortedSet(SortedSet::of_packed(packed(buffer))),
        STREAM => {
            let mut stream = Box::new(Stream::new());
            stream.become_image(buffer, small.bytes);
            Object::Stream(stream)
        }
        _ => unreachable!("only `deflate` makes tags"),
    }
}

/// What TYPE answers.
pub fn type_name(small: Tagged<'_>) -> &'static str {
    match parts(small).0 {
        LIST => List::TYPE,
        SET | INTS => Set::TYPE,
        HASH => Hash::TYPE,
        SORTED_SET => SortedSet::TYPE,
        STREAM => Stream::TYPE,
        _ => unreachable!("only `deflate` makes tags"),
    }
}

/// What OBJECT ENCODING answers.
pub fn encoding_name(small: Tagged<'_>) -> &'static str {
    match parts(small).0 {
        INTS => "intset",
        STREAM => "stream",
        _ => "listpack",
    }
}

/// A collection of its own of a value; lent if it is boxed anyway. `None` for strings. For those who look at values
/// rarely: it allocates.
pub fn object<'a>(value: &ValueRef<'a, Object>) -> Option<Cow<'a, Object>> {
    match *value {
        ValueRef::Boxed(object) => Some(Cow::Borrowed(object)),
        ValueRef::Tagged(small) => Some(Cow::Owned(inflate_into(Vec::new(), 0, small))),
        ValueRef::Unit | ValueRef::Int(_) | ValueRef::Bytes(_) | ValueRef::Blob(_) => None,
    }
}

/// A value as commands look at it: how it is kept does not show.
#[derive(Clone, Copy, Debug)]
pub enum View<'a> {
    Str(Str<'a>),
    Object(&'a Object),
}

/// Where a small collection is while somebody looks at it or changes it.
#[derive(Debug)]
pub struct Workbench {
    object: Object,
    /// Where the small form of a stream is put together.
    image: Vec<u8>,
}

impl Default for Workbench {
    fn default() -> Workbench {
        Workbench::new()
    }
}

impl Workbench {
    pub const fn new() -> Workbench {
        Workbench { object: Object::List(List::new()), image: Vec::new() }
    }

    /// Puts a small collection on the bench, in place of what was there.
    #[inline]
    pub fn inflate(&mut self, small: Tagged<'_>) -> &mut Object {
        if parts(small).0 == STREAM && self.refill_stream(small) {
            return &mut self.object;
        }
        let last = std::mem::replace(&mut self.object, Object::List(List::new()));
        let mut buffer = last.into_buffer();
        if !(BUFFER..=BUFFER_MAX).contains(&buffer.capacity()) {
            buffer = Vec::with_capacity(BUFFER);
        }
        self.object = inflate_into(buffer, FRONT, small);
        &mut self.object
    }

    /// Puts a small stream into the box of another, if one is on the bench.
    fn refill_stream(&mut self, small: Tagged<'_>) -> bool {
        let Object::Stream(stream) = &mut self.object else { return false };
        let mut buffer = std::mem::take(&mut **stream).into_buffer();
        if !(BUFFER..=BUFFER_MAX).contains(&buffer.capacity()) {
            buffer = Vec::with_capacity(BUFFER);
        }
        stream.become_image(buffer, small.bytes);
        true
    }

    /// The small form of what is on the bench, if it has one.
    #[inline]
    pub fn deflate(&mut self) -> Option<Tagged<'_>> {
        deflate(&self.object, &mut self.image)
    }

    /// A bench of its own for one small collection, without room to spare.
    pub fn holding(small: Tagged<'_>) -> Workbench {
        Workbench { object: inflate_into(Vec::new(), 0, small), image: Vec::new() }
    }

    /// What is on the bench.
    #[inline]
    pub fn object(&self) -> &Object {
        &self.object
    }

    #[inline]
    pub fn object_mut(&mut self) -> &mut Object {
        &mut self.object
    }

    /// Takes what is on the bench away, in no more memory than it needs.
    #[cold]
    pub fn take(&mut self) -> Box<Object> {
        if self.object.is_packed() {
            // The buffer stays.
            return Box::new(self.object.clone());
        }
        Box::new(std::mem::replace(&mut self.object, Object::List(List::new())))
    }

    /// Shows a value, on the bench if it is small.
    #[inline]
    pub fn view<'a>(&'a mut self, value: ValueRef<'a, Object>) -> View<'a> {
        match value {
            ValueRef::Boxed(object) => View::Object(object),
            ValueRef::Tagged(small) => View::Object(self.inflate(small)),
            ValueRef::Unit => View::Str(Str::Bytes(b"")),
            ValueRef::Int(integer) => View::Str(Str::Int(integer)),
            ValueRef::Bytes(bytes) => View::Str(Str::Bytes(bytes)),
            ValueRef::Blob(blob) => View::Str(Str::Blob(blob)),
        }
    }
}

#[cfg(test)]
mod tests;
