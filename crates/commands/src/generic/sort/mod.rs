//! SORT and SORT_RO: the elements of a list, a set or a sorted set, sorted by themselves or by what other keys hold.
//!
//! The elements are copied first, since looking up other keys needs the keyspace exclusively. Then each gets what it is
//! sorted by: a number, a text, or nothing. Equal elements keep the order of Redis as far as it has one: by their own
//! text when they are sorted by number, else as they came. With a LIMIT only the part that is asked for is sorted.
//!
//! BY and GET patterns name keys that no plan can foresee: such a call holds all shards. Any other holds the shards of
//! its key and of the one behind STORE, wherever that stands among the words.

mod options;
mod pattern;
#[cfg(test)]
mod tests;

use command::spec::{
    ArgKind, Begin, Category, Find, Flags, KeyFlags, KeySpec, Run, Shape, Work, arg, block, integer, key, one_of,
    pattern, token,
};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{Event, Key, LockedKeys, NewValue, Slot, View};
use options::Options;
use pattern::{Found, Pattern};
use std::cmp::Ordering;
use std::ops::Range;
use structures::packed::PackedElement;
use value::Object;
use value::list::{End, List};

const SOURCE: KeySpec = KeySpec::at(1, KeyFlags::RO.or(KeyFlags::ACCESS));

const PATTERNS: KeySpec = KeySpec {
    flags: KeyFlags::RO.or(KeyFlags::ACCESS),
    begin: Begin::Unknown,
    find: Find::Unknown,
    notes: "For the optional BY/GET keyword. It is marked 'unknown' because the key names derive from the content of the \
            key we sort",
};

const DESTINATION: KeySpec = KeySpec {
    flags: KeyFlags::OW.or(KeyFlags::UPDATE),
    begin: Begin::Found(options::store_at),
    find: Find::Unknown,
    notes: "For the optional STORE keyword. It is marked 'unknown' because the keyword can appear anywhere in the \
            argument array",
};

pub static SORT: CommandSpec = CommandSpec {
    name: "SORT",
    since: "1.0.0",
    summary: "Sorts the elements of a list, a set or a sorted set; stores them if asked to.",
    complexity: "O(N + M log M) with the elements and those that are given",
    arity: -2,
    flags: Flags::WRITE.or(Flags::DENYOOM).or(Flags::MOVABLEKEYS).or(Flags::TOUCHES_ARBITRARY_KEYS),
    touches_arbitrary_keys: names_other_keys,
    acl_extra: &[Category::Set, Category::SortedSet, Category::List, Category::Dangerous],
    acl_no_group: true,
    keys: &[SOURCE, PATTERNS, DESTINATION],
    args: &[
        key("key"),
        pattern("by-pattern").display("pattern").token("BY").key_spec(1).optional(),
        block("limit", &[integer("offset"), integer("count")]).token("LIMIT").optional(),
        pattern("get-pattern").display("pattern").token("GET").key_spec(1).optional().multiple_token(),
        one_of("order", &[token("asc", "ASC"), token("desc", "DESC")]).optional(),
        token("sorting", "ALPHA").optional(),
        arg("destination", ArgKind::Key(2)).token("STORE").optional(),
    ],
    reply: Shape::ARRAY.or(Shape::INTEGER),
    run: Run::Keyed(sort),
    work: Work::Told(to_sort),
    ..CommandSpec::DEFAULT
};

pub static SORT_RO: CommandSpec = CommandSpec {
    name: "SORT_RO",
    since: "7.0.0",
    summary: "Gives the elements of a list, a set or a sorted set, sorted.",
    flags: Flags::READONLY.or(Flags::MOVABLEKEYS).or(Flags::TOUCHES_ARBITRARY_KEYS),
    keys: &[SOURCE, PATTERNS],
    args: SORT.args.split_at(6).0,
    reply: Shape::ARRAY,
    run: Run::Keyed(sort_ro),
    work: Work::Told(to_sort),
    ..SORT
};

/// Whether a call may reach other keys than those that it names.
fn names_other_keys(args: &Args<'_>) -> bool {
    Options::parse(args, true).is_ok_and(|options| options.by.iter().chain(&options.get).any(Pattern::names_keys))
}

