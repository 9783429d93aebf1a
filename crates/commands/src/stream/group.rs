//! XGROUP: making and changing groups and their consumers.

use super::consumers::CONSUMER_MADE;
use super::id;
use crate::help;
use command::spec::work::Work;
use command::spec::{ArgSpec, Flags, Group, KeyFlags, KeySpec, Run, Shape, integer, key, one_of, string, token};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::reclaim::Garbage;
use engine::{Event, Key, LockedKeys, Occupied, Slot};
use value::stream::{Group as StreamGroup, StreamId};
use value::{Object, Stream};

pub static XGROUP: CommandSpec = CommandSpec {
    name: "XGROUP",
    group: Group::Stream,
    since: "5.0.0",
    summary: "Commands about groups of consumers.",
    complexity: "That of the subcommand.",
    arity: -2,
    acl_no_group: true,
    subcommands: &[&CREATE, &CREATECONSUMER, &DELCONSUMER, &DESTROY, &HELP, &SETID],
    run: Run::Container,
    ..CommandSpec::DEFAULT
};

/// What the subcommands share.
const SUBCOMMAND: CommandSpec =
    CommandSpec { group: Group::Stream, since: "5.0.0", flags: Flags::WRITE, ..CommandSpec::DEFAULT };

const DELETES: &[KeySpec] = &[KeySpec::at(2, KeyFlags::RW.or(KeyFlags::DELETE))];
// Nothing that a client could wait for is inserted: a group has no entries.
const INSERTS: &[KeySpec] = &[KeySpec::at(2, KeyFlags::RW.or(KeyFlags::INSERT))];

const ID: ArgSpec = one_of("id-selector", &[string("id"), token("new-id", "$")]);
const ENTRIES_READ: ArgSpec = integer("entriesread").display("entries-read").token("ENTRIESREAD").optional();

static CREATE: CommandSpec = CommandSpec {
    name: "CREATE",
    summary: "Makes a group, which goes on behind an id.",
    arity: -5,
    flags: Flags::WRITE.or(Flags::DENYOOM),
    keys: INSERTS,
    args: &[key("key"), string("group"), ID, token("mkstream", "MKSTREAM").optional(), ENTRIES_READ],
    history: &[("7.0.0", "The option `ENTRIESREAD`.")],
    reply: Shape::SIMPLE,
    run: Run::Keyed(create),
    ..SUBCOMMAND
};

static SETID: CommandSpec = CommandSpec {
    name: "SETID",
    summary: "Makes a group go on behind another id.",
    arity: -5,
    keys: &[KeySpec::at(2, KeyFlags::RW.or(KeyFlags::UPDATE))],
    args: &[key("key"), string("group"), ID, ENTRIES_READ],
    history: &[("7.0.0", "The option `ENTRIESREAD`.")],
    reply: Shape::SIMPLE,
    run: Run::Keyed(setid),
    ..SUBCOMMAND
};

static DESTROY: CommandSpec = CommandSpec {
    name: "DESTROY",
    summary: "Deletes a group, with its consumers and what is pending for them.",
    complexity: "O(1); the memory is freed by another thread",
    arity: 4,
    keys: DELETES,
    args: &[key("key"), string("group")],
    reply: Shape::INTEGER,
    run: Run::Keyed(destroy),
    ..SUBCOMMAND
};

static CREATECONSUMER: CommandSpec = CommandSpec {
    name: "CREATECONSUMER",
    since: "6.2.0",
    summary: "Makes a consumer of a group.",
    arity: 5,
    flags: Flags::WRITE.or(Flags::DENYOOM),
    keys: INSERTS,
    args: &[key("key"), string("group"), string("consumer")],
    reply: Shape::INTEGER,
    run: Run::Keyed(createconsumer),
    ..SUBCOMMAND
};

static DELCONSUMER: CommandSpec = CommandSpec {
    name: "DELCONSUMER",
    summary: "Deletes a consumer of a group, with what is pending for it.",
    complexity: "O(N log M), N being the number of entries pending for it, M for the group",
    arity: 5,
    keys: DELETES,
    args: &[key("key"), string("group"), string("consumer")],
    reply: Shape::INTEGER,
    run: Run::Keyed(delconsumer),
    work: Work::Told(pending_for),
    ..SUBCOMMAND
};

static HELP: CommandSpec = CommandSpec { group: Group::Stream, ..help::HELP };

/// The options behind the id of CREATE and SETID.
#[derive(Default)]
struct Options {
    make_stream: bool,
    /// `None`: it was not said, or is not known.
    entries_read: Option<u64>,
}

impl Options {
    fn parse(args: &Args<'_>, may_make_stream: bool) -> Result<Options, CommandError> {
        let mut options = Options::default();
        // Each option once, though not which ones.
        let words_max = if may_make_stream { 8 } else { 7 };
        let mut at = 5;
        while at < args.len() {
            if may_make_stream && args.is(at, "MKSTREAM") {
                options.make_stream = true;
                at += 1;
            } else if args.is(at, "ENTRIESREAD") && at + 1 < args.len() {
                options.entries_read = match args.int(at + 1)? {
                    -1 => None,
                    read => Some(u64::try_from(read).map_err(|_| CommandError::ENTRIES_READ)?),
                };
                at += 2;
            } else {
                return Err(CommandError::subcommand_syntax(args.word(1), "xgroup"));
            }
        }
        if args.len() > words_max {
            return Err(CommandError::subcommand_syntax(args.word(1), "xgroup"));
        }
        Ok(options)
    }

