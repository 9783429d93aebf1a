//! The set: a sorted packed set of integers, a packed sequence, or a table.
//!
//! | encoding  | while                                                                    | order of members |
//! |-----------|--------------------------------------------------------------------------|------------------|
//! | intset    | all are integers, at most `set-max-intset-entries`                       | rising           |
//! | listpack  | at most `set-max-listpack-entries`, none above `set-max-listpack-value`  | as added         |
//! | hashtable | else                                                                     | none             |
//!
//! The conversion points are those of Redis 8.2, which clients see by OBJECT ENCODING and by the order of members: a
//! command says how many members it is about to add ([`Set::expect`]), and a set that could then outgrow its encoding
//! becomes a table at once; an intset that outgrows its limit one by one becomes a table, too, never a listpack. A set
//! is not converted back when it shrinks.
//!
//! Members are lent as [`Member`]: an integer (from the packed forms) or bytes. Members of a table are always bytes,
//! whether they read as integers or not.

pub mod algebra;
mod iter;
mod random;
#[cfg(test)]
mod tests;

pub use iter::Iter;

use crate::probe::{Probe, hashes_of};
use std::convert::Infallible;
use structures::dict::{self, Dict, NewValue};
use structures::hash::Hasher;
use structures::intset::IntSet;
use structures::packed::{Packed, PackedElement, parse_int};

/// A member, lent.
pub type Member<'a> = PackedElement<'a>;

/// The table of a large set: keys without values.
pub(crate) type Members = Dict<Infallible>;

/// Up to where a set stays small, and the hash function for when it is not.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub intset_entries: usize,
    pub listpack_entries: usize,
    pub listpack_value: usize,
    pub hasher: Hasher,
}

/// The set.
#[derive(Clone, Debug)]
pub struct Set(Form);

#[derive(Clone)]
enum Form {
    Ints(IntSet),
    Packed(Packed),
    Table(Box<Members>),
}

impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Form::Ints(ints) => f.debug_set().entries(ints.iter()).finish(),
            Form::Packed(packed) => packed.fmt(f),
            Form::Table(table) => f.debug_set().entries(table.iter().map(|entry| entry.key())).finish(),
        }
    }
}

impl Default for Set {
    fn default() -> Set {
        Set::new()
    }
}

/// Puts a member into a table; returns whether it was new.
#[inline]
fn insert(table: &mut Members, member: &[u8]) -> bool {
    let hash = table.hasher().hash(member);
    match table.entry(hash, member) {
        dict::Entry::Occupied(_) => false,
        dict::Entry::Vacant(place) => {
            place.insert(NewValue::Unit, None);
            true
        }
    }
}

impl Set {
    /// An empty set, the smallest there is.
    pub fn new() -> Set {
        Set(Form::Packed(Packed::new()))
    }

    /// An empty set in the encoding for `expected` members of which this is the first.
    pub fn for_first(member: &[u8], expected: usize, limits: &Limits) -> Set {
        if expected <= limits.intset_entries && parse_int(member).is_some() {
            Set(Form::Ints(IntSet::new()))
        } else if expected <= limits.listpack_entries {
            Set(Form::Packed(Packed::new()))
        } else {
            Set::table(limits)
        }
    }

    /// An empty set that is a table.
    pub fn table(limits: &Limits) -> Set {
        Set(Form::Table(Box::new(Dict::new(limits.hasher))))
    }

    /// A small set of the members that another one had.
    pub(crate) fn of_packed(packed: Packed) -> Set {
        Set(Form::Packed(packed))
    }

    /// The same for integers, written as [`IntSet::members`] gives them.
    pub(crate) fn of_ints(buffer: Vec<u8>, width: usize, members: &[u8]) -> Set {
        Set(Form::Ints(IntSet::refilled(buffer, width, members)))
    }

    #[inline]
    pub(crate) fn as_packed(&self) -> Option<&Packed> {
        if let Form::Packed(packed) = &self.0 { Some(packed) } else { None }
    }

    #[inline]
    pub(crate) fn as_ints(&self) -> Option<&IntSet> {
        if let Form::Ints(ints) = &self.0 { Some(ints) } else { None }
    }

    pub(crate) fn into_buffer(self) -> Vec<u8> {
        match self.0 {
            Form::Ints(ints) => ints.into_buffer(),
            Form::Packed(packed) => packed.into_buffer(),
            Form::Table(_) => Vec::new(),
        }
    }

