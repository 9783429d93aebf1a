//! The sorted set: members ordered by (score, member), packed while it is small.
//!
//! Up to `zset-max-listpack-entries` members of up to `zset-max-listpack-value` bytes are a `PackedRanked`, which
//! OBJECT ENCODING calls "listpack"; more or longer ones are a `Ranked`, called "skiplist". What has become large stays
//! so; only a set that is built as a whole ([`Builder`]) chooses anew. As in Redis, the packed form keeps no -0.0 but
//! 0.0.
//!
//! Both forms order members alike, and answer by the same methods. Scores are numbers.

use crate::probe::{PROBES, Place, Probe, hashes_of};
use std::cmp::Ordering;
use std::ops::{Bound, Range};
use structures::hash::Hasher;
use structures::packed::{Packed, PackedElement, PackedRanked, RankedIter};
use structures::ranked::{Change, Ranked, RankedBuilder};

/// The most that a packed set holds.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Members.
    pub entries: usize,
    /// Bytes of a member.
    pub value: usize,
}

impl Limits {
    /// Whether a packed set may have so many members, the longest so long.
    pub fn allow(&self, len: usize, longest: usize) -> bool {
        len <= self.entries && longest <= self.value
    }
}

/// How many members [`SortedSet::scores`] and [`Builder::upsert_batch`] take at most.
pub const BATCH: usize = 16;

/// Large sets of so many members are walked to find a range of names where scores differ.
const WALKED_MAX: usize = 1000;

/// Members are ordered by their bytes, however they are kept.
pub fn compare_members(one: &PackedElement<'_>, other: &PackedElement<'_>) -> Ordering {
    one.with_bytes(|one| other.with_bytes(|other| one.cmp(other)))
}

/// An end of a range of members, ordered by their bytes. Each may stand at either end.
#[derive(Clone, Copy, Debug)]
pub enum Lex<'a> {
    /// Before all members.
    First,
    Included(&'a [u8]),
    Excluded(&'a [u8]),
    /// After all members.
    Last,
}

impl Lex<'_> {
    /// Whether, as a lower bound, it lets the member in.
    fn is_not_above(self, member: PackedElement<'_>) -> bool {
        member.with_bytes(|member| match self {
            Lex::First => true,
            Lex::Included(least) => member >= least,
            Lex::Excluded(below) => member > below,
            Lex::Last => false,
        })
    }

    /// Whether, as an upper bound, it lets the member in.
    fn is_not_below(self, member: PackedElement<'_>) -> bool {
        member.with_bytes(|member| match self {
            Lex::First => false,
            Lex::Included(most) => member <= most,
            Lex::Excluded(above) => member < above,
            Lex::Last => true,
        })
    }
}

/// As many scores as there are probes.
#[derive(Default)]
struct Scores {
    scores: [f64; PROBES],
    len: usize,
}

impl Scores {
    fn push(&mut self, score: f64) {
        self.scores[self.len] = score;
        self.len += 1;
    }

    fn all(&self) -> &[f64] {
        &self.scores[..self.len]
    }
}

/// The sorted set.
#[derive(Clone, Debug)]
pub struct SortedSet {
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    Packed(PackedRanked),
    Ranked(Box<Ranked>),
}

impl Default for SortedSet {
    fn default() -> SortedSet {
        SortedSet { form: Form::Packed(PackedRanked::new()) }
    }
}

impl SortedSet {
    /// An empty set, for about so many members, the longest so long.
    pub fn new(hasher: Hasher, limits: Limits, len: usize, longest: usize) -> SortedSet {
        let packed = limits.allow(len, longest);
        let form = if packed { Form::Packed(PackedRanked::new()) } else { Form::Ranked(Box::new(Ranked::new(hasher))) };
        SortedSet { form }
    }

    /// A set of these pairs, which are in order.
    pub fn of_sorted<'m>(
        pairs: impl ExactSizeIterator<Item = (PackedElement<'m>, f64)> + Clone,
        hasher: Hasher,
        limits: Limits,
    ) -> SortedSet {
        let len = pairs.len();
        if limits.allow(len, 0) && pairs.clone().all(|(member, _)| limits.allow(len, member.len())) {
            let mut packed = PackedRanked::new();
            for (member, score) in pairs {
                member.with_bytes(|member| packed.push_last(member, score + 0.0));
            }
            return SortedSet { form: Form::Packed(packed) };
        }
        let mut builder = RankedBuilder::new(hasher, len);
        for (member, score) in pairs {
            member.with_bytes(|member| builder.push(hasher.hash(member), member, score));
        }
        SortedSet { form: Form::Ranked(Box::new(builder.finish())) }
    }

