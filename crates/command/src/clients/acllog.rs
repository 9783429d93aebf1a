//! Refused attempts to authenticate, for ACL LOG.
//!
//! As in Redis, an attempt like one of the newest entries, made within a minute of it, is counted there instead of
//! making an entry of its own; and the log is short: it is for people.

use parking_lot::Mutex;
use std::collections::VecDeque;

/// How many of the newest entries are looked at for one that is alike.
const ALIKE_MAX: usize = 10;
/// How long, in milliseconds, an entry takes up others.
const ALIKE_MS: i64 = 60_000;

/// One or several refused attempts.
#[derive(Clone, Debug)]
pub struct Denial {
    pub id: u64,
    pub count: u64,
    /// "toplevel" or "multi".
    pub context: &'static str,
    /// The command's name, as it was sent.
    pub object: Vec<u8>,
    pub username: Vec<u8>,
    /// The line that CLIENT INFO would have shown.
    pub client: String,
    pub created_ms: i64,
    pub updated_ms: i64,
}

/// The log, newest first.
#[derive(Default)]
pub struct AclLog {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    next_id: u64,
    entries: VecDeque<Denial>,
}

impl AclLog {
    /// Adds an attempt, and keeps the newest `len_max` entries (`acllog-max-len`).
    pub fn add(
        &self,
        context: &'static str,
        object: &[u8],
        username: &[u8],
        client: String,
        now_ms: i64,
        len_max: usize,
    ) {
        let Inner { next_id, entries } = &mut *self.inner.lock();
        let alike = entries.iter().take(ALIKE_MAX).position(|entry| {
            (entry.context, &entry.object[..], &entry.username[..]) == (context, object, username)
                && now_ms - entry.updated_ms <= ALIKE_MS
        });
        if let Some(mut entry) = alike.and_then(|at| entries.remove(at)) {
            entry.count += 1;
            entry.client = client;
            entry.updated_ms = now_ms;
            entries.push_front(entry);
            return;
        }
        let (object, username) = (object.to_vec(), username.to_vec());
        entries.push_front(Denial {
            id: *next_id,
            count: 1,
            context,
            object,
            username,
            client,
            created_ms: now_ms,
            updated_ms: now_ms,
        });
        *next_id += 1;
        entries.truncate(len_max);
    }

    /// The newest, at most so many.
    pub fn newest(&self, most: usize) -> Vec<Denial> {
        self.inner.lock().entries.iter().take(most).cloned().collect()
    }

    pub fn reset(&self) {
        self.inner.lock().entries.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_alike_are_counted_together_for_a_minute() {
        let log = AclLog::default();
        log.add("toplevel", b"AUTH", b"bob", String::new(), 0, 128);
        log.add("toplevel", b"AUTH", b"eve", String::new(), 1, 128);
        log.add("toplevel", b"AUTH", b"bob", "again".to_owned(), 60_000, 128);
        log.add("toplevel", b"AUTH", b"bob", String::new(), 120_001, 128);
        let seen: Vec<_> = log.newest(10).into_iter().map(|entry| (entry.id, entry.count, entry.username)).collect();
        assert_eq!(seen, [(2, 1, b"bob".to_vec()), (0, 2, b"bob".to_vec()), (1, 1, b"eve".to_vec())]);
        log.reset();
        assert!(log.newest(10).is_empty());
    }
}
