//! The table of commands as Markdown, derived from the specs.

use crate::COMMANDS;
use command::CommandSpec;
use command::spec::{Flags, Group};
use std::fmt::Write;

const HEAD: &str = "# Commands\n\nGenerated from the specs by `cargo xtask gen`; do not edit.\n";

fn flags_of(spec: &CommandSpec) -> String {
    let names = Flags::NAMES.iter().filter(|(flag, name)| !name.is_empty() && spec.flags.has(*flag));
    names.map(|(_, name)| *name).collect::<Vec<_>>().join(" ")
}

fn write_rows(out: &mut String, spec: &CommandSpec, parent: &str) {
    let name = if parent.is_empty() { spec.name.to_owned() } else { format!("{parent} {}", spec.name) };
    let (arity, since) = (spec.arity, spec.since);
    let text = |text: &str| text.replace('|', "\\|");
    let (summary, complexity) = (text(spec.summary), text(spec.complexity));
    // Writing to a string cannot fail.
    let _ = writeln!(out, "| {name} | {since} | {arity} | {} | {summary} | {complexity} |", flags_of(spec));
    for sub in spec.subcommands {
        write_rows(out, sub, &name);
    }
}

/// All commands, a table for each group. Arity counts the name; a negative one means "at least".
pub fn commands_markdown() -> String {
    let mut specs: Vec<&CommandSpec> = COMMANDS.iter().flat_map(|group| group.iter().copied()).collect();
    specs.sort_by_key(|spec| spec.name);
    let mut groups: Vec<Group> = Vec::new();
    for spec in &specs {
        if !groups.contains(&spec.group) {
            groups.push(spec.group);
        }
    }
    groups.sort_by_key(|group| group.name());
    let mut out = HEAD.to_owned();
    for group in groups {
        let _ =
            write!(out, "\n## {}\n\n| command | since | arity | flags | what it does | complexity |\n", group.name());
        out.push_str("|---|---|---|---|---|---|\n");
        for spec in specs.iter().filter(|spec| spec.group == group) {
            write_rows(&mut out, spec, "");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_command_has_a_row() {
        let text = super::commands_markdown();
        assert!(text.contains("| GET | 1.0.0 | 2 | readonly fast |"), "{text}");
        assert!(text.contains("| CONFIG GET |"));
    }
}
