//! Every option that the table calls live does something: each has a test here or a name of one elsewhere.

use crate::all::{limits, listening, pubsub, tracking, workers};
use crate::process;
use crate::support::{Client, Scratch, until};
use options::{Access, Effect, find, table};
use resp::client::Value;
use russet_server::testing::TestServer;
use std::collections::BTreeSet;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

/// With the first value of the option the last reply has the mark in it, with the second it has not.
struct Contrast {
    option: &'static str,
    values: [&'static str; 2],
    commands: &'static [&'static str],
    mark: &'static str,
}

const fn contrast(
    option: &'static str,
    values: [&'static str; 2],
    commands: &'static [&'static str],
    mark: &'static str,
) -> Contrast {
    Contrast { option, values, commands, mark }
}

const LONG: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const SET_LONG: &str =
    "SET k aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const LOG_ALL: &str =
    "CONFIG SET slowlog-log-slower-than 0 commandlog-request-larger-than 0 commandlog-reply-larger-than 0";
const XADD: &str = "XADD k 1-1 f v";
/// Removes a whole block, if there is more than one.
const TRIM: &str = "XTRIM k MAXLEN ~ 1";
const LFU: &str = "CONFIG SET maxmemory-policy allkeys-lfu lfu-decay-time 0";

const CONTRASTS: &[Contrast] = &[
    contrast("acllog-max-len", ["5", "1"], &["AUTH first x", "AUTH second x", "ACL LOG"], "first"),
    contrast("databases", ["2", "16"], &["SELECT 5"], "out of range"),
    contrast("enable-debug-command", ["no", "yes"], &["DEBUG SLEEP 0"], "not allowed"),
    contrast("enable-module-command", ["no", "yes"], &["MODULE LOAD nothing.so"], "not allowed"),
    contrast("enable-protected-configs", ["no", "yes"], &["CONFIG SET dbfilename x.rdb"], "protected config"),
    contrast("requirepass", ["x", ""], &["RESET", "PING"], "NOAUTH"),
    contrast("threads", ["3", "2"], &["INFO server"], "threads:3"),
    contrast("proto-max-bulk-len", ["1mb", "2mb"], &["SETRANGE k 1500000 x"], "exceeds maximum allowed size"),
    contrast("maxmemory", ["1", "0"], &["SET k v"], "OOM command not allowed"),
    contrast("rdbcompression", ["no", "yes"], &[SET_LONG, "DUMP k"], LONG),
    // Every use counts, or hardly any.
    contrast("lfu-log-factor", ["0", "1000000"], &[LFU, "SET k v", "each GET k", "OBJECT FREQ k"], "(integer) 105"),
    contrast(
        "lazyfree-lazy-expire",
        ["yes", "no"],
        &["DEBUG JOURNAL START", "SET k v", "EXPIRE k -1", "DEBUG JOURNAL READ"],
        "UNLINK",
    ),
    contrast(
        "lazyfree-lazy-server-del",
        ["yes", "no"],
        &["DEBUG JOURNAL START", "SADD k a", "SPOP k 5", "DEBUG JOURNAL READ"],
        "UNLINK",
    ),
    contrast("hash-max-listpack-entries", ["1", "2"], &["HSET k a 1 b 2", "OBJECT ENCODING k"], "hashtable"),
    contrast("hash-max-listpack-value", ["1", "2"], &["HSET k f ab", "OBJECT ENCODING k"], "hashtable"),
    contrast("list-max-listpack-size", ["1", "2"], &["RPUSH k a b", "OBJECT ENCODING k"], "quicklist"),
    contrast("set-max-intset-entries", ["1", "2"], &["SADD k 1 2", "OBJECT ENCODING k"], "listpack"),
    contrast("set-max-listpack-entries", ["1", "2"], &["SADD k a b", "OBJECT ENCODING k"], "hashtable"),
    contrast("set-max-listpack-value", ["1", "2"], &["SADD k ab", "OBJECT ENCODING k"], "hashtable"),
    contrast("zset-max-listpack-entries", ["1", "2"], &["ZADD k 1 a 2 b", "OBJECT ENCODING k"], "skiplist"),
    contrast("zset-max-listpack-value", ["1", "2"], &["ZADD k 1 ab", "OBJECT ENCODING k"], "skiplist"),
    contrast("stream-node-max-entries", ["1", "2"], &[XADD, "XADD k 2-1 f v", TRIM], "(integer) 1"),
    contrast("stream-node-max-bytes", ["1", "4096"], &[XADD, "XADD k 2-1 f v", TRIM], "(integer) 1"),
    contrast("hll-sparse-max-bytes", ["0", "3000"], &["PFADD k a", "PFDEBUG ENCODING k"], "dense"),
    contrast("slowlog-log-slower-than", ["0", "-1"], &["SLOWLOG RESET", "PING", "SLOWLOG GET"], "PING"),
    contrast("slowlog-max-len", ["2", "3"], &[LOG_ALL, "PING", "PING", "PING", "SLOWLOG LEN"], "2"),
    contrast("commandlog-request-larger-than", ["0", "-1"], &["PING", "COMMANDLOG GET -1 large-request"], "PING"),
    contrast("commandlog-reply-larger-than", ["0", "-1"], &["PING", "COMMANDLOG GET -1 large-reply"], "PING"),
    contrast(
        "commandlog-large-request-max-len",
        ["2", "3"],
        &[LOG_ALL, "PING", "PING", "PING", "COMMANDLOG LEN large-request"],
        "2",
    ),
    contrast(
        "commandlog-large-reply-max-len",
        ["2", "3"],
        &[LOG_ALL, "PING", "PING", "PING", "COMMANDLOG LEN large-reply"],
        "2",
    ),
    contrast("latency-monitor-threshold", ["1", "0"], &["DEBUG SLEEP 0.002", "LATENCY LATEST"], "command"),
    contrast("latency-tracking", ["yes", "no"], &["PING", "LATENCY HISTOGRAM ping"], "histogram_usec"),
    contrast("latency-tracking-info-percentiles", ["12.5", "50"], &["PING", "INFO latencystats"], "p12.5="),
];

