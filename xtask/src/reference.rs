//! `cargo xtask reference`: captures what a real Redis says about its commands, for the test that holds our specs
//! against it.

use crate::{spec, workspace};
use russet_spec::{Target, detect, reference};

const FILE: &str = "testing/reference/commands-redis-8.2.tsv";

pub fn run(server: &str) -> Result<(), String> {
    let addr = spec::resolve(server)?;
    match detect(addr)? {
        Target::Redis => {}
        other => return Err(format!("reference: {server} is {other:?}, not Redis")),
    }
    let table = reference::ask(addr)?;
    std::fs::write(workspace::root().join(FILE), reference::print(&table))
        .map_err(|error| format!("{FILE}: {error}"))?;
    println!("reference: {} commands in {FILE}", table.len());
    Ok(())
}
