//! The log, in Redis' format, so that tools and test suites that wait for its lines work:
//! `pid:role day month year time level message`.
//!
//! Whoever logs only puts a line into memory; a thread writes it. So a log that is slow, or that nobody reads any more,
//! stops nothing. It has room for [`WAITING_MAX`] bytes; of lines beyond that, the log says how many were lost.

use chrono::Local;
use log::{Level, LevelFilter, Log, Metadata, Record};
use options::LogLevel;
use parking_lot::{Condvar, Mutex};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

/// Bytes of lines that wait to be written, at the most.
const WAITING_MAX: usize = 1 << 20;
/// How long the end of the process waits for the log.
const FINISH_MAX: Duration = Duration::from_millis(200);
/// How long to wait before a line is offered again to somebody who takes none now and says so.
const TRY_AGAIN: Duration = Duration::from_millis(20);

/// Where lines go.
enum Sink {
    Stdout(File),
    /// A path, opened for each write: whoever moves the file away gets a new one.
    File(String),
}

impl Sink {
    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Sink::Stdout(file) => write_all(file, bytes),
            Sink::File(path) => write_all(&append_to(path)?, bytes),
        }
    }
}

fn append_to(path: &str) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

/// Like [`Write::write_all`], but also to a pipe that was made not to block.
fn write_all(mut file: &File, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(len) => bytes = &bytes[len..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(TRY_AGAIN),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Lines on their way.
#[derive(Default)]
struct Waiting {
    lines: Vec<u8>,
    /// Lines for which there was no room.
    lost: u64,
    /// The thread writes what it has taken.
    writing: bool,
}

impl Waiting {
    fn add(&mut self, line: &str) {
        if self.lines.len() + line.len() <= WAITING_MAX {
            self.lines.extend_from_slice(line.as_bytes());
        } else {
            self.lost += 1;
        }
    }

    /// Takes all lines, and one about those that were lost behind them.
    fn take(&mut self) -> Vec<u8> {
        let mut lines = std::mem::take(&mut self.lines);
        let lost = std::mem::take(&mut self.lost);
        if lost > 0 {
            let text =
                format_args!("{lost} lines were lost here, because this log was not written as fast as they came");
            lines.extend_from_slice(in_format(Level::Warn, text).as_bytes());
        }
        lines
    }
}

#[derive(Default)]
struct Logger {
    waiting: Mutex<Waiting>,
    /// There are lines, or all are written.
    changed: Condvar,
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
/// The file cannot be opened, or no thread be had.
pub fn start(file: &str, daemon: bool, level: LevelFilter) -> io::Result<()> {
    let sink = if !file.is_empty() {
        append_to(file)?;
        Sink::File(file.to_owned())
    } else if daemon {
        return Ok(());
    } else {
        Sink::Stdout(File::from(io::stdout().as_fd().try_clone_to_owned()?))
    };
    let logger = LOGGER.get_or_init(Logger::default);
    if log::set_logger(logger).is_ok() {
        thread::Builder::new().name("log".to_owned()).spawn(move || logger.write_to(&sink))?;
    }
    log::set_max_level(level);
    Ok(())
}

/// Waits until all lines are written, for a moment at the most: the process is about to end.
pub fn finish() {
    let Some(logger) = LOGGER.get() else { return };
    let deadline = Instant::now() + FINISH_MAX;
    let mut waiting = logger.waiting.lock();
    while waiting.writing || !waiting.lines.is_empty() {
        if logger.changed.wait_until(&mut waiting, deadline).timed_out() {
            return;
        }
    }
}

impl Logger {
    /// Writes what there is to write, for ever.
    fn write_to(&self, sink: &Sink) {
        let mut waiting = self.waiting.lock();
        loop {
            while waiting.lines.is_empty() {
                self.changed.wait(&mut waiting);
            }
            let lines = waiting.take();
            waiting.writing = true;
            parking_lot::MutexGuard::unlocked(&mut waiting, || {
                // A log that cannot be written must not stop the server.
                let _ = sink.write(&lines);
            });
            waiting.writing = false;
            self.changed.notify_all();
        }
    }
}

/// A line as Redis writes it.
fn in_format(level: Level, text: std::fmt::Arguments<'_>) -> String {
    let mark = match level {
        Level::Error | Level::Warn => '#',
        Level::Info => '*',
        Level::Debug => '-',
        Level::Trace => '.',
    };
    let time = Local::now().format("%d %b %Y %H:%M:%S%.3f");
    format!("{}:M {time} {mark} {text}\n", std::process::id())
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("russet")
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            self.waiting.lock().add(&in_format(record.level(), *record.args()));
            self.changed.notify_all();
        }
    }

    fn flush(&self) {
        finish();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_room_is_counted_and_said_behind_what_has() {
        let mut waiting = Waiting::default();
        let line = "x".repeat(1023) + "\n";
        for _ in 0..WAITING_MAX / line.len() + 3 {
            waiting.add(&line);
        }
        let lines = waiting.take();
        let rest = String::from_utf8(lines[WAITING_MAX..].to_vec()).expect("text");
        assert!(rest.contains(" # 3 lines were lost here"), "{rest}");
        waiting.add("y\n");
        assert_eq!(waiting.take(), b"y\n");
    }
}
