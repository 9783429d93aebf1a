//! Tests of options against what was captured from Redis 8.2.3: defaults, error texts, file and command line.

mod cli;
mod effects;
mod file;
mod set;
mod table;

use super::{Action, Actor, Value};

/// Accepts every change.
struct AcceptAll;

impl Actor for AcceptAll {
    fn act(&self, _: Action, _: &Value) -> Result<(), String> {
        Ok(())
    }
}
