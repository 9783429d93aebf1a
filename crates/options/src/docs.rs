//! The table of options as Markdown, for `docs/generated/options.md`.

use std::fmt::Write;

use crate::spec::{Access, Default, Effect, OptionSpec};
use crate::table::TOPICS;

/// All options, topic by topic.
#[must_use]
pub fn options_markdown() -> String {
    let mut page = String::from(
        "# Options\n\n\
         Generated from the declarations in `crates/options/src/table/`.\n\n\
         *Change*: `yes` by CONFIG SET, `start` by the file and the command line only, `protected` by\n\
         CONFIG SET where `enable-protected-configs` allows it. *Effect*: what the option does in Russet; where it has\n\
         none, the log warns about another value than the default.\n",
    );
    for (topic, options) in TOPICS {
        write!(page, "\n## {topic}\n\n").expect("a String takes everything");
        page.push_str("| Name | Default | Values | Change | Effect | Summary |\n|---|---|---|---|---|---|\n");
        for spec in *options {
            page.push_str(&row(spec));
        }
    }
    page
}

fn row(spec: &OptionSpec) -> String {
    let mut name = format!("`{}`", spec.name);
    for alias in spec.aliases {
        write!(name, "<br>`{alias}`").expect("a String takes everything");
    }
    if spec.hidden {
        name.push_str("<br>(hidden)");
    }
    let default = match spec.default {
        Default::Text("") => String::new(),
        Default::Text(text) => format!("`{text}`"),
        Default::Cores => "the cores".to_owned(),
        Default::WorkingDirectory => "where it was started".to_owned(),
    };
    let change = match spec.access {
        Access::Mutable => "yes",
        Access::Immutable | Access::ImmutableHere => "start",
        Access::Protected => "protected",
    };
    let effect = match spec.effect {
        Effect::Live => "live".to_owned(),
        Effect::NoMeaning(why) => format!("none: {why}"),
        Effect::NotYet(what) if spec.vital => format!("not yet, so it is refused: {what}"),
        Effect::NotYet(what) => format!("not yet: {what}"),
    };
    format!("| {name} | {default} | {} | {change} | {effect} | {} |\n", spec.kind.describe(), spec.summary)
}