    /// What OBJECT ENCODING answers.
    pub fn encoding_name(&self) -> &'static str {
        match &self.0 {
            Form::Ints(_) => "intset",
            Form::Packed(_) => "listpack",
            Form::Table(_) => "hashtable",
        }
    }

    /// See [`crate::Object::prefetch`].
    pub(crate) fn prefetch(&self, probes: &[Probe<'_>]) {
        if let Form::Table(table) = &self.0 {
            let (hashes, count) = hashes_of(probes, table.hasher());
            table.prefetch_all(&hashes[..count], 24);
        }
    }

    /// Number of members.
    #[inline]
    pub fn len(&self) -> usize {
        match &self.0 {
            Form::Ints(ints) => ints.len(),
            Form::Packed(packed) => packed.len(),
            Form::Table(table) => table.len(),
        }
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes held besides the object itself.
    pub fn memory(&self) -> usize {
        match &self.0 {
            Form::Ints(ints) => ints.capacity(),
            Form::Packed(packed) => packed.memory(),
            Form::Table(table) => size_of::<Members>() + table.memory(),
        }
    }

    /// The table, if the set is one.
    pub fn as_table(&self) -> Option<&Dict<Infallible>> {
        match &self.0 {
            Form::Table(table) => Some(table),
            Form::Ints(_) | Form::Packed(_) => None,
        }
    }

    /// All members, in the order in which clients see them.
    pub fn iter(&self) -> Iter<'_> {
        match &self.0 {
            Form::Ints(ints) => Iter::ints(ints),
            Form::Packed(packed) => Iter::packed(packed.iter()),
            Form::Table(table) => Iter::table(table),
        }
    }

    /// One step of a scan, from `cursor`; returns the next cursor, 0 at the end. A set that is no table is visited as a
    /// whole.
    pub fn scan(&self, cursor: u64, visit: &mut dyn FnMut(&Member<'_>)) -> u64 {
        match &self.0 {
            Form::Table(table) => table.scan(cursor, &mut |entry| visit(&Member::Bytes(entry.key()))),
            Form::Ints(_) | Form::Packed(_) => {
                self.iter().for_each(|member| visit(&member));
                0
            }
        }
    }

    /// Whether this is a member.
    #[inline]
    pub fn contains(&self, member: &[u8]) -> bool {
        match &self.0 {
            Form::Ints(ints) => parse_int(member).is_some_and(|number| ints.contains(number)),
            Form::Packed(packed) => packed.find(member).is_some(),
            Form::Table(table) => table.contains(table.hasher().hash(member), member),
        }
    }

    /// Whether this member, lent by another set perhaps, is one of this too.
    #[inline]
    pub fn contains_member(&self, member: &Member<'_>) -> bool {
        match (&self.0, member) {
            (Form::Ints(ints), Member::Int(number)) => ints.contains(*number),
            _ => member.with_bytes(|bytes| self.contains(bytes)),
        }
    }

    /// Says that so many members are about to be added, which may convert the set.
    #[inline]
    pub fn expect(&mut self, more: usize, limits: &Limits) {
        let outgrown = match &self.0 {
            Form::Ints(_) => more > limits.intset_entries,
            Form::Packed(_) => more > limits.listpack_entries,
            Form::Table(_) => false,
        };
        if outgrown {
            self.become_table(limits);
        }
    }

    /// Adds a member; returns whether it was new.
    #[inline]
    pub fn add(&mut self, member: &[u8], limits: &Limits) -> bool {
        match &mut self.0 {
            Form::Table(table) => insert(table, member),
            Form::Ints(ints) => match parse_int(member) {
                Some(number) => {
                    let new = ints.insert(number);
                    if new && ints.len() > limits.intset_entries {
                        self.become_table(limits);
                    }
                    new
                }
                None => self.add_to_ints(member, limits),
            },
            Form::Packed(packed) => {
                if packed.find(member).is_some() {
                    return false;
                }
                if packed.len() < limits.listpack_entries && member.len() <= limits.listpack_value {
                    packed.push_back(PackedElement::of(member));
                    return true;
                }
                self.become_table(limits);
                self.add(member, limits)
            }
        }
    }

    /// Adds a member that some set lent.
    #[inline]
    pub fn add_member(&mut self, member: &Member<'_>, limits: &Limits) -> bool {
        member.with_bytes(|bytes| self.add(bytes, limits))
    }

    /// Adds what is no integer to an intset, which ends being one.
    #[cold]
    fn add_to_ints(&mut self, member: &[u8], limits: &Limits) -> bool {
        let Form::Ints(ints) = &self.0 else { unreachable!("the caller found an intset") };
        let digits = |number: i64| Member::Int(number).len();
        let ends = [ints.iter().next(), ints.iter().next_back()];
        let longest = ends.into_iter().flatten().map(digits).max().unwrap_or(0);
        let fits = ints.len() < limits.listpack_entries && longest.max(member.len()) <= limits.listpack_value;
        if !fits {
            self.become_table(limits);
            return self.add(member, limits);
        }
        let mut packed = Packed::new();
        for number in ints.iter() {
            packed.push_back(Member::Int(number));
        }
        packed.push_back(PackedElement::of(member));
        self.0 = Form::Packed(packed);
        true
    }

    #[cold]
    fn become_table(&mut self, limits: &Limits) {
        let mut table = Box::new(Dict::new(limits.hasher));
        for member in self.iter() {
            member.with_bytes(|bytes| insert(&mut table, bytes));
        }
        self.0 = Form::Table(table);
    }

    /// Removes a member; returns whether it was there.
    #[inline]
    pub fn remove(&mut self, member: &[u8]) -> bool {
        match &mut self.0 {
            Form::Ints(ints) => parse_int(member).is_some_and(|number| ints.remove(number)),
            Form::Packed(packed) => match packed.find(member) {
                Some(at) => {
                    packed.remove(at, 1);
                    true
                }
                None => false,
            },
            Form::Table(table) => table.remove(table.hasher().hash(member), member).is_some(),
        }
    }
}
