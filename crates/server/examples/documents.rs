//! Writes the documents that are derived from the code into a folder; `cargo xtask gen` runs it.
//!
//! An example and not a part of xtask, so that xtask builds in a moment and works while the server
//! does not build.

use commands::docs::commands_markdown;
use options::options_markdown;
use std::path::Path;

/// All documents, by file name: the one place where another is plugged in.
fn documents() -> Vec<(&'static str, String)> {
    vec![("commands.md", commands_markdown()), ("options.md", options_markdown())]
}

fn main() -> std::io::Result<()> {
    let folder = std::env::args().nth(1).expect("the folder to write to is the only argument");
    for (name, text) in documents() {
        std::fs::write(Path::new(&folder).join(name), text)?;
    }
    Ok(())
}
