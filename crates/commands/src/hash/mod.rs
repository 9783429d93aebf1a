//! Hashes: fields with values, each with a deadline of its own if need be.
//!
//! A field past its deadline is never shown. Whoever asks for it by name deletes it, if the sweep has not come by yet;
//! commands about the whole hash pass over it, and only HLEN counts it until it is gone, as in Redis.

mod all;
mod count;
mod expire;
mod get;
mod getdel;
mod getex;
mod options;
mod random;
mod scan;
mod set;
mod setex;
mod ttl;

use crate::string::reply_string;
use command::{CommandError, CommandSpec, Ctx};
use engine::{Event, Key, LockedKeys, Update};
use value::Hash;
use value::hash::{Field, Rules};

pub static COMMANDS: &[&CommandSpec] = &[
    &set::HDEL,
    &get::HEXISTS,
    &expire::HEXPIRE,
    &expire::HEXPIREAT,
    &ttl::HEXPIRETIME,
    &get::HGET,
    &all::HGETALL,
    &getdel::HGETDEL,
    &getex::HGETEX,
    &count::HINCRBY,
    &count::HINCRBYFLOAT,
    &all::HKEYS,
    &get::HLEN,
    &get::HMGET,
    &set::HMSET,
    &expire::HPERSIST,
    &expire::HPEXPIRE,
    &expire::HPEXPIREAT,
    &ttl::HPEXPIRETIME,
    &ttl::HPTTL,
    &random::HRANDFIELD,
    &scan::HSCAN,
    &set::HSET,
    &setex::HSETEX,
    &set::HSETNX,
    &get::HSTRLEN,
    &ttl::HTTL,
    &all::HVALS,
];

const HSET_EVENT: Event = Event::hash("hset");
const HDEL_EVENT: Event = Event::hash("hdel");
const HEXPIRE_EVENT: Event = Event::hash("hexpire");
const HPERSIST_EVENT: Event = Event::hash("hpersist");

/// When a hash becomes a table.
pub(crate) fn rules(cx: &Ctx<'_>) -> Rules {
    let tunables = &cx.server.tunables;
    Rules {
        entries_max: tunables.encoding.hash_max_listpack_entries.get(),
        value_max: tunables.encoding.hash_max_listpack_value.get(),
        hasher: cx.server.keyspace.hasher(),
        now_ms: cx.now().unix_ms as u64,
    }
}

/// Shows a field of a hash, if it is there; one that is past its deadline is not, and is deleted.
#[inline]
fn look_up<R>(
    keys: &mut LockedKeys<'_>,
    key: &Key<'_>,
    name: &[u8],
    show: impl FnOnce(Option<Field<'_>>) -> R,
) -> Result<R, CommandError> {
    let now_ms = keys.now_ms();
    let found = keys.read_as::<Hash>(key)?.and_then(|hash| hash.get(name));
    let past = found.is_some_and(|field| field.is_past(now_ms));
    let result = show(found.filter(|_| !past));
    if past {
        keys.expire_fields(key, [name]);
    }
    Ok(result)
}

/// The field of this name for a command that may change it; one that is past its deadline is deleted first.
fn living<'h>(hash: &'h mut Hash, update: &mut Update<'_>, name: &[u8]) -> Option<Field<'h>> {
    let past = hash.get(name)?.is_past(update.now_ms());
    if past {
        hash.remove(name);
        update.field_expired(name);
        return None;
    }
    hash.get(name)
}

/// Sets the limits of the packed forms.
#[cfg(test)]
fn limit_packed(server: &crate::testing::TestServer, entries: usize, value: usize) {
    let tunables = &server.server.tunables;
    tunables.encoding.hash_max_listpack_entries.set(entries);
    tunables.encoding.hash_max_listpack_value.set(value);
}
