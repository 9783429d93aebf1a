//! The configuration file: what it accepts, its errors, includes, and rewriting.

use std::fs;
use std::path::PathBuf;

use crate::file::{load_file, load_text};
use crate::rewrite::new_text;
use crate::{ConfigFileError, Options, rewrite};

fn load(text: &str) -> Result<Options, ConfigFileError> {
    let options = Options::new();
    load_text(&options, text.as_bytes()).map(|()| options)
}

/// A directory of its own for a test, removed with it.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Directory {
        let path = std::env::temp_dir().join(format!("russet-options-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).expect("a temporary directory");
        Directory(path)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, text).expect("a file in it");
        path.display().to_string()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Text, an option, and its value afterwards.
const LOADED: &[(&str, &str, &str)] = &[
    ("  hz   20  ", "hz", "20"),
    ("\thz\t20\t\r", "hz", "20"),
    ("HZ 20", "hz", "20"),
    ("\"hz\" '20'", "hz", "20"),
    ("hz \"\\x32\\x30\"", "hz", "20"),
    ("# hz 20\n\n   # x\nhz 30\nhz 40", "hz", "40"),
    ("maxmemory 1gb", "maxmemory", "1073741824"),
    ("slave-read-only no", "replica-read-only", "no"),
    ("save", "save", ""),
    ("save \"\"", "save", ""),
    ("save 1 2 3 4", "save", "1 2 3 4"),
    ("save \"1 2\"", "save", "1 2"),
    ("save 60 1\nsave 10 5", "save", "60 1 10 5"),
    ("save 60 1\nsave \"\"\nsave 7 7", "save", "7 7"),
    ("bind", "bind", ""),
    ("bind 1.2.3.4 ::", "bind", "1.2.3.4 ::"),
    (
        "client-output-buffer-limit slave 1 2 3\nclient-output-buffer-limit normal 1kb 2 3",
        "client-output-buffer-limit",
        "normal 1024 2 3 slave 1 2 3 pubsub 33554432 8388608 60",
    ),
    ("replicaof no one", "replicaof", ""),
    ("slaveof a 1", "replicaof", "a 1"),
    ("unixsocketperm 700", "unixsocketperm", "700"),
    ("shutdown-on-sigterm save now", "shutdown-on-sigterm", "save now"),
    ("shutdown-on-sigterm \"save now\"", "shutdown-on-sigterm", "save now"),
    ("latency-tracking-info-percentiles 1 2", "latency-tracking-info-percentiles", "1 2"),
    ("requirepass \"a\\x41b\"", "requirepass", "aAb"),
    ("logfile \"\"", "logfile", ""),
    ("list-max-ziplist-entries 1\nio-threads-do-reads yes", "hz", "10"),
    ("include /nonexistent/*.conf", "hz", "10"),
];

#[test]
fn directives_are_read_as_redis_reads_them() {
    for (text, name, value) in LOADED {
        let options = load(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        assert_eq!(options.text(name), *value, "{text:?}");
    }
}

/// Text, the number of the wrong line, and the reason.
const REFUSED: &[(&str, usize, &str)] = &[
    ("foo", 1, "Bad directive or wrong number of arguments"),
    ("foo bar", 1, "Bad directive or wrong number of arguments"),
    ("hz", 1, "wrong number of arguments"),
    ("hz 1 2", 1, "wrong number of arguments"),
    ("# x\n\nhz x", 3, "argument couldn't be parsed into an integer"),
    ("hz \"10", 1, "Unbalanced quotes in configuration line"),
    ("hz \"10\"x", 1, "Unbalanced quotes in configuration line"),
    ("hz 10 # c", 1, "wrong number of arguments"),
    ("save 1", 1, "Invalid save parameters"),
    ("maxmemory 1 gb", 1, "wrong number of arguments"),
    ("unixsocketperm 9", 1, "argument couldn't be parsed as an octal number"),
    ("unixsocketperm 1777", 1, "argument must be between 0 and 777 inclusive"),
    ("databases 0", 1, "argument must be between 1 and 2147483647 inclusive"),
    ("replicaof a", 1, "wrong number of arguments"),
    ("replicaof a 99999", 1, "Invalid master port"),
    ("appendfilename \"\"", 1, "appendfilename can't be empty"),
    ("appenddirname a/b", 1, "appenddirname can't be a path, just a dirname"),
    ("dir /nosuch", 1, "No such file or directory"),
    ("requirepass a b", 1, "wrong number of arguments"),
    ("notify-keyspace-events", 1, "wrong number of arguments"),
    ("rename-command GET", 1, "Bad directive or wrong number of arguments"),
    ("user", 1, "Bad directive or wrong number of arguments"),
    ("include", 1, "Bad directive or wrong number of arguments"),
    ("loadmodule /x.so", 1, "Modules cannot be loaded: Russet has no module interface"),
    ("sentinel monitor x 1 2 3", 1, "sentinel directive while not in sentinel mode"),
];

#[test]
fn wrong_lines_are_named_with_the_reason() {
    for (text, number, reason) in REFUSED {
        match load(text) {
            Err(ConfigFileError::Line { number: n, reason: r, .. }) => {
                assert_eq!((n, r.as_str()), (*number, *reason), "{text:?}");
            }
            other => panic!("{text:?}: {other:?}"),
        }
    }
}

#[test]
fn errors_print_in_the_form_of_redis() {
    let error = load("hz 1\n\n  foo bar ").expect_err("an unknown directive");
    assert_eq!(
        error.to_string(),
        "\n*** FATAL CONFIG FILE ERROR (Redis 8.2.3) ***\nReading the configuration file, at line 3\n\
         >>> 'foo bar'\nBad directive or wrong number of arguments"
    );
    let error = load("include /nosuch.conf").expect_err("no such file");
    assert_eq!(error.to_string(), "Fatal error, can't open config file '/nosuch.conf': No such file or directory");
}

#[test]
fn renamed_commands_and_users_are_kept_in_order() {
    let options = load("rename-command GET \"\"\nuser a on >p\nrename-command set put\nuser b").expect("valid");
    let renamed: Vec<(Vec<u8>, Vec<u8>)> =
        options.renamed_commands().into_iter().map(|r| (r.command, r.name)).collect();
    assert_eq!(renamed, [(b"GET".to_vec(), vec![]), (b"set".to_vec(), b"put".to_vec())]);
    assert_eq!(options.users(), [vec![b"a".to_vec(), b"on".to_vec(), b">p".to_vec()], vec![b"b".to_vec()]]);
}

#[test]
fn includes_follow_patterns_and_end_somewhere() {
    let directory = Directory::new("include");
    directory.write("a.conf", "hz 21\ntimeout 3\n");
    directory.write("b.conf", "hz 22\n");
    let pattern = directory.0.join("[a-c].conf").display().to_string();
    let options = load(&format!("hz 20\ninclude {pattern}\nmaxclients 7\n")).expect("valid");
    assert_eq!((options.int("hz"), options.int("timeout"), options.int("maxclients")), (22, 3, 7));
    let endless = directory.0.join("self.conf");
    directory.write("self.conf", &format!("include {}\n", endless.display()));
    let error = load_file(&Options::new(), &endless).expect_err("a file that includes itself");
    assert!(error.to_string().ends_with("Files include each other too deeply"));
}

fn rewritten(text: &str, changes: &[(&str, &str)]) -> String {
    let options = load(text).expect("valid");
    options.set_from_server("dir", b"/").expect("a directory");
    for (name, value) in changes {
        options.config_set(&[(name.as_bytes(), value.as_bytes())], &super::AcceptAll).expect("valid");
    }
    let new = new_text(text.as_bytes(), &options, &[]);
    let again = new_text(&new, &options, &[]);
    assert_eq!(String::from_utf8_lossy(&again), String::from_utf8_lossy(&new), "a second rewrite changes nothing");
    let read = load(&String::from_utf8_lossy(&new)).expect("what is written can be read");
    assert_eq!(read.config_get(&[b"*"]), options.config_get(&[b"*"]));
    String::from_utf8(new).expect("only ASCII in these tests")
}

#[test]
fn a_rewrite_keeps_comments_and_order() {
    let new = rewritten(
        "# top\nhz 20\n\n\n# mem\nmaxmemory 1gb\nsave 60 1\nsave 10 5\nhz 30\nslave-priority 5\ndir /\n",
        &[("hz", "10"), ("maxmemory", "100mb"), ("save", "1 2")],
    );
    assert_eq!(new, "# top\nhz 10\n\n# mem\nmaxmemory 100mb\nsave 1 2\n\nreplica-priority 5\ndir \"/\"\n");
}

#[test]
fn a_rewrite_appends_what_is_new() {
    let new = rewritten(
        "rename-command debug \"\"\nclient-output-buffer-limit pubsub 1 2 3\nsave 7 7\nreplica-announce-ip x\n",
        &[
            ("client-output-buffer-limit", "normal 1mb 2gb 3"),
            ("save", "7 7 8 8"),
            ("replica-announce-ip", ""),
            ("notify-keyspace-events", "Kx"),
            ("masterauth", "a \"b\n"),
        ],
    );
    assert_eq!(
        new,
        "rename-command debug \"\"\nclient-output-buffer-limit pubsub 1 2 3\nsave 7 7\n\n\
         # Generated by CONFIG REWRITE\ndir \"/\"\nnotify-keyspace-events \"xK\"\n\
         client-output-buffer-limit normal 1mb 2gb 3\nsave 8 8\nmasterauth \"a \\\"b\\n\"\n"
    );
}

#[test]
fn a_rewrite_writes_defaults_only_to_lines_that_are_there() {
    let new = rewritten(
        "notify-keyspace-events KEA\nshutdown-on-sigterm save now\nmaxmemory-clients 5%\nbind 1.2.3.4\ndir /",
        &[
            ("notify-keyspace-events", ""),
            ("shutdown-on-sigterm", "default"),
            ("maxmemory-clients", "0"),
            ("bind", ""),
            ("save", ""),
        ],
    );
    assert_eq!(
        new,
        "notify-keyspace-events \"\"\nshutdown-on-sigterm default\nmaxmemory-clients 0\nbind \"\"\ndir \"/\"\n\n\
         # Generated by CONFIG REWRITE\nsave \"\"\n"
    );
}

#[test]
fn a_rewrite_replaces_the_file() {
    let directory = Directory::new("rewrite");
    let path = PathBuf::from(directory.write("r.conf", "hz 20\n"));
    let options = Options::new();
    load_file(&options, &path).expect("valid");
    options.config_set(&[(b"timeout", b"9")], &super::AcceptAll).expect("valid");
    rewrite(&path, &options).expect("a writable directory");
    let text = fs::read_to_string(&path).expect("the new file");
    assert!(text.starts_with("hz 20\n\n# Generated by CONFIG REWRITE\n") && text.contains("\ntimeout 9\n"));
    assert_eq!(fs::read_dir(&directory.0).expect("the directory").count(), 1, "nothing is left behind");
    assert_eq!(options.config_file(), Some(path));
    let missing = directory.0.join("none/r.conf");
    let error = rewrite(&missing, &options).expect_err("no such directory");
    assert_eq!(error.to_string(), "Rewriting config file: No such file or directory");
}

#[test]
fn the_example_says_what_is_so_anyway() {
    let example = include_str!("../../../../russet.conf");
    let directives = example.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let names: Vec<&str> = directives.filter_map(|line| line.split(' ').next()).collect();
    assert!(names.len() > 40, "{names:?}");
    let options = load(example).expect("valid");
    for name in names {
        let spec = crate::find(name.as_bytes()).expect("a directive with a default is an option");
        assert_eq!(options.get(name), crate::parse::initial(spec), "{name}");
        assert!(!matches!(spec.effect, crate::Effect::NoMeaning(_)), "{name} is of no use to anybody");
    }
    let is_alternative = |line: &&str| line.starts_with(|first: char| first.is_ascii_lowercase());
    for line in example.lines().filter_map(|line| line.strip_prefix('#')).filter(is_alternative) {
        load(line).unwrap_or_else(|error| panic!("{line}: {error}"));
    }
}

#[test]
fn a_wrong_line_with_a_secret_is_shown_without_it() {
    for line in ["requirepass a b", "MasterAuth a b", "primaryauth", "user \"a b"] {
        let error = load(line).expect_err("a wrong line").to_string();
        let name = line.split(' ').next().expect("a name");
        assert!(error.contains(&format!(">>> '{name} (redacted)'\n")), "{error}");
    }
}

#[test]
fn a_rewrite_leaves_the_default_user_to_requirepass() {
    let directory = Directory::new("user");
    let path = PathBuf::from(directory.write("r.conf", "hz 20\nuser default on nopass ~* &* +@all\n"));
    let options = Options::new();
    load_file(&options, &path).expect("valid");
    options.config_set(&[(b"requirepass", b"x")], &super::AcceptAll).expect("valid");
    rewrite(&path, &options).expect("a writable directory");
    let again = Options::new();
    load_file(&again, &path).expect("valid");
    assert!(again.users().is_empty() && again.check().is_ok());
    assert_eq!(again.text("requirepass"), "x");
}

#[test]
fn no_text_makes_the_parser_panic() {
    let mut rng = base::rng::Rng::seed(0x6f70_7469);
    let pieces: Vec<&[u8]> = vec![
        b" ",
        b"\n",
        b"\"",
        b"'",
        b"\\",
        b"\\x",
        b"#",
        b"-1",
        b"1",
        b"99999999999999999999",
        b"5%",
        b"gb",
        b"no one",
        b"normal",
        b"{",
        b"}",
        b"\xff",
        b"\0",
        b"yes",
        b"KEA",
        b"include /nonexistent",
        b"user",
        b"save",
    ];
    for _ in 0..3000 {
        let mut text = Vec::new();
        for _ in 0..rng.below(12) {
            match rng.below(3) {
                0 => {
                    let spec = crate::table()[rng.below(crate::table().len() as u64) as usize];
                    text.extend(spec.name.as_bytes());
                    text.push(b' ');
                }
                1 => text.extend(pieces[rng.below(pieces.len() as u64) as usize]),
                _ => text.push(rng.below(256) as u8),
            }
        }
        let options = Options::new();
        if load_text(&options, &text).is_ok() {
            let new = new_text(&text, &options, &[]);
            let again = Options::new();
            load_text(&again, &new).expect("what is written can be read");
            assert_eq!(again.config_get(&[b"*"]), options.config_get(&[b"*"]), "{text:?}");
        }
    }
}
