//! The table against the captured list, and its own consistency.

use std::collections::HashSet;

use crate::options::parse::{initial, parse};
use crate::options::spec::{Kind, Special};
use crate::options::{Effect, Options, Value, options_markdown, table};

const REFERENCE: &str = include_str!("../../../../../testing/reference/config-get-redis-8.2.tsv");

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

#[test]
fn the_options_that_the_server_reads_are_live() {
    for name in ["port", "bind", "threads", "databases", "maxclients", "slowlog-max-len", "requirepass", "hz"] {
        let spec = crate::options::find(name.as_bytes()).expect("in the table");
        assert_eq!(spec.effect, Effect::Live, "{name}");
    }
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
