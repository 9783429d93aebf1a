//! `CONFIG GET` and `CONFIG SET`: every kind's answers as Redis 8.2.3 gave them.

use std::cell::RefCell;

use super::AcceptAll;
use crate::{Action, Actor, Options, Policy, Value};

fn set(options: &Options, pairs: &[(&str, &str)]) -> Result<(), String> {
    let pairs: Vec<(&[u8], &[u8])> = pairs.iter().map(|(n, v)| (n.as_bytes(), v.as_bytes())).collect();
    options.config_set(&pairs, &AcceptAll).map(drop)
}

fn names(options: &Options, patterns: &[&str]) -> Vec<&'static str> {
    let patterns: Vec<&[u8]> = patterns.iter().map(|p| p.as_bytes()).collect();
    options.config_get(&patterns).into_iter().map(|(name, _)| name).collect()
}

/// Name, value, and why it is refused.
const REFUSED: &[(&str, &str, &str)] = &[
    ("port", "abc", "argument couldn't be parsed into an integer"),
    ("port", "70000", "argument must be between 0 and 65535 inclusive"),
    ("port", "-1", "argument must be between 0 and 65535 inclusive"),
    ("port", "", "argument couldn't be parsed into an integer"),
    ("hz", "1.5", "argument couldn't be parsed into an integer"),
    ("hz", " 1", "argument couldn't be parsed into an integer"),
    ("hz", "+1", "argument couldn't be parsed into an integer"),
    ("hz", "01", "argument couldn't be parsed into an integer"),
    ("timeout", "9999999999999999999999", "argument couldn't be parsed into an integer"),
    ("timeout", "99999999999", "argument must be between 0 and 2147483647 inclusive"),
    ("slowlog-log-slower-than", "-2", "argument must be between -1 and 9223372036854775807 inclusive"),
    ("list-max-listpack-size", "2147483648", "argument must be between -2147483648 and 2147483647 inclusive"),
    ("maxclients", "0", "argument must be between 1 and 4294967295 inclusive"),
    ("maxclients", "-1", "argument must be greater or equal to 0"),
    ("set-max-listpack-entries", "-1", "argument must be greater or equal to 0"),
    ("tracking-table-max-keys", "-1", "argument must be greater or equal to 0"),
    ("maxmemory", "abc", "argument must be a memory value"),
    ("maxmemory", "1.5gb", "argument must be a memory value"),
    ("maxmemory", "-1", "argument must be a memory value"),
    ("maxmemory", "1t", "argument must be a memory value"),
    ("maxmemory", "9223372036854775808", "argument must be greater or equal to 0"),
    ("proto-max-bulk-len", "1", "argument must be between 1048576 and 9223372036854775807 inclusive"),
    ("client-query-buffer-limit", "1", "argument must be between 1048576 and 9223372036854775807 inclusive"),
    ("repl-backlog-size", "0", "argument must be between 1 and 9223372036854775807 inclusive"),
    ("repl-backlog-size", "5%", "argument must be a memory value"),
    (
        "auto-aof-rewrite-min-size",
        "9223372036854775808",
        "argument must be between 0 and 9223372036854775807 inclusive",
    ),
    ("maxmemory-clients", "101%", "percentage argument must be less or equal to 100"),
    ("maxmemory-clients", "-5%", "argument must be a memory or percent value"),
    ("maxmemory-clients", "5p%", "argument must be a memory or percent value"),
    ("maxmemory-clients", "0x10", "argument must be a memory or percent value"),
    ("appendonly", "maybe", "argument must be 'yes' or 'no'"),
    ("appendonly", "", "argument must be 'yes' or 'no'"),
    ("appendfsync", "maybe", "argument(s) must be one of the following: everysec, always, no"),
    ("loglevel", "xx", "argument(s) must be one of the following: debug, verbose, notice, warning, nothing"),
    ("databases", "17", "can't set immutable config"),
    ("daemonize", "foo", "can't set immutable config"),
    ("slaveof", "a b", "can't set immutable config"),
    ("dir", "/", "can't set protected config"),
    ("dbfilename", "a/b", "can't set protected config"),
    ("save", "foo", "Invalid save parameters"),
    ("save", "1 2 3", "Invalid save parameters"),
    ("save", "0 1", "Invalid save parameters"),
    ("save", "1 -1", "Invalid save parameters"),
    ("save", " 1   2 ", "Invalid save parameters"),
    ("client-output-buffer-limit", "normal 1 2", "Wrong number of arguments in buffer limit configuration."),
    ("client-output-buffer-limit", "master 1 2 3", "Invalid client class specified in buffer limit configuration."),
    (
        "client-output-buffer-limit",
        "replica 1mb 2 -3",
        "Error in hard, soft or soft_seconds setting in buffer limit configuration.",
    ),
    ("oom-score-adj-values", "1 2", "wrong number of arguments"),
    ("oom-score-adj-values", "1 2 5000", "Invalid oom-score-adj-values, elements must be between -2000 and 2000."),
    ("notify-keyspace-events", "Q", "Invalid event class character. Use 'Ag$lshzxeKEtmdn'."),
    ("latency-tracking-info-percentiles", "a", "Invalid latency-tracking-info-percentiles parameters"),
    (
        "latency-tracking-info-percentiles",
        "101",
        "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]",
    ),
    ("bind", "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", "Too many bind addresses specified."),
    ("shutdown-on-sigterm", "", "argument(s) must be one of the following: default, save, nosave, now, force"),
    ("shutdown-on-sigterm", "save nosave", "shutdown options SAVE and NOSAVE can't be used simultaneously"),
    ("proc-title-template", "{foo}", "template format is invalid or contains unknown variables"),
    ("locale-collate", "foo", "Invalid locale name"),
    ("cluster-announce-hostname", "a_b", "Hostnames may only contain alphanumeric characters, hyphens or dots"),
    ("cluster-announce-client-ipv4", "zzz", "Invalid IPv4 address"),
    ("min-slaves-to-write", "x", "argument couldn't be parsed into an integer"),
];

