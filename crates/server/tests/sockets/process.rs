//! The program itself: its arguments, its errors, its end.

use crate::support::{PATIENCE, Scratch, until};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_russet-server"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn output(args: &[&str]) -> Output {
    program().args(args).output().expect("the program starts")
}

/// Reads the log until the server is ready on its unix socket.
fn wait_until_ready(child: &mut Child) {
    let log = BufReader::new(child.stdout.as_mut().expect("piped"));
    let ready = log.lines().map_while(Result::ok).any(|line| line.contains("Ready to accept connections unix"));
    assert!(ready, "the log ended before the server was ready");
}

fn terminate(mut child: Child) -> i32 {
    let pid = Pid::from_child(&child);
    kill_process(pid, Signal::TERM).unwrap();
    // The log may be more than a pipe holds.
    let mut rest = String::new();
    child.stdout.take().expect("piped").read_to_string(&mut rest).unwrap();
    child.wait().unwrap().code().expect("it ends by itself")
}

#[test]
fn a_port_in_use_is_one_line_and_status_one() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = output(&["--port", &port, "--bind", "127.0.0.1", "--save", ""]);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert!(errors.contains(&format!("127.0.0.1:{port}")) && errors.contains("in use"), "{errors}");
}

#[test]
fn an_address_that_is_none_is_one_line_and_status_one() {
    let output = output(&["--port", "7999", "--bind", "no such host", "--save", ""]);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), errors.lines().count()), (Some(1), 1), "{errors}");
    assert!(errors.contains("Failed listening on no"), "{errors}");
}

#[test]
fn options_that_are_none_or_have_bad_values_are_named_and_end_the_program() {
    for args in [["--no-such-option", "1"], ["--port", "70000"], ["--maxmemory", "lots"], ["--appendonly", "maybe"]] {
        let output = output(&args);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(errors.contains(&args[0][2..]), "{args:?}: {errors}");
        assert!(output.stdout.is_empty(), "{args:?}");
    }
}

#[test]
fn the_version_line_can_be_taken_apart() {
    let output = output(&["--version"]);
    let line = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert!(line.starts_with("Redis server v=8.2.3 ") && line.contains(" Russet ") && line.ends_with('\n'), "{line}");
}

#[test]
fn sigterm_ends_with_status_zero_and_leaves_no_files() {
    let scratch = Scratch::new("sigterm");
    let (socket, pidfile) = (scratch.path("socket"), scratch.path("pid"));
    let args = ["--port", "0", "--unixsocket", &socket, "--pidfile", &pidfile, "--threads", "2", "--save", ""];
    let mut child = program().args(args).spawn().unwrap();
    wait_until_ready(&mut child);
    assert_eq!(std::fs::read_to_string(&pidfile).unwrap().trim(), child.id().to_string());
    // A client that is there does not keep it.
    let _client = UnixStream::connect(&socket).unwrap();
    assert_eq!(terminate(child), 0);
    assert!(!Path::new(&pidfile).exists() && !Path::new(&socket).exists());
}

#[test]
fn a_configuration_can_come_from_the_standard_input() {
    let scratch = Scratch::new("stdin");
    let socket = scratch.path("socket");
    let mut child = program().arg("-").stdin(Stdio::piped()).spawn().unwrap();
    let text = format!("port 0\nunixsocket {socket}\nmaxclients 123\nthreads 1\nsave \"\"\n");
    child.stdin.take().expect("piped").write_all(text.as_bytes()).unwrap();
    wait_until_ready(&mut child);
    let mut client = UnixStream::connect(&socket).unwrap();
    client.write_all(b"CONFIG GET maxclients\r\nQUIT\r\n").unwrap();
    let mut reply = String::new();
    client.read_to_string(&mut reply).unwrap();
    assert_eq!(reply, "*2\r\n$10\r\nmaxclients\r\n$3\r\n123\r\n+OK\r\n");
    assert_eq!(terminate(child), 0);
}