/// The other live options, each with the test that shows its effect.
const SHOWN: &[(&str, fn())] = &[
    ("bind", listening::addresses_can_be_exchanged_one_by_one),
    ("port", listening::a_new_port_takes_the_place_of_the_old_one_and_connections_stay),
    ("tcp-backlog", more_connections_than_the_backlog_have_to_wait),
    ("unixsocket", workers::a_unix_socket_is_served_and_its_file_goes_with_the_server),
    ("unixsocketperm", the_unix_socket_has_the_permissions_asked_for),
    ("timeout", limits::silent_clients_are_closed_after_the_timeout_but_monitors_are_not),
    ("tcp-keepalive", silent_connections_are_probed),
    ("daemonize", process::a_daemon_runs_in_the_background_and_has_its_files_in_its_directory),
    ("pidfile", process::a_daemon_runs_in_the_background_and_has_its_files_in_its_directory),
    ("logfile", process::a_daemon_runs_in_the_background_and_has_its_files_in_its_directory),
    ("dir", process::a_daemon_runs_in_the_background_and_has_its_files_in_its_directory),
    ("loglevel", process::the_level_decides_what_is_logged),
    ("always-show-logo", process::the_logo_is_shown_where_it_is_asked_for),
    ("jemalloc-bg-thread", process::the_allocator_has_a_thread_where_it_is_asked_for),
    ("maxclients", limits::clients_beyond_maxclients_are_told_and_closed),
    ("client-output-buffer-limit", limits::the_hard_output_limit_closes_and_is_counted),
    ("client-query-buffer-limit", limits::the_query_buffer_limit_closes_and_is_counted),
    ("notify-keyspace-events", pubsub::events_of_a_key_come_in_the_order_of_its_changes),
    ("tracking-table-max-keys", tracking::the_table_keeps_its_limit_and_tells_what_it_gives_up),
    ("lazyfree-lazy-user-flush", a_flush_within_a_transaction_frees_where_it_is_told_to),
];

/// Options whose effect hangs on what a test of sockets cannot have, with the file and the test that has it.
const ELSEWHERE: &[(&str, &str, &str)] = &[
    // The time of another day.
    ("lfu-decay-time", include_str!("../../../commands/src/generic/object.rs"), "frequency_falls_by_the_minute"),
    // A client on another machine.
    ("protected-mode", include_str!("../../src/service.rs"), "strangers_are_refused_while_there_is_no_password"),
];

#[test]
fn every_live_option_is_shown_to_do_something() {
    let live: BTreeSet<&str> =
        table().iter().filter(|spec| spec.effect == Effect::Live).map(|spec| spec.name).collect();
    let here = CONTRASTS.iter().map(|contrast| contrast.option).chain(SHOWN.iter().map(|(option, _)| *option));
    let shown: BTreeSet<&str> = here.chain(ELSEWHERE.iter().map(|(option, ..)| *option)).collect();
    let unshown: Vec<_> = live.difference(&shown).collect();
    assert!(unshown.is_empty(), "called live, but no test shows that they do anything: {unshown:?}");
    let not_live: Vec<_> = shown.difference(&live).collect();
    assert!(not_live.is_empty(), "shown to do something, but not called live: {not_live:?}");
    for (option, file, test) in ELSEWHERE {
        assert!(file.contains(&format!("fn {test}()")), "{option}: there is no test {test}");
    }
}