    /// A small set of the pairs that another one had.
    pub(crate) fn of_packed(pairs: Packed) -> SortedSet {
        SortedSet { form: Form::Packed(PackedRanked::of_pairs(pairs)) }
    }

    pub(crate) fn into_buffer(self) -> Vec<u8> {
        match self.form {
            Form::Packed(packed) => packed.into_pairs().into_buffer(),
            Form::Ranked(_) => Vec::new(),
        }
    }

    /// What OBJECT ENCODING answers.
    pub fn encoding_name(&self) -> &'static str {
        match &self.form {
            Form::Packed(_) => "listpack",
            Form::Ranked(_) => "skiplist",
        }
    }

    /// Number of members.
    #[inline]
    pub fn len(&self) -> usize {
        match &self.form {
            Form::Packed(packed) => packed.len(),
            Form::Ranked(ranked) => ranked.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes held besides the object itself.
    pub fn memory(&self) -> usize {
        match &self.form {
            Form::Packed(packed) => packed.memory(),
            Form::Ranked(ranked) => ranked.memory(),
        }
    }

    /// Figures about the index by member, if there is one.
    pub fn table_stats(&self) -> Option<structures::dict::Stats> {
        match &self.form {
            Form::Packed(_) => None,
            Form::Ranked(ranked) => Some(ranked.stats()),
        }
    }

    /// See [`crate::Object::prefetch`].
    pub(crate) fn prefetch(&self, probes: &[Probe<'_>]) {
        let Form::Ranked(ranked) = &self.form else { return };
        let (hashes, count) = hashes_of(probes, ranked.hasher());
        let mut hashes = &hashes[..count];
        hashes.iter().for_each(|&hash| ranked.prefetch(hash));
        hashes.iter().for_each(|&hash| ranked.prefetch_element(hash));
        let (mut held, mut taken) = (Scores::default(), Scores::default());
        for probe in probes {
            let mut own = None;
            if probe.element.is_some() {
                let (hash, rest) = hashes.split_first().expect("each element has its hash");
                hashes = rest;
                own = (probe.place != Place::None).then(|| ranked.probable_score(*hash)).flatten();
                own.into_iter().for_each(|score| held.push(score));
            }
            match (probe.place, own) {
                (Place::Score(score), _) => taken.push(score),
                (Place::Rise(by), Some(own)) => taken.push(own + by),
                (Place::None | Place::Own | Place::Rise(_), _) => {}
            }
        }
        ranked.prefetch_places(held.all(), taken.all());
    }

    /// The packed form, for those who look at how a value is kept.
    pub fn packed(&self) -> Option<&PackedRanked> {
        match &self.form {
            Form::Packed(packed) => Some(packed),
            Form::Ranked(_) => None,
        }
    }

    /// A member's score.
    #[inline]
    pub fn score(&self, member: &[u8]) -> Option<f64> {
        match &self.form {
            Form::Packed(packed) => packed.score(member),
            Form::Ranked(ranked) => ranked.score(ranked.hasher().hash(member), member),
        }
    }

    /// A member's rank, from 0, and its score.
    pub fn rank_and_score(&self, member: &[u8]) -> Option<(usize, f64)> {
        match &self.form {
            Form::Packed(packed) => {
                let rank = packed.rank(member)?;
                Some((rank, packed.by_rank(rank)?.1))
            }
            Form::Ranked(ranked) => ranked.rank_and_score(ranked.hasher().hash(member), member),
        }
    }

    /// The member of this rank, and its score.
    pub fn by_rank(&self, rank: usize) -> Option<(PackedElement<'_>, f64)> {
        match &self.form {
            Form::Packed(packed) => packed.by_rank(rank),
            Form::Ranked(ranked) => ranked.by_rank(rank).map(|(member, score)| (PackedElement::Bytes(member), score)),
        }
    }

    /// A member chosen by a random word, each with the same chance; and its score.
    pub fn random(&self, word: u64) -> Option<(PackedElement<'_>, f64)> {
        let rank = (u128::from(word) * self.len() as u128) >> 64;
        self.by_rank(rank as usize)
    }

    /// The scores of several members, at most as many as `scores` has places; their cache misses overlap.
    pub fn scores<'m>(
        &self,
        members: impl Iterator<Item = PackedElement<'m>> + Clone,
        scores: &mut [Option<f64>; BATCH],
    ) {
        match &self.form {
            Form::Packed(packed) => {
                for (score, member) in scores.iter_mut().zip(members) {
                    *score = member.with_bytes(|member| packed.score(member));
                }
            }
            Form::Ranked(ranked) => {
                let mut hashes = [0; BATCH];
                for (hash, member) in hashes.iter_mut().zip(members.clone()) {
                    *hash = member.with_bytes(|member| ranked.hasher().hash(member));
                    ranked.prefetch(*hash);
                }
                hashes.iter().for_each(|&hash| ranked.prefetch_element(hash));
                for ((score, member), hash) in scores.iter_mut().zip(members).zip(hashes) {
                    *score = member.with_bytes(|member| ranked.score(hash, member));
                }
            }
        }
    }

    /// Puts a member in, or gives it another score, with the score that `decide` makes of the one it has. With none,
    /// nothing is changed, which is `Same`.
    #[inline]
    pub fn upsert(
        &mut self,
        (hasher, limits): (Hasher, Limits),
        member: &[u8],
        decide: impl FnOnce(Option<f64>) -> Option<f64>,
    ) -> Change {
        match &mut self.form {
            Form::Ranked(ranked) => ranked.upsert(ranked.hasher().hash(member), member, decide),
            Form::Packed(packed) => match packed.find(member) {
                Some((at, old)) => {
                    let Some(score) = decide(Some(old)).filter(|score| *score != old) else { return Change::Same };
                    packed.rescore(at, member, score + 0.0);
                    Change::Updated(old)
                }
                None => {
                    let Some(score) = decide(None) else { return Change::Same };
                    if limits.allow(packed.len() + 1, member.len()) {
                        packed.insert_new(member, score + 0.0);
                    } else {
                        self.grow(hasher).insert(hasher.hash(member), member, score);
                    }
                    Change::Inserted
                }
            },
        }
    }

    /// Makes a small set ready for so many members: as Redis, it becomes large at once when they are many, even if they
    /// turn out to be there already.
    pub fn expect(&mut self, (hasher, limits): (Hasher, Limits), members: usize) {
        if !limits.allow(members, 0) {
            self.grow(hasher);
        }
    }

    /// Puts a member in, or gives it another score.
    pub fn insert(&mut self, how: (Hasher, Limits), member: &[u8], score: f64) -> Change {
        self.upsert(how, member, |_| Some(score))
    }

    /// Makes it the large form.
    #[cold]
    fn grow(&mut self, hasher: Hasher) -> &mut Ranked {
        if let Form::Packed(packed) = &self.form {
            let mut builder = RankedBuilder::new(hasher, packed.len() + 1);
            for (member, score) in packed.iter() {
                member.with_bytes(|member| builder.push(hasher.hash(member), member, score));
            }
            self.form = Form::Ranked(Box::new(builder.finish()));
        }
        match &mut self.form {
            Form::Ranked(ranked) => ranked,
            Form::Packed(_) => unreachable!("it was made large"),
        }
    }

    /// Removes a member; returns its score.
    pub fn remove(&mut self, member: &[u8]) -> Option<f64> {
        match &mut self.form {
            Form::Packed(packed) => packed.remove(member),
            Form::Ranked(ranked) => ranked.remove(ranked.hasher().hash(member), member),
        }
    }

    /// Removes the members of these ranks, which are there; calls `gone` with each, lowest first.
    pub fn remove_ranks(&mut self, ranks: Range<usize>, gone: &mut dyn FnMut(&[u8], f64)) {
        match &mut self.form {
            Form::Packed(packed) => {
                packed.range(ranks.clone()).for_each(|(member, score)| member.with_bytes(|member| gone(member, score)));
                packed.remove_range_by_rank(ranks);
            }
            Form::Ranked(ranked) => ranked.remove_range_by_rank(ranks, gone),
        }
    }

    /// The rank of the first member whose score is not below the bound.
    pub fn first_of_score(&self, bound: Bound<f64>) -> usize {
        match &self.form {
            Form::Packed(packed) => packed.first_of_score(bound),
            Form::Ranked(ranked) => ranked.first_of_score(bound),
        }
    }

    /// The ranks of the members whose scores are within these bounds.
    pub fn ranks_of_scores(&self, min: Bound<f64>, max: Bound<f64>) -> Range<usize> {
        self.between(self.first_of_score(min), after(max).map(|after| self.first_of_score(after)))
    }

    /// The ranks of the members within these bounds, if all scores are equal; from the far end, for walks backwards.
    ///
    /// If scores differ, the result has no meaning, but for sets that are not large it is that of Redis: the walk
    /// begins at the first member that the near bound lets in, passes over `skip` members unseen, and ends before the
    /// first that is out of the far bound. What was skipped is in the result.
    pub fn ranks_of_lex(&self, min: Lex<'_>, max: Lex<'_>, backwards: bool, skip: usize) -> Range<usize> {
        let ends = self.by_rank(0).zip(self.by_rank(self.len().wrapping_sub(1)));
        let Some(((first, lowest), (last, highest))) = ends else { return 0..0 };
        if !max.is_not_below(first) || !min.is_not_above(last) {
            return 0..0;
        }
        match &self.form {
            Form::Ranked(ranked) if lowest == highest || ranked.len() > WALKED_MAX => {
                let first_of = |bound: Lex<'_>, after_equal: bool| match bound {
                    Lex::First => 0,
                    Lex::Last => ranked.len(),
                    Lex::Included(name) if after_equal => ranked.first_of_lex(Bound::Excluded(name)),
                    Lex::Excluded(name) if !after_equal => ranked.first_of_lex(Bound::Excluded(name)),
                    Lex::Included(name) | Lex::Excluded(name) => ranked.first_of_lex(Bound::Included(name)),
                };
                let start = first_of(min, false);
                start..first_of(max, true).max(start)
            }
            Form::Packed(_) | Form::Ranked(_) => self.walk_lex(min, max, backwards, skip),
        }
    }

    fn walk_lex(&self, min: Lex<'_>, max: Lex<'_>, backwards: bool, skip: usize) -> Range<usize> {
        let len = self.len();
        if backwards {
            // A small set is searched from its end; a large one from its start, as the skip list is that Redis has.
            let last = match &self.form {
                Form::Packed(_) => self.iter().rposition(|(member, _)| max.is_not_below(member)),
                Form::Ranked(_) => {
                    self.iter().position(|(member, _)| !max.is_not_below(member)).unwrap_or(len).checked_sub(1)
                }
            };
            let Some(last) = last else { return 0..0 };
            let near = self.by_rank(last).is_some_and(|(member, _)| min.is_not_above(member));
            let Some(seen) = (last + 1).checked_sub(skip).filter(|_| near) else { return 0..0 };
            let out = self.range(0..seen).rposition(|(member, _)| !min.is_not_above(member));
            out.map_or(0, |out| out + 1)..last + 1
        } else {
            let Some(start) = self.iter().position(|(member, _)| min.is_not_above(member)) else { return 0..0 };
            let near = self.by_rank(start).is_some_and(|(member, _)| max.is_not_below(member));
            let seen = start.saturating_add(skip);
            if !near || seen > len {
                return 0..0;
            }
            let within = self.range(seen..len).position(|(member, _)| !max.is_not_below(member));
            start..within.map_or(len, |within| seen + within)
        }
    }

    fn between(&self, start: usize, end: Option<usize>) -> Range<usize> {
        start..end.unwrap_or(self.len()).max(start)
    }

    /// The members of these ranks with their scores, from both ends.
    pub fn range(&self, ranks: Range<usize>) -> Iter<'_> {
        match &self.form {
            Form::Packed(packed) => Iter::Packed(packed.range(ranks)),
            Form::Ranked(ranked) => Iter::Ranked(ranked.range(ranks)),
        }
    }

    /// All members with their scores, from both ends.
    pub fn iter(&self) -> Iter<'_> {
        self.range(0..self.len())
    }

    /// The members whose scores are not below the bound, to the last: one search less than by ranks.
    pub fn from_score(&self, min: Bound<f64>) -> Iter<'_> {
        match &self.form {
            Form::Packed(packed) => Iter::Packed(packed.range(packed.first_of_score(min)..packed.len())),
            Form::Ranked(ranked) => Iter::Ranked(ranked.from_score(min)),
        }
    }

    /// The members whose scores are not above the bound, from the first; meant to be walked backwards.
    pub fn up_to_score(&self, max: Bound<f64>) -> Iter<'_> {
        match &self.form {
            Form::Packed(packed) => {
                Iter::Packed(packed.range(0..after(max).map_or(packed.len(), |after| packed.first_of_score(after))))
            }
            Form::Ranked(ranked) => Iter::Ranked(ranked.up_to_score(max)),
        }
    }

    /// One step of a scan, whose place is 0 at the beginning and at the end. A packed set is shown at once.
    pub fn scan(&self, place: u64, visit: &mut dyn FnMut(PackedElement<'_>, f64)) -> u64 {
        match &self.form {
            Form::Packed(packed) => {
                packed.iter().for_each(|(member, score)| visit(member, score));
                0
            }
            Form::Ranked(ranked) => ranked.scan(place, &mut |member, score| visit(PackedElement::Bytes(member), score)),
        }
    }

    /// Panics unless all is well formed and in order; for tests.
    pub fn check(&self) {
        match &self.form {
            Form::Packed(packed) => packed.check(),
            Form::Ranked(ranked) => ranked.check(),
        }
    }
}

