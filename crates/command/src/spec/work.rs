//! What the time of a command depends on: where that may be much, another thread runs it (see the crate `dispatch`).
//!
//! * What is not known beforehand is guessed: how far LPOS, LREM, LINSERT and BITPOS will look, and what is near a
//!   place on the map. Where most calls find early what they look for, a first part is looked at before the rest is
//!   called long.
//! * Not every command that can be long says so. Those about many keys (MGET, DEL, PFCOUNT) run where they are: to
//!   detach that many keys is as much work as to serve them. So do pushes, which take 4 ms for 100,000 elements, and
//!   what makes a long string longer (APPEND, SETRANGE), which may have to copy it.

use crate::args::Args;
use engine::{Key, LockedKeys};

/// What a command's time depends on, where that may be much.
#[derive(Clone, Copy)]
pub enum Work {
    /// Never much, or not to be foretold.
    Little,
    /// The elements of all its keys together, from this one on: those before it are only written.
    Sum(usize),
    /// The elements of the smallest, for each key, from this one on.
    Least(usize),
    /// The words of the command: for those about as many elements as the client names.
    Words,
    /// Elements, or keys of the keyspace, as this tells from words and keys. It has no effects, and takes no time to
    /// speak of.
    Told(fn(&Args<'_>, &mut LockedKeys<'_>, &[Key<'_>]) -> usize),
}

/// Elements from which a command is long: 1 ms, or a few, for all that say so.
pub const LONG_ELEMENTS: usize = 10_000;

/// Elements of a key between two places, which are the words from `at` on: for [`Work::Told`]. Negative ones are
/// counted from the end, and both are included.
pub fn between_places(args: &Args<'_>, at: usize, keys: &LockedKeys<'_>, key: &Key<'_>) -> usize {
    let (Ok(start), Ok(stop)) = (args.int(at), args.int(at + 1)) else { return 0 };
    let most = stop.saturating_sub(start).saturating_add(1);
    if (start < 0) == (stop < 0) && most < LONG_ELEMENTS as i64 {
        // Few, whatever the key holds: most calls need not look.
        return usize::try_from(most).unwrap_or(0);
    }
    let len = keys.elements(key);
    let from_front = |place: i64| if place < 0 { place.saturating_add(len as i64).max(-1) } else { place };
    let most = from_front(stop).saturating_sub(from_front(start).max(0)).saturating_add(1);
    usize::try_from(most).unwrap_or(0).min(len)
}

/// Elements of a key that a count asks for, for [`Work::Told`]: not more than there are.
pub fn counted(count: usize, keys: &LockedKeys<'_>, key: &Key<'_>) -> usize {
    // Few, whatever the key holds: most calls need not look.
    if count < LONG_ELEMENTS { count } else { count.min(keys.elements(key)) }
}

/// The word at `at` as a count for [`counted`]; 0 where there is none, or none that makes sense.
pub fn count_word(args: &Args<'_>, at: usize) -> usize {
    if args.len() <= at { 0 } else { args.int(at).map_or(0, |count| usize::try_from(count).unwrap_or(0)) }
}

impl Work {
    /// Whether it is worth a closer look.
    #[inline]
    pub fn may_be_much(self, args: &Args<'_>) -> bool {
        match self {
            Work::Little => false,
            Work::Words => args.len() >= LONG_ELEMENTS,
            Work::Sum(_) | Work::Least(_) | Work::Told(_) => true,
        }
    }

    /// The elements that a call with these words has to do with.
    #[inline]
    pub fn elements(self, args: &Args<'_>, keys: &mut LockedKeys<'_>, located: &[Key<'_>]) -> usize {
        let counted = |from: usize| located.get(from..).unwrap_or_default();
        match self {
            Work::Little => 0,
            Work::Sum(from) => counted(from).iter().map(|key| keys.elements(key)).sum(),
            Work::Least(from) => {
                let keys_counted = counted(from);
                let least = keys_counted.iter().map(|key| keys.elements(key)).min().unwrap_or(0);
                least.saturating_mul(keys_counted.len())
            }
            Work::Words => args.len(),
            Work::Told(told) => told(args, keys, located),
        }
    }
}
