//! The small form of a hash whose fields have deadlines: packed triples of field, value and deadline.
//!
//! They are sorted by deadline, the fields without one last: so the earliest deadline is the first one, and what
//! expires is in front. The deadline is an integer of 6 bytes, or a single byte (0) for none. A deadline that is set
//! goes before those that are the same, and a field that loses its deadline goes to the end, as in Redis.

use super::{Field, Ttl, text};
use structures::packed::{At, Packed, PackedElement};

/// How no deadline is written.
const NONE: i64 = 0;

fn written(deadline: Option<u64>) -> PackedElement<'static> {
    PackedElement::Int(deadline.map_or(NONE, |deadline| deadline as i64))
}

fn read(element: Option<PackedElement<'_>>) -> Option<u64> {
    match element {
        Some(PackedElement::Int(NONE)) => None,
        Some(PackedElement::Int(deadline)) => Some(deadline as u64),
        Some(PackedElement::Bytes(_)) | None => unreachable!("a deadline is an integer"),
    }
}

/// The triples.
#[derive(Clone, Debug)]
pub(super) struct Timed {
    triples: Packed,
}

/// Where the parts of a triple are.
#[derive(Clone, Copy)]
struct Place {
    name: At,
    value: At,
    deadline: At,
}

impl Timed {
    /// The fields of a hash that has no deadlines.
    pub fn from_pairs(pairs: &Packed) -> Timed {
        let mut triples = Packed::new();
        for (name, value) in pairs.pairs() {
            triples.push_back(name);
            triples.push_back(value);
            triples.push_back(written(None));
        }
        Timed { triples }
    }

    pub fn packed(&self) -> &Packed {
        &self.triples
    }

    pub fn len(&self) -> usize {
        self.triples.len() / 3
    }

    pub fn memory(&self) -> usize {
        self.triples.memory()
    }

    fn place(&self, name: At) -> Place {
        let value = self.triples.after(name);
        Place { name, value, deadline: self.triples.after(value) }
    }

    fn find(&self, name: &[u8]) -> Option<Place> {
        let at = self.triples.find_from(self.triples.front(), name, 2)?;
        Some(self.place(at))
    }

    fn field(&self, place: Place) -> Option<Field<'_>> {
        let triples = &self.triples;
        Some(Field {
            name: text(triples.at(place.name)?),
            value: text(triples.at(place.value)?),
            deadline: read(triples.at(place.deadline)),
        })
    }

    pub fn get(&self, name: &[u8]) -> Option<Field<'_>> {
        self.field(self.find(name)?)
    }

    /// Sets a value; returns whether the field is new.
    pub fn set(&mut self, name: &[u8], value: &[u8], ttl: Ttl) -> bool {
        let Some(place) = self.find(name) else {
            self.triples.push_back(PackedElement::of(name));
            self.triples.push_back(PackedElement::of(value));
            self.triples.push_back(written(None));
            return true;
        };
        if ttl == Ttl::Clear && read(self.triples.at(place.deadline)).is_some() {
            self.triples.remove(place.name, 3);
            self.set(name, value, ttl);
        } else {
            self.triples.replace(place.value, PackedElement::of(value));
        }
        false
    }

    /// Adds a field behind all others, if it is new.
    pub fn append(&mut self, name: &[u8], value: &[u8], deadline: Option<u64>) -> bool {
        let new = self.find(name).is_none();
        if new {
            for element in [PackedElement::of(name), PackedElement::of(value), written(deadline)] {
                self.triples.push_back(element);
            }
        }
        new
    }

    pub fn remove(&mut self, name: &[u8]) -> bool {
        let found = self.find(name);
        if let Some(place) = found {
            self.triples.remove(place.name, 3);
        }
        found.is_some()
    }

    /// Where a field with this deadline goes: before the first that is not earlier.
    fn sorted_place(&self, deadline: Option<u64>) -> At {
        let Some(deadline) = deadline else { return self.triples.end() };
        let mut at = self.triples.front();
        while at < self.triples.end() {
            let place = self.place(at);
            if read(self.triples.at(place.deadline)).is_none_or(|other| other >= deadline) {
                break;
            }
            at = self.triples.after(place.deadline);
        }
        at
    }

    /// Sets a deadline, or takes it away; returns whether the field is there.
    pub fn set_deadline(&mut self, name: &[u8], deadline: Option<u64>) -> bool {
        let Some(place) = self.find(name) else { return false };
        let Some(field) = self.field(place) else { return false };
        if field.deadline == deadline && deadline.is_none() {
            return true;
        }
        let value = self.triples.at(place.value).map_or_else(Vec::new, |value| value.to_vec());
        self.triples.remove(place.name, 3);
        let mut at = self.sorted_place(deadline);
        for element in [PackedElement::of(name), PackedElement::of(&value), written(deadline)] {
            at = self.triples.insert(at, element);
            at = self.triples.after(at);
        }
        true
    }

    pub fn with_deadline(&self) -> usize {
        self.iter().take_while(|field| field.deadline.is_some()).count()
    }

    #[inline]
    pub fn first_deadline(&self) -> Option<u64> {
        if self.triples.is_empty() {
            return None;
        }
        read(self.triples.at(self.place(self.triples.front()).deadline))
    }

    /// As [`super::Hash::expire`].
    pub fn expire(&mut self, now_ms: u64, budget: usize, expired: &mut dyn FnMut(&[u8])) -> bool {
        let past: usize = self.iter().take_while(|field| field.is_past(now_ms)).count();
        let mut scratch = crate::string::Scratch::default();
        for field in self.iter().take(past.min(budget)) {
            expired(field.name.bytes(&mut scratch));
        }
        self.triples.remove_range(0, past.min(budget) * 3);
        past > budget
    }

    pub fn iter(&self) -> impl Iterator<Item = Field<'_>> + '_ {
        let mut elements = self.triples.iter();
        std::iter::from_fn(move || {
            let (name, value) = (elements.next()?, elements.next()?);
            Some(Field { name: text(name), value: text(value), deadline: read(elements.next()) })
        })
    }

    pub fn check(&self) {
        self.triples.check();
        assert_eq!(self.triples.len() % 3, 0, "fields have values and deadlines");
        let deadlines = self.iter().map(|field| field.deadline.unwrap_or(u64::MAX));
        assert!(deadlines.is_sorted(), "the earliest deadline comes first");
    }
}
