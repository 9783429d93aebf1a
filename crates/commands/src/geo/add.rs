//! GEOADD: places go into a sorted set.

use super::position;
use crate::sorted_set::add_scores;
use command::spec::Work;
use command::spec::{Elements, Flags, Group, KeyFlags, KeySpec, Run, Shape, block, double, key, one_of, string, token};
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;

pub static GEOADD: CommandSpec = CommandSpec {
    name: "GEOADD",
    group: Group::Geo,
    since: "3.2.0",
    summary: "Puts places with their positions into a sorted set.",
    complexity: "O(log N) for each place, with the size of the sorted set",
    arity: -5,
    flags: Flags::WRITE.or(Flags::DENYOOM),
    keys: &[KeySpec::at(1, KeyFlags::RW.or(KeyFlags::UPDATE))],
    elements: Some(Elements::every(4, 3)),
    args: &[
        key("key"),
        one_of("condition", &[token("nx", "NX"), token("xx", "XX")]).optional().since("6.2.0"),
        token("change", "CH").optional().since("6.2.0"),
        block("data", &[double("longitude"), double("latitude"), string("member")]).multiple(),
    ],
    history: &[("6.2.0", "Takes the options `CH`, `NX` and `XX`.")],
    reply: Shape::INTEGER,
    run: Run::Keyed(geoadd),
    work: Work::Words,
    ..CommandSpec::DEFAULT
};

fn geoadd(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let (mut nx, mut xx, mut ch) = (false, false, false);
    let mut first = 2;
    while first < args.len() {
        let option = if args.is(first, "NX") {
            &mut nx
        } else if args.is(first, "XX") {
            &mut xx
        } else if args.is(first, "CH") {
            &mut ch
        } else {
            break;
        };
        *option = true;
        first += 1;
    }
    if !(args.len() - first).is_multiple_of(3) || (nx && xx) {
        return Err(CommandError::SYNTAX);
    }
    let mut scores = Vec::with_capacity((args.len() - first) / 3);
    for at in (first..args.len()).step_by(3) {
        scores.push(position(args, at)?.score());
    }
    let pairs = scores.iter().zip((first..).step_by(3)).map(|(&score, at)| (score, args.word(at + 2)));
    add_scores(cx, keys, (nx, xx, ch), pairs.collect())?;
    if keys.is_logged() && keys.dirty() > 0 {
        propagate(cx, keys, args, first, &scores);
    }
    Ok(())
}

/// Logs the ZADD that does the same.
fn propagate(cx: &Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>, first: usize, scores: &[f64]) {
    let texts: Vec<String> = scores.iter().map(|score| itoa::Buffer::new().format(*score as u64).to_owned()).collect();
    let mut words: Vec<&[u8]> = vec![b"ZADD", cx.key(0).bytes];
    words.extend(args.from(2).take(first - 2));
    for (text, at) in texts.iter().zip((first..).step_by(3)) {
        words.extend([text.as_bytes(), args.word(at + 2)]);
    }
    keys.log_as(&words);
}
