//! What a server says about its commands, as a table: the facts of COMMAND INFO and COMMAND DOCS, a line for each
//! command and subcommand.
//!
//! `cargo xtask reference --from HOST:PORT` writes the table of a real Redis to `testing/reference`; a test holds ours
//! against it. Sentences (summaries, complexities, what changed in a version, notes) are left out: they are somebody's
//! text, not facts.
//!
//! Two columns have a notation of their own. A key spec is its flags, where the keys begin, and how many there are:
//! `RW,access index=1 range=0,1,0` (last key, step, limit) or `keynum=0,1,1` (where the number is, the first key,
//! step). An argument is `name:type`, then what it has of: `/"shown name"`, `#key spec`, `="TOKEN"`, `?` (optional),
//! `*` (multiple), `+` (its token too), `@since`, `~deprecated since`, and its parts in parentheses.

use crate::client::{Client, Protocol};
use crate::value::Value;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::SocketAddr;

/// The columns behind the name.
pub const COLUMNS: [&str; 12] = [
    "arity",
    "flags",
    "positions",
    "categories",
    "tips",
    "key specs",
    "group",
    "since",
    "doc flags",
    "deprecated since",
    "changed in",
    "arguments",
];

/// The cells of each command, by its full name ("config|get").
pub type Table = BTreeMap<String, Vec<String>>;

/// Asks a server about all its commands.
pub fn ask(addr: SocketAddr) -> Result<Table, String> {
    let mut client = Client::connect(addr, Protocol::Resp3)?;
    let mut table = Table::new();
    for command in elements(&client.call(&["COMMAND", "INFO"])?) {
        add_info(&mut table, command)?;
    }
    add_docs(&mut table, &client.call(&["COMMAND", "DOCS"])?)?;
    match table.iter().find(|(_, cells)| cells.len() != COLUMNS.len()) {
        Some((name, cells)) => Err(format!("{name} has {} of {} columns", cells.len(), COLUMNS.len())),
        None => Ok(table),
    }
}

/// The table as text.
pub fn print(table: &Table) -> String {
    let mut text = format!("# name\t{}\n", COLUMNS.join("\t"));
    for (name, cells) in table {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name}\t{}", cells.join("\t"));
    }
    text
}

/// Reads what [`print`] wrote.
pub fn parse(text: &str) -> Table {
    let row = |line: &str| {
        let mut cells = line.split('\t').map(str::to_owned);
        Some((cells.next()?, cells.collect()))
    };
    text.lines().filter(|line| !line.starts_with('#')).filter_map(row).collect()
}

fn add_info(table: &mut Table, command: &Value) -> Result<(), String> {
    let Value::Array(fields) = command else { return Err(format!("no command: {command:?}")) };
    let [name, arity, flags, first, last, step, categories, tips, specs, subcommands] = fields.as_slice() else {
        return Err(format!("a command of {} fields", fields.len()));
    };
    let cells = vec![
        text(arity),
        list(flags, " "),
        [first, last, step].map(text).join(","),
        list(categories, " "),
        list(tips, " "),
        elements(specs).iter().map(key_spec).collect::<Vec<_>>().join("; "),
    ];
    table.insert(text(name), cells);
    elements(subcommands).iter().try_for_each(|subcommand| add_info(table, subcommand))
}

fn add_docs(table: &mut Table, docs: &Value) -> Result<(), String> {
    for (name, facts) in pairs(docs) {
        let name = text(name);
        let cells = table.get_mut(&name).ok_or(format!("documents of the unknown command {name}"))?;
        let fact = |field: &str| get(facts, field).map(text).unwrap_or_default();
        let changes = get(facts, "history").map(elements).unwrap_or_default();
        let versions: Vec<String> = changes.iter().filter_map(|change| elements(change).first().map(text)).collect();
        let mut arguments = String::new();
        add_arguments(&mut arguments, get(facts, "arguments"));
        cells.extend([
            fact("group"),
            fact("since"),
            get(facts, "doc_flags").map(|flags| list(flags, " ")).unwrap_or_default(),
            fact("deprecated_since"),
            versions.join(" "),
            arguments,
        ]);
        if let Some(subcommands) = get(facts, "subcommands") {
            add_docs(table, subcommands)?;
        }
    }
    Ok(())
}

