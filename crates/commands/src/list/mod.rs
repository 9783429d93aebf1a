//! Lists: sequences that are pushed to and popped from at both ends.

mod blocking;
mod edit;
mod ends;
mod pop;
mod push;
mod read;
mod transfer;

use command::{CommandSpec, Ctx};
use engine::Event;
use resp::ReplyWriter;
use std::sync::atomic::Ordering;
use structures::blocks::BlockLimit;
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
    BlockLimit::from_config(cx.server.tunables.list_max_listpack_size.load(Ordering::Relaxed))
}

/// Replies with an element.
#[inline]
fn reply_element(reply: &mut ReplyWriter, element: Element<'_>) {
    match element {
        Element::Int(integer) => reply.bulk_int(integer),
        Element::Bytes(bytes) => reply.bulk(bytes),
    }
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
