//! The index of hashes by the earliest deadline among their fields: one for each database of a shard.
//!
//! It holds the key of every hash that has fields with deadlines, and of nothing else: each change of a hash and each
//! change of what a key holds goes through the door, which tells the index. A deadline kept here may be earlier than
//! the hash's earliest field (the hash sorts its own deadlines coarsely), never later.
//!
//! The sweep asks it which hashes are due, lets each expire its fields up to a budget, and puts it back with its next
//! deadline.

use structures::dict::{Dict, NewValue, Removed};
use structures::hash::Hasher;
use value::Object;

/// The index.
pub(crate) struct Subexpiry {
    keys: Dict<()>,
}

/// The time at which an object will have fields to expire, if it is a hash with deadlines.
#[inline]
pub(crate) fn next_deadline(object: &Object) -> Option<u64> {
    match object {
        Object::Hash(hash) => hash.next_deadline(),
        _ => None,
    }
}

impl Subexpiry {
    pub fn new(hasher: Hasher) -> Subexpiry {
        Subexpiry { keys: Dict::new(hasher) }
    }

    pub fn fresh(&self) -> Subexpiry {
        Subexpiry { keys: self.keys.fresh() }
    }

    pub fn len(&self) -> usize {
        self.keys.len()
    }

    pub fn memory(&self) -> usize {
        self.keys.memory()
    }

    pub fn next_deadline(&self) -> Option<u64> {
        if self.keys.is_empty() { None } else { self.keys.next_deadline() }
    }

    /// Notes that the earliest deadline below a key has changed, or that there is none any more.
    pub fn note(&mut self, key: &[u8], deadline: Option<u64>, now_ms: u64) {
        let hash = self.keys.hasher().hash(key);
        match deadline {
            Some(_) => {
                if self.keys.is_empty() {
                    // The wheel sorts deadlines by their distance from the time it knows.
                    self.keys.advance(now_ms, 0, &mut |_, _| {});
                }
                self.keys.set(hash, key, NewValue::Unit, deadline);
            }
            None => {
                self.keys.remove(hash, key);
            }
        }
    }

    /// Lets a key go whose value was removed.
    #[inline]
    pub fn forget(&mut self, key: &[u8], removed: &Removed<Object>) {
        if let Removed::Boxed(object) = removed
            && next_deadline(object).is_some()
        {
            self.note(key, None, 0);
        }
    }

    /// Whether there may be a key that is due.
    pub fn is_due(&self, now_ms: u64) -> bool {
        self.next_deadline().is_some_and(|next| next <= now_ms)
    }

    /// Takes out a key that is due, or sorts one more finely.
    pub fn take_due(&mut self, now_ms: u64, due: &mut Vec<Box<[u8]>>) {
        self.keys.advance(now_ms, 1, &mut |key, _| due.push(key.into()));
    }

    /// Panics unless exactly the hashes with deadlines are in it, none of them too late; for tests.
    #[cfg(test)]
    pub fn check(&self, table: &value::Table) {
        let mut hashes = 0;
        for entry in table.iter() {
            let structures::dict::ValueRef::Boxed(object) = entry.value() else { continue };
            let Some(next) = next_deadline(object) else { continue };
            hashes += 1;
            let noted =
                self.keys.get(self.keys.hasher().hash(entry.key()), entry.key()).expect("a hash with deadlines");
            assert!(noted.deadline().expect("a deadline") <= next);
        }
        assert_eq!(hashes, self.keys.len());
    }
}

#[cfg(test)]
mod tests;
