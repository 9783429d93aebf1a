//! Compares the libraries with those of a real server: `compare PORT GROUP ROUNDS [SEED]` runs generated pieces of
//! scripts on both, `compare PORT bless FILE...` writes what the server answers into files of cases (see
//! `tests/corpus.rs`).

mod generate;
mod reference;
#[path = "../../tests/support/mod.rs"]
mod support;

use base::rng::Rng;
use lua::{Engine, Purpose};
use reference::Reference;
use std::process::ExitCode;
use support::{TestHost, run_on, settings, shown_script};

/// No more differences than this are printed.
const SHOWN_MAX: usize = 30;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        [port, "bless", files @ ..] if !files.is_empty() => bless(port, files),
        [port, group, rounds] => compare(port, group, rounds, "1"),
        [port, group, rounds, seed] => compare(port, group, rounds, seed),
        _ => Err(format!("compare PORT {} ROUNDS [SEED] | compare PORT bless FILE...", generate::names())),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn compare(port: &str, group: &str, rounds: &str, seed: &str) -> Result<(), String> {
    let generate = generate::find(group).ok_or_else(|| format!("{group}: one of {}", generate::names()))?;
    let rounds: u64 = rounds.parse().map_err(|_| "ROUNDS is a number")?;
    let seed: u64 = seed.parse().map_err(|_| "SEED is a number")?;
    let mut reference = Reference::connect(port)?;
    let mut engine = Engine::new(settings(Purpose::Scripts));
    let mut differences = 0;
    for round in 0..rounds {
        let piece = generate(&mut Rng::seed(seed.wrapping_mul(1_000_003).wrapping_add(round)));
        let script = shown_script(&piece);
        let theirs = reference.eval(&script)?;
        let ours = run_on(&mut engine, script.as_bytes(), &mut TestHost::default());
        if ours != theirs {
            differences += 1;
            if differences <= SHOWN_MAX {
                println!("{piece}\n  ours   {ours}\n  theirs {theirs}");
            }
        }
    }
    println!("{group}: {differences} of {rounds} differ");
    if differences == 0 { Ok(()) } else { Err(format!("{group} differs")) }
}

/// Each case is a line that begins with `> `, and one for the answer.
fn bless(port: &str, files: &[&str]) -> Result<(), String> {
    let mut reference = Reference::connect(port)?;
    for file in files {
        let text = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
        let mut blessed = String::new();
        for line in text.lines() {
            let Some(piece) = line.strip_prefix("> ") else {
                if line.is_empty() || line.starts_with('#') {
                    blessed.push_str(line);
                    blessed.push('\n');
                }
                continue;
            };
            let answer = reference.eval(&shown_script(piece))?;
            blessed.push_str(&format!("> {piece}\n{answer}\n"));
        }
        std::fs::write(file, blessed).map_err(|error| format!("{file}: {error}"))?;
    }
    Ok(())
}
