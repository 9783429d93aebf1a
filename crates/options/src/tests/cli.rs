//! The arguments of the program, as Redis 8.2.3 took them.

use crate::cli::{check_system, take_apart};
use crate::{ConfigFileError, Invocation, Options, invocation};

fn run_with(arguments: &[&str], stdin: &str) -> Result<Options, ConfigFileError> {
    let arguments: Vec<Vec<u8>> = arguments.iter().map(|a| a.as_bytes().to_vec()).collect();
    match invocation(&arguments, "0.1.0", &mut stdin.as_bytes())? {
        Invocation::Run(options) => Ok(*options),
        Invocation::Print { text, .. } => panic!("printed {text}"),
    }
}

/// Arguments, an option, and its value afterwards.
const TAKEN: &[(&[&str], &str, &str)] = &[
    (&["--port", "7165", "--save", "", "--bind", "127.0.0.1"], "bind", "127.0.0.1"),
    (&["--save", "3600", "1", "--port", "1"], "save", "3600 1"),
    (&["--save", "3600", "1", "--save", "60", "5"], "save", "3600 1 60 5"),
    (&["--save", "3600 1 60 5"], "save", "3600 1 60 5"),
    (&["--port", "1", "--save"], "save", ""),
    (&["--save", "--hz", "20"], "save", ""),
    (&["--save", "--hz", "20"], "hz", "20"),
    (&["--bind", "127.0.0.1", "-::1"], "bind", "127.0.0.1 -::1"),
    (&["--bind", "127.0.0.1 -::1"], "bind", "127.0.0.1 -::1"),
    (&["--hz", "20", "--hz", "30"], "hz", "30"),
    (&["--PORT", "7165", "--HZ", "33"], "hz", "33"),
    (&["--requirepass", ""], "requirepass", ""),
    (&["--requirepass", "a b\"c"], "requirepass", "a b\"c"),
    (&["--replica-announce-ip", "--foo"], "replica-announce-ip", "--foo"),
    (&["--replica-announce-ip", "\"--foo\""], "replica-announce-ip", "\"--foo\""),
    (&["--shutdown-on-sigterm", "nosave", "force"], "shutdown-on-sigterm", "nosave force"),
    (&["--replicaof", "127.0.0.1", "8888", "--hz", "9"], "replicaof", "127.0.0.1 8888"),
    (
        &["--client-output-buffer-limit", "normal", "1", "2", "3", "replica", "1", "1", "1"],
        "client-output-buffer-limit",
        "normal 1 2 3 slave 1 1 1 pubsub 33554432 8388608 60",
    ),
    (&["-", "--hz", "44"], "hz", "44"),
    (&["--hz", "44", "-"], "hz", "44"),
    (&["-"], "hz", "13"),
    (&["--timeout", "5", "-"], "hz", "13"),
];

#[test]
fn arguments_are_taken_as_redis_takes_them() {
    for (arguments, name, value) in TAKEN {
        let options = run_with(arguments, "hz 13\n").unwrap_or_else(|e| panic!("{arguments:?}: {e}"));
        assert_eq!(options.text(name), *value, "{arguments:?}");
    }
}

/// Arguments, the number of the wrong line, the line, and the reason.
const REFUSED: &[(&[&str], usize, &str, &str)] = &[
    (&["--hz=20"], 2, "hz=20", "Bad directive or wrong number of arguments"),
    (&["--port", "1", "--hz"], 3, "hz", "wrong number of arguments"),
    (&["--port", "1", "-hz", "20"], 2, "port \"1\" \"-hz\" \"20\"", "wrong number of arguments"),
    (&["--port", "abc"], 2, "port \"abc\"", "argument couldn't be parsed into an integer"),
    (&["--foo"], 2, "foo", "Bad directive or wrong number of arguments"),
    (&["---hz", "2"], 2, "-hz \"2\"", "Bad directive or wrong number of arguments"),
];

#[test]
fn wrong_arguments_are_reported_as_lines() {
    for (arguments, number, line, reason) in REFUSED {
        let error = run_with(arguments, "").expect_err("a wrong argument");
        let expected =
            ConfigFileError::Line { number: *number, line: (*line).to_owned(), reason: (*reason).to_owned() };
        assert_eq!(error, expected, "{arguments:?}");
    }
}

#[test]
fn arguments_win_over_the_file() {
    let path = std::env::temp_dir().join(format!("russet-options-{}-cli.conf", std::process::id()));
    std::fs::write(&path, "port 1\nhz 13\nsave 60 1\n").expect("a temporary file");
    let name = path.display().to_string();
    let options = run_with(&[&name, "--hz", "14", "--save", "5", "6"], "").expect("valid");
    assert_eq!((options.int("port"), options.int("hz")), (1, 14));
    assert_eq!(options.text("save"), "60 1 5 6");
    assert_eq!(options.config_file(), Some(path.clone()));
    let error = run_with(&[&name, "b.conf"], "").expect_err("a second file");
    assert!(error.to_string().contains("at line 5\n>>> '\"b.conf\"'\nBad directive"), "{error}");
    std::fs::remove_file(&path).expect("it is there");
    let error = run_with(&[&name], "").expect_err("no file");
    assert!(error.to_string().starts_with("Fatal error, can't open config file '"), "{error}");
}

#[test]
fn questions_are_answered_without_a_server() {
    let answer = |argument: &str| match invocation(&[argument.into()], "0.1.0", &mut "".as_bytes()) {
        Ok(Invocation::Print { text, status }) => (text, status),
        other => panic!("{argument}: {other:?}"),
    };
    let (version, status) = answer("--version");
    assert!(version.starts_with("Redis server v=8.2.3 ") && version.ends_with(" Russet 0.1.0\n"));
    assert_eq!((status, answer("-v").0), (0, version));
    assert!(answer("--help").0.starts_with("Usage: "));
    assert_eq!(answer("--test-memory").1, 1);
    assert_eq!(answer("--sentinel").1, 1);
}

#[test]
fn a_system_that_tells_nothing_is_fine() {
    let (report, status) = check_system(std::path::Path::new("/nonexistent"));
    assert_eq!((report.lines().count(), status), (3, 0), "{report}");
}

#[test]
fn only_the_first_bare_word_is_a_file() {
    let taken = take_apart(&[b"-x".to_vec(), b"--hz".to_vec(), b"-".to_vec()]);
    assert_eq!(taken.file.as_deref(), Some(std::path::Path::new("-x")));
    assert!(!taken.stdin, "a word that an option waits for is its value");
    assert_eq!(taken.lines, b"hz \"-\" ");
}
