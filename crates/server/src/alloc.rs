//! What is asked of the allocator beyond `malloc` and `free`: its settings, its background thread, purging, its
//! version.
//!
//! The safe interface has no command that neither takes nor gives a value, so this file makes that call directly.

use std::ptr::null_mut;
use tikv_jemalloc_ctl::thread::{self, ThreadLocal};
use tikv_jemalloc_ctl::{background_thread, epoch, stats, version};

/// Purges every arena: `arena.<i>.purge`, where 4096 is the manual's number for "all".
const PURGE_ALL: &std::ffi::CStr = c"arena.4096.purge";

/// What the allocator reads when the process starts: the address of its settings.
///
/// * `cache_oblivious` would give every object from 16 KiB on a page of address space beside its own, to begin it
///   somewhere else in its first page. A table's pages begin where they have to, so each would only leave a gap, and
///   the allocator has to describe gaps too: half a byte for each small key.
/// * `dirty_decay_ms` is after how long pages that were freed and not used again go back to the system. Tables free a
///   segment whenever one grows, so with the allocator's own 10 seconds a tenth of a full server's memory is pages that
///   nothing is in.
// SAFETY: the name is the allocator's own, which declares it as a pointer to text that ends in NUL, for programs to
// define.
#[allow(unsafe_code)]
#[unsafe(export_name = "_rjem_malloc_conf")]
static SETTINGS: &[u8; 41] = b"cache_oblivious:false,dirty_decay_ms:200\0";

/// With a thread of its own, the allocator gives memory back on an idle server too, and it is never the work of a
/// command. A system where that cannot be does without.
pub fn set_background_thread(on: bool) -> Result<(), String> {
    if cfg!(all(target_os = "linux", target_env = "gnu")) {
        background_thread::write(on).map_err(|error| format!("The allocator's thread: {error}"))?;
    }
    Ok(())
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
    #[allow(unsafe_code)]
    fn the_allocator_has_read_our_settings() {
        // SAFETY: the names are NUL-terminated, and the values have the types that the manual gives for them.
        let read = unsafe {
            (
                tikv_jemalloc_ctl::raw::read::<bool>(b"opt.cache_oblivious\0"),
                tikv_jemalloc_ctl::raw::read::<isize>(b"opt.dirty_decay_ms\0"),
            )
        };
        assert_eq!((read.0.unwrap(), read.1.unwrap()), (false, 200));
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
