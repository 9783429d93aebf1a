//! Journal and events of a case, and the text of a failure.
//!
//! On Russet both come from hidden debug commands, which give what was logged since the last look:
//! `DEBUG JOURNAL START|READ` an array of `[db, [argument, ...]]`, `DEBUG EVENTS START|READ` an array
//! of `[db, event, key]`. On a reference server the events come over pub/sub, and the journal is what
//! it sends to a replica, which the runner plays; the MULTI and EXEC around it are left out, since
//! they are the frame and not an effect.

use super::{CaseRun, Seen, Target};
use crate::client::{Client, Protocol, REPLY_TIMEOUT};
use crate::script::Step;
use crate::text::{glob, quote_if_needed, split_args};
use crate::value::Value;

/// All classes of events but new keys, misses and the overwriting ones, which have to be asked for.
const EVENT_FLAGS: &[u8] = b"AE";
/// A message on this channel marks that all effects before it have arrived. Each look sends another text, for the marks
/// of one kind of block are seen by the other kind as well.
const SENTINEL: &str = "__keyevent@sentinel__:";

impl CaseRun<'_> {
    pub(super) fn start_journal(&mut self, restore: &mut Vec<(String, Vec<u8>)>) -> Result<(), String> {
        if self.target == Target::Russet {
            return self.control_ok(&[b"DEBUG", b"JOURNAL", b"START"]);
        }
        // A snapshot from disk has its length in front, and needs no waiting for more replicas.
        self.set_config("repl-diskless-sync", b"no", restore)?;
        let mut replica = Client::connect(self.addr, Protocol::Resp2)?;
        replica.become_replica(REPLY_TIMEOUT).map_err(|error| format!("  SYNC: {error}"))?;
        self.replica = Some(replica);
        Ok(())
    }

    pub(super) fn check_journal(&mut self, step: &Step, rows: &[String]) -> Result<(), String> {
        let seen = match self.target {
            Target::Russet => self.read_debug_journal()?,
            Target::Redis | Target::Valkey => self.read_replicated()?,
        };
        self.judge_rows(step, rows, &seen)
    }

    /// In the update mode, what differs is kept for the script instead of failing.
    fn judge_rows(&mut self, step: &Step, rows: &[String], seen: &[Row]) -> Result<(), String> {
        let result = compare_rows(rows, seen);
        if self.recorded.is_some() && result.is_err() {
            self.record(step, Seen::Events(seen.iter().map(row_text).collect()));
            return Ok(());
        }
        result
    }

    fn read_debug_journal(&mut self) -> Result<Vec<Row>, String> {
        let reply = self.control.call(&["DEBUG", "JOURNAL", "READ"])?;
        let Value::Array(entries) = reply else {
            return Err(format!("  DEBUG JOURNAL READ answered {reply:?}"));
        };
        let row = |entry: &Value| match entry {
            Value::Array(pair) => match &pair[..] {
                [Value::Integer(db), Value::Array(args)] => Ok((*db, texts(args)?)),
                _ => Err(format!("  not a journal entry: {pair:?}")),
            },
            other => Err(format!("  not a journal entry: {other:?}")),
        };
        let mut rows = entries.iter().map(row).collect::<Result<Vec<Row>, String>>()?;
        // As on a reference server, the frame around several commands is no effect.
        rows.retain(|(_, words)| !matches!(words.first().map(Vec::as_slice), Some(b"MULTI" | b"EXEC")));
        Ok(rows)
    }

    /// Publishes a message of our own; returns its text.
    fn publish_sentinel(&mut self) -> Result<Vec<u8>, String> {
        self.sentinels += 1;
        let text = self.sentinels.to_string();
        self.control.call(&["PUBLISH", SENTINEL, &text])?;
        Ok(text.into_bytes())
    }

    /// Reads what a replica gets, until a message of our own comes by.
    fn read_replicated(&mut self) -> Result<Vec<Row>, String> {
        let sentinel = self.publish_sentinel()?;
        let replica = self.replica.as_mut().ok_or("  the journal was not switched on")?;
        let mut seen = Vec::new();
        loop {
            let command = replica.read(REPLY_TIMEOUT).map_err(|error| error.to_string())?;
            let Value::Array(words) = &command else {
                return Err(format!("  not a command: {command:?}"));
            };
            let mut words = texts(words)?;
            // Redis passes some commands on as the client wrote them, small letters and all.
            words.first_mut().ok_or("  an empty command")?.make_ascii_uppercase();
            match words[0].as_slice() {
                b"SELECT" => {
                    let db = words.get(1).and_then(|db| std::str::from_utf8(db).ok());
                    self.replica_db = db.and_then(|db| db.parse().ok()).ok_or("  SELECT what?")?;
                }
                b"PUBLISH" if words.get(1).is_some_and(|to| to == SENTINEL.as_bytes()) => {
                    if words.get(2) == Some(&sentinel) {
                        return Ok(seen);
                    }
                }
                b"PING" | b"REPLCONF" | b"MULTI" | b"EXEC" => {}
                _ => seen.push((self.replica_db, words)),
            }
        }
    }

    pub(super) fn start_events(&mut self, restore: &mut Vec<(String, Vec<u8>)>) -> Result<(), String> {
        if self.target == Target::Russet {
            return self.control_ok(&[b"DEBUG", b"EVENTS", b"START"]);
        }
        self.set_config("notify-keyspace-events", EVENT_FLAGS, restore)?;
        let mut subscriber = Client::connect(self.addr, Protocol::Resp2)?;
        subscriber.call(&["PSUBSCRIBE", "__keyevent@*__:*"])?;
        self.subscriber = Some(subscriber);
        Ok(())
    }

    pub(super) fn check_events(&mut self, step: &Step, rows: &[String]) -> Result<(), String> {
        let seen = match self.target {
            Target::Russet => self.read_debug_events()?,
            Target::Redis | Target::Valkey => self.read_published_events()?,
        };
        self.judge_rows(step, rows, &seen)
    }

    fn read_debug_events(&mut self) -> Result<Vec<Row>, String> {
        let reply = self.control.call(&["DEBUG", "EVENTS", "READ"])?;
        let Value::Array(entries) = reply else {
            return Err(format!("  DEBUG EVENTS READ answered {reply:?}"));
        };
        let row = |entry: &Value| match entry {
            Value::Array(parts) => match &parts[..] {
                [Value::Integer(db), rest @ ..] => Ok((*db, texts(rest)?)),
                _ => Err(format!("  not an event: {parts:?}")),
            },
            other => Err(format!("  not an event: {other:?}")),
        };
        entries.iter().map(row).collect()
    }

    /// Reads events until a message of our own comes back: Redis publishes in order, so by then
    /// every event of the commands before it is here.
    fn read_published_events(&mut self) -> Result<Vec<Row>, String> {
        let sentinel = self.publish_sentinel()?;
        let subscriber = self.subscriber.as_mut().ok_or("  events were not switched on")?;
        let mut seen = Vec::new();
        loop {
            let message = subscriber.read(REPLY_TIMEOUT).map_err(|error| error.to_string())?;
            let Value::Array(parts) = &message else {
                return Err(format!("  not a message: {message:?}"));
            };
            let parts = texts(parts)?;
            let [_, _, channel, key] = &parts[..] else {
                return Err(format!("  not a message: {message:?}"));
            };
            if channel == SENTINEL.as_bytes() {
                if *key == sentinel {
                    return Ok(seen);
                }
                continue;
            }
            let channel = String::from_utf8_lossy(channel);
            let (db, event) = channel
                .strip_prefix("__keyevent@")
                .and_then(|rest| rest.split_once("__:"))
                .ok_or("  not a keyspace event")?;
            let db = db.parse().map_err(|_| "  not a database number")?;
            seen.push((db, vec![event.as_bytes().to_vec(), key.clone()]));
        }
    }
}