/// A program that listens on a unix socket only, in a directory of its own, and ends with the test.
struct Started {
    child: Option<Child>,
    scratch: Scratch,
}

impl Started {
    fn new(mut command: Command, name: &str, args: &[&str]) -> Started {
        let scratch = Scratch::new(name);
        let socket = scratch.path("socket");
        command.args(["--port", "0", "--threads", "1", "--save", "", "--unixsocket", &socket]);
        command.args(["--enable-debug-command", "yes"]).args(args);
        let child = command.spawn().expect("the program starts");
        until("the server to be ready", || UnixStream::connect(&socket).is_ok());
        Started { child: Some(child), scratch }
    }

    /// The reply to an inline command, as it was sent.
    fn ask(&self, line: &str) -> String {
        let mut client = UnixStream::connect(self.scratch.path("socket")).expect("it listens");
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        client.write_all(format!("{line}\r\nQUIT\r\n").as_bytes()).unwrap();
        let mut reply = String::new();
        client.read_to_string(&mut reply).unwrap();
        reply.strip_suffix("+OK\r\n").expect("QUIT is answered").to_owned()
    }

    /// Names of its threads.
    fn threads(&self) -> Vec<String> {
        let pid = self.child.as_ref().expect("it runs").id();
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).expect("the process is there");
        tasks.flatten().map(|task| std::fs::read_to_string(task.path().join("comm")).unwrap_or_default()).collect()
    }

    /// Ends it, and returns its log.
    fn log(mut self) -> String {
        let mut child = self.child.take().expect("it runs");
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        let mut log = String::new();
        child.stdout.take().expect("piped").read_to_string(&mut log).unwrap();
        assert!(child.wait().unwrap().success());
        log
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
pub fn a_daemon_runs_in_the_background_and_has_its_files_in_its_directory() {
    let scratch = Scratch::new("daemon");
    let directory = scratch.path("");
    let files = ["--dir", &directory, "--pidfile", "pid", "--logfile", "log", "--unixsocket", "socket"];
    let output = output(&[&["--daemonize", "yes", "--port", "0", "--threads", "1", "--save", ""], &files[..]].concat());
    assert!(output.status.success() && output.stdout.is_empty() && output.stderr.is_empty(), "{output:?}");
    let mut client = None;
    until("the daemon to listen", || {
        client = UnixStream::connect(scratch.path("socket")).ok();
        client.is_some()
    });
    let mut client = client.expect("it is connected");
    until("the pid to be written", || Path::new(&scratch.path("pid")).exists());
    client.write_all(b"CONFIG GET dir\r\n").unwrap();
    let mut reply = vec![0; 1024];
    let len = client.read(&mut reply).unwrap();
    let reply = String::from_utf8_lossy(&reply[..len]);
    assert!(reply.contains(directory.trim_end_matches('/')), "{reply}");
    client.write_all(b"SHUTDOWN NOSAVE\r\n").unwrap();
    assert_eq!(client.read(&mut [0; 16]).unwrap(), 0, "it is over");
    until("its files to be gone", || !Path::new(&scratch.path("pid")).exists());
    assert!(!Path::new(&scratch.path("socket")).exists());
    let log = std::fs::read_to_string(scratch.path("log")).unwrap();
    assert!(log.contains("* Ready to accept connections unix\n"), "{log}");
}

#[test]
pub fn the_level_decides_what_is_logged() {
    let server = Started::new(program(), "loglevel", &["--loglevel", "warning"]);
    server.ask("DEBUG LOG first");
    assert_eq!(server.ask("CONFIG SET loglevel notice"), "+OK\r\n");
    server.ask("DEBUG LOG second");
    assert_eq!(server.ask("CONFIG SET loglevel nothing"), "+OK\r\n");
    server.ask("DEBUG LOG third");
    let log = server.log();
    assert!(matches!(log.lines().collect::<Vec<_>>()[..], [line] if line.contains("second")), "{log}");
}

#[test]
pub fn the_logo_is_shown_where_it_is_asked_for() {
    for (value, shown) in [("yes", true), ("no", false)] {
        let server = Started::new(program(), "logo", &["--always-show-logo", value]);
        let pid = server.child.as_ref().expect("it runs").id();
        assert_eq!(server.log().contains(&format!("PID: {pid}")), shown);
    }
}

#[test]
pub fn the_allocator_has_a_thread_where_it_is_asked_for() {
    let server = Started::new(program(), "allocator", &["--jemalloc-bg-thread", "no"]);
    let has_thread = || server.threads().iter().any(|name| name.starts_with("jemalloc"));
    assert!(!has_thread());
    assert_eq!(server.ask("CONFIG SET jemalloc-bg-thread yes"), "+OK\r\n");
    until("the thread to be there", has_thread);
}

#[test]
fn what_others_rely_on_and_is_not_there_is_one_line_and_status_one() {
    for args in [
        &["--appendonly", "yes"] as &[&str],
        &["--tls-port", "6380"],
        &["--cluster-enabled", "yes"],
        &["--replicaof", "127.0.0.1", "6379"],
        &["--aclfile", "/etc/users.acl"],
        &["--user", "bob", "on", ">secret"],
    ] {
        let output = output(&[args, &["--port", "0", "--save", ""]].concat());
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), errors.lines().count()), (Some(1), 1), "{args:?}: {errors}");
        assert!(errors.starts_with("Refusing to start with ") && errors.contains(&args[0][2..]), "{args:?}: {errors}");
        assert!(!errors.contains("secret"));
    }
}

