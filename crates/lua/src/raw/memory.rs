//! The allocator of an interpreter: it counts, and it refuses what goes beyond a limit.
//!
//! Memory comes from the allocator of the process, so its figures have it too. There are two modes:
//!
//! * While Lua runs, what goes beyond the limit is refused, and Lua raises "not enough memory".
//! * While a function in Rust runs (*inside*), nothing is refused, because the error would leave its frames by longjmp.
//!   It can go beyond the limit by what it asks for in one step; [`Memory::is_exhausted`] is how it finds out, and it
//!   then returns an error.
//!
//! Lua 5.1 does not collect garbage when it runs out of memory. Well before the limit there is therefore a second one,
//! the *watermark*: passing it asks for a full collection at the next instruction (see `Context::interrupt`), so that a
//! script fails for what it holds rather than for what it has dropped.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error, realloc};
use std::cell::Cell;
use std::ffi::c_void;
use std::ptr::null_mut;

/// Of everything that Lua stores, no type needs more.
const ALIGN: usize = 8;

/// The collector is not asked for again before this much was added.
const STEP_MIN: usize = 1 << 20;

pub(crate) struct Memory {
    used: Cell<usize>,
    limit: Cell<usize>,
    /// Never above the limit, but by [`STEP_MIN`], so that the usual allocation compares once.
    watermark: Cell<usize>,
    inside: Cell<bool>,
    /// In tests: how many allocations there are until one fails; zero for none.
    #[cfg(test)]
    pub(crate) countdown: Cell<u64>,
}

/// What an allocation leads to, besides memory.
#[derive(PartialEq)]
pub(crate) enum Pressure {
    No,
    /// The watermark was passed: somebody ought to collect garbage.
    Watermark,
}

impl Memory {
    pub(crate) fn new() -> Memory {
        Memory {
            used: Cell::new(0),
            limit: Cell::new(usize::MAX),
            watermark: Cell::new(usize::MAX),
            inside: Cell::new(true),
            #[cfg(test)]
            countdown: Cell::new(0),
        }
    }

    pub(crate) fn used(&self) -> usize {
        self.used.get()
    }

    /// Allows `more` bytes beyond those in use.
    pub(crate) fn allow(&self, more: usize) {
        self.limit.set(self.used().saturating_add(more));
        self.set_watermark();
    }

    /// Half of the way from here to the limit.
    pub(crate) fn set_watermark(&self) {
        let used = self.used();
        let half = used.saturating_add(self.limit.get().saturating_sub(used) / 2);
        self.watermark.set(half.max(used.saturating_add(STEP_MIN)));
    }

    /// Enters a function in Rust; the answer is for [`Memory::leave`].
    pub(crate) fn enter(&self) -> bool {
        self.inside.replace(true)
    }

    pub(crate) fn leave(&self, before: bool) {
        self.inside.set(before);
    }

    /// Whether what was granted inside is more than the limit allows.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.used() > self.limit.get()
    }

    /// Whether `more` bytes are beyond the limit.
    pub(crate) fn lacks(&self, more: usize) -> bool {
        self.used().saturating_add(more) > self.limit.get()
    }

    /// `lua_Alloc`: allocates, resizes or frees, as the sizes say. Null is a refusal, but for a new size of zero.
    ///
    /// # Safety
    ///
    /// `block` is null, or came from here with the size `old`.
    pub(crate) unsafe fn resize(&self, block: *mut c_void, old: usize, new: usize) -> (*mut c_void, Pressure) {
        let old = if block.is_null() { 0 } else { old };
        let used = self.used.get() - old + new;
        let mut pressure = Pressure::No;
        if new > old {
            if self.refuses(used) {
                return (null_mut(), Pressure::No);
            }
            if used > self.watermark.get() {
                self.watermark.set(used.saturating_add(STEP_MIN));
                pressure = Pressure::Watermark;
            }
        }
        // SAFETY: the layout of `block` is that of its size, which is not zero, as an empty block is never handed out.
        let moved = unsafe {
            match (old, new) {
                (0, 0) => null_mut(),
                (0, _) => alloc(layout(new)),
                (_, 0) => {
                    dealloc(block.cast(), layout(old));
                    null_mut()
                }
                (_, _) => realloc(block.cast(), layout(old), new),
            }
        };
        if moved.is_null() && new != 0 {
            if self.inside.get() {
                // As everywhere in Rust: there is nobody who could be told.
                handle_alloc_error(layout(new));
            }
            return (null_mut(), Pressure::No);
        }
        self.used.set(used);
        (moved.cast(), pressure)
    }

    /// Whether an allocation fails that would make it `used` bytes.
    fn refuses(&self, used: usize) -> bool {
        #[cfg(test)]
        if self.countdown.get() > 0 {
            self.countdown.set(self.countdown.get() - 1);
            if self.countdown.get() == 0 {
                if !self.inside.get() {
                    return true;
                }
                // Inside, it is granted, and found to be beyond the limit.
                self.limit.set(0);
            }
        }
        used > self.limit.get() && !self.inside.get()
    }
}

fn layout(size: usize) -> Layout {
    Layout::from_size_align(size, ALIGN).expect("Lua asks for no more than the address space holds")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_the_limit_lua_is_refused_and_rust_is_told() {
        let memory = Memory::new();
        memory.leave(false);
        memory.allow(100);
        // SAFETY: a new block, which is then resized and freed with the sizes that it has.
        unsafe {
            let (block, _) = memory.resize(null_mut(), 0, 80);
            assert!(!block.is_null() && !memory.is_exhausted());
            assert!(memory.resize(block, 80, 120).0.is_null());
            assert_eq!(memory.used(), 80);
            let before = memory.enter();
            let (block, _) = memory.resize(block, 80, 120);
            assert!(!block.is_null() && memory.is_exhausted());
            memory.leave(before);
            memory.resize(block, 120, 0);
        }
        assert_eq!(memory.used(), 0);
    }

    #[test]
    fn passing_the_watermark_is_told_once() {
        let memory = Memory::new();
        memory.allow(8 << 20);
        let mut told = 0;
        let mut blocks = Vec::new();
        for _ in 0..5 {
            // SAFETY: a new block.
            let (block, pressure) = unsafe { memory.resize(null_mut(), 0, 1 << 20) };
            told += u32::from(pressure == Pressure::Watermark);
            blocks.push(block);
        }
        assert_eq!(told, 1);
        for block in blocks {
            // SAFETY: it was allocated above, with this size.
            unsafe { memory.resize(block, 1 << 20, 0) };
        }
    }
}
