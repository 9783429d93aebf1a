//! The log, in Redis' format, so that tools and test suites that wait for its lines work:
//! `pid:role day month year time level message`.

use chrono::Local;
use log::{Level, LevelFilter, Log, Metadata, Record};
use options::LogLevel;
use parking_lot::Mutex;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::sync::OnceLock;

/// Where lines go.
enum Sink {
    Stdout,
    File(File),
    /// Tests and daemons without a log file.
    Nowhere,
}

struct Logger {
    sink: Mutex<Sink>,
}

static LOGGER: OnceLock<Logger> = OnceLock::new();

/// What of our messages a value of `loglevel` lets through.
pub fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Debug => LevelFilter::Trace,
        LogLevel::Verbose => LevelFilter::Debug,
        LogLevel::Notice => LevelFilter::Info,
        LogLevel::Warning => LevelFilter::Warn,
        LogLevel::Nothing => LevelFilter::Off,
    }
}

/// Begins to log: to a file, or to the standard output when `file` is empty (nowhere for a daemon).
///
/// # Errors
/// The file cannot be opened.
pub fn start(file: &str, daemon: bool, level: LevelFilter) -> io::Result<()> {
    let sink = if !file.is_empty() {
        Sink::File(OpenOptions::new().create(true).append(true).open(file)?)
    } else if daemon {
        Sink::Nowhere
    } else {
        Sink::Stdout
    };
    let logger = LOGGER.get_or_init(|| Logger { sink: Mutex::new(Sink::Nowhere) });
    *logger.sink.lock() = sink;
    // A second server in one process (tests) finds the logger set already, which is as good.
    let _ = log::set_logger(logger);
    log::set_max_level(level);
    Ok(())
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("russet")
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let mark = match record.level() {
            Level::Error | Level::Warn => '#',
            Level::Info => '*',
            Level::Debug => '-',
            Level::Trace => '.',
        };
        let time = Local::now().format("%d %b %Y %H:%M:%S%.3f");
        let line = format!("{}:M {time} {mark} {}\n", std::process::id(), record.args());
        // A log that cannot be written must not stop the server.
        let _ = match &mut *self.sink.lock() {
            Sink::Stdout => io::stdout().write_all(line.as_bytes()),
            Sink::File(file) => file.write_all(line.as_bytes()),
            Sink::Nowhere => Ok(()),
        };
    }

    fn flush(&self) {}
}
