//! LOLWUT: a picture, and the version.
//!
//! Ours is a run of a one-dimensional cellular automaton, drawn at random among rules that make neither noise nor
//! stripes only: each line follows from the one above it by looking at three neighbours. Two lines of cells make one
//! line of text.
//!
//! `VERSION 5` and `VERSION 6` take sizes, as the art of those Redis versions did; other old versions had none.

use command::spec::{Flags, Group, Run, Shape, integer};
use command::version;
use command::{Args, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;

pub static LOLWUT: CommandSpec = CommandSpec {
    name: "LOLWUT",
    group: Group::Server,
    since: "5.0.0",
    summary: "Draws something, and tells the version.",
    complexity: "",
    arity: -1,
    flags: Flags::READONLY.or(Flags::FAST),
    args: &[integer("version").token("VERSION").optional()],
    reply: Shape::VERBATIM,
    run: Run::Session(lolwut),
    ..CommandSpec::DEFAULT
};

const COLUMNS: usize = 72;
const ROWS: usize = 16;
/// Nobody needs a larger picture, and it is drawn on the event loop.
const COLUMNS_MAX: i64 = 1_000;
const ROWS_MAX: i64 = 1_000;

/// Rules, in Wolfram's numbering.
const RULES: [u8; 8] = [18, 22, 30, 45, 54, 90, 110, 150];

/// The line below `cells`: the bit of `rule` that left, own and right cell select. The edges meet.
fn next(cells: &[bool], rule: u8) -> Vec<bool> {
    let len = cells.len();
    (0..len)
        .map(|at| {
            let pattern =
                u8::from(cells[(at + len - 1) % len]) << 2 | u8::from(cells[at]) << 1 | u8::from(cells[(at + 1) % len]);
            rule >> pattern & 1 == 1
        })
        .collect()
}

fn picture(columns: usize, rows: usize, rule: u8, mut cells: Vec<bool>) -> String {
    let mut text = String::with_capacity(rows * (columns * 3 + 1));
    for _ in 0..rows {
        let below = next(&cells, rule);
        let line: String = cells
            .iter()
            .zip(&below)
            .map(|(upper, lower)| match (upper, lower) {
                (false, false) => ' ',
                (true, false) => '▀',
                (false, true) => '▄',
                (true, true) => '█',
            })
            .collect();
        text.push_str(line.trim_end());
        text.push('\n');
        cells = next(&below, rule);
    }
    text.push_str(&format!("\nRule {rule}, on a line of {columns} cells.\n"));
    text
}

fn lolwut(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let (mut columns, mut rows, mut drawn) = (COLUMNS, ROWS, true);
    if args.is(1, "VERSION") && args.len() > 2 {
        drawn = matches!(args.int(2)?, 5 | 6 | 8);
        if drawn && args.len() > 3 {
            columns = args.int(3)?.clamp(1, COLUMNS_MAX) as usize;
        }
        if drawn && args.len() > 4 {
            rows = args.int(4)?.clamp(1, ROWS_MAX) as usize;
        }
    }
    let mut text = String::new();
    if drawn {
        let rng = keys.rng();
        let rule = RULES[rng.below(RULES.len() as u64) as usize];
        let cells = (0..columns).map(|_| rng.below(4) == 0).collect();
        text = picture(columns, rows, rule, cells);
    }
    text.push_str(&format!("Redis ver. {}\n", version::REDIS));
    cx.reply.verbatim(b"txt", text.as_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestServer;

    #[test]
    fn rule_90_draws_the_triangle_of_sierpinski() {
        let mut cells = vec![false; 8];
        cells[4] = true;
        assert_eq!(picture(8, 2, 90, cells), "   ▄▀▄\n ▄▀▄ ▄▀▄\n\nRule 90, on a line of 8 cells.\n");
    }

    #[test]
    fn every_version_ends_with_ours() {
        let mut server = TestServer::new();
        for line in ["LOLWUT", "LOLWUT foo", "LOLWUT VERSION", "LOLWUT VERSION 5 4 2 2", "LOLWUT VERSION 1"] {
            assert!(server.show(line).contains("Redis ver. 8.2.3"), "{line}");
        }
        for line in ["LOLWUT VERSION x", "LOLWUT VERSION 5 x", "LOLWUT VERSION 6 1 x"] {
            assert_eq!(server.show(line), "(error) ERR value is not an integer or out of range", "{line}");
        }
    }
}