#[test]
fn refused_values_get_the_texts_of_redis() {
    let options = Options::new();
    for (name, value, reason) in REFUSED {
        let expected = format!("CONFIG SET failed (possibly related to argument '{name}') - {reason}");
        assert_eq!(set(&options, &[(name, value)]), Err(expected), "{name} {value:?}");
    }
    assert_eq!(options.config_get(&[b"*"]), Options::new().config_get(&[b"*"]));
}

/// Name, value, and how `CONFIG GET` then shows it.
const ACCEPTED: &[(&str, &str, &str)] = &[
    ("hz", "0", "1"),
    ("hz", "1000", "500"),
    ("maxmemory", "", "0"),
    ("maxmemory", "1k", "1000"),
    ("maxmemory", "1KB", "1024"),
    ("maxmemory", "00012", "12"),
    ("maxmemory-clients", "5%", "5%"),
    ("maxmemory-clients", "0%", "0"),
    ("maxmemory-clients", "1gb", "1073741824"),
    ("rdbcompression", "NO", "no"),
    ("maxmemory-policy", "ALLKEYS-LRU", "allkeys-lru"),
    ("save", "3600 1 300 100", "3600 1 300 100"),
    ("save", "1 2 3 ", "1 2 3 0"),
    ("save", "", ""),
    ("client-output-buffer-limit", "replica 1mb 2 3 pubsub 0 0 0", "normal 0 0 0 slave 1048576 2 3 pubsub 0 0 0"),
    ("client-output-buffer-limit", "", "normal 0 0 0 slave 1048576 2 3 pubsub 0 0 0"),
    ("notify-keyspace-events", "AKEgm", "AKEm"),
    ("latency-tracking-info-percentiles", "50 100 0 99.99", "50 100 0 99.99"),
    ("latency-tracking-info-percentiles", "", ""),
    ("bind", "127.0.0.1 -::1", "127.0.0.1 -::1"),
    ("bind", "", ""),
    ("shutdown-on-sigterm", "save force", "save force"),
    ("shutdown-on-sigterm", "now default", "now"),
    ("shutdown-on-sigterm", "default", "default"),
    ("list-max-ziplist-size", "-3", "-3"),
    ("oom-score-adj-values", "300 200 100", "300 200 100"),
];

#[test]
fn accepted_values_are_shown_in_the_form_of_redis() {
    let options = Options::new();
    for (name, value, shown) in ACCEPTED {
        assert_eq!(set(&options, &[(name, value)]), Ok(()), "{name} {value:?}");
        assert_eq!(options.text(name), *shown, "{name} {value:?}");
    }
    assert_eq!(options.int("list-max-listpack-size"), -3);
}

#[test]
fn what_config_get_told_can_be_set_again() {
    let options = Options::new();
    let fail = |name: &str| {
        Err(format!("CONFIG SET failed (possibly related to argument '{name}') - can't set immutable config"))
    };
    for (name, value, other) in [("mptcp", "no", "yes"), ("hash-seed", "", "x"), ("cluster-databases", "1", "2")] {
        assert_eq!(set(&options, &[(name, value)]), Ok(()), "{name}");
        assert_eq!(set(&options, &[(name, other)]), fail(name));
        assert_eq!(set(&options, &[(name, "\u{1}")]), fail(name));
    }
    assert_eq!(set(&options, &[("daemonize", "no")]), fail("daemonize"), "as in Redis");
}

#[test]
fn errors_of_several_pairs_come_in_order() {
    let options = Options::new();
    let fail =
        |name: &str, why: &str| Err(format!("CONFIG SET failed (possibly related to argument '{name}') - {why}"));
    let unknown = |name| Err(format!("Unknown option or number of arguments for CONFIG SET - '{name}'"));
    assert_eq!(set(&options, &[("Foo", "x")]), unknown("Foo"));
    assert_eq!(set(&options, &[("rename-command", "a b")]), unknown("rename-command"));
    assert_eq!(set(&options, &[("hz", "10"), ("foo", "20")]), unknown("foo"));
    assert_eq!(set(&options, &[("hz", "11"), ("HZ", "11"), ("foo", "x")]), fail("hz", "duplicate parameter"));
    assert_eq!(set(&options, &[("daemonize", "no"), ("foo", "x")]), fail("daemonize", "can't set immutable config"));
    assert_eq!(set(&options, &[("min-slaves-max-lag", "1"), ("min-replicas-max-lag", "2")]), Ok(()));
    assert_eq!(options.int("min-slaves-max-lag"), 2);
    let refused = set(&options, &[("hz", "20"), ("maxclients", "0")]);
    assert_eq!(refused, fail("maxclients", "argument must be between 1 and 4294967295 inclusive"));
    assert_eq!(options.int("hz"), 10);
}

