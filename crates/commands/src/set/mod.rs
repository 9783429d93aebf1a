//! Sets: strings without order, each there once.

mod combine;
mod member;
mod random;
mod relocate;
mod scan;

use command::{CommandSpec, Ctx};
use resp::ReplyWriter;
use value::set::{Limits, Member};

pub static COMMANDS: &[&CommandSpec] = &[
    &member::SADD,
    &member::SCARD,
    &combine::SDIFF,
    &combine::SDIFFSTORE,
    &combine::SINTER,
    &combine::SINTERCARD,
    &combine::SINTERSTORE,
    &member::SISMEMBER,
    &member::SMEMBERS,
    &member::SMISMEMBER,
    &relocate::SMOVE,
    &random::SPOP,
    &random::SRANDMEMBER,
    &member::SREM,
    &scan::SSCAN,
    &combine::SUNION,
    &combine::SUNIONSTORE,
];

/// Up to where sets stay small now.
pub(crate) fn limits(cx: &Ctx<'_>) -> Limits {
    let tunables = &cx.server.tunables;
    Limits {
        intset_entries: tunables.encoding.set_max_intset_entries.get(),
        listpack_entries: tunables.encoding.set_max_listpack_entries.get(),
        listpack_value: tunables.encoding.set_max_listpack_value.get(),
        hasher: cx.server.keyspace.hasher(),
    }
}

/// Replies with a member.
#[inline]
fn reply_member(reply: &mut ReplyWriter, member: &Member<'_>) {
    match member {
        Member::Int(number) => reply.bulk_int(*number),
        Member::Bytes(bytes) => reply.bulk(bytes),
    }
}
