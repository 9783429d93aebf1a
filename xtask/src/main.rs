//! `cargo xtask`: what developers and CI run, in one place and the same for both.
//!
//! * `ci`: everything that has to hold before a commit, with the time each part took;
//! * `tidy [--ratchet]`: the rules of STYLE.md and ARCHITECTURE.md that a machine can check;
//! * `gen [--check]`: the documents that are derived from the code;
//! * `spec`: spec scripts on Russet or on a reference server;
//! * `reference`: the facts about commands, captured from a real Redis;
//! * `bench`: the micro benchmarks.

#![forbid(unsafe_code)]

mod bench;
mod ci;
mod r#gen;
mod reference;
mod spec;
mod tidy;
mod workspace;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask COMMAND
  ci                       fmt, clippy, tidy, gen --check, tests
  tidy [--ratchet]         rules of style and architecture; --ratchet lowers the allowed sizes
  gen [--check]            writes docs/generated, or checks that it is up to date
  spec [FILTER]            spec scripts on Russet
  spec --reference HOST:PORT [--bless FILE] [FILTER]
                           spec scripts on a real Redis or Valkey, which is emptied meanwhile;
                           --bless writes its answers into FILE
  reference --from HOST:PORT
                           writes what a real Redis says about its commands to testing/reference
  bench [FILTER]           micro benchmarks of the crates";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match args[..] {
        ["ci"] => ci::run(),
        ["tidy"] => tidy::run(false),
        ["tidy", "--ratchet"] => tidy::run(true),
        ["gen"] => r#gen::run(false),
        ["gen", "--check"] => r#gen::run(true),
        ["spec", ref rest @ ..] => spec::run(rest),
        ["reference", "--from", server] => reference::run(server),
        ["bench"] => bench::run(""),
        ["bench", filter] => bench::run(filter),
        _ => Err(USAGE.into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
