//! What commands are about to look for in a collection, so that it can be fetched into the cache for many of them at
//! once.
//!
//! A large collection misses the cache at every step of a search: the bucket of the element, the element, and in a
//! sorted set the leaf where it stands and the one where it goes. Each step needs what the one before it read. So all
//! probes take the first step together, then all the second, and the misses of each step overlap.
//!
//! Fetching changes nothing and answers nothing. It looks at what has the right tag, not at what is equal, and so may
//! fetch for nothing.

use crate::Object;
use structures::hash::Hasher;

/// How many probes [`Object::prefetch`] takes at most.
pub const PROBES: usize = 32;

/// What of an order a command will touch. Hashes and sets have none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place {
    /// Nothing.
    None,
    /// The place of the element.
    Own,
    /// The place of the element, and where it comes to stand under this score. Without an element: where the score
    /// begins.
    Score(f64),
    /// The place of the element, and where it comes to stand when its score rises by this.
    Rise(f64),
}

/// What one command will look for.
#[derive(Clone, Copy, Debug)]
pub struct Probe<'a> {
    /// Member or field.
    pub element: Option<&'a [u8]>,
    pub place: Place,
}

impl Object {
    /// Fetches what the probes, at most [`PROBES`], will find. Reads the object itself, which should have been asked
    /// for.
    pub fn prefetch(&self, probes: &[Probe<'_>]) {
        match self {
            Object::Set(set) => set.prefetch(probes),
            Object::Hash(hash) => hash.prefetch(probes),
            Object::SortedSet(zset) => zset.prefetch(probes),
            Object::List(_) | Object::Stream(_) | Object::Detached(_) => {}
        }
    }
}

/// The hashes of the elements of these probes: as many as it tells.
#[inline]
pub(crate) fn hashes_of(probes: &[Probe<'_>], hasher: Hasher) -> ([u64; PROBES], usize) {
    let mut hashes = [0; PROBES];
    let mut count = 0;
    for element in probes.iter().filter_map(|probe| probe.element) {
        hashes[count] = hasher.hash(element);
        count += 1;
    }
    (hashes, count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sorted_set::Limits;
    use crate::{Set, SortedSet, set};

    fn hasher() -> Hasher {
        Hasher::new(1, 2)
    }

    /// Of so many members, each with its number as the score, every other score shared by two.
    fn zset(members: u32) -> SortedSet {
        let form = (hasher(), Limits { entries: 8, value: 64 });
        let mut zset = SortedSet::new(hasher(), form.1, 1, 1);
        for number in 0..members {
            zset.insert(form, format!("player:{number}").as_bytes(), f64::from(number / 2));
        }
        zset
    }

    #[test]
    fn probes_of_any_kind_change_nothing() {
        let limits = set::Limits { intset_entries: 4, listpack_entries: 8, listpack_value: 64, hasher: hasher() };
        for members in [1, 8, 20_000] {
            let mut tags = Set::for_first(b"player:0", 1, &limits);
            (0..members).for_each(|number| _ = tags.add(format!("player:{number}").as_bytes(), &limits));
            let board = zset(members);
            let before = (format!("{tags:?}"), format!("{board:?}"));
            let elements = [Some(&b"player:0"[..]), Some(b"player:4711"), Some(b"nobody"), Some(b""), None];
            let numbers = [0.0, -0.0, 0.5, 1e300, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
            let places = numbers.iter().flat_map(|&number| [Place::Score(number), Place::Rise(number)]);
            let places: Vec<_> = places.chain([Place::None, Place::Own]).collect();
            let probes: Vec<_> = elements
                .iter()
                .flat_map(|&element| places.iter().map(move |&place| Probe { element, place }))
                .collect();
            for object in [Object::Set(tags.clone()), Object::SortedSet(board.clone())] {
                object.prefetch(&[]);
                probes.chunks(PROBES).for_each(|probes| object.prefetch(probes));
            }
            assert_eq!(before, (format!("{tags:?}"), format!("{board:?}")));
        }
    }
}
