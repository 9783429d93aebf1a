//! OBJECT: how a key is kept.

use crate::help;
use command::spec::{Flags, Group, KeyFlags, KeySpec, Run, Shape, key};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::{EntryRef, LockedKeys, Lookup};
use value::Object;

pub static OBJECT: CommandSpec = CommandSpec {
    name: "OBJECT",
    since: "2.2.3",
    summary: "Tells how a key is kept.",
    complexity: "O(1)",
    arity: -2,
    acl_no_group: true,
    subcommands: &[&ENCODING, &FREQ, &HELP, &IDLETIME, &REFCOUNT],
    ..CommandSpec::DEFAULT
};

static ENCODING: CommandSpec = CommandSpec {
    name: "ENCODING",
    since: "2.2.3",
    summary: "Names the encoding of what a key holds.",
    arity: 3,
    flags: Flags::READONLY,
    keys: &[KeySpec::at(2, KeyFlags::RO)],
    args: &[key("key")],
    tips: &["nondeterministic_output"],
    reply: Shape::BULK.or(Shape::NULL),
    run: Run::Keyed(encoding),
    ..CommandSpec::DEFAULT
};

static FREQ: CommandSpec = CommandSpec {
    name: "FREQ",
    since: "4.0.0",
    summary: "Tells how often a key was used, on a logarithmic scale up to 255.",
    reply: Shape::INTEGER.or(Shape::NULL),
    run: Run::Keyed(freq),
    ..ENCODING
};

static IDLETIME: CommandSpec = CommandSpec {
    name: "IDLETIME",
    since: "2.2.3",
    summary: "Tells for how many seconds a key was not used.",
    run: Run::Keyed(idletime),
    ..FREQ
};

static REFCOUNT: CommandSpec = CommandSpec {
    name: "REFCOUNT",
    summary: "Counts the references to what a key holds.",
    run: Run::Keyed(refcount),
    ..IDLETIME
};

static HELP: CommandSpec = CommandSpec { group: Group::Generic, since: "6.2.0", ..help::HELP };

/// The entry of the key, or a null as the reply.
fn entry<'k>(cx: &mut Ctx<'_>, keys: &'k mut LockedKeys<'_>) -> Option<EntryRef<'k, Object>> {
    let found = keys.lookup(&cx.key(0), Lookup::INSPECT);
    if found.is_none() {
        cx.reply.null();
    }
    found
}

fn encoding(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    if let Some(entry) = entry(cx, keys) {
        cx.reply.bulk(value::encoding_name(&entry).as_bytes());
    }
    Ok(())
}

fn freq(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    let recency = keys.recency();
    if let Some(entry) = entry(cx, keys) {
        if !recency.lfu {
            return Err(CommandError::FREQUENCY_NOT_TRACKED);
        }
        cx.reply.int(i64::from(recency.frequency(entry.lru())));
    }
    Ok(())
}

fn idletime(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    let recency = keys.recency();
    if let Some(entry) = entry(cx, keys) {
        if recency.lfu {
            return Err(CommandError::IDLE_TIME_NOT_TRACKED);
        }
        cx.reply.int(i64::from(recency.idle_seconds(entry.lru())));
    }
    Ok(())
}

/// Keys do not share values as far as anybody can see: a blob that COPY shares is copied when one of both changes.
fn refcount(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    if entry(cx, keys).is_some() {
        cx.reply.int(1);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn encodings_have_the_names_of_redis() {
        let mut server = TestServer::new();
        let (embedded, raw) = ("x".repeat(40), "x".repeat(41));
        for (value, name) in [("12", "int"), ("012", "embstr"), (embedded.as_str(), "embstr"), (raw.as_str(), "raw")] {
            server.run(&format!("SET k {value}"));
            assert_eq!(server.show("OBJECT ENCODING k"), format!("\"{name}\""), "{value}");
        }
        server.run(&format!("SET longer {}", "x".repeat(36)));
        assert_eq!(server.show("OBJECT ENCODING longer"), "\"raw\"", "the key counts");
        server.run(&format!("SET k {}", "x".repeat(33)));
        server.run("EXPIRE k 100");
        assert_eq!(server.show("OBJECT ENCODING k"), "\"raw\"", "the deadline counts");
        assert_eq!(server.show("OBJECT REFCOUNT k"), "(integer) 1");
        for subcommand in ["ENCODING", "REFCOUNT", "IDLETIME", "FREQ"] {
            assert_eq!(server.show(&format!("OBJECT {subcommand} missing")), "(nil)");
        }
    }

    #[test]
    fn idle_time_and_frequency_belong_to_their_policies() {
        let mut server = TestServer::new();
        server.run("SET k v");
        server.advance_ms(5000);
        assert_eq!(server.show("OBJECT IDLETIME k"), "(integer) 5");
        assert!(server.show("OBJECT FREQ k").starts_with("(error) ERR An LFU maxmemory policy is not selected,"));
        server.server.tunables.memory.maxmemory_policy.set(options::Policy::AllkeysLfu);
        server.advance_ms(0);
        server.run("SET l v");
        assert_eq!(server.show("OBJECT FREQ l"), "(integer) 5");
        assert!(server.show("OBJECT IDLETIME l").starts_with("(error) ERR An LFU maxmemory policy is selected,"));
    }

    #[test]
    fn frequency_falls_by_the_minute() {
        let mut server = TestServer::new();
        let tunables = server.server.tunables.clone();
        tunables.memory.maxmemory_policy.set(options::Policy::AllkeysLfu);
        for (minutes, frequency) in [(1, 2), (2, 4), (0, 5)] {
            tunables.memory.lfu_decay_time.set(minutes);
            server.advance_ms(0);
            server.run("DEL k");
            server.run("SET k v");
            server.advance_ms(3 * 60_000);
            assert_eq!(server.show("OBJECT FREQ k"), format!("(integer) {frequency}"), "{minutes}");
        }
    }

    #[test]
    fn wrong_calls_are_told_from_each_other() {
        let mut server = TestServer::new();
        assert_eq!(server.show("OBJECT"), "(error) ERR wrong number of arguments for 'object' command");
        assert_eq!(server.show("OBJECT FOO k"), "(error) ERR unknown subcommand 'FOO'. Try OBJECT HELP.");
        assert_eq!(
            server.show("OBJECT ENCODING"),
            "(error) ERR wrong number of arguments for 'object|encoding' command"
        );
        assert!(server.show("OBJECT HELP").contains("Print this help."));
    }
}
