//! What is asked of the allocator beyond `malloc` and `free`: purging, its version, its background thread.
//!
//! The safe interface cannot express a command of the control tree that neither takes nor gives a value, so this
//! file makes that one call directly.

use std::ptr::null_mut;
use tikv_jemalloc_ctl::{background_thread, version};

/// Purges every arena: `arena.<i>.purge`, where 4096 is the manual's number for "all".
const PURGE_ALL: &std::ffi::CStr = c"arena.4096.purge";

/// Lets the allocator give memory back from a thread of its own, so that it happens on an idle server too and is
/// never the work of a command. A system where that cannot be does without.
pub fn start_background_thread() {
    if cfg!(all(target_os = "linux", target_env = "gnu"))
        && let Err(error) = background_thread::write(true)
    {
        log::debug!("The allocator has no background thread: {error}");
    }
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