/// The lower bound of what comes after an upper bound.
fn after<T>(max: Bound<T>) -> Option<Bound<T>> {
    match max {
        Bound::Included(most) => Some(Bound::Excluded(most)),
        Bound::Excluded(above) => Some(Bound::Included(above)),
        Bound::Unbounded => None,
    }
}

/// Members with their scores, in order.
#[derive(Clone)]
pub enum Iter<'a> {
    Packed(RankedIter<'a>),
    Ranked(structures::ranked::Iter<'a>),
}

impl<'a> Iterator for Iter<'a> {
    type Item = (PackedElement<'a>, f64);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Iter::Packed(iter) => iter.next(),
            Iter::Ranked(iter) => iter.next().map(|(member, score)| (PackedElement::Bytes(member), score)),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Iter::Packed(iter) => iter.size_hint(),
            Iter::Ranked(iter) => iter.size_hint(),
        }
    }

    fn nth(&mut self, count: usize) -> Option<Self::Item> {
        match self {
            Iter::Packed(iter) => iter.nth(count),
            Iter::Ranked(iter) => iter.nth(count).map(|(member, score)| (PackedElement::Bytes(member), score)),
        }
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        match self {
            Iter::Packed(iter) => iter.next_back(),
            Iter::Ranked(iter) => iter.next_back().map(|(member, score)| (PackedElement::Bytes(member), score)),
        }
    }

    fn nth_back(&mut self, count: usize) -> Option<Self::Item> {
        match self {
            Iter::Packed(iter) => iter.nth_back(count),
            Iter::Ranked(iter) => iter.nth_back(count).map(|(member, score)| (PackedElement::Bytes(member), score)),
        }
    }
}

