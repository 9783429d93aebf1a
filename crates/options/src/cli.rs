//! The arguments of the program, as Redis takes them.
//!
//! `russet-server [FILE] [-] [--option value ...] [-]`. Arguments become lines of configuration: `--name`
//! begins one, and what follows, up to the next `--`, are its words. So an option takes several values, options
//! may repeat, and what is said on the command line comes last and wins over the file. `-`, first or last,
//! reads the standard input. A word directly after an option is its value even if it begins with `--`, with one
//! exception, which Redis has as well: `--save` may stand alone.

use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::file::{ConfigFileError, load_text, read};
use crate::parse::os_text;
use crate::store::Options;
use crate::value::quote;

/// What the arguments ask for.
#[derive(Debug)]
pub enum Invocation {
    /// Run the server with these options.
    Run(Box<Options>),
    /// Print a text and exit with a status; to the standard error if the status is not zero.
    Print { text: String, status: i32 },
}

/// The arguments taken apart, before anything is read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub file: Option<PathBuf>,
    pub stdin: bool,
    /// Lines of configuration.
    pub lines: Vec<u8>,
}

/// Reads the arguments (without the program's name), the file and, if asked to, the standard input.
/// `version` is Russet's own.
///
/// # Errors
/// If the configuration is wrong; the error prints itself, and the program should exit with status 1.
pub fn invocation(arguments: &[Vec<u8>], version: &str, stdin: &mut dyn Read) -> Result<Invocation, ConfigFileError> {
    if let Some(answer) = arguments.first().and_then(|first| answer_to(first, version)) {
        return Ok(answer);
    }
    let options = Options::new();
    let arguments = take_apart(arguments);
    let mut text = Vec::new();
    if let Some(path) = &arguments.file {
        text = read(path)?;
        options.set_config_file(&std::path::absolute(path).unwrap_or_else(|_| path.clone()));
    }
    if arguments.stdin {
        stdin
            .read_to_end(&mut text)
            .map_err(|error| ConfigFileError::Unreadable { path: PathBuf::from("-"), reason: os_text(&error) })?;
    }
    text.push(b'\n');
    text.extend(arguments.lines);
    load_text(&options, &text)?;
    Ok(Invocation::Run(Box::new(options)))
}

/// The answer to a first argument that is a question rather than a configuration.
fn answer_to(first: &[u8], version: &str) -> Option<Invocation> {
    let (text, status) = match first {
        b"-v" | b"--version" => (version_line(version), 0),
        b"-h" | b"--help" => (help(), 0),
        b"--test-memory" => ("Russet has no memory test; memtester is one.\n".to_owned(), 1),
        b"--sentinel" => ("Russet has no Sentinel mode.\n".to_owned(), 1),
        b"--check-system" => check_system(Path::new("/")),
        _ => return None,
    };
    Some(Invocation::Print { text, status })
}

/// The line of `--version`, which tools take apart to find Redis' version.
#[must_use]
pub fn version_line(version: &str) -> String {
    let redis = crate::REDIS_VERSION;
    format!("Redis server v={redis} sha=00000000:0 malloc=jemalloc-5.3.1 bits=64 build=0 Russet {version}\n")
}

fn help() -> String {
    "Usage: russet-server [FILE] [--option value ...] [-]\n\
     \x20      russet-server -v | --version\n\
     \x20      russet-server -h | --help\n\
     \x20      russet-server --check-system\n\
     \n\
     FILE is a configuration in the syntax of redis.conf; - reads one from the standard input.\n\
     Each directive of it is also an option here, and then comes last and wins:\n\
     \n\
     \x20      russet-server --port 7777 --save 3600 1 300 100 --bind 127.0.0.1 ::1\n\
     \x20      russet-server /etc/russet.conf --loglevel verbose\n\
     \x20      echo 'maxmemory 128mb' | russet-server -\n"
        .to_owned()
}

/// Takes the arguments apart; see the head of this file for the rules.
pub(crate) fn take_apart(arguments: &[Vec<u8>]) -> Arguments {
    let mut taken = Arguments { file: None, stdin: false, lines: Vec::new() };
    let mut rest = arguments;
    if let Some((first, others)) = rest.split_first()
        && first != b"-"
        && !first.starts_with(b"--")
    {
        taken.file = Some(PathBuf::from(std::ffi::OsStr::from_bytes(first)));
        rest = others;
    }
    // After the name of an option, the next word is a value whatever it looks like.
    let mut value_due = false;
    for (at, word) in rest.iter().enumerate() {
        let last = at + 1 == rest.len();
        if word == b"-" && !value_due && (at == 0 || last) {
            taken.stdin = true;
        } else if let Some(name) = word.strip_prefix(b"--")
            && !value_due
        {
            if !taken.lines.is_empty() {
                taken.lines.push(b'\n');
            }
            taken.lines.extend(name);
            taken.lines.push(b' ');
            value_due = !last;
            if name.eq_ignore_ascii_case(b"save") && rest.get(at + 1).is_none_or(|next| next.starts_with(b"--")) {
                taken.lines.extend(b"\"\"");
                value_due = false;
            }
        } else {
            taken.lines.extend(quote(word));
            taken.lines.push(b' ');
            value_due = false;
        }
    }
    taken
}

/// Looks at settings of the kernel that matter. `root` is `/`, except in tests.
pub(crate) fn check_system(root: &Path) -> (String, i32) {
    let file = |path: &str| std::fs::read_to_string(root.join(path)).unwrap_or_default();
    let mut report = String::new();
    let mut status = 0;
    let mut check = |name: &str, fine: bool, advice: &str| {
        if fine {
            report.push_str(&format!("[{name}]...OK\n"));
        } else {
            status = 1;
            report.push_str(&format!("[{name}]...WARNING:\n{advice}\n"));
        }
    };
    let backlog: u64 = file("proc/sys/net/core/somaxconn").trim().parse().unwrap_or(u64::MAX);
    check(
        "tcp-backlog",
        backlog >= 511,
        "net.core.somaxconn is below the default tcp-backlog of 511: clients may be refused in a rush.",
    );
    let clock = file("sys/devices/system/clocksource/clocksource0/current_clocksource");
    check(
        "clocksource",
        !matches!(clock.trim(), "acpi_pm" | "hpet" | "xen"),
        "The kernel reads the time from a slow source; tsc, if the machine has it, is faster.",
    );
    let limits = file("proc/self/limits");
    let open_files = limits.lines().find(|line| line.starts_with("Max open files"));
    let open_files = open_files.and_then(|line| line.split_ascii_whitespace().nth(3)?.parse().ok());
    check(
        "open-files",
        open_files.unwrap_or(u64::MAX) >= 10_032,
        "The limit of open files is below what the default maxclients of 10000 needs: see ulimit -n.",
    );
    (report, status)
}
