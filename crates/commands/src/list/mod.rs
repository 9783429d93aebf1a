//! Lists: sequences that are pushed to and popped from at both ends.

mod blocking;
mod edit;
mod ends;
mod pop;
mod push;
mod read;
mod transfer;

use command::spec::work::LONG_ELEMENTS;
use command::{CommandSpec, Ctx};
use engine::{Event, Key, LockedKeys};
use resp::ReplyWriter;
use structures::blocks::BlockLimit;
use value::List;
use value::list::{Element, End};

pub static COMMANDS: &[&CommandSpec] = &[
    &blocking::BLMOVE,
    &blocking::BLMPOP,
    &blocking::BLPOP,
    &blocking::BRPOP,
    &blocking::BRPOPLPUSH,
    &read::LINDEX,
    &push::LINSERT,
    &read::LLEN,
    &transfer::LMOVE,
    &pop::LMPOP,
    &pop::LPOP,
    &read::LPOS,
    &push::LPUSH,
    &push::LPUSHX,
    &read::LRANGE,
    &edit::LREM,
    &edit::LSET,
    &edit::LTRIM,
    &pop::RPOP,
    &transfer::RPOPLPUSH,
    &push::RPUSH,
    &push::RPUSHX,
];

/// What `list-max-listpack-size` allows.
#[inline]
pub(crate) fn limit(cx: &Ctx<'_>) -> BlockLimit {
    BlockLimit::from_config(cx.server.tunables.encoding.list_max_listpack_size.get())
}

/// Replies with an element.
#[inline]
fn reply_element(reply: &mut ReplyWriter, element: Element<'_>) {
    match element {
        Element::Int(integer) => reply.bulk_int(integer),
        Element::Bytes(bytes) => reply.bulk(bytes),
    }
}

/// Elements that are compared, or taken from an end, in the time that others need for one: they lie side by side.
const AT_ONCE: usize = 10;
/// Bytes of elements that are passed over in that time.
const BYTES_AT_ONCE: usize = 1024;
/// Elements that a search looks at before it is called long.
const FIRST_PART: usize = 10_000;

/// What a search through a list is as work, if it does not end in the first part. `ends_early` finds that out.
fn search_work(keys: &LockedKeys<'_>, key: &Key<'_>, ends_early: impl FnOnce(&List) -> bool) -> usize {
    let Some(list) = keys.peek_large::<List>(key) else { return keys.elements(key) / AT_ONCE };
    let work = (list.len() / AT_ONCE).max(list.memory() / BYTES_AT_ONCE);
    if work >= LONG_ELEMENTS && ends_early(list) { 0 } else { work }
}

/// The event of a push at this end.
fn pushed(end: End) -> Event {
    match end {
        End::Front => Event::list("lpush"),
        End::Back => Event::list("rpush"),
    }
}

/// The event of a pop at this end.
fn popped(end: End) -> Event {
    match end {
        End::Front => Event::list("lpop"),
        End::Back => Event::list("rpop"),
    }
}