#[test]
fn patterns_find_names_and_aliases_once() {
    let options = Options::new();
    assert_eq!(names(&options, &["hz", "HZ", "h*z", "h[z]"]), ["hz"]);
    assert_eq!(names(&options, &["SLAVE-announce-*"]), ["slave-announce-ip", "slave-announce-port"]);
    assert_eq!(names(&options, &["replica-priority", "slave-priority"]), ["replica-priority", "slave-priority"]);
    assert_eq!(names(&options, &["watchdog*"]), [""; 0]);
    assert_eq!(names(&options, &["watchdog-period"]), ["watchdog-period"]);
    assert_eq!(names(&options, &["nosuch"]), [""; 0]);
}

/// Remembers what it was asked to do, and fails at one action.
struct Failing {
    asked: RefCell<Vec<(Action, String)>>,
    at: Option<Action>,
}

impl Failing {
    fn at(action: impl Into<Option<Action>>) -> Failing {
        Failing { asked: RefCell::default(), at: action.into() }
    }
}

impl Actor for Failing {
    fn act(&self, action: Action, new: &Value) -> Result<(), String> {
        if self.at == Some(action) {
            return Err("no".to_owned());
        }
        self.asked.borrow_mut().push((action, String::from_utf8_lossy(&new.text()).into_owned()));
        Ok(())
    }

    fn is_local_client(&self) -> bool {
        true
    }
}

#[test]
fn an_action_that_fails_takes_everything_back() {
    let options = Options::new();
    let actor = Failing::at(Action::MakeRoom);
    let pairs: [(&[u8], &[u8]); 4] = [(b"loglevel", b"debug"), (b"maxclients", b"5"), (b"port", b"1"), (b"hz", b"20")];
    let refused = options.config_set(&pairs, &actor);
    assert_eq!(refused, Err("CONFIG SET failed (possibly related to argument 'maxclients') - no".to_owned()));
    let asked = [(Action::SetLogLevel, "debug".to_owned()), (Action::SetLogLevel, "notice".to_owned())];
    assert_eq!(actor.asked.into_inner(), asked);
    assert_eq!(options.config_get(&[b"*"]), Options::new().config_get(&[b"*"]));
    let tunables = options.tunables();
    assert_eq!((tunables.limits.maxclients.get(), tunables.general.hz.get()), (10_000, 10));
}

#[test]
fn what_is_set_is_what_the_server_reads() {
    let options = Options::new();
    let pairs: [(&[u8], &[u8]); 4] =
        [(b"maxclients", b"7"), (b"requirepass", b"x"), (b"maxmemory-policy", b"allkeys-lfu"), (b"timeout", b"9")];
    options.config_set(&pairs, &AcceptAll).expect("valid");
    let tunables = options.tunables();
    assert_eq!(tunables.limits.maxclients.get(), 7);
    assert!(tunables.needs_password() && *tunables.general.requirepass.read() == b"x");
    assert_eq!(tunables.memory.maxmemory_policy.get(), Policy::AllkeysLfu);
    assert_eq!(tunables.network.timeout.get(), 9);
    options.set_from_server("maxclients", b"8").expect("valid");
    assert_eq!((options.int("maxclients"), tunables.limits.maxclients.get()), (8, 8));
}

#[test]
fn an_unchanged_value_is_not_acted_upon_again() {
    let options = Options::new();
    let actor = Failing::at(None);
    options.config_set(&[(b"port", b"6379")], &actor).expect("the same value");
    assert!(actor.asked.borrow().is_empty());
    options.act_all(&actor).expect("nothing fails");
    assert_eq!(actor.asked.borrow().len(), crate::table().iter().filter(|spec| spec.action.is_some()).count());
}

#[test]
fn protected_options_open_to_local_clients() {
    let options = Options::new();
    options.set_from_server("enable-protected-configs", b"local").expect("a word of the list");
    let local = Failing::at(None);
    assert!(options.config_set(&[(b"dbfilename", b"x.rdb")], &local).is_ok());
    assert!(options.config_set(&[(b"dbfilename", b"y.rdb")], &AcceptAll).is_err());
    let refused = options.config_set(&[(b"dir", b"/nonexistent")], &local).unwrap_err();
    assert!(refused.ends_with(" - No such file or directory"), "{refused}");
    let refused = options.config_set(&[(b"dbfilename", b"a/b")], &local).unwrap_err();
    assert!(refused.ends_with(" - dbfilename can't be a path, just a filename"), "{refused}");
    assert_eq!(options.text("dbfilename"), "x.rdb");
}
