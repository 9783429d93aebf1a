//! DEBUG subcommands about the server rather than a key.

use super::switch;
use base::rng::Rng;
use command::clients::channels;
use command::{Args, CommandError, CommandResult, Ctx};
use engine::{Event, LockedKeys};
use std::sync::atomic::Ordering;
use std::time::Duration;

pub fn change_repl_id(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    let rng = keys.rng();
    let id: String = (0..3).map(|_| format!("{:016x}", rng.next_u64())).collect();
    id[..40].clone_into(&mut cx.server.replid.lock());
    cx.reply.ok();
    Ok(())
}

/// The error is the wanted reply: it does not count as one.
pub fn error(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    cx.reply.error(args.word(2));
    Ok(())
}

pub fn log(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    cx.server.host.log(&format!("DEBUG LOG: {}", String::from_utf8_lossy(args.word(2))));
    cx.reply.ok();
    Ok(())
}

/// Sleeps with all shards locked, so that other threads serve no data either, as a slow command would have it. As in
/// Redis, a time whose microseconds have no number is none.
pub fn sleep(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let micros = base::num::parse_f64(args.word(2)).unwrap_or(0.0) * 1e6;
    if micros < i64::MAX as f64 {
        // A negative number becomes 0.
        std::thread::sleep(Duration::from_micros(micros as u64));
    }
    cx.reply.ok();
    Ok(())
}

pub fn set_active_expire(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    cx.server.switches.active_expire.store(switch(args), Ordering::Relaxed);
    cx.reply.ok();
    Ok(())
}

pub fn pause_cron(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    cx.server.switches.pause_cron.store(switch(args), Ordering::Relaxed);
    cx.reply.ok();
    Ok(())
}

pub fn set_skip_checksum(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    cx.server.switches.skip_checksum.store(switch(args), Ordering::Relaxed);
    cx.reply.ok();
    Ok(())
}

pub fn clusterlink(_: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    Err(CommandError::DEBUG_CLUSTER_ONLY)
}

pub fn drop_cluster_packet_filter(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    args.int(2)?;
    cx.reply.ok();
    Ok(())
}

pub fn packed_threshold(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let size = std::str::from_utf8(args.word(2)).ok().and_then(base::units::parse_memory);
    if size.is_none_or(|size| size > u64::from(u32::MAX)) {
        return Err(CommandError::PACKED_THRESHOLD);
    }
    cx.reply.ok();
    Ok(())
}

pub fn replybuffer(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    if args.is(2, "PEAK-RESET-TIME") {
        if !args.is(3, "NEVER") && !args.is(3, "RESET") {
            args.int(3)?;
        }
    } else if !args.is(2, "RESIZING") {
        return Err(CommandError::subcommand_syntax(args.word(1), "debug"));
    }
    cx.reply.ok();
    Ok(())
}

pub fn loadaof(_: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    Err(CommandError::DEBUG_LOADAOF)
}

/// Matches random globs with random texts; a glob matcher that loops or overflows would show here.
pub fn stringmatch_test(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    const ROUNDS: usize = 10_000;
    const SIGNS: &[u8] = b"*?[]^-\\abc\0";
    let mut rng = Rng::seed(1);
    let mut text = |most: u64| -> Vec<u8> {
        let len = rng.below(most);
        (0..len).map(|_| SIGNS[rng.below(SIGNS.len() as u64) as usize]).collect()
    };
    for _ in 0..ROUNDS {
        let (pattern, text) = (text(12), text(24));
        std::hint::black_box(base::glob::glob_match(&pattern, &text, false));
    }
    cx.reply.simple("Apparently Redis did not crash: test passed");
    Ok(())
}

pub fn structsize(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, _: &Args<'_>) -> CommandResult {
    let text = format!(
        "bits:{} session:{} clientinfo:{} effects:{} ",
        usize::BITS,
        size_of::<command::Session>(),
        size_of::<command::clients::ClientInfo>(),
        size_of::<engine::Effects>()
    );
    cx.reply.bulk(text.as_bytes());
    Ok(())
}

/// Rows of database and words, in the order of execution. A frame of several commands stands between MULTI and EXEC.
pub fn journal(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let journal = &keys.keyspace().journal;
    if args.is(2, "START") {
        journal.start();
        cx.reply.ok();
    } else if args.is(2, "STOP") {
        journal.stop();
        cx.reply.ok();
    } else if args.is(2, "READ") {
        let deferred = cx.reply.deferred_array();
        let mut rows = 0;
        let mut row = |db: usize, words: &[Vec<u8>]| {
            cx.reply.array(2);
            cx.reply.int(db as i64);
            cx.reply.array(words.len());
            words.iter().for_each(|word| cx.reply.bulk(word));
            rows += 1;
        };
        for frame in journal.take() {
            let db = frame.first().map_or(0, |record| record.db);
            let transaction = frame.len() > 1;
            if transaction {
                row(db, &[b"MULTI".to_vec()]);
            }
            frame.iter().for_each(|record| row(record.db, &record.args));
            if transaction {
                row(db, &[b"EXEC".to_vec()]);
            }
        }
        cx.reply.set_array_len(deferred, rows);
    } else {
        return Err(CommandError::subcommand_syntax(args.word(1), "debug"));
    }
    Ok(())
}

/// Events that `notify-keyspace-events A` does not switch on.
const EXTRA_EVENTS: [Event; 4] = [Event::NEW, Event::OVERWRITTEN, Event::TYPE_CHANGED, Event::KEY_MISS];

/// Rows of database, event and key, in order; as `notify-keyspace-events AE` has them.
pub fn events(cx: &mut Ctx<'_>, _: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    let capture = &cx.server.events;
    if args.is(2, "START") || args.is(2, "STOP") {
        capture.on.store(args.is(2, "START"), Ordering::Relaxed);
        channels::look_who_listens(cx.server);
        capture.take();
        cx.reply.ok();
    } else if args.is(2, "READ") {
        let mut fired = capture.take();
        fired.retain(|fired| EXTRA_EVENTS.iter().all(|extra| extra.name != fired.event.name));
        cx.reply.array(fired.len());
        for fired in fired {
            cx.reply.array(3);
            cx.reply.int(fired.db as i64);
            cx.reply.bulk(fired.event.name.as_bytes());
            cx.reply.bulk(&fired.key);
        }
    } else {
        return Err(CommandError::subcommand_syntax(args.word(1), "debug"));
    }
    Ok(())
}
