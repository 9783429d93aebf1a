//! COMMAND and its subcommands: what the specs say, in the shapes that clients know from Redis.

use crate::help;
use command::spec::registry::Command;
use command::spec::{Category, Find, Flags, Group, KeyFlags, KeySpec, Run, Shape, one_of, pattern, string};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx, OwnedArgs};
use engine::LockedKeys;

mod docs;
mod info;

const FLAGS: Flags = Flags::LOADING.or(Flags::STALE);
const UNORDERED: &[&str] = &["nondeterministic_output_order"];

/// What all subcommands share.
const SUBCOMMAND: CommandSpec = CommandSpec {
    group: Group::Server,
    since: "2.8.13",
    flags: FLAGS,
    acl_extra: &[Category::Connection],
    ..CommandSpec::DEFAULT
};

pub static COMMAND: CommandSpec = CommandSpec {
    name: "COMMAND",
    summary: "Tells about all commands.",
    complexity: "O(N), N being the number of commands",
    arity: -1,
    tips: UNORDERED,
    reply: Shape::ARRAY,
    subcommands: &[&COUNT, &DOCS, &GETKEYS, &GETKEYSANDFLAGS, &HELP, &INFO, &LIST],
    run: Run::Session(all),
    ..SUBCOMMAND
};

static COUNT: CommandSpec = CommandSpec {
    name: "COUNT",
    summary: "Tells how many commands there are.",
    arity: 2,
    reply: Shape::INTEGER,
    run: Run::Session(count),
    ..SUBCOMMAND
};

static DOCS: CommandSpec = CommandSpec {
    name: "DOCS",
    since: "7.0.0",
    summary: "Documents one, several or all commands.",
    complexity: "O(N), N being the number of commands asked for",
    arity: -2,
    args: &[string("command-name").optional().multiple()],
    tips: UNORDERED,
    reply: Shape::MAP,
    run: Run::Session(docs),
    ..SUBCOMMAND
};

static GETKEYS: CommandSpec = CommandSpec {
    name: "GETKEYS",
    summary: "Finds the keys among the words of a command.",
    complexity: "O(N), N being the number of words",
    arity: -3,
    args: &[string("command"), string("arg").optional().multiple()],
    reply: Shape::ARRAY,
    run: Run::Session(getkeys),
    ..SUBCOMMAND
};

static GETKEYSANDFLAGS: CommandSpec = CommandSpec {
    name: "GETKEYSANDFLAGS",
    since: "7.0.0",
    summary: "Finds the keys among the words of a command, and what becomes of each.",
    complexity: "O(N), N being the number of words",
    arity: -3,
    args: &[string("command"), string("arg").optional().multiple()],
    reply: Shape::ARRAY,
    run: Run::Session(getkeysandflags),
    ..SUBCOMMAND
};

static HELP: CommandSpec = CommandSpec { group: Group::Server, acl_extra: &[Category::Connection], ..help::HELP };

static INFO: CommandSpec = CommandSpec {
    name: "INFO",
    summary: "Tells about one, several or all commands.",
    complexity: "O(N), N being the number of commands asked for",
    arity: -2,
    args: &[string("command-name").optional().multiple()],
    history: &[("7.0.0", "Without a name it tells about all commands.")],
    tips: UNORDERED,
    reply: Shape::ARRAY,
    run: Run::Session(info),
    ..SUBCOMMAND
};

static LIST: CommandSpec = CommandSpec {
    name: "LIST",
    since: "7.0.0",
    summary: "Lists the names of commands.",
    complexity: "O(N), N being the number of commands",
    arity: -2,
    args: &[one_of(
        "filterby",
        &[
            string("module-name").token("MODULE"),
            string("category").token("ACLCAT"),
            pattern("pattern").token("PATTERN"),
        ],
    )
    .token("FILTERBY")
    .optional()],
    tips: UNORDERED,
    reply: Shape::ARRAY,
    run: Run::Session(list),
    ..SUBCOMMAND
};

fn all(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    let registry = &cx.server.registry;
    cx.reply.array(registry.top().count());
    for command in registry.top() {
        info::write(cx.reply, registry, command);
    }
    Ok(())
}

fn count(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    cx.reply.int(cx.server.registry.top().count() as i64);
    Ok(())
}

/// The command of this name, where "config|get" names a subcommand.
fn by_name<'a>(cx: &Ctx<'a>, name: &[u8]) -> Option<&'a Command> {
    let registry = &cx.server.registry;
    let mut parts = name.splitn(2, |&byte| byte == b'|');
    let command = registry.find(parts.next().unwrap_or_default())?;
    let Some(wanted) = parts.next() else { return Some(command) };
    command
        .subcommands
        .iter()
        .map(|&id| registry.by_id(id))
        .find(|sub| sub.spec.name.as_bytes().eq_ignore_ascii_case(wanted))
}

