//! The types of a value: what a key holds, and how it is encoded.
//!
//! Strings live in the entry of the keyspace itself (an integer, or bytes), so this crate only says how they
//! are encoded and named. Every other type is an [`Object`] behind one pointer in the entry.

#![forbid(unsafe_code)]

pub mod string;

use structures::dict::{Dict, EntryRef, NewValue, OwnedValue, ValueRef};

/// A value that is not a string. Collections join as they are built; matches on it are exhaustive, so that a
/// new type finds every place it has to be thought of.
#[derive(Debug)]
pub enum Object {}

/// The table of one database in one shard.
pub type Table = Dict<Object>;

/// What TYPE answers for a value.
pub fn type_name(value: &ValueRef<'_, Object>) -> &'static str {
    match value {
        ValueRef::Unit | ValueRef::Int(_) | ValueRef::Bytes(_) | ValueRef::Blob(_) => "string",
        ValueRef::Boxed(object) => match **object {},
    }
}

/// What OBJECT ENCODING answers for an entry.
pub fn encoding_name(entry: &EntryRef<'_, Object>) -> &'static str {
    match entry.value() {
        ValueRef::Boxed(object) => match *object {},
        ValueRef::Unit | ValueRef::Int(_) | ValueRef::Bytes(_) | ValueRef::Blob(_) => string::encoding_name(entry),
    }
}

/// What TYPE would answer for a value that is about to be stored.
pub fn new_type_name(value: &NewValue<'_, Object>) -> &'static str {
    match value {
        NewValue::Unit | NewValue::Int(_) | NewValue::Bytes(_) | NewValue::Blob(_) => "string",
        NewValue::Boxed(object) => match **object {},
    }
}

/// A copy of a value, to be stored under another key. What is counted by reference is shared until one of both changes.
pub fn duplicate(value: &ValueRef<'_, Object>) -> OwnedValue<Object> {
    match value {
        ValueRef::Unit => OwnedValue::Unit,
        ValueRef::Int(integer) => OwnedValue::Int(*integer),
        ValueRef::Bytes(bytes) => OwnedValue::Bytes(bytes.to_vec()),
        ValueRef::Blob(blob) => OwnedValue::Blob((*blob).clone()),
        ValueRef::Boxed(object) => match **object {},
    }
}