/// A database and the words of a command or event.
type Row = (i64, Vec<Vec<u8>>);

fn texts(values: &[Value]) -> Result<Vec<Vec<u8>>, String> {
    let text = |value: &Value| match value {
        Value::Bulk(text) | Value::Simple(text) => Ok(text.clone()),
        other => Err(format!("  not a text: {other:?}")),
    };
    values.iter().map(text).collect()
}

fn row_text((db, words): &Row) -> String {
    let words: Vec<String> = words.iter().map(|word| quote_if_needed(word)).collect();
    let words = words.join(" ");
    if *db == 0 { words } else { format!("[db {db}] {words}") }
}

/// Compares the rows of a block with what was seen; an unquoted word `~glob` fits what the glob does.
fn compare_rows(rows: &[String], seen: &[Row]) -> Result<(), String> {
    let fits = |row: &String, (db, words): &Row| -> Result<bool, String> {
        let (wanted_db, rest) = match row.strip_prefix("[db ").and_then(|r| r.split_once("] ")) {
            Some((number, rest)) => (number.parse().map_err(|_| "  [db N]")?, rest),
            None => (0, row.as_str()),
        };
        let wanted = split_args(rest)?;
        let words_fit = wanted.len() == words.len()
            && wanted.iter().zip(words).all(|(token, word)| {
                match token.bytes.strip_prefix(b"~").filter(|_| !token.quoted) {
                    Some(pattern) => glob(pattern, word),
                    None => token.bytes == *word,
                }
            });
        Ok(*db == wanted_db && words_fit)
    };
    let mut same = rows.len() == seen.len();
    for (row, seen) in rows.iter().zip(seen) {
        same = same && fits(row, seen)?;
    }
    if same {
        return Ok(());
    }
    let seen: Vec<String> = seen.iter().map(row_text).collect();
    Err(difference(rows, &seen))
}

pub(super) fn difference(expected: &[String], got: &[String]) -> String {
    let indented = |lines: &[String]| match lines {
        [] => "    (none)".to_string(),
        lines => lines.iter().map(|l| format!("    {l}")).collect::<Vec<_>>().join("\n"),
    };
    format!("  expected:\n{}\n  got:\n{}", indented(expected), indented(got))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(db: i64, words: &str) -> Row {
        (db, words.split(' ').map(|word| word.as_bytes().to_vec()).collect())
    }

    #[test]
    fn rows_compare_by_database_words_and_globs() {
        let seen = [row(0, "SET k v PXAT 1234"), row(3, "DEL k")];
        let same = ["SET k v PXAT ~[0-9]+".to_string(), "[db 3] DEL k".to_string()];
        assert_eq!(compare_rows(&same, &seen), Ok(()));
        for other in ["SET k v", "SET k v PXAT \"~[0-9]+\"", "[db 1] SET k v PXAT 1234"] {
            assert!(compare_rows(&[other.into(), same[1].clone()], &seen).is_err(), "{other}");
        }
        assert!(compare_rows(&same[..1], &seen).is_err());
    }
}
