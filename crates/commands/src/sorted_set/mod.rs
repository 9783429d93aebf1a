//! Sorted sets: members ordered by score.

mod add;
mod blocking;
mod bounds;
mod combine;
mod pop;
mod random;
mod range;
mod remove;
mod scan;
mod score;

pub(crate) use add::add_scores;
use command::{CommandSpec, Ctx};
use engine::{Event, Key, LockedKeys, NewValue, Slot};
use resp::ReplyWriter;
use structures::hash::Hasher;
use structures::packed::PackedElement;
use value::sorted_set::Limits;
use value::{Kind, SortedSet};

pub static COMMANDS: &[&CommandSpec] = &[
    &blocking::BZMPOP,
    &blocking::BZPOPMAX,
    &blocking::BZPOPMIN,
    &add::ZADD,
    &score::ZCARD,
    &score::ZCOUNT,
    &combine::ZDIFF,
    &combine::ZDIFFSTORE,
    &add::ZINCRBY,
    &combine::ZINTER,
    &combine::ZINTERCARD,
    &combine::ZINTERSTORE,
    &score::ZLEXCOUNT,
    &pop::ZMPOP,
    &score::ZMSCORE,
    &pop::ZPOPMAX,
    &pop::ZPOPMIN,
    &random::ZRANDMEMBER,
    &range::ZRANGE,
    &range::ZRANGEBYLEX,
    &range::ZRANGEBYSCORE,
    &range::ZRANGESTORE,
    &score::ZRANK,
    &remove::ZREM,
    &remove::ZREMRANGEBYLEX,
    &remove::ZREMRANGEBYRANK,
    &remove::ZREMRANGEBYSCORE,
    &range::ZREVRANGE,
    &range::ZREVRANGEBYLEX,
    &range::ZREVRANGEBYSCORE,
    &score::ZREVRANK,
    &scan::ZSCAN,
    &score::ZSCORE,
    &combine::ZUNION,
    &combine::ZUNIONSTORE,
];

/// What decides how a sorted set is kept: the hash function, and the most that the packed form holds.
#[inline]
pub(crate) fn form(cx: &Ctx<'_>) -> (Hasher, Limits) {
    let tunables = &cx.server.tunables;
    let limits = Limits {
        entries: tunables.encoding.zset_max_listpack_entries.get(),
        value: tunables.encoding.zset_max_listpack_value.get(),
    };
    (cx.server.keyspace.hasher(), limits)
}

/// Replies with a score.
#[inline]
pub(crate) fn reply_score(reply: &mut ReplyWriter, score: f64) {
    reply.double(score);
}

/// Replies with a member.
#[inline]
pub(crate) fn reply_member(reply: &mut ReplyWriter, member: PackedElement<'_>) {
    match member {
        PackedElement::Bytes(bytes) => reply.bulk(bytes),
        PackedElement::Int(integer) => reply.bulk_int(integer),
    }
}

/// Stores a result under the first key, whatever was there, and replies with its length. An empty one deletes the key.
pub(crate) fn store(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, result: Option<SortedSet>, event: Event) {
    store_at(cx, keys, cx.key(0), result, event);
}

/// The same under another key.
pub(crate) fn store_at(
    cx: &mut Ctx<'_>,
    keys: &mut LockedKeys<'_>,
    target: Key<'_>,
    result: Option<SortedSet>,
    event: Event,
) {
    let len = result.as_ref().map_or(0, SortedSet::len);
    match result.filter(|set| !set.is_empty()) {
        Some(set) => {
            let object = Box::new(set.into_object());
            keys.slot(&target).set(NewValue::Boxed(object), None, event);
        }
        None => {
            if let Slot::Occupied(occupied) = keys.slot(&target) {
                occupied.delete(Event::DEL);
            }
        }
    }
    cx.reply.int(len as i64);
}
