//! DEBUG subcommands about keys and tables.

use command::{Args, CommandError, CommandResult, Ctx};
use engine::{EntryRef, Event, LockedKeys, Lookup, NewValue, Slot, ValueRef};
use structures::dict::Stats;
use value::{List, Object, View, Workbench};

fn find<'k>(keys: &'k mut LockedKeys<'_>, args: &Args<'_>) -> Result<EntryRef<'k, Object>, CommandError> {
    let key = keys.key(args.word(2));
    keys.lookup(&key, Lookup::SILENT).ok_or(CommandError::NO_SUCH_KEY)
}

/// Bytes of a value in RDB format, without its kind; and, as Redis counts them, without the earliest deadline of its
/// fields.
fn serialized_length(cx: &Ctx<'_>, entry: &EntryRef<'_, Object>) -> usize {
    const KIND: usize = 1;
    const FIRST_DEADLINE: usize = 8;
    let mut bench = Workbench::new();
    let value = bench.view(entry.value());
    let timed = match value {
        View::Object(Object::Hash(hash)) => hash.encoding_name() == "listpackex" || hash.with_deadline() > 0,
        View::Object(_) | View::Str(_) => false,
    };
    let mut bytes = Vec::new();
    persist::rdb::encode(value, &crate::rdb::saving(cx), &mut bytes);
    bytes.len() - KIND - if timed { FIRST_DEADLINE } else { 0 }
}

pub fn object(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let recency = keys.recency();
    let entry = find(keys, args)?;
    let mut text = format!(
        "Value at:{:p} refcount:1 encoding:{} serializedlength:{} lru:{} lru_seconds_idle:{}",
        entry.key().as_ptr(),
        value::encoding_name(&entry),
        serialized_length(cx, &entry),
        entry.lru(),
        recency.idle_seconds(entry.lru())
    );
    if let ValueRef::Boxed(Object::List(List::Blocks(blocks))) = entry.value() {
        text.push_str(&format!(
            " ql_nodes:{} ql_avg_node:{:.2} ql_listpack_max:{} ql_compressed:0 ql_uncompressed_size:{}",
            blocks.blocks(),
            blocks.len() as f64 / blocks.blocks() as f64,
            cx.server.tunables.encoding.list_max_listpack_size.get(),
            blocks.byte_len()
        ));
    }
    cx.reply.simple(&text);
    Ok(())
}

pub fn sdslen(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let entry = find(keys, args)?;
    let (len, outside) = match entry.value() {
        ValueRef::Bytes(bytes) => (bytes.len(), 0),
        ValueRef::Unit => (0, 0),
        ValueRef::Blob(blob) => (blob.len(), blob.capacity()),
        ValueRef::Int(_) => return Err(CommandError::NOT_SDS),
        ValueRef::Tagged(_) | ValueRef::Boxed(_) => return Err(CommandError::NOT_SDS),
    };
    // Key and short values share one allocation, which is told as the key's.
    let text = format!(
        "key_sds_len:{}, key_sds_avail:0, key_zmalloc: {}, val_sds_len:{len}, val_sds_avail:0, val_zmalloc: {outside}",
        entry.key().len(),
        entry.size() - outside.min(entry.size()),
    );
    cx.reply.simple(&text);
    Ok(())
}

/// Replies as Redis does, which prints the structure to its output; here the log tells its size.
fn describe(cx: &mut Ctx<'_>, entry: &EntryRef<'_, Object>, name: &str) {
    if let Some(object) = value::small::object(&entry.value()) {
        let (elements, bytes) = (object.len(), object.memory());
        cx.server.host.log(&format!("{name} of {elements} elements in {bytes} bytes"));
    }
    cx.reply.simple(&format!("{name} structure printed on stdout"));
}

pub fn listpack(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let entry = find(keys, args)?;
    if !matches!(value::encoding_name(&entry), "listpack" | "listpackex") {
        return Err(CommandError::NOT_LISTPACK);
    }
    describe(cx, &entry, "Listpack");
    Ok(())
}

pub fn quicklist(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let entry = find(keys, args)?;
    if value::encoding_name(&entry) != "quicklist" {
        return Err(CommandError::NOT_QUICKLIST);
    }
    describe(cx, &entry, "Quicklist");
    Ok(())
}

