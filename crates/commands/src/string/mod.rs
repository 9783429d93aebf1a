//! Strings.

mod compare;
mod count;
mod get;
mod lcs;
mod multi;
mod options;
mod range;
mod set;

use command::{CommandSpec, Ctx};
use resp::ReplyWriter;
use value::string::Str;

pub static COMMANDS: &[&CommandSpec] = &[
    &range::APPEND,
    &count::DECR,
    &count::DECRBY,
    &compare::DELEX,
    &compare::DELIFEQ,
    &compare::DIGEST,
    &get::GET,
    &get::GETDEL,
    &get::GETEX,
    &range::GETRANGE,
    &set::GETSET,
    &count::INCR,
    &count::INCRBY,
    &count::INCRBYFLOAT,
    &lcs::LCS,
    &multi::MGET,
    &multi::MSET,
    &multi::MSETEX,
    &multi::MSETNX,
    &set::PSETEX,
    &set::SET,
    &set::SETEX,
    &set::SETNX,
    &range::SETRANGE,
    &get::STRLEN,
    &range::SUBSTR,
];

/// Replies with a string.
#[inline]
pub(crate) fn reply_string(reply: &mut ReplyWriter, string: Str<'_>) {
    match string {
        Str::Bytes(bytes) => reply.bulk(bytes),
        Str::Int(integer) => reply.bulk_int(integer),
        Str::Blob(blob) => reply.blob(blob, 0..blob.len()),
    }
}

/// The longest string that a command may make.
fn string_len_max(cx: &Ctx<'_>) -> u64 {
    cx.server.tunables.limits.proto_max_bulk_len.get()
}
