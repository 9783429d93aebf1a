//! LATENCY: the monitor of slow events, and the histograms of how long each command takes.
//!
//! The graph is in `latency_graph`; what the doctor says is in our own words.

use super::info::distribution_of;
use super::latency_graph;
use crate::help;
use command::spec::registry::Command;
use command::spec::{ArgSpec, Flags, Group, Run, Shape, string};
use command::stats::histogram;
use command::stats::latency::Series;
use command::{Args, CommandError, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;

const FLAGS: Flags = Flags::ADMIN.or(Flags::NOSCRIPT).or(Flags::LOADING).or(Flags::STALE);
const SPECIAL: &[&str] = &["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"];

pub static LATENCY: CommandSpec = CommandSpec {
    name: "LATENCY",
    group: Group::Server,
    since: "2.8.13",
    summary: "Commands about how long things take.",
    complexity: "Depends on the subcommand.",
    arity: -2,
    subcommands: &[&DOCTOR, &GRAPH, &HELP, &HISTOGRAM, &HISTORY, &LATEST, &RESET],
    run: Run::Container,
    ..CommandSpec::DEFAULT
};

/// What most of the subcommands share.
const SUBCOMMAND: CommandSpec = CommandSpec {
    group: Group::Server,
    since: "2.8.13",
    flags: FLAGS,
    tips: SPECIAL,
    arity: 2,
    ..CommandSpec::DEFAULT
};

static DOCTOR: CommandSpec = CommandSpec {
    name: "DOCTOR",
    summary: "Explains the slow events that were seen, and what to do.",
    reply: Shape::VERBATIM,
    run: Run::Session(doctor),
    ..SUBCOMMAND
};

static GRAPH: CommandSpec = CommandSpec {
    name: "GRAPH",
    summary: "Draws how slow an event was over time.",
    arity: 3,
    args: &[string("event")],
    reply: Shape::VERBATIM,
    run: Run::Session(graph),
    ..SUBCOMMAND
};

static HISTOGRAM: CommandSpec = CommandSpec {
    name: "HISTOGRAM",
    since: "7.0.0",
    summary: "Tells how many calls of commands took up to how long.",
    complexity: "O(N) over the number of commands shown",
    arity: -2,
    args: &[string("command").optional().multiple()],
    reply: Shape::MAP,
    run: Run::Session(histogram),
    ..SUBCOMMAND
};

static HISTORY: CommandSpec = CommandSpec {
    name: "HISTORY",
    summary: "Gives the seconds in which an event was slow.",
    arity: 3,
    args: &[string("event")],
    reply: Shape::ARRAY,
    run: Run::Session(history),
    ..SUBCOMMAND
};

static LATEST: CommandSpec = CommandSpec {
    name: "LATEST",
    summary: "Gives the last slow second of each event.",
    reply: Shape::ARRAY,
    run: Run::Session(latest),
    ..SUBCOMMAND
};

const EVENTS: &[ArgSpec] = &[string("event").optional().multiple()];

static RESET: CommandSpec = CommandSpec {
    name: "RESET",
    summary: "Forgets the slow seconds of events.",
    arity: -2,
    args: EVENTS,
    tips: &["request_policy:all_nodes", "response_policy:agg_sum"],
    reply: Shape::INTEGER,
    run: Run::Session(reset),
    ..SUBCOMMAND
};

static HELP: CommandSpec = CommandSpec { group: Group::Server, since: "2.8.13", ..help::HELP };

fn graph(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let event = args.word(2);
    let series = cx.server.latency.get(event).ok_or_else(|| CommandError::no_latency_samples(event))?;
    let name = String::from_utf8_lossy(event);
    let text = latency_graph::draw(&name, &series, cx.now().unix_ms / 1000);
    cx.reply.verbatim(b"txt", text.as_bytes());
    Ok(())
}

fn history(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let series = cx.server.latency.get(args.word(2)).unwrap_or_default();
    cx.reply.array(series.samples.len());
    for sample in &series.samples {
        cx.reply.array(2);
        cx.reply.int(sample.time);
        cx.reply.int(i64::from(sample.ms));
    }
    Ok(())
}

fn latest(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    let events = cx.server.latency.all();
    cx.reply.array(events.len());
    for (event, series) in events {
        let last = series.samples.back().expect("an event is there because of a sample");
        cx.reply.array(4);
        cx.reply.bulk(event.as_bytes());
        cx.reply.int(last.time);
        cx.reply.int(i64::from(last.ms));
        cx.reply.int(i64::from(series.max_ms));
    }
    Ok(())
}

fn reset(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let names: Vec<&[u8]> = args.from(2).collect();
    cx.reply.int(cx.server.latency.reset(&names) as i64);
    Ok(())
}

/// Writes what was measured of a command; false when that is nothing.
fn reply_histogram(cx: &mut Ctx<'_>, command: &Command) -> bool {
    let Some(distribution) = distribution_of(cx.server, command) else { return false };
    cx.reply.bulk(command.full_name.as_bytes());
    cx.reply.map(2);
    cx.reply.bulk(b"calls");
    cx.reply.int(distribution.total() as i64);
    cx.reply.bulk(b"histogram_usec");
    let deferred = cx.reply.deferred_array();
    let (mut shown, mut seen) = (0, 0);
    // Redis sums up at 1024 ns and its doubles, and calls each bound by the largest value that its own histogram
    // does not tell from it: a 128th more.
    for bound in (10..=histogram::EXPONENT_MAX).map(|power| 1u64 << power) {
        let up_to = distribution.count_up_to(bound);
        if up_to > seen {
            cx.reply.int(((bound + bound / 128 - 1) / 1000) as i64);
            cx.reply.int(up_to as i64);
            (shown, seen) = (shown + 1, up_to);
        }
        if seen == distribution.total() {
            break;
        }
    }
    cx.reply.set_map_len(deferred, shown);
    true
}

fn histogram(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let server = cx.server;
    let deferred = cx.reply.deferred_array();
    let mut shown = 0;
    if args.len() == 2 {
        for command in server.registry.all() {
            shown += usize::from(reply_histogram(cx, command));
        }
    }
    for name in args.from(2) {
        let name = String::from_utf8_lossy(name).to_lowercase();
        let Some(command) = server.registry.by_full_name(&name) else { continue };
        shown += usize::from(reply_histogram(cx, command));
        for &subcommand in &command.subcommands {
            shown += usize::from(reply_histogram(cx, server.registry.by_id(subcommand)));
        }
    }
    cx.reply.set_map_len(deferred, shown);
    Ok(())
}

fn doctor(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    let threshold_ms = cx.server.tunables.latency.latency_monitor_threshold.get();
    let events = cx.server.latency.all();
    let text = if events.is_empty() {
        if threshold_ms == 0 {
            "The latency monitor is off, so there is nothing to report. CONFIG SET latency-monitor-threshold \
             <milliseconds> turns it on.\n"
                .to_owned()
        } else {
            format!("Nothing has taken {threshold_ms} ms or more since the monitor was turned on or reset.\n")
        }
    } else {
        report(&events, cx.server.tunables.latency.slowlog_log_slower_than.get(), threshold_ms)
    };
    cx.reply.verbatim(b"txt", text.as_bytes());
    Ok(())
}

/// What was slow, how often, and what may help.
fn report(events: &[(&'static str, Series)], slowlog_us: i64, threshold_ms: u64) -> String {
    let mut text = String::from("These events were slow:\n\n");
    for (number, (event, series)) in events.iter().enumerate() {
        let count = series.samples.len() as i64;
        let all = || series.samples.iter().map(|sample| i64::from(sample.ms));
        let mean = all().sum::<i64>() / count.max(1);
        let deviation = all().map(|ms| (ms - mean).abs()).sum::<i64>() / count.max(1);
        let span = match (series.samples.front(), series.samples.back()) {
            (Some(first), Some(last)) => last.time - first.time + 1,
            _ => 1,
        };
        let every = span as f64 / count.max(1) as f64;
        text.push_str(&format!(
            "{}. {event}: slow in {count} seconds (mean {mean} ms, mean deviation {deviation} ms, one every {every:.2} \
             seconds); the worst ever took {} ms.\n",
            number + 1,
            series.max_ms
        ));
    }
    text.push_str("\nWhat may help:\n\n");
    let by_commands = events.iter().any(|(event, _)| matches!(*event, "command" | "fast-command"));
    if by_commands && (slowlog_us < 0 || slowlog_us as u64 > threshold_ms * 1000) {
        text.push_str(&format!(
            "- The slow log does not see all of these commands: CONFIG SET slowlog-log-slower-than {}.\n",
            threshold_ms * 1000
        ));
    }
    if by_commands {
        text.push_str("- SLOWLOG GET names the commands. Those that look at many elements are the usual ones.\n");
    }
    text.push_str("- A machine that is short of CPU or memory slows everything: look at its load and its swapping.\n");
    text
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    #[test]
    fn events_are_listed_and_reset() {
        let mut server = TestServer::new();
        assert_eq!(server.show("LATENCY LATEST"), "(empty array)");
        assert_eq!(server.show("LATENCY HISTORY command"), "(empty array)");
        assert_eq!(server.show("LATENCY GRAPH command"), "(error) ERR No samples available for event 'command'");
        server.server.latency.add("command", 1_700_000_000, 30);
        server.server.latency.add("command", 1_700_000_001, 20);
        let latest = server.show("LATENCY LATEST");
        assert!(latest.contains("1) \"command\"") && latest.contains("3) (integer) 20"), "{latest}");
        assert!(latest.contains("4) (integer) 30"), "{latest}");
        assert!(server.show("LATENCY DOCTOR").contains("command: slow in 2 seconds (mean 25 ms"));
        assert_eq!(server.show("LATENCY RESET nothing"), "(integer) 0");
        assert_eq!(server.show("LATENCY RESET"), "(integer) 1");
    }

    #[test]
    fn histograms_are_of_commands_that_ran() {
        let mut server = TestServer::new();
        server.run("GET a");
        server.run("GET b");
        let one = server.show("LATENCY HISTOGRAM GET nothing");
        assert!(one.contains("1) \"get\"") && one.contains("2) (integer) 2"), "{one}");
        assert_eq!(server.show("LATENCY HISTOGRAM set"), "(empty array)");
        server.run("LATENCY RESET");
        assert!(server.show("LATENCY HISTOGRAM latency").contains("latency|reset"));
        assert!(server.show("LATENCY HISTOGRAM").contains("latency|histogram"));
    }
}
