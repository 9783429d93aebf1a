//! What SLOWLOG and COMMANDLOG have in common: counts of entries, and how an entry is shown.

use command::stats::commandlog::Kind;
use command::{Args, CommandError, Ctx};

/// How many entries a client wants.
#[derive(Clone, Copy)]
pub struct Count(usize);

impl Count {
    /// Without a count.
    pub const DEFAULT: Count = Count(10);

    /// The word at `at`: a number, or -1 for all.
    pub fn parse(args: &Args<'_>, at: usize) -> Result<Count, CommandError> {
        match base::num::parse_i64(args.word(at)) {
            Some(-1) => Ok(Count(usize::MAX)),
            Some(count) => usize::try_from(count).map(Count).map_err(|_| CommandError::LOG_COUNT),
            None => Err(CommandError::LOG_COUNT),
        }
    }
}

/// Replies with the newest entries, newest first.
pub fn reply_newest(cx: &mut Ctx<'_>, kind: Kind, count: Count) {
    let entries = cx.server.logs.newest(kind, count.0);
    cx.reply.array(entries.len());
    for entry in entries {
        cx.reply.array(6);
        cx.reply.int(entry.id as i64);
        cx.reply.int(entry.time);
        cx.reply.int(entry.value);
        cx.reply.array(entry.words.len());
        entry.words.iter().for_each(|word| cx.reply.bulk(word));
        cx.reply.bulk(entry.addr.as_bytes());
        cx.reply.bulk(&entry.client_name);
    }
}
