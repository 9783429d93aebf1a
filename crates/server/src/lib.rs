//! The server crate: options, wiring, cron and INFO, the only crate that sees all the others.
#![forbid(unsafe_code)]

pub mod options;
