//! The table against the captured list, and its own consistency.

use std::collections::HashSet;

use crate::parse::{initial, parse};
use crate::spec::{Kind, Special};
use crate::{Effect, Options, Permission, Tunables, Value, find, options_markdown, table};

const REFERENCE: &str = include_str!("../../../../testing/reference/config-get-redis-8.2.tsv");

/// Options whose captured value says more about the captured server than about Redis.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("dir", "the directory of the captured server"),
    ("port", "the captured server listened on a free port, not on its default"),
];

#[test]
fn every_option_of_redis_is_listed_with_its_default() {
    let listed = Options::new().config_get(&[b"*"]);
    let mut checked = 0;
    for line in REFERENCE.lines() {
        let (name, default) = line.split_once('\t').expect("a name and a value");
        let ours = listed.iter().find(|(n, _)| *n == name).unwrap_or_else(|| panic!("{name} is missing"));
        let excepted = EXCEPTIONS.iter().any(|(exception, reason)| *exception == name && !reason.is_empty());
        if !excepted {
            assert_eq!(String::from_utf8_lossy(&ours.1), default, "{name}");
        }
        checked += 1;
    }
    assert_eq!(checked, 205);
}

#[test]
fn names_are_lower_case_and_unique() {
    let mut seen = HashSet::new();
    for spec in table() {
        for name in std::iter::once(&spec.name).chain(spec.aliases) {
            assert!(seen.insert(*name), "{name} is declared twice");
            assert_eq!(*name, name.to_ascii_lowercase());
        }
        assert!(spec.summary.ends_with('.'), "{}: a summary is a sentence", spec.name);
        if let Effect::NoMeaning(why) | Effect::NotYet(why) = spec.effect {
            assert!(!why.is_empty(), "{}", spec.name);
        }
    }
}

#[test]
fn what_is_printed_is_read_back_as_the_same_value() {
    for spec in table() {
        let value = initial(spec);
        assert!(value.fits(&spec.kind), "{}", spec.name);
        if value == Value::ReplicaOf(None) {
            continue;
        }
        let again = parse(spec, &[&value.text()], &value).expect("a printed value is valid");
        assert_eq!(again, value, "{}", spec.name);
    }
}

/// The least and the greatest of what a kind allows, and all its words.
fn extremes(kind: &Kind) -> Vec<String> {
    match *kind {
        Kind::Bool => vec!["no".to_owned(), "yes".to_owned()],
        Kind::Int { min, max } => vec![min.to_string(), max.to_string()],
        Kind::UInt { min, max } | Kind::Memory { min, max, .. } => vec![min.to_string(), max.to_string()],
        Kind::Enum(words) => words.iter().map(|word| (*word).to_owned()).collect(),
        Kind::MemoryOrPercent | Kind::Octal { .. } | Kind::Text { .. } | Kind::Special(_) => Vec::new(),
    }
}

#[test]
fn every_value_fits_its_target() {
    let tunables = Tunables::default();
    for spec in table() {
        let value = initial(spec);
        for extreme in extremes(&spec.kind) {
            spec.publish(&tunables, &parse(spec, &[extreme.as_bytes()], &value).expect("within the limits"));
        }
    }
    assert_eq!(tunables.limits.proto_max_bulk_len.get(), i64::MAX as u64);
    assert_eq!(tunables.general.enable_debug_command.get(), Permission::Local);
    assert_eq!(tunables.latency.slowlog_log_slower_than.get(), i64::MAX);
}

#[test]
fn secrets_are_the_texts_that_let_somebody_in() {
    let secret: Vec<&str> = table().iter().filter(|spec| spec.secret).map(|spec| spec.name).collect();
    assert_eq!(secret, ["requirepass", "masterauth", "masteruser", "tls-key-file-pass", "tls-client-key-file-pass"]);
    assert!(find(b"PrimaryAuth").is_some_and(|spec| spec.secret));
}

#[test]
fn the_documentation_has_a_row_for_every_option() {
    let page = options_markdown();
    for spec in table() {
        assert!(page.contains(&format!("| `{}`", spec.name)), "{}", spec.name);
    }
    assert!(page.contains("none: growth is always incremental"));
    assert!(matches!(Kind::Special(Special::Save).describe().as_str(), "pairs of seconds and changes"));
}