/// Sets an option as it can be set, runs the commands, and returns the last reply as people read it.
fn last_reply(Contrast { option, commands, .. }: &Contrast, value: &str) -> String {
    let spec = find(option.as_bytes()).expect("an option of the table");
    let at_start = spec.access != Access::Mutable;
    let arguments = [format!("--{option}"), value.to_owned()];
    let arguments: Vec<&str> = arguments.iter().filter(|_| at_start).map(String::as_str).collect();
    let server = TestServer::start(&arguments);
    let mut client = Client::connect(server.addr());
    if !at_start {
        let set = client.run_words(&[b"CONFIG", b"SET", option.as_bytes(), value.as_bytes()]);
        assert_eq!(set, crate::support::ok(), "{option} {value}");
    }
    let mut last = String::new();
    for command in *commands {
        let (command, times) = command.strip_prefix("each ").map_or((*command, 1), |command| (command, 100));
        for _ in 0..times {
            last = client.run(command).to_string();
        }
    }
    last
}

#[test]
fn values_of_live_options_make_a_difference() {
    for contrast in CONTRASTS {
        let [with, without] = contrast.values.map(|value| last_reply(contrast, value));
        let option = contrast.option;
        assert!(with.contains(contrast.mark), "{option} {}: {with}", contrast.values[0]);
        assert!(!without.contains(contrast.mark), "{option} {}: {without}", contrast.values[1]);
    }
}

/// Whether somebody who connects has to wait while the server's only worker sleeps, and takes no connections.
fn is_queue_full_while_it_sleeps(server: &TestServer, client: &mut Client) -> bool {
    client.send(&[b"DEBUG", b"SLEEP", b"0.6"]);
    let begin = Instant::now();
    let mut queued = Vec::new();
    let mut is_full = false;
    while !is_full && begin.elapsed() < Duration::from_millis(400) && queued.len() < 100 {
        match TcpStream::connect_timeout(&server.addr(), Duration::from_millis(200)) {
            Ok(stream) => queued.push(stream),
            Err(_) => is_full = true,
        }
    }
    assert_eq!(client.receive(), Some(crate::support::ok()));
    is_full
}

#[test]
fn more_connections_than_the_backlog_have_to_wait() {
    let server = TestServer::start(&["--tcp-backlog", "1", "--threads", "1"]);
    let mut client = Client::connect(server.addr());
    // A connection that comes before the worker sleeps is taken: so more than once.
    until("the queue to be full", || is_queue_full_while_it_sleeps(&server, &mut client));
    let server = TestServer::start(&["--tcp-backlog", "200", "--threads", "1"]);
    let mut client = Client::connect(server.addr());
    until("all to be queued", || !is_queue_full_while_it_sleeps(&server, &mut client));
}

#[test]
fn the_unix_socket_has_the_permissions_asked_for() {
    let scratch = Scratch::new("permissions");
    let path = scratch.path("socket");
    let _server = TestServer::start(&["--unixsocket", &path, "--unixsocketperm", "710"]);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o710);
}

/// The kind of timer that the system runs for the server's end of a connection: 2 is that for probes of a silent one.
fn timer(server: &TestServer, client: &Client) -> u8 {
    let port = |addr: std::net::SocketAddr| format!(":{:04X}", addr.port());
    let (local, remote) = (port(server.addr()), port(client.stream.local_addr().unwrap()));
    let connections = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let fields = connections.lines().map(|line| line.split_ascii_whitespace().collect::<Vec<_>>());
    let ours = fields.into_iter().find(|fields| fields[1].ends_with(&local) && fields[2].ends_with(&remote));
    ours.expect("the connection is there")[5][..2].parse().unwrap()
}

#[test]
fn silent_connections_are_probed() {
    let server = TestServer::start(&["--tcp-keepalive", "100"]);
    let mut probed = Client::connect(server.addr());
    probed.ok("CONFIG SET tcp-keepalive 0");
    let mut left_alone = Client::connect(server.addr());
    left_alone.run("PING");
    // Until the last reply is acknowledged, another timer runs.
    until("the probes to be planned", || timer(&server, &probed) == 2);
    until("no timer to run", || timer(&server, &left_alone) == 0);
}

#[test]
fn a_flush_within_a_transaction_frees_where_it_is_told_to() {
    let server = TestServer::start(&[]);
    let mut client = Client::connect(server.addr());
    let freed = |client: &mut Client| {
        let info = client.text("INFO memory");
        info.lines().find_map(|line| line.strip_prefix("lazyfreed_objects:")?.parse::<u64>().ok()).unwrap()
    };
    let flush = |client: &mut Client| {
        client.int("RPUSH k a b c");
        client.ok("MULTI");
        client.run("FLUSHALL");
        assert_eq!(client.run("EXEC"), Value::Array(vec![crate::support::ok()]));
    };
    flush(&mut client);
    assert_eq!(freed(&mut client), 0);
    client.ok("CONFIG SET lazyfree-lazy-user-flush yes");
    flush(&mut client);
    until("the background to free it", || freed(&mut client) == 1);
}
