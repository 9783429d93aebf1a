//! Sets: strings without order, each there once.

mod member;

use command::{CommandSpec, Ctx};
use engine::LockedKeys;
use std::sync::atomic::Ordering::Relaxed;
use value::set::{Limits, Member};

pub static COMMANDS: &[&CommandSpec] =
    &[&member::SADD, &member::SCARD, &member::SISMEMBER, &member::SMEMBERS, &member::SMISMEMBER, &member::SREM];

/// Up to where sets stay small now.
fn limits(cx: &Ctx<'_>, keys: &LockedKeys<'_>) -> Limits {
    let tunables = &cx.server.tunables;
    Limits {
        intset_entries: tunables.set_max_intset_entries.load(Relaxed),
        listpack_entries: tunables.set_max_listpack_entries.load(Relaxed),
        listpack_value: tunables.set_max_listpack_value.load(Relaxed),
        hasher: keys.keyspace().hasher(),
    }
}

/// Replies with a member.
#[inline]
fn reply_member(cx: &mut Ctx<'_>, member: &Member<'_>) {
    match member {
        Member::Int(number) => cx.reply.bulk_int(*number),
        Member::Bytes(bytes) => cx.reply.bulk(bytes),
    }
}
