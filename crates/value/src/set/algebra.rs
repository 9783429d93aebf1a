//! What several sets make together: intersection, union, difference.
//!
//! Everything rests on [`filter`], which goes through one set and asks others about its members, a batch at a time: the
//! members are hashed, then the buckets of all are asked for, then the entries, and only then anything is compared, so
//! that the misses of a batch overlap. Tables of one keyspace share their hash function, so a table gives its members
//! with as much of their hashes as it knows, which nearly always does for the others; and going through one touches the
//! lines of the others nearly in order. Where a bucket of the other tells that a member is not there, the member itself
//! is not read.
//!
//! What is filtered from a table comes in the order of its segments, so a large result is written segment by segment
//! (`Gather`), and neither searched nor rehashed on the way.
//!
//! Results take the encodings that Redis 8.2 gives them: a union or difference begins as an empty intset; an
//! intersection begins as a listpack, or as an intset if its smallest source is one, and in the end becomes an intset
//! if that is possible.

use super::{Form, Iter, Limits, Member, Members, Set};
use std::convert::Infallible;
use std::ops::ControlFlow;
use structures::dict::{self, EntryRef, Gather, Glance, NewValue};
use structures::intset::IntSet;
use structures::packed::{Packed, parse_int};

/// Members looked at together.
const BATCH: usize = 32;

/// Members on their way into batches.
enum Source<'a> {
    /// With what the table knows about their hashes.
    Table(dict::HashedIter<'a, Infallible>, u32),
    Small(Iter<'a>),
}

/// A member that may not have been read yet.
#[derive(Clone, Copy)]
enum Unread<'a> {
    Entry(EntryRef<'a, Infallible>),
    Member(Member<'a>),
}

impl<'a> Unread<'a> {
    #[inline]
    fn member(&self) -> Member<'a> {
        match self {
            Unread::Entry(entry) => Member::Bytes(entry.key()),
            Unread::Member(member) => *member,
        }
    }
}

/// Some members of a set, with their hashes where a table is to be asked.
struct Batch<'a> {
    members: [Unread<'a>; BATCH],
    hashes: [u64; BATCH],
    /// How many bits of the hashes are right; 0 when they are not known yet.
    known: u32,
    len: usize,
}

/// Numbers of the set bits.
fn bits(mut marks: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let number = (marks != 0).then(|| marks.trailing_zeros() as usize)?;
        marks &= marks - 1;
        Some(number)
    })
}

impl<'a> Source<'a> {
    /// The members of a set. All of them will be `read`, or only some.
    fn of(set: &'a Set, read: bool) -> Source<'a> {
        match &set.0 {
            Form::Table(table) => {
                let (entries, known) = table.iter_hashed(read);
                Source::Table(entries, known)
            }
            Form::Ints(_) | Form::Packed(_) => Source::Small(set.iter()),
        }
    }
}

impl<'a> Batch<'a> {
    fn new() -> Batch<'a> {
        Batch { members: [Unread::Member(Member::Int(0)); BATCH], hashes: [0; BATCH], known: 0, len: 0 }
    }

    fn fill(&mut self, source: &mut Source<'a>) -> bool {
        self.len = 0;
        match source {
            Source::Table(entries, known) => {
                self.known = *known;
                for (at, (hash, entry)) in entries.take(BATCH).enumerate() {
                    (self.hashes[at], self.members[at]) = (hash, Unread::Entry(entry));
                    self.len += 1;
                }
            }
            Source::Small(members) => {
                self.known = 0;
                for (place, member) in self.members.iter_mut().zip(members) {
                    *place = Unread::Member(member);
                    self.len += 1;
                }
            }
        }
        self.len > 0
    }

    fn all(&self) -> u32 {
        if self.len == BATCH { u32::MAX } else { (1 << self.len) - 1 }
    }

    /// Makes sure that the hashes place all members in this table, and `more` of them after insertion.
    fn hash(&mut self, table: &Members, more: usize) {
        if self.known == 0 || !table.is_placed_by(self.known, more) {
            self.known = u64::BITS;
            for (hash, member) in self.hashes.iter_mut().zip(&self.members[..self.len]) {
                *hash = member.member().with_bytes(|bytes| table.hasher().hash(bytes));
            }
        }
    }

    /// Fetches what a search for these members in this table will read.
    fn prefetch(&self, table: &Members, marks: u32) {
        bits(marks).for_each(|at| table.prefetch_bucket(self.hashes[at]));
        bits(marks).for_each(|at| table.prefetch_entry(self.hashes[at], 64));
    }