#[test]
fn what_has_no_effect_is_said_in_the_log_and_what_asks_for_nothing_is_not() {
    let server = Started::new(program(), "silent", &["--appendonly", "no"]);
    assert_eq!(server.ask("CONFIG SET appendonly no save \"\" hz 10"), "+OK\r\n");
    let log = server.log();
    // The end, by SIGTERM, is a warning, too.
    assert_eq!(log.matches(" # ").count(), 1, "{log}");
    let server = Started::new(program(), "warned", &["--save", "60", "1", "--io-threads", "4"]);
    assert_eq!(server.ask("CONFIG SET appendfsync always"), "+OK\r\n");
    let refused = server.ask("CONFIG SET appendonly yes");
    assert!(refused.starts_with("-ERR CONFIG SET failed (possibly related to argument 'appendonly') - "), "{refused}");
    let log = server.log();
    for option in ["save", "io-threads", "appendfsync"] {
        assert_eq!(log.matches(&format!(" # Option {option} has no effect")).count(), 1, "{option}: {log}");
    }
}

#[test]
fn fewer_clients_than_asked_for_are_what_is_shown() {
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -n 256 && exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_russet-server")]);
    limited.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let server = Started::new(limited, "ulimit", &[]);
    assert_eq!(server.ask("CONFIG GET maxclients"), "*2\r\n$10\r\nmaxclients\r\n$3\r\n224\r\n");
    assert!(server.ask("INFO clients").contains("\r\nmaxclients:224\r\n"));
    let log = server.log();
    assert!(log.contains("# maxclients has been reduced to 224"), "{log}");
}

/// A server with debug commands on a unix socket of its own, ready.
fn start_debug(socket: &str, threads: &str) -> Child {
    let args = ["--port", "0", "--unixsocket", socket, "--threads", threads, "--save", ""];
    let mut child = program().args(args).args(["--enable-debug-command", "yes"]).spawn().unwrap();
    wait_until_ready(&mut child);
    child
}