/// The elements of what is sorted.
fn to_sort(_: &Args<'_>, keys: &mut LockedKeys<'_>, located: &[Key<'_>]) -> usize {
    located.first().map_or(0, |source| keys.elements(source))
}

fn sort(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    run(cx, keys, &Options::parse(args, true)?)
}

fn sort_ro(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    run(cx, keys, &Options::parse(args, false)?)
}

/// Texts one after the other in one buffer.
#[derive(Default)]
struct Texts {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Texts {
    fn push(&mut self, element: &PackedElement<'_>) {
        element.write_to(&mut self.bytes);
        self.ends.push(self.bytes.len());
    }

    fn get(&self, number: usize) -> &[u8] {
        let start = if number == 0 { 0 } else { self.ends[number - 1] };
        &self.bytes[start..self.ends[number]]
    }
}

/// What an element is sorted by.
enum Weight {
    /// Nothing: it stays where it is.
    None,
    Number(f64),
    /// Itself.
    Own,
    /// What another key holds, or nothing if there is no such key.
    Text(Option<Vec<u8>>),
}

/// The elements to be given: their numbers among `texts`, in order.
struct Sorted {
    texts: Texts,
    order: Vec<usize>,
}

fn run(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, options: &Options<'_>) -> CommandResult {
    let sorted = sorted(keys, &cx.key(0), options)?;
    match options.store {
        Some(destination) => store(cx, keys, options, &sorted, destination),
        None => reply(cx, keys, options, &sorted),
    }
    Ok(())
}

fn sorted(keys: &mut LockedKeys<'_>, source: &Key<'_>, options: &Options<'_>) -> Result<Sorted, CommandError> {
    let mut texts = Texts::default();
    let mut alpha = options.alpha;
    let mut unsorted = options.is_unsorted();
    // The part of the elements that was taken is all that is asked for.
    let mut taken_in_part = false;
    match keys.view(source) {
        None => {}
        Some(View::Object(Object::List(list))) => {
            let range = options.range(list.len());
            match (unsorted, options.descending) {
                (true, false) => list.iter_from(range.start).take(range.len()).for_each(|element| texts.push(&element)),
                (true, true) => {
                    let last = list.len() - 1 - range.start.min(list.len() - 1);
                    list.iter_back_from(last).take(range.len()).for_each(|element| texts.push(&element));
                }
                (false, _) => list.iter().for_each(|element| texts.push(&element)),
            }
            taken_in_part = unsorted;
        }
        Some(View::Object(Object::Set(set))) => {
            set.iter().for_each(|member| texts.push(&member));
            // What is stored must not depend on the order of a table.
            if unsorted && options.store.is_some() {
                (unsorted, alpha) = (false, true);
            }
        }
        Some(View::Object(Object::SortedSet(zset))) => {
            let range = if unsorted { options.range(zset.len()) } else { 0..zset.len() };
            let mut push = |(member, _): (PackedElement<'_>, f64)| texts.push(&member);
            if unsorted && options.descending {
                let (first, end) = (zset.len() - range.end, zset.len() - range.start);
                zset.range(first..end).rev().for_each(&mut push);
            } else {
                zset.range(range).for_each(&mut push);
            }
            taken_in_part = unsorted;
        }
        Some(_) => return Err(CommandError::WRONG_TYPE),
    }
    let len = texts.ends.len();
    if taken_in_part {
        return Ok(Sorted { texts, order: (0..len).collect() });
    }
    let weights = weights(keys, options, &texts, unsorted, alpha)?;
    let order = order(&texts, &weights, options, options.range(len));
    Ok(Sorted { texts, order })
}

fn weights(
    keys: &mut LockedKeys<'_>,
    options: &Options<'_>,
    texts: &Texts,
    unsorted: bool,
    alpha: bool,
) -> Result<Vec<Weight>, CommandError> {
    let by = options.by.as_ref().filter(|by| by.names_keys());
    let weight = |number: usize| {
        let own = texts.get(number);
        Ok(match by {
            _ if unsorted => Weight::None,
            None if alpha => Weight::Own,
            None => Weight::Number(number_of(own)?),
            Some(by) => by.look_up(keys, own, |found| -> Result<Weight, CommandError> {
                let text = found.bytes();
                if alpha {
                    return Ok(Weight::Text(text.map(<[u8]>::to_vec)));
                }
                Ok(Weight::Number(text.map_or(Ok(0.0), number_of)?))
            })?,
        })
    };
    (0..texts.ends.len()).map(weight).collect()
}

/// The number that a text is sorted by, up to its first NUL; the empty one is zero.
fn number_of(text: &[u8]) -> Result<f64, CommandError> {
    let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
    if text.is_empty() {
        return Ok(0.0);
    }
    let number = std::str::from_utf8(text).ok().and_then(|text| text.parse::<f64>().ok());
    number.filter(|number| !number.is_nan()).ok_or(CommandError::SORT_NOT_DOUBLE)
}

/// The numbers of the elements in `range` of all, sorted.
fn order(texts: &Texts, weights: &[Weight], options: &Options<'_>, range: Range<usize>) -> Vec<usize> {
    let own = |number: usize| texts.get(number);
    let by_weight = |one: usize, other: usize| match (&weights[one], &weights[other]) {
        (Weight::Number(x), Weight::Number(y)) => {
            x.partial_cmp(y).unwrap_or(Ordering::Equal).then_with(|| own(one).cmp(own(other)))
        }
        (Weight::Text(x), Weight::Text(y)) => x.cmp(y),
        (Weight::Own, Weight::Own) => own(one).cmp(own(other)),
        _ => Ordering::Equal,
    };
    let compare = |one: &usize, other: &usize| {
        let ordering = by_weight(*one, *other);
        // Equal ones stay as they came, whatever the direction.
        if options.descending { ordering.reverse() } else { ordering }.then(one.cmp(other))
    };
    let mut order: Vec<usize> = (0..weights.len()).collect();
    if matches!(weights.first(), Some(Weight::None)) {
        return order[range].to_vec();
    }
    if range.end < order.len() {
        order.select_nth_unstable_by(range.end, compare);
        order.truncate(range.end);
    }
    if range.start > 0 && range.start < order.len() {
        order.select_nth_unstable_by(range.start, compare);
    }
    order.drain(..range.start);
    order.sort_unstable_by(compare);
    order
}

/// Calls `give` with every part of the result: the elements, or what the GET patterns find for each.
fn each_part(keys: &mut LockedKeys<'_>, options: &Options<'_>, sorted: &Sorted, mut give: impl FnMut(Found<'_>)) {
    for &number in &sorted.order {
        let element = sorted.texts.get(number);
        if options.get.is_empty() {
            give(Found::Text(element));
        }
        for pattern in &options.get {
            pattern.look_up(keys, element, &mut give);
        }
    }
}

fn reply(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, options: &Options<'_>, sorted: &Sorted) {
    cx.reply.array(sorted.order.len() * options.get.len().max(1));
    each_part(keys, options, sorted, |found| match found {
        Found::Nothing => cx.reply.null(),
        Found::Text(text) => cx.reply.bulk(text),
        Found::Blob(blob) => cx.reply.blob(blob, 0..blob.len()),
    });
}

fn store(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, options: &Options<'_>, sorted: &Sorted, destination: &[u8]) {
    let limit = crate::list::limit(cx);
    let mut list = List::new();
    each_part(keys, options, sorted, |found| {
        let text = found.bytes().unwrap_or_default();
        list.make_room(1, text.len(), limit);
        list.push(End::Back, text);
    });
    let len = list.len();
    let key = keys.key(destination);
    match keys.slot(&key) {
        slot if len > 0 => {
            let mut occupied = slot.set(NewValue::Boxed(Box::new(Object::List(list))), None, Event::list("sortstore"));
            occupied.add_dirty(len as u64 - 1);
        }
        Slot::Occupied(occupied) => occupied.delete(Event::DEL),
        Slot::Vacant(_) => {}
    }
    cx.reply.int(len as i64);
}