    /// Those of the marked members that `set` has.
    fn found_in(&mut self, set: &Set, marks: u32) -> u32 {
        match &set.0 {
            Form::Table(table) => self.found_in_table(table, marks),
            Form::Ints(_) | Form::Packed(_) => bits(marks)
                .filter(|at| set.contains_member(&self.members[*at].member()))
                .fold(0, |found, at| found | 1 << at),
        }
    }

    /// Looks into all buckets first, and asks for the entries, here and there, that are to be compared: what a bucket
    /// tells to be absent is not read at all.
    fn found_in_table(&mut self, table: &Members, marks: u32) -> u32 {
        self.hash(table, 0);
        bits(marks).for_each(|at| table.prefetch_bucket(self.hashes[at]));
        let bytes = table.entry_bytes().min(64);
        let mut probable = [None; BATCH];
        let mut asked = 0;
        for at in bits(marks) {
            probable[at] = match table.glance(self.hashes[at]) {
                Glance::Absent => continue,
                Glance::Probable(entry) => {
                    entry.prefetch(bytes);
                    Some(entry)
                }
                Glance::Spilled => None,
            };
            if let Unread::Entry(entry) = self.members[at] {
                entry.prefetch(bytes);
            }
            asked |= 1 << at;
        }
        let mut found = 0;
        for at in bits(asked) {
            let member = self.members[at].member();
            let same = |key: &[u8]| member.with_bytes(|bytes| bytes == key);
            let has =
                probable[at].is_some_and(|entry| same(entry.key())) || table.contains_where(self.hashes[at], same);
            found |= u32::from(has) << at;
        }
        found
    }
}

/// Calls `visit` with each member of `source`, in order, that all `others` have (`wanted`), or none of them.
pub fn filter<'a>(
    source: &'a Set,
    others: &[&Set],
    wanted: bool,
    mut visit: impl FnMut(&Member<'a>) -> ControlFlow<()>,
) {
    filter_hashed(source, others, wanted, |member, _| visit(member));
}

/// The same with hashes, and how many bits of them are right: none where no table was asked.
fn filter_hashed<'a>(
    source: &'a Set,
    others: &[&Set],
    wanted: bool,
    mut visit: impl FnMut(&Member<'a>, (u64, u32)) -> ControlFlow<()>,
) {
    let mut members = Source::of(source, !wanted || others.is_empty());
    let mut batch = Batch::new();
    while batch.fill(&mut members) {
        let mut left = batch.all();
        for other in others {
            let found = batch.found_in(other, left);
            left &= if wanted { found } else { !found };
        }
        for at in bits(left) {
            if visit(&batch.members[at].member(), (batch.hashes[at], batch.known)).is_break() {
                return;
            }
        }
    }
}

/// Each member of a union is looked for in so many sets at most; with more it is searched in the result.
const ASKED_MAX: usize = 3;

fn push(gather: &mut Gather<Infallible>, hash: u64, member: Member<'_>) {
    member.with_bytes(|bytes| gather.push(hash, bytes, NewValue::Unit));
}

fn insert_hashed(table: &mut Members, hash: u64, member: &[u8]) {
    if let dict::Entry::Vacant(place) = table.entry(hash, member) {
        place.insert(NewValue::Unit, None);
    }
}

impl Set {
    /// An empty set of the kind that results begin as.
    fn result() -> Set {
        Set(Form::Ints(IntSet::new()))
    }

    /// Adds all members of another set.
    fn add_all(&mut self, other: &Set, limits: &Limits) {
        let mut members = Source::of(other, true);
        let mut batch = Batch::new();
        while batch.fill(&mut members) {
            if let Form::Table(table) = &mut self.0 {
                batch.hash(table, BATCH);
                batch.prefetch(table, batch.all());
                for (member, hash) in batch.members[..batch.len].iter().zip(batch.hashes) {
                    member.member().with_bytes(|bytes| insert_hashed(table, hash, bytes));
                }
            } else {
                for member in &batch.members[..batch.len] {
                    self.add_member(&member.member(), limits);
                }
            }
        }
    }

    /// Adds a member that `filter_hashed` gave and that is not there.
    fn add_new(&mut self, member: &Member<'_>, (hash, known): (u64, u32), limits: &Limits) {
        match &mut self.0 {
            Form::Table(table) if known > 0 && table.is_placed_by(known, 1) => {
                member.with_bytes(|bytes| {
                    table.vacant(hash, bytes).insert(NewValue::Unit, None);
                });
            }
            _ => {
                self.add_member(member, limits);
            }
        }
    }

