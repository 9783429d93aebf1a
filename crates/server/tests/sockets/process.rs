//! The program itself: its arguments, its errors, its end.

use crate::support::Scratch;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

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
