//! Tests of INFO over a server without sockets.

use crate::testing::TestServer;

fn heads(shown: &str) -> Vec<String> {
    shown
        .split("\\r\\n")
        .filter_map(|line| line.trim_start_matches('"').strip_prefix("# "))
        .map(str::to_owned)
        .collect()
}

#[test]
fn sections_are_chosen_by_name_and_class() {
    let mut server = TestServer::new();
    let default = heads(&server.show("INFO"));
    assert_eq!(default.first().map(String::as_str), Some("Server"));
    assert!(!default.contains(&"Commandstats".to_owned()) && !default.contains(&"Debug".to_owned()));
    assert_eq!(heads(&server.show("INFO default")), default);
    let all = heads(&server.show("INFO all"));
    assert!(all.contains(&"Latencystats".to_owned()) && !all.contains(&"Debug".to_owned()));
    assert_eq!(heads(&server.show("INFO everything")), all);
    assert_eq!(heads(&server.show("INFO keyspace server nothing CPU")), ["Server", "CPU", "Keyspace"]);
    assert_eq!(heads(&server.show("INFO debug")), ["Debug"]);
    assert_eq!(server.show("INFO nothing"), "\"\"");
}

#[test]
fn databases_have_a_line_each() {
    let mut server = TestServer::new();
    server.run("DEBUG POPULATE 3 k 5");
    let shown = server.show("INFO keyspace");
    assert!(shown.contains("db0:keys=3,expires=0,avg_ttl=0,subexpiry=0"), "{shown}");
    let shown = server.show("INFO keysizes");
    assert!(shown.contains("db0_distrib_strings_sizes:4=3"), "{shown}");
}

#[test]
fn the_average_time_to_live_is_that_of_keys_with_one() {
    use engine::{Event, NewValue};
    let mut server = TestServer::new();
    let now = server.worker.effects.turn.now_ms;
    for (key, deadline) in [(b"a", Some(now + 1000)), (b"b", Some(now + 3000)), (b"c", None)] {
        let mut keys = server.lock_all();
        let key = keys.key(key);
        keys.slot(&key).set(NewValue::Int(1), deadline, Event::SET);
    }
    assert!(server.show("INFO keyspace").contains("db0:keys=3,expires=2,avg_ttl=2000,subexpiry=0"));
}

#[test]
fn counters_of_errors_and_commands_are_shown() {
    let mut server = TestServer::new();
    server.run("NOSUCH");
    server.run("GET");
    let shown = server.show("INFO stats errorstats commandstats");
    assert!(shown.contains("total_error_replies:2"), "{shown}");
    assert!(shown.contains("errorstat_ERR:count=2"), "{shown}");
    assert!(shown.contains("cmdstat_get:calls=0,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0"), "{shown}");
}

#[test]
fn sizes_fall_into_powers_of_two() {
    use super::rows::{bin_label, bin_of};
    for (size, label) in
        [(0, "0"), (1, "1"), (3, "2"), (1023, "512"), (1024, "1K"), (70_000, "64K"), (3_000_000, "2M"), (1 << 40, "1T")]
    {
        assert_eq!(bin_label(bin_of(size)), label);
    }
}

#[test]
fn what_is_overdue_is_shown_until_it_is_swept() {
    let mut server = TestServer::new();
    server.run("SET k v PX 100");
    assert!(server.show("INFO stats").contains("expiry_lag_ms:0\\r\\n"));
    server.advance_ms(100 + 1000);
    let shown = server.show("INFO stats");
    let lag = shown.split("expiry_lag_ms:").nth(1).and_then(|rest| rest.split("\\r").next()).expect("a field");
    let lag: u64 = lag.parse().expect("a number");
    // Deadlines are kept to 16 ms.
    assert!((984..=1000).contains(&lag), "{lag}");
    server.sweep();
    assert!(server.show("INFO stats").contains("expiry_lag_ms:0\\r\\n"));
}