fn key_spec(spec: &Value) -> String {
    let part = |field: &str| {
        let part = get(spec, field)?;
        let facts: Vec<String> = pairs(get(part, "spec")?).iter().map(|(_, fact)| text(fact)).collect();
        let kind = text(get(part, "type")?);
        Some(if facts.is_empty() { kind } else { format!("{kind}={}", facts.join(",")) })
    };
    let flags = get(spec, "flags").map(|flags| list(flags, ",")).unwrap_or_default();
    [Some(flags), part("begin_search"), part("find_keys")].map(Option::unwrap_or_default).join(" ")
}

fn add_arguments(out: &mut String, arguments: Option<&Value>) {
    for (at, argument) in arguments.map(elements).unwrap_or_default().iter().enumerate() {
        if at > 0 {
            out.push(' ');
        }
        add_argument(out, argument);
    }
}

fn add_argument(out: &mut String, argument: &Value) {
    let fact = |field: &str| get(argument, field).map(text);
    let name = fact("name").unwrap_or_default();
    out.push_str(&name);
    for (field, before, after) in [
        ("type", ":", ""),
        ("display_text", "/\"", "\""),
        ("key_spec_index", "#", ""),
        ("token", "=\"", "\""),
        ("flags", "", ""),
        ("since", "@", ""),
        ("deprecated_since", "~", ""),
    ] {
        let value = match field {
            "flags" => get(argument, field).map(|flags| elements(flags).iter().map(argument_flag).collect()),
            "display_text" => fact(field).filter(|shown| *shown != name),
            _ => fact(field),
        };
        if let Some(value) = value {
            let _ = write!(out, "{before}{value}{after}");
        }
    }
    if let Some(parts) = get(argument, "arguments") {
        out.push('(');
        add_arguments(out, Some(parts));
        out.push(')');
    }
}

fn argument_flag(flag: &Value) -> String {
    match text(flag).as_str() {
        "optional" => "?".to_owned(),
        "multiple" => "*".to_owned(),
        "multiple_token" => "+".to_owned(),
        other => format!("!{other}"),
    }
}

fn elements(value: &Value) -> &[Value] {
    match value {
        Value::Array(elements) | Value::Set(elements) => elements,
        _ => &[],
    }
}

fn pairs(value: &Value) -> &[(Value, Value)] {
    match value {
        Value::Map(pairs) => pairs,
        _ => &[],
    }
}

fn get<'v>(value: &'v Value, field: &str) -> Option<&'v Value> {
    pairs(value).iter().find(|(key, _)| text(key) == field).map(|(_, fact)| fact)
}

fn text(value: &Value) -> String {
    match value {
        Value::Simple(text) | Value::Bulk(text) => String::from_utf8_lossy(text).into_owned(),
        Value::Integer(number) => number.to_string(),
        other => format!("{other:?}"),
    }
}

fn list(value: &Value, between: &str) -> String {
    elements(value).iter().map(text).collect::<Vec<_>>().join(between)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Value {
        Value::Bulk(text.into())
    }

    fn map(pairs: &[(&str, Value)]) -> Value {
        Value::Map(pairs.iter().map(|(key, value)| (bulk(key), value.clone())).collect())
    }

    #[test]
    fn arguments_are_written_with_all_they_have() {
        let token = map(&[("name", bulk("nx")), ("type", bulk("pure-token")), ("token", bulk("NX"))]);
        let one_of = map(&[
            ("name", bulk("condition")),
            ("type", bulk("oneof")),
            ("since", bulk("2.6.12")),
            ("flags", Value::Set(vec![bulk("optional"), bulk("multiple")])),
            ("arguments", Value::Array(vec![token.clone(), token])),
        ]);
        let key = map(&[
            ("name", bulk("key")),
            ("type", bulk("key")),
            ("display_text", bulk("the key")),
            ("key_spec_index", Value::Integer(0)),
        ]);
        let mut out = String::new();
        add_arguments(&mut out, Some(&Value::Array(vec![key, one_of])));
        let wanted = r##"key:key/"the key"#0 condition:oneof?*@2.6.12(nx:pure-token="NX" nx:pure-token="NX")"##;
        assert_eq!(out, wanted);
    }

    #[test]
    fn what_was_printed_is_read_again() {
        let cells: Vec<String> =
            (0..COLUMNS.len()).map(|at| if at == 2 { String::new() } else { at.to_string() }).collect();
        let table = Table::from([("config|get".to_owned(), cells.clone()), ("get".to_owned(), cells)]);
        assert_eq!(parse(&print(&table)), table);
    }
}
