//! MEMORY: what the server and its keys take.

use super::info::{Facts, above, percentage, ratio};
use crate::help;
use command::spec::{Flags, Group, KeyFlags, KeySpec, Run, Shape, integer, key};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{EntryRef, LockedKeys, Lookup, ValueRef};
use value::Object;

const SPECIAL: &[&str] = &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"];

pub static MEMORY: CommandSpec = CommandSpec {
    name: "MEMORY",
    group: Group::Server,
    since: "4.0.0",
    summary: "Commands about memory.",
    complexity: "Depends on the subcommand.",
    arity: -2,
    subcommands: &[&DOCTOR, &HELP, &MALLOC_STATS, &PURGE, &STATS, &USAGE],
    run: Run::Container,
    ..CommandSpec::DEFAULT
};

/// What most of the subcommands share.
const SUBCOMMAND: CommandSpec = CommandSpec { group: Group::Server, since: "4.0.0", arity: 2, ..CommandSpec::DEFAULT };

static DOCTOR: CommandSpec = CommandSpec {
    name: "DOCTOR",
    summary: "Says what is remarkable about the memory in use.",
    tips: SPECIAL,
    reply: Shape::VERBATIM,
    run: Run::Visit(doctor),
    ..SUBCOMMAND
};

static HELP: CommandSpec = CommandSpec { group: Group::Server, since: "4.0.0", ..help::HELP };

static MALLOC_STATS: CommandSpec = CommandSpec {
    name: "MALLOC-STATS",
    summary: "Gives the allocator's own report.",
    complexity: "Depends on how much memory is in use; may take long",
    tips: SPECIAL,
    reply: Shape::VERBATIM,
    run: Run::Session(malloc_stats),
    ..SUBCOMMAND
};

static PURGE: CommandSpec = CommandSpec {
    name: "PURGE",
    summary: "Asks the allocator to give unused memory back to the system.",
    complexity: "Depends on how much memory is in use; may take long",
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    reply: Shape::SIMPLE,
    run: Run::Session(purge),
    ..SUBCOMMAND
};

static STATS: CommandSpec = CommandSpec {
    name: "STATS",
    summary: "Tells what the memory is used for.",
    tips: SPECIAL,
    reply: Shape::MAP,
    run: Run::Visit(stats),
    ..SUBCOMMAND
};

static USAGE: CommandSpec = CommandSpec {
    name: "USAGE",
    summary: "Tells how many bytes a key and its value take.",
    complexity: "O(N) over the number of samples",
    arity: -3,
    flags: Flags::READONLY,
    keys: &[KeySpec::at(2, KeyFlags::RO)],
    args: &[key("key"), integer("count").token("SAMPLES").optional()],
    reply: Shape::INTEGER.or(Shape::NULL),
    run: Run::Keyed(usage),
    ..SUBCOMMAND
};

/// Elements of a collection that are looked at when nothing is said.
const SAMPLES_DEFAULT: usize = 5;

/// Bytes of a key, its entry and its value. Of a collection, `samples` elements stand for the others.
fn entry_bytes(entry: &EntryRef<'_, Object>, _samples: usize) -> usize {
    let boxed = match entry.value() {
        ValueRef::Boxed(object) => object.memory(),
        // All of it is in the entry, or counted with it.
        ValueRef::Unit | ValueRef::Int(_) | ValueRef::Bytes(_) | ValueRef::Blob(_) | ValueRef::Tagged(_) => 0,
    };
    entry.size() + boxed
}

fn usage(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let mut samples = SAMPLES_DEFAULT;
    let mut at = 3;
    while at < args.len() {
        if !args.is(at, "SAMPLES") || at + 1 == args.len() {
            return Err(CommandError::SYNTAX);
        }
        samples = match usize::try_from(args.int(at + 1)?) {
            Ok(0) => usize::MAX,
            Ok(samples) => samples,
            Err(_) => return Err(CommandError::SYNTAX),
        };
        at += 2;
    }
    match keys.lookup(&cx.key(0), Lookup::SILENT) {
        Some(entry) => cx.reply.int(entry_bytes(&entry, samples) as i64),
        None => cx.reply.null(),
    }
    Ok(())
}