pub fn htstats_key(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let full = args.is(3, "FULL");
    let (stats, len) = match find(keys, args)?.value() {
        ValueRef::Boxed(Object::Hash(hash)) => (hash.table_stats(), hash.len()),
        ValueRef::Boxed(Object::Set(set)) => (set.as_table().map(|table| table.stats()), set.len()),
        ValueRef::Boxed(Object::SortedSet(zset)) => (zset.table_stats(), zset.len()),
        // What is small is no table.
        _ => (None, 0),
    };
    let stats = stats.ok_or(CommandError::NOT_HASH_TABLE)?;
    let mut text = String::from("Hash table 0 stats (main hash table):\n");
    describe_table(&mut text, &stats, len, full);
    cx.reply.verbatim(b"txt", text.as_bytes());
    Ok(())
}

/// The figures of a table that is not empty, below the heads that Redis has.
fn describe_table(text: &mut String, stats: &Stats, len: usize, full: bool) {
    text.push_str(&format!(" table size: {}\n number of elements: {len}\n", stats.buckets * BUCKET_ENTRIES));
    if full {
        text.push_str(&format!(
            " segments: {}\n buckets: {}\n buckets with entries elsewhere: {}\n entries elsewhere: {}\n max chain \
             length: {}\n",
            stats.segments, stats.buckets, stats.spilled_buckets, stats.displaced, stats.longest_chain
        ));
    }
}

/// Entries that a bucket of the table has room for.
const BUCKET_ENTRIES: usize = 7;

/// Figures of a database's tables, summed over the shards, below the heads that Redis has.
pub fn htstats(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    args.int(2)?;
    let db = cx.database(args, 2).map_err(|_| CommandError::DEBUG_DB)?;
    let full = args.is(3, "FULL");
    let (mut len, mut expires) = (0, 0);
    let mut sum = Stats::default();
    keys.visit(|view| {
        let table = view.db(db).table();
        len += table.len();
        expires += table.with_deadline();
        if table.is_empty() {
            return;
        }
        let stats = table.stats();
        sum.segments += stats.segments;
        sum.buckets += stats.buckets;
        sum.spilled_buckets += stats.spilled_buckets;
        sum.displaced += stats.displaced;
        sum.longest_chain = sum.longest_chain.max(stats.longest_chain);
    });
    let mut text = String::from("[Dictionary HT]\nHash table 0 stats (main hash table):\n");
    if len == 0 {
        text.push_str("No stats available for empty dictionaries\n");
    } else {
        describe_table(&mut text, &sum, len, full);
    }
    text.push_str("[Expires HT]\nHash table 0 stats (main hash table):\n");
    if expires == 0 {
        text.push_str("No stats available for empty dictionaries\n");
    } else {
        text.push_str(&format!(" number of elements: {expires}\n"));
    }
    cx.reply.verbatim(b"txt", text.as_bytes());
    Ok(())
}

/// A number that says how many, or how large.
fn positive(args: &Args<'_>, at: usize) -> Result<usize, CommandError> {
    let number = base::num::parse_i64(args.word(at)).and_then(|number| usize::try_from(number).ok());
    number.ok_or(CommandError::MUST_BE_POSITIVE)
}

/// Bytes that a key made by POPULATE takes at least, without its value.
const POPULATED_BYTES_MIN: u64 = 24;

pub fn populate(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let count = positive(args, 2)?;
    let prefix = args.get(3).unwrap_or(b"key");
    let size = if args.len() == 5 { positive(args, 4)? } else { 0 };
    if size as u64 > cx.server.tunables.limits.proto_max_bulk_len.get() {
        return Err(CommandError::STRING_TOO_LONG);
    }
    // Redis goes on until no memory is left.
    let least = (count as u64).saturating_mul(POPULATED_BYTES_MIN + size as u64);
    let memory = cx.server.host.memory().system;
    if memory > 0 && least > memory {
        return Err(CommandError::POPULATE_TOO_MUCH);
    }
    let mut name = prefix.to_vec();
    name.push(b':');
    let stem = name.len();
    for number in 0..count {
        name.truncate(stem);
        base::num::write_u64(&mut name, number as u64);
        let key = keys.key(&name);
        if let Slot::Vacant(vacant) = keys.slot(&key) {
            let mut value = format!("value:{number}").into_bytes();
            if size > 0 {
                value.resize(size, 0);
            }
            vacant.insert(NewValue::Bytes(&value), None, Event::NONE);
        }
    }
    keys.log_nothing();
    cx.reply.ok();
    Ok(())
}