    /// How many entries a group of this stream has read: not more than there ever were.
    fn read_of(&self, stream: &Stream) -> Option<u64> {
        self.entries_read.map(|read| read.min(stream.added()))
    }
}

/// The stream that a subcommand other than CREATE is about.
fn occupied<'s>(keys: &'s mut LockedKeys<'_>, key: &Key<'s>) -> Result<Occupied<'s>, CommandError> {
    let Slot::Occupied(occupied) = keys.slot(key) else { return Err(CommandError::XGROUP_NO_KEY) };
    occupied.expect::<Stream>()?;
    Ok(occupied)
}

fn create(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    const CREATED: Event = Event::stream("xgroup-create");
    let options = Options::parse(args, true)?;
    let (name, id_word) = (args.word(3), args.word(4));
    match keys.slot(&cx.key(0)) {
        Slot::Occupied(occupied) => occupied.update::<Stream, _>(|stream, update| {
            let id = if id_word == b"$" { stream.last_id() } else { id::exact(id_word, 0)? };
            let group = StreamGroup::new(id, options.read_of(stream));
            if !stream.add_group(name, group) {
                return Err(CommandError::BUSY_GROUP);
            }
            update.changed_unobserved(1, CREATED);
            Ok(())
        })??,
        Slot::Vacant(_) if !options.make_stream => return Err(CommandError::XGROUP_NO_KEY),
        Slot::Vacant(vacant) => {
            let id = if id_word == b"$" { StreamId::MIN } else { id::exact(id_word, 0)? };
            let mut stream = Stream::new();
            let read = options.read_of(&stream);
            stream.add_group(name, StreamGroup::new(id, read));
            vacant.create(stream, 1, CREATED);
        }
    }
    cx.reply.ok();
    Ok(())
}

fn setid(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let options = Options::parse(args, false)?;
    let key = cx.key(0);
    occupied(keys, &key)?.update::<Stream, _>(|stream, update| {
        let (last_id, read) = (stream.last_id(), options.read_of(stream));
        let group = stream.group_mut(args.word(3));
        let group = group.ok_or_else(|| CommandError::no_group(args.word(3), key.bytes))?;
        let id = if args.word(4) == b"$" { last_id } else { id::any(args.word(4), 0)? };
        (group.last_delivered, group.entries_read) = (id, read);
        update.changed_unobserved(1, Event::stream("xgroup-setid"));
        Ok::<_, CommandError>(())
    })??;
    cx.reply.ok();
    Ok(())
}

fn destroy(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let removed = occupied(keys, &cx.key(0))?.update::<Stream, _>(|stream, update| {
        let removed = stream.remove_group(args.word(3));
        if removed.is_some() {
            update.changed_unobserved(1, Event::stream("xgroup-destroy"));
            // Who waits to read for it waits for nothing.
            update.wake();
        }
        removed
    })?;
    cx.reply.int(i64::from(removed.is_some()));
    if let Some(group) = removed {
        let mut rest = Stream::new();
        rest.add_group(b"", group);
        let rest = Object::Stream(Box::new(rest));
        if rest.is_slow_to_free() {
            keys.discard(Garbage::Value(Box::new(rest)));
        }
    }
    Ok(())
}

fn createconsumer(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let (key, now_ms) = (cx.key(0), super::consumers::now_ms(cx));
    let is_new = occupied(keys, &key)?.update::<Stream, _>(|stream, update| {
        let group = stream.group_mut(args.word(3));
        let group = group.ok_or_else(|| CommandError::no_group(args.word(3), key.bytes))?;
        let (_, is_new) = group.find_or_add(args.word(4), now_ms);
        if is_new {
            update.changed_unobserved(1, CONSUMER_MADE);
        }
        Ok::<_, CommandError>(is_new)
    })??;
    cx.reply.int(i64::from(is_new));
    Ok(())
}

/// What is pending for a consumer that DELCONSUMER is about, as work.
fn pending_for(args: &Args<'_>, keys: &mut LockedKeys<'_>, located: &[Key<'_>]) -> usize {
    let stream = keys.peek_large::<Stream>(&located[0]);
    let Some(group) = stream.and_then(|stream| stream.group(args.word(3))) else { return 0 };
    group.find(args.word(4)).map_or(0, |consumer| group.consumer(consumer).pending_len())
}

fn delconsumer(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let key = cx.key(0);
    let removed = occupied(keys, &key)?.update::<Stream, _>(|stream, update| {
        let group = stream.group_mut(args.word(3));
        let group = group.ok_or_else(|| CommandError::no_group(args.word(3), key.bytes))?;
        let removed = group.remove_consumer(args.word(4));
        if removed.is_some() {
            update.changed_unobserved(1, Event::stream("xgroup-delconsumer"));
        }
        Ok::<_, CommandError>(removed)
    })??;
    cx.reply.int(removed.unwrap_or(0) as i64);
    Ok(())
}