fn purge(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    cx.server.host.purge_memory();
    cx.reply.ok();
    Ok(())
}

fn malloc_stats(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    let report = cx.server.host.malloc_stats();
    cx.reply.verbatim(b"txt", report.as_bytes());
    Ok(())
}

/// A value of MEMORY STATS.
enum Figure {
    Count(u64),
    Signed(i64),
    Ratio(f64),
}

fn stats(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    use Figure::{Count, Ratio, Signed};
    let facts = Facts::gather(cx.server, cx.now(), keys);
    let memory = facts.memory();
    let since_start = memory.allocated.saturating_sub(memory.startup);
    let total_keys = facts.keyspace.keys() as u64;
    let index_bytes: usize = facts.keyspace.dbs.values().map(|db| db.index_bytes).sum();
    let before = [
        ("peak.allocated", Count(memory.peak)),
        ("total.allocated", Count(memory.allocated)),
        ("startup.allocated", Count(memory.startup)),
        ("replication.backlog", Count(0)),
        ("replica.fullsync.buffer", Count(0)),
        ("clients.slaves", Count(0)),
        ("clients.normal", Count(facts.clients.memory as u64)),
        ("cluster.links", Count(0)),
        ("aof.buffer", Count(0)),
        ("lua.caches", Count(0)),
        ("functions.caches", Count(0)),
        ("script.VMs", Count(0)),
    ];
    let after = [
        ("overhead.db.hashtable.lut", Count(index_bytes as u64)),
        ("overhead.db.hashtable.rehashing", Count(0)),
        ("overhead.total", Count(facts.overhead())),
        ("db.dict.rehashing.count", Count(0)),
        ("keys.count", Count(total_keys)),
        ("keys.bytes-per-key", Count(since_start.checked_div(total_keys).unwrap_or(0))),
        ("dataset.bytes", Count(facts.dataset())),
        ("dataset.percentage", Ratio(facts.dataset_percentage())),
        ("peak.percentage", Ratio(percentage(memory.allocated, memory.peak))),
        ("allocator.allocated", Count(memory.allocated)),
        ("allocator.active", Count(memory.active)),
        ("allocator.resident", Count(memory.resident)),
        ("allocator.muzzy", Count(memory.muzzy)),
        ("allocator-fragmentation.ratio", Ratio(ratio(memory.active, memory.allocated))),
        ("allocator-fragmentation.bytes", Signed(above(memory.active, memory.allocated))),
        ("allocator-rss.ratio", Ratio(ratio(memory.resident, memory.active))),
        ("allocator-rss.bytes", Signed(above(memory.resident, memory.active))),
        ("rss-overhead.ratio", Ratio(ratio(memory.rss, memory.resident))),
        ("rss-overhead.bytes", Signed(above(memory.rss, memory.resident))),
        ("fragmentation", Ratio(ratio(memory.rss, memory.allocated))),
        ("fragmentation.bytes", Signed(above(memory.rss, memory.allocated))),
    ];
    let in_use = || facts.keyspace.dbs.iter().filter(|(_, db)| db.keys > 0);
    cx.reply.map(before.len() + in_use().count() + after.len());
    reply_figures(cx, &before);
    for (number, db) in in_use() {
        cx.reply.bulk(format!("db.{number}").as_bytes());
        let figures = [
            ("overhead.hashtable.main", Count(db.index_bytes as u64)),
            ("overhead.hashtable.expires", Count(db.deadline_bytes as u64)),
        ];
        cx.reply.map(figures.len());
        reply_figures(cx, &figures);
    }
    reply_figures(cx, &after);
    Ok(())
}

fn reply_figures(cx: &mut Ctx<'_>, figures: &[(&str, Figure)]) {
    for (name, figure) in figures {
        cx.reply.bulk(name.as_bytes());
        match figure {
            Figure::Count(number) => cx.reply.int(*number as i64),
            Figure::Signed(number) => cx.reply.int(*number),
            Figure::Ratio(number) => cx.reply.double(*number),
        }
    }
}

