//! One value to bytes. Its encoding chooses the kind: what is packed stays packed, and what is a table is written one
//! by one.

use super::listpack::Builder;
use super::write::Writer;
use super::{kind, node, stream};
use structures::blocks::BlockLimit;
use structures::packed::{Packed, PackedElement};
use value::hash::Field;
use value::string::{Scratch, Str};
use value::{Hash, List, Object, Set, SortedSet, View};

/// How values are written.
#[derive(Clone, Copy, Debug)]
pub struct Saving {
    /// Whether long strings are compressed (`rdbcompression`).
    pub compress: bool,
    /// Where a list is cut into nodes (`list-max-listpack-size`).
    pub list: BlockLimit,
}

/// Appends a value: its kind, and its content.
pub fn encode(value: View<'_>, saving: &Saving, out: &mut Vec<u8>) {
    let writer = &mut Writer { out, compress: saving.compress };
    match value {
        View::Str(Str::Int(integer)) => {
            writer.byte(kind::STRING);
            writer.integer(integer);
        }
        View::Str(Str::Bytes(bytes)) => {
            writer.byte(kind::STRING);
            writer.string(bytes);
        }
        View::Str(Str::Blob(blob)) => {
            writer.byte(kind::STRING);
            writer.string(blob);
        }
        View::Object(Object::List(list)) => put_list(writer, list, saving.list),
        View::Object(Object::Set(set)) => put_set(writer, set),
        View::Object(Object::Hash(hash)) => put_hash(writer, hash),
        View::Object(Object::SortedSet(zset)) => put_zset(writer, zset),
        View::Object(Object::Stream(stream)) => stream::put(writer, stream),
        View::Object(Object::Detached(_)) => unreachable!("who names a detached key waits until its value is back"),
    }
}

fn put_element(writer: &mut Writer<'_>, element: PackedElement<'_>) {
    element.with_bytes(|bytes| writer.string(bytes));
}

/// A string that is one listpack of these elements.
fn put_listpack<'a>(writer: &mut Writer<'_>, elements: impl Iterator<Item = PackedElement<'a>>) {
    let mut listpack = Builder::new();
    elements.for_each(|element| listpack.push(element));
    writer.string(&listpack.finish());
}

fn put_list(writer: &mut Writer<'_>, list: &List, limit: BlockLimit) {
    writer.byte(kind::LIST_QUICKLIST_2);
    match list {
        List::Packed(packed) => {
            writer.length(1);
            writer.length(node::PACKED);
            put_listpack(writer, packed.iter());
        }
        List::Blocks(_) => put_nodes(writer, list, limit),
    }
}

/// The nodes of a large list. Where our blocks begin and end does not matter: they are those of a list that was pushed
/// to its end.
fn put_nodes(writer: &mut Writer<'_>, list: &List, limit: BlockLimit) {
    let mut nodes = Vec::new();
    let mut number = 0;
    let mut node_writer = Writer { out: &mut nodes, compress: writer.compress };
    let mut open = Builder::new();
    let mut close = |open: &mut Builder, writer: &mut Writer<'_>| {
        let node = std::mem::replace(open, Builder::new());
        if node.len() > 0 {
            number += 1;
            writer.length(node::PACKED);
            writer.string(&node.finish());
        }
    };
    let (mut plain, mut first) = (0, true);
    for element in list.iter() {
        let len = element.len();
        if limit.is_too_large(len) {
            close(&mut open, &mut node_writer);
            (plain, first) = (plain + 1, false);
            node_writer.length(node::PLAIN);
            put_element(&mut node_writer, element);
            continue;
        }
        if !limit.node_takes(first, open.len(), open.byte_len(), len) {
            close(&mut open, &mut node_writer);
            first = false;
        }
        open.push(element);
    }
    close(&mut open, &mut node_writer);
    writer.length(number + plain);
    writer.bytes(&nodes);
}

fn put_set(writer: &mut Writer<'_>, set: &Set) {
    match set.encoding_name() {
        "intset" => {
            writer.byte(kind::SET_INTSET);
            let mut ints = structures::intset::IntSet::new();
            for member in set.iter() {
                if let PackedElement::Int(integer) = member {
                    ints.insert(integer);
                }
            }
            writer.string(ints.bytes());
        }
        "listpack" => {
            writer.byte(kind::SET_LISTPACK);
            put_listpack(writer, set.iter());
        }
        _ => {
            writer.byte(kind::SET);
            writer.length(set.len() as u64);
            set.iter().for_each(|member| put_element(writer, member));
        }
    }
}

fn put_str(writer: &mut Writer<'_>, string: Str<'_>) {
    let mut scratch = Scratch::default();
    writer.string(string.bytes(&mut scratch));
}

/// The earliest deadline of any field, exactly; 0 for none.
fn first_deadline(hash: &Hash) -> u64 {
    hash.iter().filter_map(|field| field.deadline).min().unwrap_or(0)
}

fn put_hash(writer: &mut Writer<'_>, hash: &Hash) {
    if let Some(packed) = hash.packed() {
        if hash.encoding_name() == "listpackex" {
            writer.byte(kind::HASH_LISTPACK_EX);
            writer.bytes(&first_deadline(hash).to_le_bytes());
        } else {
            writer.byte(kind::HASH_LISTPACK);
        }
        return put_listpack(writer, Packed::iter(packed));
    }
    let timed = hash.with_deadline() > 0;
    let first = if timed { first_deadline(hash) } else { 0 };
    if timed {
        writer.byte(kind::HASH_METADATA);
        writer.bytes(&first.to_le_bytes());
    } else {
        writer.byte(kind::HASH);
    }
    writer.length(hash.len() as u64);
    for Field { name, value, deadline } in hash.iter() {
        if timed {
            // Counted from the earliest one, which is 1; 0 is none.
            writer.length(deadline.map_or(0, |deadline| deadline - first + 1));
        }
        put_str(writer, name);
        put_str(writer, value);
    }
}

fn put_zset(writer: &mut Writer<'_>, zset: &SortedSet) {
    if zset.packed().is_some() {
        writer.byte(kind::ZSET_LISTPACK);
        let mut listpack = Builder::new();
        let mut text = Vec::new();
        for (member, score) in zset.iter() {
            listpack.push(member);
            text.clear();
            base::num::write_f64(&mut text, score);
            listpack.push(PackedElement::of(&text));
        }
        return writer.string(&listpack.finish());
    }
    writer.byte(kind::ZSET_2);
    writer.length(zset.len() as u64);
    // The highest first, so that who inserts them one by one does so at the front.
    for (member, score) in zset.iter().rev() {
        put_element(writer, member);
        writer.bytes(&score.to_le_bytes());
    }
}
