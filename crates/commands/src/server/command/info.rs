//! The reply of COMMAND INFO about one command.

use command::spec::registry::{Command, Registry};
use command::spec::{Begin, Find, Flags, KeyFlags, KeySpec};
use resp::ReplyWriter;

/// A set of names as simple strings.
fn names<'a>(reply: &mut ReplyWriter, names: impl Iterator<Item = &'a str> + Clone) {
    reply.set(names.clone().count());
    for name in names {
        reply.simple(name);
    }
}

/// Writes the ten fields about a command.
pub fn write(reply: &mut ReplyWriter, registry: &Registry, command: &Command) {
    let spec = command.spec;
    let (first, last, step) = simple_range(spec.keys);
    reply.array(10);
    reply.bulk(command.full_name.as_bytes());
    reply.int(i64::from(spec.arity));
    let shown = Flags::NAMES.iter().filter(|(flag, name)| spec.flags.has(*flag) && !name.is_empty());
    names(reply, shown.map(|(_, name)| *name));
    reply.int(first);
    reply.int(last);
    reply.int(step);
    let categories: Vec<String> = spec.categories().map(|category| format!("@{}", category.name())).collect();
    names(reply, categories.iter().map(String::as_str));
    reply.set(spec.tips.len());
    for tip in spec.tips {
        reply.bulk(tip.as_bytes());
    }
    reply.set(spec.keys.len());
    for key in spec.keys {
        key_spec(reply, key);
    }
    // Redis gives subcommands as an array, but none as an empty set.
    if command.subcommands.is_empty() {
        reply.set(0);
        return;
    }
    reply.array(command.subcommands.len());
    for &id in &command.subcommands {
        write(reply, registry, registry.by_id(id));
    }
}

/// Writes what becomes of a key.
pub fn key_flags(reply: &mut ReplyWriter, flags: KeyFlags) {
    names(reply, KeyFlags::NAMES.iter().filter(|(flag, _)| flags.any(*flag)).map(|(_, name)| *name));
}

fn key_spec(reply: &mut ReplyWriter, spec: &KeySpec) {
    reply.map(3 + usize::from(!spec.notes.is_empty()));
    if !spec.notes.is_empty() {
        reply.bulk(b"notes");
        reply.bulk(spec.notes.as_bytes());
    }
    reply.bulk(b"flags");
    key_flags(reply, spec.flags);
    reply.bulk(b"begin_search");
    match spec.begin {
        Begin::Index(at) => {
            head(reply, "index", 1);
            field(reply, "index", at as i64);
        }
        Begin::Keyword(keyword, from) => {
            head(reply, "keyword", 2);
            reply.bulk(b"keyword");
            reply.bulk(keyword.as_bytes());
            field(reply, "startfrom", i64::from(from));
        }
        Begin::Found(_) | Begin::Unknown => head(reply, "unknown", 0),
    }
    reply.bulk(b"find_keys");
    match spec.find {
        Find::Range { last, step, limit } => {
            head(reply, "range", 3);
            field(reply, "lastkey", i64::from(last));
            field(reply, "keystep", step as i64);
            field(reply, "limit", limit as i64);
        }
        Find::Number { count, first, step } => {
            head(reply, "keynum", 3);
            field(reply, "keynumidx", count as i64);
            field(reply, "firstkey", first as i64);
            field(reply, "keystep", step as i64);
        }
        Find::Unknown => head(reply, "unknown", 0),
    }
}

/// Opens a part of a key spec: its type, and a map of so many fields.
fn head(reply: &mut ReplyWriter, kind: &str, fields: usize) {
    reply.map(2);
    reply.bulk(b"type");
    reply.bulk(kind.as_bytes());
    reply.bulk(b"spec");
    reply.map(fields);
}

fn field(reply: &mut ReplyWriter, name: &str, value: i64) {
    reply.bulk(name.as_bytes());
    reply.int(value);
}

/// First key, last key (negative: from the end) and step, as far as that old form can say it: one range, or
/// neighbouring ranges of step 1, which it joins. All zero when it can say nothing.
fn simple_range(specs: &[KeySpec]) -> (i64, i64, i64) {
    let range = |spec: &KeySpec| match (spec.begin, spec.find) {
        (Begin::Index(first), Find::Range { last, step, .. }) => {
            let first = first as i64;
            let last = if last >= 0 { first + i64::from(last) } else { i64::from(last) };
            Some((first, last, step as i64))
        }
        _ => None,
    };
    if let [only] = specs {
        return range(only).unwrap_or((0, 0, 0));
    }
    let mut joined: Option<(i64, i64)> = None;
    for (first, last, step) in specs.iter().filter_map(range) {
        joined = match joined {
            _ if step != 1 => joined,
            None => Some((first, last)),
            // One that runs to the end, counted from there, is further than any other.
            Some((from, to)) if to == first - 1 => Some((from, if last < 0 { last } else { to.max(last) })),
            Some(_) => joined,
        };
    }
    joined.map_or((0, 0, 0), |(first, last)| (first, last, 1))
}
