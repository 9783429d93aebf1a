//! `russet-server`: starts as `redis-server` does, and ends as cleanly.

#![forbid(unsafe_code)]

use command::Server;
use command::server::host::Shutdown;
use options::{Invocation, Options, REDIS_VERSION, invocation};
use russet_server::{VERSION, logger, start};
use signal_hook::consts::{SIGALRM, SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::Signals;
use std::io::{self, Write};
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;

/// Tells the process started by `daemonize yes` that it is the daemon.
const DAEMON: &str = "RUSSET_DAEMON";

fn main() -> ExitCode {
    let args: Vec<Vec<u8>> = std::env::args_os().skip(1).map(OsStringExt::into_vec).collect();
    match invocation(&args, VERSION, &mut io::stdin()) {
        Ok(Invocation::Print { text, status }) => {
            let written = if status == 0 {
                io::stdout().write_all(text.as_bytes())
            } else {
                io::stderr().write_all(text.as_bytes())
            };
            if written.is_err() || status != 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
        }
        Ok(Invocation::Run(options)) => {
            let status = run(Arc::new(*options), &args);
            logger::finish();
            status
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: Arc<Options>, args: &[Vec<u8>]) -> ExitCode {
    let daemon = options.bool("daemonize");
    if daemon && std::env::var_os(DAEMON).is_none() {
        // The daemon will have nobody to tell.
        if let Err(refusal) = options.check() {
            eprintln!("{refusal}");
            return ExitCode::FAILURE;
        }
        return daemonize(args);
    }
    if daemon && let Err(error) = rustix::process::setsid() {
        eprintln!("Leaving the terminal: {error}");
    }
    let logfile = in_directory(&options, options.text("logfile"));
    let level = logger::filter(options.tunables().general.loglevel.get());
    if let Err(error) = logger::start(&logfile, daemon, level) {
        eprintln!("Can't open the log file {logfile}: {error}");
        return ExitCode::FAILURE;
    }
    let pid = std::process::id();
    log::info!("Russet version={VERSION}, Redis version={REDIS_VERSION}, bits=64, pid={pid}, just started");
    if options.config_file().is_some() {
        log::info!("Configuration loaded");
    } else {
        log::info!("No config file given, so every option has its default or comes from the command line");
    }
    // Before anybody is told that the server is ready: whoever waits for that may end it at once.
    let signals = match Signals::new([SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM]) {
        Ok(signals) => signals,
        Err(error) => {
            eprintln!("Signals cannot be waited for: {error}");
            return ExitCode::FAILURE;
        }
    };
    let running = match start(options.clone(), false) {
        Ok(running) => running,
        Err(error) => {
            log::warn!("{error}");
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    if options.bool("always-show-logo") {
        log::info!("{}", logo(options.int("port"), pid));
    } else {
        log::info!("Running mode=standalone, port={}.", options.int("port"));
    }
    let pidfile = write_pidfile(&options, daemon);
    log::info!("Server initialized");
    if running.addr.is_some() {
        log::info!("Ready to accept connections tcp");
    }
    if !options.text("unixsocket").is_empty() {
        log::info!("Ready to accept connections unix");
    }
    let server = running.server.clone();
    std::thread::spawn(move || watch_signals(signals, &server));
    // The other side is gone only when all workers are.
    let _ = running.shutdown.recv();
    log::info!("User requested shutdown...");
    running.stop();
    if let Some(pidfile) = pidfile {
        // If somebody removed it already, all the better.
        let _ = std::fs::remove_file(pidfile);
    }
    log::info!("Russet is now ready to exit, bye bye...");
    ExitCode::SUCCESS
}

/// What `always-show-logo` shows: which server this is, and how to reach it. Scripts look for the line with the PID.
fn logo(port: i64, pid: u32) -> String {
    format!(
        "\n      .-~~~-.\n    .'  o    '.     Russet {VERSION}, Redis {REDIS_VERSION}, 64 bit\n   /         o \\    Running in standalone mode\n  \
         |   o        |    Port: {port}\n   \\      o    /     PID: {pid}\n    '-._____.-'\n"
    )
}

/// Asks the server to end when a signal says so. That waits for commands that run; a SIGINT more does not.
fn watch_signals(mut signals: Signals, server: &Server) {
    let mut ending = false;
    for signal in signals.forever() {
        let name = match signal {
            SIGINT if ending => {
                log::warn!("Received SIGINT again, exiting now.");
                logger::finish();
                std::process::exit(1);
            }
            SIGTERM => "SIGTERM",
            SIGINT => "SIGINT",
            // The end of the terminal is not the end of the server, and nothing hangs on the others.
            _ => continue,
        };
        log::warn!("Received {name} scheduling shutdown...");
        ending = true;
        server.host.shutdown(Shutdown::default());
    }
}

/// Starts this program again, without terminal, and leaves it running.
fn daemonize(args: &[Vec<u8>]) -> ExitCode {
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => {
            eprintln!("Finding this program to start it as a daemon: {error}");
            return ExitCode::FAILURE;
        }
    };
    let args = args.iter().cloned().map(std::ffi::OsString::from_vec);
    let child = Command::new(program)
        .args(args)
        .env(DAEMON, "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    match child {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Starting the daemon: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A path that may be relative to `dir`; empty stays empty. The working directory may be another one before the server
/// has started, and after CONFIG SET.
fn in_directory(options: &Options, path: String) -> String {
    if path.is_empty() { path } else { Path::new(&options.text("dir")).join(path).display().to_string() }
}

/// Writes the pid where `pidfile` says (a daemon always has one); returns the path to remove.
fn write_pidfile(options: &Options, daemon: bool) -> Option<String> {
    let mut path = in_directory(options, options.text("pidfile"));
    if path.is_empty() && daemon {
        path = "/var/run/redis.pid".to_owned();
    }
    if path.is_empty() {
        return None;
    }
    if let Err(error) = std::fs::write(&path, format!("{}\n", std::process::id())) {
        log::warn!("Failed to write PID file: {error}");
        return None;
    }
    Some(path)
}