    /// Becomes an intset if all members are integers and few enough.
    fn settle_as_ints(&mut self, limits: &Limits) {
        if matches!(self.0, Form::Ints(_)) || self.len() > limits.intset_entries {
            return;
        }
        let mut ints = IntSet::new();
        for member in self.iter() {
            let number = match member {
                Member::Int(number) => Some(number),
                Member::Bytes(bytes) => parse_int(bytes),
            };
            let Some(number) = number else { return };
            ints.insert(number);
        }
        self.0 = Form::Ints(ints);
    }
}

/// More members than this are a table, however they were added.
fn largest_small(limits: &Limits) -> usize {
    limits.intset_entries.max(limits.listpack_entries)
}

/// Those members of `source` that `filter` visits, added to an `empty` set.
fn filtered(source: &Set, others: &[&Set], wanted: bool, empty: Set, limits: &Limits) -> Set {
    // A table is known to come out of it only when there are enough members.
    let mut first = Vec::new();
    let mut gathered = None;
    filter_hashed(source, others, wanted, |member, (hash, _)| {
        match (&mut gathered, &source.0) {
            (None, Form::Table(table)) if first.len() == largest_small(limits) => {
                let gather = gathered.insert(table.gather());
                first.drain(..).for_each(|(hash, member)| push(gather, hash, member));
                push(gather, hash, *member);
            }
            (None, _) => first.push((hash, *member)),
            (Some(gather), _) => push(gather, hash, *member),
        }
        ControlFlow::Continue(())
    });
    if let Some(gather) = gathered {
        return Set(Form::Table(Box::new(gather.finish())));
    }
    let mut result = empty;
    first.iter().for_each(|(_, member)| assert!(result.add_member(member, limits), "a set has no member twice"));
    result
}

/// All members of all sets.
pub fn union(sets: &[&Set], limits: &Limits) -> Set {
    // Whatever is added to it, the copy of so large a set stays a table.
    let large = |set: &&&Set| set.as_table().is_some() && set.len() > largest_small(limits);
    let Some(largest) = sets.iter().filter(large).max_by_key(|set| set.len()) else {
        let mut result = Set::result();
        sets.iter().for_each(|set| result.add_all(set, limits));
        return result;
    };
    let mut result = Set::clone(largest);
    let others: Vec<&Set> = sets.iter().copied().filter(|set| !std::ptr::eq(*set, *largest)).collect();
    if others.len() > ASKED_MAX {
        others.iter().for_each(|set| result.add_all(set, limits));
        return result;
    }
    let mut added = vec![*largest];
    for set in others {
        filter_hashed(set, &added, false, |member, hash| {
            result.add_new(member, hash, limits);
            ControlFlow::Continue(())
        });
        added.push(set);
    }
    result
}

/// The order in which an intersection looks at its sets: the smallest first.
pub fn by_size<'s>(sets: &[&'s Set]) -> Vec<&'s Set> {
    let mut sorted = sets.to_vec();
    sorted.sort_by_key(|set| set.len());
    sorted
}

/// The members that all sets have; there is one set at least.
pub fn intersection(sets: &[&Set], limits: &Limits) -> Set {
    let sorted = by_size(sets);
    let (smallest, others) = sorted.split_first().expect("an intersection has a set");
    let empty = match smallest.0 {
        Form::Ints(_) => Set::result(),
        Form::Packed(_) | Form::Table(_) => Set(Form::Packed(Packed::new())),
    };
    let mut result = filtered(smallest, others, true, empty, limits);
    result.settle_as_ints(limits);
    result
}

/// Whether it is less work to ask all `others` for each member of `first` than to go through all sets.
pub fn is_difference_asked(first: &Set, others: &[&Set]) -> bool {
    let asked = first.len().saturating_mul(others.len() + 1) / 2;
    asked <= others.iter().map(|set| set.len()).sum::<usize>() + first.len()
}

/// The members of `first` that none of the others has.
pub fn difference(first: &Set, others: &[&Set], limits: &Limits) -> Set {
    if is_difference_asked(first, others) {
        let mut largest_first = by_size(others);
        largest_first.reverse();
        return filtered(first, &largest_first, false, Set::result(), limits);
    }
    let mut result = filtered(first, &[], true, Set::result(), limits);
    for other in others {
        for member in other.iter() {
            if result.is_empty() {
                return result;
            }
            member.with_bytes(|bytes| result.remove(bytes));
        }
    }
    result
}

