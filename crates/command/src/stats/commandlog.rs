//! The logs of remarkable commands: slow ones (SLOWLOG), and large requests and replies (COMMANDLOG).

use crate::args::Args;
use parking_lot::Mutex;
use std::collections::VecDeque;

/// Most words of a command that an entry keeps; the last says how many more there were.
const WORDS_MAX: usize = 32;
/// Longest word that an entry keeps, in bytes.
const WORD_LEN_MAX: usize = 128;

/// One logged command.
#[derive(Clone, Debug)]
pub struct Entry {
    pub id: u64,
    /// Unix seconds.
    pub time: i64,
    /// Microseconds, or bytes.
    pub value: i64,
    pub words: Vec<Vec<u8>>,
    pub addr: String,
    pub client_name: Vec<u8>,
}

/// Which log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Slow,
    LargeRequest,
    LargeReply,
}

#[derive(Default)]
struct Log {
    next_id: u64,
    entries: VecDeque<Entry>,
}

/// The three logs.
#[derive(Default)]
pub struct CommandLogs {
    logs: [Mutex<Log>; 3],
}

/// The words of a command, shortened for a log.
fn shortened(args: &Args<'_>) -> Vec<Vec<u8>> {
    let len = args.len();
    let kept = if len > WORDS_MAX { WORDS_MAX - 1 } else { len };
    let mut words: Vec<Vec<u8>> = args
        .from(0)
        .take(kept)
        .map(|word| {
            if word.len() <= WORD_LEN_MAX {
                return word.to_vec();
            }
            let mut short = word[..WORD_LEN_MAX].to_vec();
            short.extend_from_slice(format!("... ({} more bytes)", word.len() - WORD_LEN_MAX).as_bytes());
            short
        })
        .collect();
    if len > kept {
        words.push(format!("... ({} more arguments)", len - kept).into_bytes());
    }
    words
}

impl CommandLogs {
    /// Logs a command, keeping at most `max_len` entries.
    pub fn add(
        &self,
        kind: Kind,
        max_len: usize,
        time: i64,
        value: i64,
        args: &Args<'_>,
        addr: &str,
        client_name: &[u8],
    ) {
        let words = shortened(args);
        let mut log = self.logs[kind as usize].lock();
        let id = log.next_id;
        log.next_id += 1;
        log.entries.push_front(Entry {
            id,
            time,
            value,
            words,
            addr: addr.to_owned(),
            client_name: client_name.to_vec(),
        });
        log.entries.truncate(max_len);
    }

    /// The newest entries, newest first.
    pub fn newest(&self, kind: Kind, count: usize) -> Vec<Entry> {
        self.logs[kind as usize].lock().entries.iter().take(count).cloned().collect()
    }

    pub fn len(&self, kind: Kind) -> usize {
        self.logs[kind as usize].lock().entries.len()
    }

    pub fn reset(&self, kind: Kind) {
        self.logs[kind as usize].lock().entries.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::OwnedArgs;

    #[test]
    fn long_commands_are_shortened_and_old_entries_dropped() {
        let long = vec![b'x'; 200];
        let words: Vec<&[u8]> = std::iter::once(long.as_slice()).chain(std::iter::repeat_n(&b"y"[..], 40)).collect();
        let args: OwnedArgs = words.into_iter().collect();
        let logs = CommandLogs::default();
        for value in 0..5 {
            logs.add(Kind::Slow, 3, 0, value, &args.args(), "", b"");
        }
        let entries = logs.newest(Kind::Slow, 10);
        assert_eq!(entries.iter().map(|entry| entry.id).collect::<Vec<_>>(), [4, 3, 2]);
        assert_eq!(entries[0].words.len(), 32);
        assert!(entries[0].words[0].ends_with(b"... (72 more bytes)"));
        assert_eq!(entries[0].words[31], b"... (10 more arguments)");
    }
}