fn info(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    if args.len() == 2 {
        return all(cx, keys, args);
    }
    cx.reply.array(args.len() - 2);
    for name in args.from(2) {
        match by_name(cx, name) {
            Some(command) => info::write(cx.reply, &cx.server.registry, command),
            None => cx.reply.null(),
        }
    }
    Ok(())
}

fn docs(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let registry = &cx.server.registry;
    let commands: Vec<&Command> = match args.len() {
        2 => registry.top().collect(),
        _ => args.from(2).filter_map(|name| by_name(cx, name)).collect(),
    };
    cx.reply.map(commands.len());
    for command in commands {
        docs::write(cx.reply, registry, command);
    }
    Ok(())
}

/// Top-level commands, each followed by its subcommands.
fn each<'a>(cx: &Ctx<'a>) -> impl Iterator<Item = &'a Command> + use<'a> {
    let registry = &cx.server.registry;
    registry
        .top()
        .flat_map(|command| std::iter::once(command).chain(command.subcommands.iter().map(|&id| registry.by_id(id))))
}

fn list_those(cx: &mut Ctx<'_>, wanted: impl Fn(&Command) -> bool) {
    let header = cx.reply.deferred_array();
    let mut count = 0;
    for command in each(cx).filter(|command| wanted(command)) {
        cx.reply.bulk(command.full_name.as_bytes());
        count += 1;
    }
    cx.reply.set_array_len(header, count);
}

/// Replies with the names of all commands of a category.
pub(super) fn list_category(cx: &mut Ctx<'_>, category: Category) {
    list_those(cx, |command| command.spec.categories().any(|other| other == category));
}

fn list(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    match args.len() {
        2 => list_those(cx, |_| true),
        5 if !args.is(2, "FILTERBY") => return Err(CommandError::SYNTAX),
        // There are no modules.
        5 if args.is(3, "MODULE") => list_those(cx, |_| false),
        5 if args.is(3, "ACLCAT") => match Category::ALL.iter().find(|category| args.is(4, category.name())) {
            Some(category) => list_category(cx, *category),
            None => cx.reply.array(0),
        },
        5 if args.is(3, "PATTERN") => {
            let pattern = args.word(4);
            list_those(cx, |command| base::glob::glob_match(pattern, command.full_name.as_bytes(), true));
        }
        _ => return Err(CommandError::SYNTAX),
    }
    Ok(())
}

/// The keys that the key specs find; `None` when they cannot be right.
fn specified_keys(spec: &CommandSpec, args: &Args<'_>) -> Option<Vec<(usize, KeyFlags)>> {
    let mut keys = Vec::new();
    for key_spec in spec.keys {
        let before = keys.len();
        let same = |other: &KeySpec| std::ptr::eq(other, key_spec);
        let found = spec.for_each_key(args, |at, other| {
            if same(other) && !other.flags.any(KeyFlags::NOT_KEY) {
                keys.push((at, other.flags));
            }
        });
        found.ok()?;
        // A count of keys is never zero, but for commands that may have none.
        if matches!(key_spec.find, Find::Number { .. }) && keys.len() == before {
            return None;
        }
    }
    Some(keys)
}

/// The keys of the command whose words begin at word 2.
fn find_keys(cx: &Ctx<'_>, args: &Args<'_>) -> Result<Vec<(usize, KeyFlags)>, CommandError> {
    let words: OwnedArgs = args.from(2).collect();
    let words = words.args();
    let command = cx.server.registry.resolve(&words).map_err(|_| CommandError::INVALID_COMMAND)?;
    let spec = command.spec;
    let has_keys = spec.keys.iter().any(|key| !key.flags.any(KeyFlags::NOT_KEY));
    if !has_keys {
        return Err(CommandError::NO_KEY_ARGUMENTS);
    }
    if !spec.takes(words.len()) {
        return Err(CommandError::INVALID_ARGUMENT_COUNT);
    }
    let keys = match spec.find_keys {
        Some(find) => find(&words),
        None => specified_keys(spec, &words),
    };
    match keys {
        Some(keys) if !keys.is_empty() => Ok(keys),
        _ if spec.flags.has(Flags::NO_MANDATORY_KEYS) => Ok(Vec::new()),
        _ => Err(CommandError::INVALID_ARGUMENTS),
    }
}

fn getkeys(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let keys = find_keys(cx, args)?;
    cx.reply.array(keys.len());
    for (at, _) in keys {
        cx.reply.bulk(args.word(at + 2));
    }
    Ok(())
}

fn getkeysandflags(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let keys = find_keys(cx, args)?;
    cx.reply.array(keys.len());
    for (at, flags) in keys {
        cx.reply.array(2);
        cx.reply.bulk(args.word(at + 2));
        info::key_flags(cx.reply, flags);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