/// Whether `union` may as well be given piece by piece: each set's members that no larger set has. `None` when there
/// are so many sets that asking all of them would cost too much, or when order matters.
pub fn union_in_pieces<'s>(sets: &[&'s Set]) -> Option<Vec<&'s Set>> {
    let mut sorted = by_size(sets);
    sorted.reverse();
    let large = sorted.first().is_some_and(|set| set.as_table().is_some());
    (large && sorted.len() <= ASKED_MAX + 1).then_some(sorted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::rng::Rng;
    use std::collections::BTreeSet;
    use structures::hash::Hasher;

    const LIMITS: (usize, usize) = (20, 10);

    fn limits() -> Limits {
        Limits { intset_entries: LIMITS.0, listpack_entries: LIMITS.1, listpack_value: 64, hasher: Hasher::new(1, 2) }
    }

    type Model = BTreeSet<Vec<u8>>;

    /// A set of some size up to one of the `most`.
    fn drawn(rng: &mut Rng, most: &[u64], limits: &Limits) -> (Set, Model) {
        let most = most[rng.below(most.len() as u64) as usize];
        let (count, texts) = (1 + rng.below(most), rng.below(3) == 0);
        let member = |rng: &mut Rng| {
            let number = rng.below(count * 2);
            if texts && number.is_multiple_of(3) { format!("m{number}") } else { number.to_string() }.into_bytes()
        };
        let first = member(rng);
        let mut set = Set::for_first(&first, 1, limits);
        let mut model = Model::new();
        for member in std::iter::once(first).chain((1..count).map(|_| member(rng))) {
            assert_eq!(set.add(&member, limits), model.insert(member));
        }
        (set, model)
    }

    fn members(set: &Set) -> Model {
        set.iter().map(|member| member.to_vec()).collect()
    }

    /// Unions, intersections and differences of drawn sets against those of the standard library.
    fn agree(seed: u64, rounds: u64, most: &[u64]) {
        let (mut rng, limits) = (Rng::seed(seed), limits());
        for _ in 0..rounds {
            let drawn: Vec<_> = (0..1 + rng.below(5)).map(|_| drawn(&mut rng, most, &limits)).collect();
            let sets: Vec<&Set> = drawn.iter().map(|(set, _)| set).collect();
            let models = drawn.iter().map(|(_, model)| model);
            let fold = |step: fn(&Model, &Model) -> Model| {
                let mut models = models.clone();
                let first = models.next().expect("one at least").clone();
                models.fold(first, |sum, model| step(&sum, model))
            };
            let unions = fold(|a, b| a | b);
            for (result, expected) in [
                (union(&sets, &limits), unions.clone()),
                (intersection(&sets, &limits), fold(|a, b| a & b)),
                (difference(sets[0], &sets[1..], &limits), fold(|a, b| a - b)),
            ] {
                assert_eq!(members(&result), expected);
                assert_eq!(result.len(), expected.len(), "no member is there twice");
                assert!(expected.iter().all(|member| result.contains(member)));
                assert!(result.as_table().is_some() || result.len() <= LIMITS.0);
                if let Some(table) = result.as_table() {
                    table.check();
                }
            }
            let mut pieces = Model::new();
            let sorted = union_in_pieces(&sets).unwrap_or_default();
            for (number, set) in sorted.iter().enumerate() {
                filter(set, &sorted[..number], false, |member| {
                    assert!(pieces.insert(member.to_vec()), "each member is given once");
                    ControlFlow::Continue(())
                });
            }
            assert!(sorted.is_empty() || pieces == unions);
        }
    }

    #[test]
    fn results_are_those_of_the_standard_library() {
        agree(4, 400, &[5, 15, 300]);
    }

    /// From some 8,000 members on a table knows its members' hashes.
    #[test]
    fn results_of_large_sets_are_those_of_the_standard_library() {
        agree(5, 12, &[15, 2_000, 30_000]);
    }

    #[test]
    fn a_filter_ends_when_it_is_told_to() {
        let limits = limits();
        let mut set = Set::table(&limits);
        (0..100).for_each(|number| assert!(set.add(format!("{number}").as_bytes(), &limits)));
        let mut left = 40;
        filter(&set, &[&set], true, |_| {
            left -= 1;
            if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert_eq!(left, 0);
    }
}
