//! `cargo xtask ci`: the parts in the order in which they fail soonest, with the time of each.

use crate::{bench, r#gen, tidy, workspace};
use std::time::{Duration, Instant};

pub fn run() -> Result<(), String> {
    let cargo = workspace::cargo();
    let cargo_run = |args: &[&str]| workspace::run(&cargo, args, &[]);
    let clippy = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    let mut times = Vec::new();
    timed(&mut times, "cargo fmt --all --check", || cargo_run(&["fmt", "--all", "--check"]))?;
    timed(&mut times, "tidy", || tidy::run(false))?;
    timed(&mut times, "gen --check", || r#gen::run(true))?;
    timed(&mut times, &format!("cargo {}", clippy.join(" ")), || cargo_run(&clippy))?;
    timed(&mut times, "cargo test --workspace", || cargo_run(&["test", "--workspace"]))?;
    timed(&mut times, "bench, as small as can be", bench::smoke)?;
    println!("\nci: all passed");
    for (name, time) in times {
        println!("  {:>7.1} s  {name}", time.as_secs_f64());
    }
    Ok(())
}

fn timed(
    times: &mut Vec<(String, Duration)>,
    name: &str,
    part: impl FnOnce() -> Result<(), String>,
) -> Result<(), String> {
    println!("ci: {name}");
    let start = Instant::now();
    part()?;
    let time = start.elapsed();
    println!("ci: {name}: {:.1} s", time.as_secs_f64());
    times.push((name.into(), time));
    Ok(())
}
