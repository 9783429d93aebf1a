//! Tests of options against what was captured from Redis 8.2.3: defaults, error texts, file and command line.

mod cli;
mod file;
mod set;
mod table;

use super::{Apply, OptionSpec, Value};

/// Accepts every change.
struct AcceptAll;

impl Apply for AcceptAll {
    fn apply(&self, _spec: &OptionSpec, _new: &Value) -> Result<(), String> {
        Ok(())
    }
}
