//! `russet-fuzz TARGET ROUNDS [SEED]`: runs rounds from a seed on, today's if none is named; ends at the first finding,
//! and names its seed.

#![forbid(unsafe_code)]

use base::rng::Rng;
use russet_fuzz::{TARGETS, seed_of_today};
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rounds, first)) = arguments(&args) else {
        let names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
        eprintln!("Usage: russet-fuzz {} ROUNDS [SEED]", names.join("|"));
        return ExitCode::FAILURE;
    };
    let Some((_, round)) = TARGETS.iter().find(|(target, _)| *target == name) else {
        eprintln!("There is no target {name}");
        return ExitCode::FAILURE;
    };
    println!("{name}: {rounds} rounds from seed {first}");
    for seed in first..first.saturating_add(rounds) {
        if std::panic::catch_unwind(|| round(&mut Rng::seed(seed))).is_err() {
            eprintln!("Found by: russet-fuzz {name} 1 {seed}");
            return ExitCode::FAILURE;
        }
    }
    println!("{name}: found nothing");
    ExitCode::SUCCESS
}

fn arguments(args: &[String]) -> Option<(&str, u64, u64)> {
    match args {
        [name, rounds] => Some((name, rounds.parse().ok()?, seed_of_today())),
        [name, rounds, seed] => Some((name, rounds.parse().ok()?, seed.parse().ok()?)),
        _ => None,
    }
}
