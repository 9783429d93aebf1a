//! Streams: entries by rising ids, and groups of consumers that read them.
//!
//! Whoever reads for a group changes the group, so XREADGROUP, XACK and the claims are writes. Transactions that watch
//! the key and clients' caches do not hear of changes to groups: that is how Redis has it.

mod acknowledge;
mod add;
mod claim;
mod consumers;
mod delete;
mod group;
mod id;
mod info;
mod pending;
mod range;
mod read;
mod setid;
mod trim;

use command::{CommandSpec, Ctx};
use resp::ReplyWriter;
use structures::packed::PackedElement;
use value::stream::{BlockLimits, Entry, StreamId};

pub static COMMANDS: &[&CommandSpec] = &[
    &acknowledge::XACK,
    &acknowledge::XACKDEL,
    &add::XADD,
    &claim::XAUTOCLAIM,
    &claim::XCLAIM,
    &delete::XDEL,
    &delete::XDELEX,
    &group::XGROUP,
    &info::XINFO,
    &range::XLEN,
    &pending::XPENDING,
    &range::XRANGE,
    &read::XREAD,
    &read::XREADGROUP,
    &range::XREVRANGE,
    &setid::XSETID,
    &trim::XTRIM,
];

/// Where a stream's blocks end.
#[inline]
fn limits(cx: &Ctx<'_>) -> BlockLimits {
    let encoding = &cx.server.tunables.encoding;
    let entries = usize::try_from(encoding.stream_node_max_entries.get()).unwrap_or(0);
    BlockLimits::from_config(encoding.stream_node_max_bytes.get(), entries)
}

fn reply_id(reply: &mut ReplyWriter, id: StreamId) {
    // Two numbers of 20 digits, and what is between them.
    let mut text = [0; 41];
    let mut len = 0;
    for part in [itoa::Buffer::new().format(id.ms).as_bytes(), b"-", itoa::Buffer::new().format(id.seq).as_bytes()] {
        text[len..len + part.len()].copy_from_slice(part);
        len += part.len();
    }
    reply.bulk(&text[..len]);
}

fn reply_element(reply: &mut ReplyWriter, element: PackedElement<'_>) {
    match element {
        PackedElement::Int(integer) => reply.bulk_int(integer),
        PackedElement::Bytes(bytes) => reply.bulk(bytes),
    }
}

/// Replies with an entry: its id, and its fields and values in turn.
#[inline]
fn reply_entry(reply: &mut ReplyWriter, entry: &Entry<'_>) {
    reply.array(2);
    reply_id(reply, entry.id);
    reply.array(entry.len() * 2);
    for (name, value) in entry.fields() {
        reply_element(reply, name);
        reply_element(reply, value);
    }
}

/// Replies with entries, of which the number is not known before.
fn reply_entries<'e>(reply: &mut ReplyWriter, entries: impl Iterator<Item = Entry<'e>>) {
    let header = reply.deferred_array();
    let mut count = 0;
    for entry in entries {
        reply_entry(reply, &entry);
        count += 1;
    }
    reply.set_array_len(header, count);
}