impl ExactSizeIterator for Iter<'_> {}

/// A set in the making, as a whole: members come in any order, and their number and lengths choose the form at the end.
pub struct Builder {
    ranked: RankedBuilder,
    hasher: Hasher,
    longest: usize,
}

impl Builder {
    /// A builder that expects about so many members.
    pub fn new(hasher: Hasher, expected: usize) -> Builder {
        Builder { ranked: RankedBuilder::new(hasher, expected), hasher, longest: 0 }
    }

    pub fn len(&self) -> usize {
        self.ranked.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ranked.is_empty()
    }

    /// Adds a member that is not there.
    #[inline]
    pub fn push(&mut self, member: &[u8], score: f64) {
        self.longest = self.longest.max(member.len());
        self.ranked.push(self.hasher.hash(member), member, score);
    }

    /// Gives a member the score that `decide` makes of the one it has.
    #[inline]
    pub fn upsert(&mut self, member: &[u8], decide: impl FnOnce(Option<f64>) -> f64) {
        self.longest = self.longest.max(member.len());
        self.ranked.upsert(self.hasher.hash(member), member, decide);
    }

    /// The same for several members at once, whose cache misses overlap; `decide` is given the old score, if any, and
    /// the one that stands beside the member.
    pub fn upsert_batch(
        &mut self,
        batch: &[(PackedElement<'_>, f64)],
        decide: &mut dyn FnMut(Option<f64>, f64) -> f64,
    ) {
        debug_assert!(batch.len() <= BATCH);
        let mut hashes = [0; BATCH];
        for (hash, (member, _)) in hashes.iter_mut().zip(batch) {
            *hash = member.with_bytes(|member| self.hasher.hash(member));
            self.ranked.prefetch(*hash);
        }
        hashes[..batch.len()].iter().for_each(|&hash| self.ranked.prefetch_element(hash));
        for (&(member, score), hash) in batch.iter().zip(hashes) {
            member.with_bytes(|member| {
                self.longest = self.longest.max(member.len());
                self.ranked.upsert(hash, member, |old| decide(old, score));
            });
        }
    }

    /// The set.
    pub fn finish(self, limits: Limits) -> SortedSet {
        let ranked = self.ranked.finish();
        if !limits.allow(ranked.len(), self.longest) {
            return SortedSet { form: Form::Ranked(Box::new(ranked)) };
        }
        let mut packed = PackedRanked::new();
        ranked.iter().for_each(|(member, score)| packed.push_last(member, score + 0.0));
        SortedSet { form: Form::Packed(packed) }
    }
}

#[cfg(test)]
mod tests;
