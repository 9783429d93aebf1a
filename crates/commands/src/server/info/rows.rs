//! The sections of INFO that have a line for each command, error, database, thread or listener.

use super::facts::Facts;
use command::spec::registry::Command;
use command::stats::histogram::Distribution;
use engine::{EntryRef, LockedKeys};
use value::{Hash, Kind, List, Object, Set, SortedSet};

fn line(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// `listener0:name=tcp,bind=127.0.0.1,port=6379`.
pub fn listeners(facts: &Facts<'_>, _: &mut LockedKeys<'_>, out: &mut Vec<u8>) {
    let host = &facts.server.host;
    let mut number = 0;
    let port = host.tcp_port();
    if port != 0 {
        let binds: String = host.option("bind").split_whitespace().map(|bind| format!("bind={bind},")).collect();
        line(out, &format!("listener{number}:name=tcp,{binds}port={port}"));
        number += 1;
    }
    let path = host.option("unixsocket");
    if !path.is_empty() {
        line(out, &format!("listener{number}:name=unix,bind={path}"));
    }
}

/// A line for each worker, under the name that Redis has for its IO threads.
pub fn threads(facts: &Facts<'_>, _: &mut LockedKeys<'_>, out: &mut Vec<u8>) {
    let workers = &facts.server.workers;
    let mut clients = vec![0usize; workers.len()];
    facts.server.clients.each(|client| {
        if let Some(count) = clients.get_mut(client.worker) {
            *count += 1;
        }
    });
    for (number, (worker, clients)) in workers.iter().zip(clients).enumerate() {
        let (reads, writes) = (worker.stats.reads.get(), worker.stats.writes.get());
        line(out, &format!("io_thread_{number}:clients={clients},reads={reads},writes={writes}"));
    }
}

pub fn commandstats(facts: &Facts<'_>, _: &mut LockedKeys<'_>, out: &mut Vec<u8>) {
    for command in facts.server.registry.all() {
        let sum = |counter: fn(&command::stats::CommandStat) -> u64| -> u64 {
            facts.sum(|stats| counter(&stats.commands[command.id]))
        };
        let (calls, nanos) = (sum(|stat| stat.calls.get()), sum(|stat| stat.nanos.get()));
        let (rejected, failed) = (sum(|stat| stat.rejected.get()), sum(|stat| stat.failed.get()));
        if calls + rejected + failed == 0 {
            continue;
        }
        let micros = nanos / 1000;
        let each = if calls == 0 { 0.0 } else { nanos as f64 / 1000.0 / calls as f64 };
        let name = &command.full_name;
        line(
            out,
            &format!(
                "cmdstat_{name}:calls={calls},usec={micros},usec_per_call={each:.2},rejected_calls={rejected},\
                 failed_calls={failed}"
            ),
        );
    }
}

pub fn errorstats(facts: &Facts<'_>, _: &mut LockedKeys<'_>, out: &mut Vec<u8>) {
    for (code, count) in facts.server.errors.all() {
        line(out, &format!("errorstat_{code}:count={count}"));
    }
}

/// What all workers measured of a command; `None` when that is nothing.
pub fn distribution_of(server: &command::Server, command: &Command) -> Option<Distribution> {
    let mut counted = Distribution::default();
    for worker in &server.workers {
        if let Some(histogram) = worker.stats.commands[command.id].histogram.get() {
            counted.add(histogram);
        }
    }
    (counted.total() > 0).then_some(counted)
}

pub fn latencystats(facts: &Facts<'_>, _: &mut LockedKeys<'_>, out: &mut Vec<u8>) {
    let server = facts.server;
    if !server.tunables.latency.latency_tracking.get() {
        return;
    }
    let option = server.host.option("latency-tracking-info-percentiles");
    let percentiles: Vec<(&str, f64)> =
        option.split_whitespace().filter_map(|text| Some((text, text.parse().ok()?))).collect();
    for command in server.registry.all() {
        let Some(distribution) = distribution_of(server, command) else { continue };
        let values: Vec<String> = percentiles
            .iter()
            .map(|(text, percentile)| format!("p{text}={:.3}", distribution.percentile(*percentile) as f64 / 1000.0))
            .collect();
        line(out, &format!("latency_percentiles_usec_{}:{}", command.full_name, values.join(",")));
    }
}

pub fn keyspace(facts: &Facts<'_>, _: &mut LockedKeys<'_>, out: &mut Vec<u8>) {
    for (number, db) in facts.keyspace.dbs.iter().filter(|(_, db)| db.keys > 0) {
        let (keys, expires) = (db.keys, db.with_deadline);
        let subexpiry = db.with_subexpiry;
        let mean = db.deadline_sum / (expires.max(1) as u128);
        let avg_ttl = (mean as i64 - facts.now.unix_ms).max(0);
        line(out, &format!("db{number}:keys={keys},expires={expires},avg_ttl={avg_ttl},subexpiry={subexpiry}"));
    }
}

/// With so many keys or more, only a client that names the section makes us look at all of them.
const KEYSIZES_KEYS_MAX: usize = 1 << 17;
/// One bin for nothing, and one for each power of two.
const BINS: usize = 65;

/// Kinds of values: the names of their histograms, and what TYPE answers.
const KINDS: [(&str, &str); 5] = [
    ("strings_sizes", "string"),
    ("lists_items", List::TYPE),
    ("sets_items", Set::TYPE),
    ("zsets_items", SortedSet::TYPE),
    ("hashes_items", Hash::TYPE),
];

/// Place of a collection's kind in [`KINDS`]; streams have none, as in Redis.
fn kind_of(object: &Object) -> Option<usize> {
    KINDS.iter().position(|kind| kind.1 == object.type_name())
}

/// The kind of a value, and its size: bytes of a string, elements of a collection.
fn size(entry: &EntryRef<'_, Object>) -> Option<(usize, usize)> {
    match value::small::object(&entry.value()) {
        Some(object) => Some((kind_of(&object)?, object.len())),
        None => Some((0, value::string::Str::of(entry.value()).map_or(0, value::string::Str::len))),
    }
}

pub(super) fn bin_of(size: usize) -> usize {
    size.checked_ilog2().map_or(0, |power| power as usize + 1)
}

/// The smallest size of a bin, shortened as people write it: `512`, `1K`, `64M`.
pub(super) fn bin_label(bin: usize) -> String {
    const UNITS: [&str; 7] = ["", "K", "M", "G", "T", "P", "E"];
    match bin.checked_sub(1) {
        None => "0".to_owned(),
        Some(power) => format!("{}{}", 1u32 << (power % 10), UNITS[power / 10]),
    }
}

/// Whether [`keysizes`] looks at all of so many keys.
pub(super) fn looks_at_all(keys: usize, exhaustive: bool) -> bool {
    keys <= KEYSIZES_KEYS_MAX || exhaustive
}

/// How many values there are of each size, a line for each database and kind.
///
/// Redis keeps these histograms up to date with each write; we count when asked, shard by shard. That
/// costs time in proportion to the keys, so INFO without arguments leaves the section empty when they are many.
pub fn keysizes(facts: &Facts<'_>, keys: &mut LockedKeys<'_>, out: &mut Vec<u8>) {
    if !looks_at_all(facts.keyspace.keys(), facts.exhaustive) {
        return;
    }
    for (&number, _) in facts.keyspace.dbs.iter().filter(|(_, db)| db.keys > 0) {
        let mut counts = [[0u64; BINS]; KINDS.len()];
        keys.visit_keys(number, |entry| {
            if let Some((kind, size)) = size(&entry) {
                counts[kind][bin_of(size)] += 1;
            }
        });
        for ((kind, _), bins) in KINDS.iter().zip(counts) {
            let filled: Vec<String> =
                (0..BINS).filter(|&bin| bins[bin] > 0).map(|bin| format!("{}={}", bin_label(bin), bins[bin])).collect();
            if !filled.is_empty() {
                line(out, &format!("db{number}_distrib_{kind}:{}", filled.join(",")));
            }
        }
    }
}
