//! The types of a value: what a key holds, and how it is encoded.
//!
//! Strings live in the entry of the keyspace itself (an integer, or bytes), so this crate only says how they
//! are encoded and named. Every other type is an [`Object`], behind one pointer in the entry or, as long as it is
//! [`small`], in the entry as bytes: a file (or folder) for each, which chooses between the structures that the type is
//! made of, converts at Redis' thresholds and names the encoding as OBJECT ENCODING does. A collection in the keyspace
//! is never empty, but for a stream.

#![forbid(unsafe_code)]

pub mod hash;
pub mod list;
mod placeholder;
pub mod probe;
pub mod set;
pub mod small;
pub mod sorted_set;
pub mod stream;
pub mod string;

pub use hash::Hash;
pub use list::List;
pub use placeholder::Placeholder;
pub use set::Set;
pub use small::{View, Workbench};
pub use sorted_set::SortedSet;
pub use stream::Stream;

use structures::dict::{Dict, EntryRef, NewValue, OwnedValue, ValueRef};

/// A value that is not a string. Matches on it are exhaustive, so that a new type finds every place it has to be
/// thought of.
#[derive(Clone, Debug)]
pub enum Object {
    List(List),
    Set(Set),
    Hash(Hash),
    SortedSet(SortedSet),
    Stream(Box<Stream>),
    /// The value is somewhere else for now.
    Detached(Box<Placeholder>),
}

/// One type of collection, to ask an [`Object`] for.
pub trait Kind: Sized {
    /// What TYPE answers.
    const TYPE: &'static str;

    fn of(object: &Object) -> Option<&Self>;
    fn of_mut(object: &mut Object) -> Option<&mut Self>;
    fn into_object(self) -> Object;
}

macro_rules! kinds {
    ($($kind:ident $type:literal),*) => {$(
        impl Kind for $kind {
            const TYPE: &'static str = $type;

            fn of(object: &Object) -> Option<&$kind> {
                if let Object::$kind(it) = object { Some(it) } else { None }
            }
            fn of_mut(object: &mut Object) -> Option<&mut $kind> {
                if let Object::$kind(it) = object { Some(it) } else { None }
            }
            fn into_object(self) -> Object {
                Object::$kind(self.into())
            }
        }
    )*};
}

kinds!(List "list", Set "set", Hash "hash", SortedSet "zset", Stream "stream");

impl Object {
    /// What TYPE answers.
    pub fn type_name(&self) -> &'static str {
        match self {
            Object::List(_) => List::TYPE,
            Object::Set(_) => Set::TYPE,
            Object::Hash(_) => Hash::TYPE,
            Object::SortedSet(_) => SortedSet::TYPE,
            Object::Stream(_) => Stream::TYPE,
            Object::Detached(place) => place.type_name(),
        }
    }

    /// What OBJECT ENCODING answers.
    pub fn encoding_name(&self) -> &'static str {
        match self {
            Object::List(list) => list.encoding_name(),
            Object::Set(set) => set.encoding_name(),
            Object::Hash(hash) => hash.encoding_name(),
            Object::SortedSet(zset) => zset.encoding_name(),
            Object::Stream(stream) => stream.encoding_name(),
            Object::Detached(place) => place.encoding_name(),
        }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        match self {
            Object::List(list) => list.len(),
            Object::Set(set) => set.len(),
            Object::Hash(hash) => hash.len(),
            Object::SortedSet(zset) => zset.len(),
            Object::Stream(stream) => stream.len(),
            Object::Detached(place) => place.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it stays in the keyspace when it has no elements.
    pub fn may_be_empty(&self) -> bool {
        match self {
            Object::List(_) | Object::Set(_) | Object::Hash(_) | Object::SortedSet(_) => false,
            Object::Stream(_) | Object::Detached(_) => true,
        }
    }

    /// Bytes held outside of this object's own box, itself included.
    pub fn memory(&self) -> usize {
        let held = match self {
            Object::List(list) => list.memory(),
            Object::Set(set) => set.memory(),
            Object::Hash(hash) => hash.memory(),
            Object::SortedSet(zset) => zset.memory(),
            Object::Stream(stream) => stream.memory(),
            Object::Detached(_) => size_of::<Placeholder>(),
        };
        size_of::<Object>() + held
    }

    /// Whether all of it is in one buffer, plain or in order.
    fn is_packed(&self) -> bool {
        match self {
            Object::List(List::Packed(_)) => true,
            Object::List(List::Blocks(_)) => false,
            Object::Hash(hash) => hash.untimed().is_some(),
            Object::Set(set) => set.as_table().is_none(),
            Object::SortedSet(zset) => zset.packed().is_some(),
            Object::Stream(stream) => stream.is_one_block(),
            Object::Detached(_) => false,
        }
    }

    /// Its buffer, to be used for something else; an empty one if it has none.
    #[inline]
    fn into_buffer(self) -> Vec<u8> {
        match self {
            Object::List(List::Packed(packed)) => packed.into_buffer(),
            Object::List(List::Blocks(_)) => Vec::new(),
            Object::Hash(hash) => hash.into_buffer(),
            Object::Set(set) => set.into_buffer(),
            Object::SortedSet(zset) => zset.into_buffer(),
            Object::Stream(stream) => stream.into_buffer(),
            Object::Detached(_) => Vec::new(),
        }
    }

    /// Whether freeing it takes long enough to be another thread's work.
    pub fn is_slow_to_free(&self) -> bool {
        const BYTES: usize = 16 << 10;
        self.memory() > BYTES
    }
}

/// The table of one database in one shard.
pub type Table = Dict<Object>;

/// What TYPE answers for a value.
pub fn type_name(value: &ValueRef<'_, Object>) -> &'static str {
    match value {
        ValueRef::Unit | ValueRef::Int(_) | ValueRef::Bytes(_) | ValueRef::Blob(_) => "string",
        ValueRef::Tagged(small) => small::type_name(*small),
        ValueRef::Boxed(object) => object.type_name(),
    }
}

/// What OBJECT ENCODING answers for an entry.
pub fn encoding_name(entry: &EntryRef<'_, Object>) -> &'static str {
    match entry.value() {
        ValueRef::Tagged(small) => small::encoding_name(small),
        ValueRef::Boxed(object) => object.encoding_name(),
        ValueRef::Unit | ValueRef::Int(_) | ValueRef::Bytes(_) | ValueRef::Blob(_) => string::encoding_name(entry),
    }
}

/// What TYPE would answer for a value that is about to be stored.
pub fn new_type_name(value: &NewValue<'_, Object>) -> &'static str {
    match value {
        NewValue::Unit | NewValue::Int(_) | NewValue::Bytes(_) | NewValue::Blob(_) => "string",
        NewValue::Tagged(small) => small::type_name(*small),
        NewValue::Boxed(object) => object.type_name(),
    }
}

/// A copy of a value, to be stored under another key. What is counted by reference is shared until one of both changes.
pub fn duplicate(value: &ValueRef<'_, Object>) -> OwnedValue<Object> {
    match value {
        ValueRef::Unit => OwnedValue::Unit,
        ValueRef::Int(integer) => OwnedValue::Int(*integer),
        ValueRef::Bytes(bytes) => OwnedValue::Bytes(bytes.to_vec()),
        ValueRef::Blob(blob) => OwnedValue::Blob((*blob).clone()),
        ValueRef::Tagged(small) => OwnedValue::Tagged(small.tag, small.bytes.to_vec()),
        ValueRef::Boxed(object) => OwnedValue::Boxed(Box::new((*object).clone())),
    }
}
