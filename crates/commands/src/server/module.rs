//! MODULE: there are none, and none can be loaded.

use crate::help;
use command::spec::{Flags, Group, Run, Shape, block, string};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;

pub static MODULE: CommandSpec = CommandSpec {
    name: "MODULE",
    group: Group::Server,
    since: "4.0.0",
    summary: "Commands about modules.",
    complexity: "Depends on the subcommand.",
    arity: -2,
    subcommands: &[&HELP, &LIST, &LOAD, &LOADEX, &UNLOAD],
    run: Run::Container,
    ..CommandSpec::DEFAULT
};

/// What the subcommands that change something share.
const CHANGE: CommandSpec = CommandSpec {
    group: Group::Server,
    since: "4.0.0",
    arity: -3,
    flags: Flags::ADMIN.or(Flags::NOSCRIPT).or(Flags::NO_ASYNC_LOADING).or(Flags::MODULE),
    reply: Shape::SIMPLE,
    run: Run::Session(load),
    ..CommandSpec::DEFAULT
};

static LIST: CommandSpec = CommandSpec {
    name: "LIST",
    summary: "Lists the modules.",
    complexity: "O(N) with the number of modules",
    arity: 2,
    flags: Flags::ADMIN.or(Flags::NOSCRIPT),
    tips: &["nondeterministic_output_order"],
    reply: Shape::ARRAY,
    run: Run::Session(list),
    ..CHANGE
};

static LOAD: CommandSpec = CommandSpec {
    name: "LOAD",
    summary: "Loads a module.",
    args: &[string("path"), string("arg").optional().multiple()],
    ..CHANGE
};

static LOADEX: CommandSpec = CommandSpec {
    name: "LOADEX",
    since: "7.0.0",
    summary: "Loads a module with its options.",
    args: &[
        string("path"),
        block("configs", &[string("name"), string("value")]).token("CONFIG").multiple_token().optional(),
        string("args").token("ARGS").optional().multiple(),
    ],
    ..CHANGE
};

static UNLOAD: CommandSpec = CommandSpec {
    name: "UNLOAD",
    summary: "Takes a module out.",
    arity: 3,
    args: &[string("name")],
    run: Run::Session(unload),
    ..CHANGE
};

static HELP: CommandSpec = CommandSpec { group: Group::Server, ..help::HELP };

fn list(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    cx.reply.array(0);
    Ok(())
}

fn load(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let path = String::from_utf8_lossy(args.word(2));
    cx.server.host.log(&format!("Module {path} failed to load: this server has no module interface."));
    Err(CommandError::MODULE_NOT_LOADED)
}

fn unload(_: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    Err(CommandError::NO_SUCH_MODULE)
}
