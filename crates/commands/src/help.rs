//! HELP of every container: its subcommands as their specs have them, each with its words and what it is for.

use command::spec::registry::Command;
use command::spec::{ArgKind, ArgSpec, Flags, Run, Shape};
use command::{Args, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;

/// What HELP is in all containers; group and version are theirs.
pub const HELP: CommandSpec = CommandSpec {
    name: "HELP",
    since: "5.0.0",
    summary: "Explains the subcommands.",
    arity: 2,
    flags: Flags::LOADING.or(Flags::STALE),
    reply: Shape::ARRAY,
    run: Run::Session(help),
    ..CommandSpec::DEFAULT
};

pub fn help(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    with_notes(cx, &[]);
    Ok(())
}

/// Replies with the subcommands of the container whose HELP runs, and with further lines behind those of one of them.
pub fn with_notes(cx: &mut Ctx<'_>, notes: &[(&str, &[&str])]) {
    let container = cx.name().split('|').next().unwrap_or_default();
    let registry = &cx.server.registry;
    let subcommands = registry.by_full_name(container).map_or(&[][..], |command: &Command| &command.subcommands);
    let specs = subcommands.iter().map(|id| registry.by_id(*id).spec).filter(|spec| spec.name != HELP.name);
    let mut lines = Vec::new();
    for spec in specs {
        lines.push(
            std::iter::once(spec.name.to_owned()).chain(spec.args.iter().map(syntax)).collect::<Vec<_>>().join(" "),
        );
        lines.push(format!("    {}", spec.summary));
        let of_it = notes.iter().filter(|(name, _)| *name == spec.name).flat_map(|(_, notes)| *notes);
        lines.extend(of_it.map(|note| format!("    {note}")));
    }
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    cx.help(container, &lines);
}

/// An argument as a line of syntax shows it: `[SAMPLES <count>]`.
fn syntax(arg: &ArgSpec) -> String {
    let once = once(arg);
    let is_choice = arg.kind == ArgKind::OneOf && arg.token.is_empty();
    match (arg.optional, arg.multiple) {
        (true, true) => format!("[{once} ...]"),
        (true, false) if is_choice => format!("[{}]", choice(arg)),
        (true, false) => format!("[{once}]"),
        (false, true) if is_choice => format!("{once} ..."),
        (false, true) if arg.multiple_token => format!("{once} [{once} ...]"),
        (false, true) => format!("{once} [{} ...]", value(arg)),
        (false, false) => once,
    }
}

/// The same, given once: the word that leads it, if there is one, and its value.
fn once(arg: &ArgSpec) -> String {
    match (arg.token, value(arg)) {
        ("", value) => value,
        (token, value) if value.is_empty() => token.to_owned(),
        (token, value) => format!("{token} {value}"),
    }
}

fn value(arg: &ArgSpec) -> String {
    match arg.kind {
        ArgKind::PureToken => String::new(),
        ArgKind::OneOf => format!("({})", choice(arg)),
        ArgKind::Block => arg.children.iter().map(syntax).collect::<Vec<_>>().join(" "),
        _ => format!("<{}>", if arg.display.is_empty() { arg.name } else { arg.display }),
    }
}

fn choice(arg: &ArgSpec) -> String {
    arg.children.iter().map(once).collect::<Vec<_>>().join("|")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestServer;
    use command::spec::{block, integer, one_of, string, token};

    #[test]
    fn arguments_are_shown_as_they_may_be_given() {
        const SHOWN: &[(ArgSpec, &str)] = &[
            (string("key"), "<key>"),
            (integer("id").display("client-id").optional(), "[<client-id>]"),
            (string("event").optional().multiple(), "[<event> ...]"),
            (string("key").multiple(), "<key> [<key> ...]"),
            (integer("count").token("SAMPLES").optional(), "[SAMPLES <count>]"),
            (string("args").token("ARGS").optional().multiple(), "[ARGS <args> ...]"),
            (string("prefix").token("PREFIX").multiple_token(), "PREFIX <prefix> [PREFIX <prefix> ...]"),
            (one_of("mode", &[token("on", "ON"), token("off", "OFF")]), "(ON|OFF)"),
            (one_of("mode", &[token("write", "WRITE"), token("all", "ALL")]).optional(), "[WRITE|ALL]"),
            (one_of("type", &[token("a", "A"), string("b").token("B").optional()]).token("TYPE"), "TYPE (A|B <b>)"),
            (one_of("type", &[token("a", "A"), token("b", "B")]).token("TYPE").optional(), "[TYPE (A|B)]"),
            (one_of("filter", &[string("a").token("A"), string("b")]).multiple(), "(A <a>|<b>) ..."),
            (block("full", &[integer("count").token("COUNT").optional()]).token("FULL").optional(), FULL),
            (block("data", &[string("name"), string("value")]).multiple(), "<name> <value> [<name> <value> ...]"),
        ];
        const FULL: &str = "[FULL [COUNT <count>]]";
        for (arg, shown) in SHOWN {
            assert_eq!(syntax(arg), *shown);
        }
    }

    #[test]
    fn every_container_explains_its_subcommands() {
        let mut server = TestServer::new();
        let registry = &server.server.registry;
        let containers: Vec<_> = registry.all().filter(|command| !command.subcommands.is_empty()).collect();
        let names: Vec<(String, usize)> =
            containers.iter().map(|command| (command.spec.name.to_owned(), command.subcommands.len())).collect();
        assert!(names.len() > 10);
        for (name, count) in names.iter().filter(|(name, _)| name != "CLUSTER") {
            let shown = server.show(&format!("{name} HELP"));
            let heads = shown.lines().filter(|line| !line.contains(")     ")).count();
            // A head for each, HELP included, and one for all.
            assert_eq!(heads, count + 1, "{shown}");
            assert!(shown.contains("Print this help."), "{shown}");
        }
    }
}
