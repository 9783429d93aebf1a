//! What is asked of the allocator beyond `malloc` and `free`: purging, its pace and its background thread, its version.
//!
//! The safe interface has neither the settings for all arenas nor a command that neither takes nor gives a value, so this
//! file makes those calls directly.

use std::ptr::null_mut;
use tikv_jemalloc_ctl::thread::{self, ThreadLocal};
use tikv_jemalloc_ctl::{background_thread, epoch, stats, version};

/// Purges every arena: `arena.<i>.purge`, where 4096 is the manual's number for "all".
const PURGE_ALL: &std::ffi::CStr = c"arena.4096.purge";

/// Milliseconds after which pages that were freed and not used again go back to the system. Tables free a segment whenever
/// one grows, so with the allocator's own 10 seconds a tenth of a full server's memory is pages that nothing is in.
const DIRTY_DECAY_MS: isize = 200;

/// Lets the allocator give memory back soon, and from a thread of its own, so that it happens on an idle server too and is
/// never the work of a command. A system where that cannot be does without. Called before other threads start: their
/// arenas take the first of the two settings over.
#[allow(unsafe_code)]
pub fn give_memory_back_soon() {
    for name in [c"arenas.dirty_decay_ms", c"arena.0.dirty_decay_ms"] {
        // SAFETY: the name is NUL-terminated, and the value has the type that the manual gives for it, `ssize_t`.
        let written = unsafe { tikv_jemalloc_ctl::raw::write(name.to_bytes_with_nul(), DIRTY_DECAY_MS) };
        if let Err(error) = written {
            log::debug!("The allocator keeps its own pace for unused pages: {error}");
        }
    }
    if cfg!(all(target_os = "linux", target_env = "gnu"))
        && let Err(error) = background_thread::write(true)
    {
        log::debug!("The allocator has no background thread: {error}");
    }
}

/// Bytes in use, added up over all threads: takes long compared with [`thread_memory`].
pub fn allocated() -> u64 {
    // Without a new epoch the allocator repeats old numbers; a failure leaves them, or zero.
    let _ = epoch::advance();
    stats::allocated::read().map_or(0, |bytes| bytes as u64)
}

/// What the calling thread has taken, in bytes, less what it gave back, be it its own or not.
pub fn thread_memory() -> i64 {
    thread_local! {
        /// Where the allocator counts both.
        static COUNTERS: Option<(ThreadLocal<u64>, ThreadLocal<u64>)> =
            thread::allocatedp::read().ok().zip(thread::deallocatedp::read().ok());
    }
    COUNTERS.with(|counters| counters.as_ref().map_or(0, |(taken, given)| taken.get().wrapping_sub(given.get()) as i64))
}

/// Gives all unused pages back to the system at once.
#[allow(unsafe_code)]
pub fn purge() {
    // SAFETY: the name is NUL-terminated, and null pointers with a length of zero say that no value is read or written,
    // as this command wants it.
    let status = unsafe { tikv_jemalloc_sys::mallctl(PURGE_ALL.as_ptr(), null_mut(), null_mut(), null_mut(), 0) };
    if status != 0 {
        log::warn!("Purging unused memory: {}", std::io::Error::from_raw_os_error(status));
    }
}

/// The allocator and its version, as INFO shows them.
pub fn name() -> String {
    match version::read() {
        // "5.3.1-0-g81034ce1f": the release is enough.
        Ok(text) => format!("jemalloc-{}", text.split('-').next().unwrap_or_default()),
        Err(_) => "jemalloc".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_has_a_release_behind_it() {
        let name = name();
        let release = name.strip_prefix("jemalloc-").expect("the allocator's name");
        assert!(release.split('.').all(|part| part.parse::<u32>().is_ok()), "{name}");
    }

    #[test]
    fn a_threads_own_balance_follows_what_it_takes_and_gives_back() {
        let before = thread_memory();
        let block = vec![1_u8; 1 << 20];
        assert!(thread_memory() - before >= 1 << 20);
        let freed_elsewhere = std::thread::spawn(move || {
            let before = thread_memory();
            drop(block);
            before - thread_memory()
        });
        assert!(freed_elsewhere.join().unwrap() >= 1 << 20);
        assert!(thread_memory() - before >= 1 << 20, "another thread gave it back");
    }

    #[test]
    fn purging_gives_dirty_pages_back() {
        let resident = || {
            tikv_jemalloc_ctl::epoch::advance().unwrap();
            tikv_jemalloc_ctl::stats::resident::read().unwrap()
        };
        let block = vec![1_u8; 64 << 20];
        assert!(block.iter().all(|byte| *byte == 1));
        let before = resident();
        drop(block);
        purge();
        assert!(resident() + (32 << 20) < before, "{} of {before} bytes are left", resident());
    }
}