fn ask(client: &mut UnixStream, question: &[u8], answer: &[u8]) {
    client.write_all(question).unwrap();
    let mut got = vec![0; answer.len()];
    client.read_exact(&mut got).unwrap();
    assert_eq!(got, answer);
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// Reads the log until a line has this text.
fn wait_for_line(child: &mut Child, text: &str) {
    let log = BufReader::new(child.stdout.as_mut().expect("piped"));
    assert!(log.lines().map_while(Result::ok).any(|line| line.contains(text)), "the log ended without {text}");
}

/// Makes a worker sleep, and returns when it does: the log says so just before.
fn put_to_sleep(child: &mut Child, socket: &str, seconds: &str) -> UnixStream {
    let mut sleeper = UnixStream::connect(socket).unwrap();
    sleeper.write_all(format!("DEBUG LOG sleeping\r\nDEBUG SLEEP {seconds}\r\n").as_bytes()).unwrap();
    wait_for_line(child, "sleeping");
    sleeper
}

#[test]
fn a_log_that_nobody_reads_stops_neither_clients_nor_the_end() {
    let scratch = Scratch::new("full-log");
    let socket = scratch.path("socket");
    let mut child = start_debug(&socket, "1");
    let mut client = UnixStream::connect(&socket).unwrap();
    let line = format!("DEBUG LOG {}\r\n", "x".repeat(1000));
    // More than the pipe and the server's own room take.
    for _ in 0..2000 {
        ask(&mut client, line.as_bytes(), b"+OK\r\n");
    }
    ask(&mut client, b"PING\r\n", b"+PONG\r\n");
    signal(&child, Signal::TERM);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn what_was_lost_of_a_log_that_was_not_read_in_time_is_said() {
    let scratch = Scratch::new("slow-log");
    let socket = scratch.path("socket");
    let mut child = start_debug(&socket, "1");
    let mut client = UnixStream::connect(&socket).unwrap();
    let line = format!("DEBUG LOG {}\r\n", "x".repeat(1000));
    for _ in 0..2000 {
        ask(&mut client, line.as_bytes(), b"+OK\r\n");
    }
    wait_for_line(&mut child, "lines were lost here");
    assert_eq!(terminate(child), 0);
}

#[test]
fn browsers_do_not_fill_the_log() {
    let scratch = Scratch::new("browsers");
    let socket = scratch.path("socket");
    let mut child = start_debug(&socket, "2");
    for _ in 0..100 {
        let mut client = UnixStream::connect(&socket).unwrap();
        client.write_all(b"POST / HTTP/1.1\r\n").unwrap();
        assert_eq!(client.read(&mut [0]).unwrap_or(0), 0, "closed without a word");
    }
    signal(&child, Signal::TERM);
    let mut log = String::new();
    child.stdout.take().expect("piped").read_to_string(&mut log).unwrap();
    assert_eq!(log.matches("SECURITY ATTACK").count(), 1, "{log}");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn sigterm_waits_for_the_running_command_and_a_second_sigint_does_not() {
    let scratch = Scratch::new("insist");
    let socket = scratch.path("socket");
    let mut child = start_debug(&socket, "2");
    let mut sleeper = put_to_sleep(&mut child, &socket, "1");
    signal(&child, Signal::TERM);
    wait_for_line(&mut child, "Received SIGTERM");
    let mut answer = String::new();
    sleeper.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "+OK\r\n+OK\r\n");
    assert_eq!(child.wait().unwrap().code(), Some(0));

    let mut child = start_debug(&socket, "2");
    let _sleeper = put_to_sleep(&mut child, &socket, "60");
    signal(&child, Signal::INT);
    wait_for_line(&mut child, "Received SIGINT");
    let begin = Instant::now();
    signal(&child, Signal::INT);
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(begin.elapsed() < Duration::from_secs(10), "it waited for the command");
}

#[test]
fn signals_without_a_meaning_change_nothing() {
    let scratch = Scratch::new("signals");
    let socket = scratch.path("socket");
    let child = start_debug(&socket, "1");
    let mut client = UnixStream::connect(&socket).unwrap();
    for number in [Signal::HUP, Signal::USR1, Signal::USR2, Signal::ALARM, Signal::PIPE] {
        signal(&child, number);
        ask(&mut client, b"PING\r\n", b"+PONG\r\n");
    }
    assert_eq!(terminate(child), 0);
}