fn doctor(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    /// Below this, what the process itself needs hides everything else.
    const WORTH_LOOKING: u64 = 5 << 20;
    /// Bytes below which a bad ratio does not matter.
    const NEGLIGIBLE: i64 = 10 << 20;
    let facts = Facts::gather(cx.server, cx.now(), keys);
    let memory = facts.memory();
    let mut findings = Vec::new();
    let bad = |more: u64, less: u64, limit: f64| ratio(more, less) > limit && above(more, less) > NEGLIGIBLE;
    if ratio(memory.peak, memory.allocated) > 1.5 {
        findings.push(
            "More memory was in use before than is now (the peak is over 150%). The allocator may keep some of \
             it; MEMORY PURGE asks it to give that back.",
        );
    }
    if bad(memory.rss, memory.allocated, 1.4) {
        findings.push(
            "The process holds over 1.4 times the memory that its data needs. This is usual after many keys were deleted.",
        );
    }
    if bad(memory.active, memory.allocated, 1.1) {
        findings.push("Over 10% of the pages' memory lies between live allocations: values of changing sizes do that.");
    }
    if bad(memory.resident, memory.active, 1.1) {
        findings.push("The allocator keeps over 10% of its memory in reserve; MEMORY PURGE asks it to give that back.");
    }
    if bad(memory.rss, memory.resident, 1.1) {
        findings.push("Over 10% of the process' memory is not the allocator's: code, stacks, or scripts.");
    }
    if facts.clients.connected > 0 && facts.clients.memory / facts.clients.connected > 200 << 10 {
        findings.push("Clients take over 200 KiB each: some read their replies too slowly. CLIENT LIST shows omem.");
    }
    let text = if memory.allocated < WORTH_LOOKING {
        "There is too little data here for its memory to tell anything.\n".to_owned()
    } else if findings.is_empty() {
        "Nothing is remarkable about the memory in use.\n".to_owned()
    } else {
        let listed: Vec<String> = findings.iter().map(|finding| format!(" * {finding}\n")).collect();
        format!("This is remarkable about the memory in use:\n\n{}", listed.join("\n"))
    };
    cx.reply.verbatim(b"txt", text.as_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;
    use resp::client::Value;

    fn set(server: &mut TestServer, key: &[u8], value: &[u8]) {
        use engine::{Event, NewValue};
        let mut keys = server.lock_all();
        let key = keys.key(key);
        keys.slot(&key).set(NewValue::Bytes(value), None, Event::SET);
    }

    #[test]
    fn usage_grows_with_the_value() {
        let mut server = TestServer::new();
        set(&mut server, b"small", b"v");
        set(&mut server, b"large", &[b'x'; 100_000]);
        let mut usage = |key: &str| match server.run(&format!("MEMORY USAGE {key}")) {
            Value::Integer(bytes) => bytes,
            other => panic!("{other:?}"),
        };
        assert!((16..=64).contains(&usage("small")));
        assert!((100_000..=110_000).contains(&usage("large")));
        assert_eq!(server.show("MEMORY USAGE nothing"), "(nil)");
    }

    #[test]
    fn samples_are_checked_before_the_key() {
        let mut server = TestServer::new();
        for (tail, error) in [
            ("SAMPLES -1", "syntax error"),
            ("SAMPLES", "syntax error"),
            ("FOO 1", "syntax error"),
            ("SAMPLES x", "value is not an integer or out of range"),
        ] {
            assert_eq!(server.show(&format!("MEMORY USAGE nothing {tail}")), format!("(error) ERR {error}"));
        }
        assert_eq!(server.show("MEMORY USAGE nothing SAMPLES 1 SAMPLES 0"), "(nil)");
    }

    #[test]
    fn stats_name_the_databases_that_have_keys() {
        let mut server = TestServer::new();
        assert!(!server.show("MEMORY STATS").contains("db.0"));
        set(&mut server, b"k", b"v");
        let stats = server.show("MEMORY STATS");
        assert!(stats.contains("\"db.0\"") && stats.contains("\"keys.count\""), "{stats}");
        assert!(server.show("MEMORY DOCTOR").contains("too little data"));
    }
}
