//! What is said about options that have no effect, and which of them are refused.

use super::AcceptAll;
use crate::file::load_text;
use crate::{Effect, Options, table};

/// What `check` says about a configuration, beside the default's warning about `save`.
fn check(text: &str) -> Result<Vec<String>, String> {
    let options = Options::new();
    load_text(&options, format!("save \"\"\n{text}").as_bytes()).expect("valid");
    options.check()
}

#[test]
fn nothing_is_said_about_what_asks_for_nothing() {
    let quiet = "appendonly no\nappendfsync everysec\nhz 10\nio-threads 1\ntls-port 0\naclfile \"\"\nmaxmemory 1gb\n\
                 user default on nopass sanitize-payload ~* &* +@all\nreplicaof no one\nmin-replicas-to-write 0\n";
    assert_eq!(check(quiet), Ok(vec![]));
}

#[test]
fn what_has_no_effect_is_said_in_one_line_each() {
    let said = check("io-threads 4\nmaxmemory-samples 3\nmasterauth secret\nio-threads-do-reads yes").expect("a start");
    assert_eq!(
        said,
        [
            "Directive io-threads-do-reads has no effect any more",
            "Option io-threads has no effect: every worker reads, runs and writes; see threads",
            "Option maxmemory-samples has no effect yet; missing: eviction",
            "Option masterauth has no effect yet; missing: replication",
        ]
    );
    let unsaved = Options::new().check().expect("a start");
    assert!(
        matches!(&unsaved[..], [line] if line.starts_with("Option save has no effect yet; missing: ")),
        "{unsaved:?}"
    );
}

#[test]
fn what_others_rely_on_is_refused_at_start_and_while_the_server_runs() {
    for (line, refusal) in [
        ("appendonly yes", "option appendonly: it cannot be kept yet; missing: the append-only file"),
        ("cluster-enabled yes", "option cluster-enabled: it cannot be kept yet; missing: the cluster"),
        ("tls-port 6380", "option tls-port: it cannot be kept yet; missing: TLS"),
        ("aclfile /etc/users.acl", "option aclfile: it cannot be kept yet; missing: ACL files"),
        ("replicaof 127.0.0.1 6379", "option replicaof: it cannot be kept yet; missing: replication"),
        ("min-replicas-to-write 1", "option min-replicas-to-write: it cannot be kept yet; missing: replication"),
        ("user bob on >secret ~* +@all", "user bob: it cannot be kept yet; missing: ACL users"),
        (
            "requirepass x\nuser default on nopass ~* &* +@all",
            "user default: it cannot be kept yet; missing: ACL users",
        ),
    ] {
        assert_eq!(check(line), Err(format!("Refusing to start with {refusal}")), "{line}");
    }
    let options = Options::new();
    let refused = options.config_set(&[(b"hz", b"20"), (b"appendonly", b"yes")], &AcceptAll);
    let why = "it cannot be kept yet; missing: the append-only file";
    let why = format!("CONFIG SET failed (possibly related to argument 'appendonly') - {why}");
    assert_eq!(refused, Err(why));
    assert_eq!((options.int("hz"), options.bool("appendonly")), (10, false));
    assert!(options.config_set(&[(b"appendonly", b"no"), (b"tls-port", b"0")], &AcceptAll).is_ok());
}

#[test]
fn a_change_without_effect_is_said_once() {
    let options = Options::new();
    let set = |name: &str, value: &str| options.config_set(&[(name.as_bytes(), value.as_bytes())], &AcceptAll).unwrap();
    assert_eq!(set("timeout", "5"), [""; 0]);
    assert_eq!(set("save", "60 1").len(), 1);
    assert_eq!(set("save", "60 1"), [""; 0], "it is that already");
    assert_eq!(set("save", ""), [""; 0]);
    assert_eq!(set("appendfsync", "always"), ["Option appendfsync has no effect yet; missing: the append-only file"]);
    assert_eq!(set("appendfsync", "everysec"), [""; 0]);
}

#[test]
fn what_is_vital_is_meant_to_be_kept() {
    for spec in table().iter().filter(|spec| spec.vital) {
        let may_be_kept = matches!(spec.effect, Effect::Live | Effect::NotYet(_));
        assert!(may_be_kept, "{}: what has no meaning here can never be relied on", spec.name);
    }
}
