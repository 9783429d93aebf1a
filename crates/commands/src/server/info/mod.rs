//! INFO: what the server knows about itself, as sections of `field:value` lines.
//!
//! Each field is declared once, in `fields`: its section, its name, and how its value is found. Sections whose lines
//! are not known beforehand (a line a command, a line a database) are in `rows`. Values are looked up when they are
//! printed; what several fields need (memory, the keyspace) is looked up once, in `facts`.
//!
//! Fields of subsystems that do not exist yet tell the truth about them: nothing loaded, nobody replicates.

mod facts;
mod fields;
mod rows;

pub(super) use facts::{Facts, above, percentage, ratio};
pub(super) use rows::distribution_of;

use command::spec::{Category, Flags, Group, Run, Shape, Work, string};
use command::{Args, CommandResult, CommandSpec, Ctx};
use engine::{Key, LockedKeys};

pub static INFO: CommandSpec = CommandSpec {
    name: "INFO",
    group: Group::Server,
    summary: "Tells about the server: its state, its statistics, its settings.",
    complexity: "O(1); with keysizes, O(N) over the number of keys",
    arity: -1,
    flags: Flags::LOADING.or(Flags::STALE),
    acl_extra: &[Category::Dangerous],
    args: &[string("section").optional().multiple()],
    history: &[("7.0.0", "Several sections can be asked for at once.")],
    tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    reply: Shape::VERBATIM,
    run: Run::Visit(info),
    work: Work::Told(keys_to_look_at),
    ..CommandSpec::DEFAULT
};

/// When a section is shown without being named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    /// INFO, INFO default.
    Default,
    /// INFO all, INFO everything.
    All,
    /// Only by its name.
    ByName,
}

/// What is below a section's head.
#[derive(Clone, Copy)]
enum Lines {
    Fields(&'static [fields::Field]),
    Rows(fn(&Facts<'_>, &mut LockedKeys<'_>, &mut Vec<u8>)),
}

struct Section {
    /// The head; its name in small letters is what a client asks for.
    title: &'static str,
    shown: Shown,
    lines: &'static [Lines],
}

const fn section(title: &'static str, shown: Shown, lines: &'static [Lines]) -> Section {
    Section { title, shown, lines }
}

/// The one that may look at every key.
const KEYSIZES: Section = section("Keysizes", Shown::Default, &[Lines::Rows(rows::keysizes)]);

static SECTIONS: &[Section] = &[
    section("Server", Shown::Default, &[Lines::Fields(fields::SERVER), Lines::Rows(rows::listeners)]),
    section("Clients", Shown::Default, &[Lines::Fields(fields::CLIENTS)]),
    section("Memory", Shown::Default, &[Lines::Fields(fields::MEMORY)]),
    section("Persistence", Shown::Default, &[Lines::Fields(fields::PERSISTENCE)]),
    section("Threads", Shown::Default, &[Lines::Rows(rows::threads)]),
    section("Stats", Shown::Default, &[Lines::Fields(fields::STATS)]),
    section("Replication", Shown::Default, &[Lines::Fields(fields::REPLICATION)]),
    section("CPU", Shown::Default, &[Lines::Fields(fields::CPU)]),
    section("Modules", Shown::Default, &[]),
    section("Commandstats", Shown::All, &[Lines::Rows(rows::commandstats)]),
    section("Errorstats", Shown::Default, &[Lines::Rows(rows::errorstats)]),
    section("Latencystats", Shown::All, &[Lines::Rows(rows::latencystats)]),
    section("Cluster", Shown::Default, &[Lines::Fields(fields::CLUSTER)]),
    section("Keyspace", Shown::Default, &[Lines::Rows(rows::keyspace)]),
    KEYSIZES,
    section("Debug", Shown::ByName, &[Lines::Fields(fields::DEBUG)]),
];

/// Whether a client that asked for these sections (none: the default ones) gets this one.
fn wanted(section: &Section, asked: &Args<'_>) -> bool {
    let by_default = section.shown == Shown::Default;
    if asked.len() == 1 {
        return by_default;
    }
    (1..asked.len()).any(|at| {
        asked.is(at, section.title)
            || (by_default && asked.is(at, "default"))
            || (section.shown != Shown::ByName && (asked.is(at, "all") || asked.is(at, "everything")))
    })
}

/// Whether the client named what it wants, and so gets it whatever it costs.
fn is_exhaustive(args: &Args<'_>) -> bool {
    (1..args.len()).any(|at| !args.is(at, "default"))
}

/// Keys that a call will look at.
fn keys_to_look_at(args: &Args<'_>, keys: &mut LockedKeys<'_>, _: &[Key<'_>]) -> usize {
    if !wanted(&KEYSIZES, args) {
        return 0;
    }
    let total = facts::Keyspace::gather(keys).keys();
    if rows::looks_at_all(total, is_exhaustive(args)) { total } else { 0 }
}

fn info(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let mut facts = Facts::gather(cx.server, cx.now(), keys);
    facts.exhaustive = is_exhaustive(args);
    let mut text = Vec::with_capacity(4096);
    for section in SECTIONS.iter().filter(|section| wanted(section, args)) {
        if !text.is_empty() {
            text.extend_from_slice(b"\r\n");
        }
        text.extend_from_slice(format!("# {}\r\n", section.title).as_bytes());
        for lines in section.lines {
            match lines {
                Lines::Fields(fields) => fields.iter().for_each(|field| field.print(&facts, &mut text)),
                Lines::Rows(print) => print(&facts, keys, &mut text),
            }
        }
    }
    cx.reply.verbatim(b"txt", &text);
    Ok(())
}

#[cfg(test)]
mod tests;
