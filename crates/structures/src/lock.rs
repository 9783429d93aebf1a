//! The lock of a shard: a mutex that costs nothing when the server has one worker.
//!
//! With several workers it is a plain three-state mutex from `parking_lot`. With one worker nobody else
//! ever takes a shard, so the lock only marks itself as held (a relaxed store, no read-modify-write): that
//! mark turns a second lock by the same worker, which would hand out two mutable references, into an abort
//! instead of undefined behaviour.
//!
//! Invariant: an `exclusive` lock is used by one thread only. The server creates all its shards in one mode,
//! and hands them to as many workers as the mode says.

use parking_lot::{Mutex, MutexGuard};
use std::cell::UnsafeCell;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Looks at a lock that another thread holds, before the system is asked to wait: a few microseconds.
const SPINS: usize = 128;

/// How many threads will use a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// Exactly one thread: the one that locks first owns the lock for ever.
    Exclusive,
    /// Any number of threads.
    Shared,
}

/// A value behind a lock. Aligned so that two shards never share a pair of cache lines.
#[repr(align(128))]
pub struct Lock<T> {
    raw: Mutex<()>,
    shared: bool,
    held: AtomicBool,
    owner: AtomicU64,
    value: UnsafeCell<T>,
}

// SAFETY: a shared lock hands out `&mut T` to one thread at a time through the mutex; an exclusive lock checks
// (see `lock`) that only one thread ever gets in.
unsafe impl<T: Send> Sync for Lock<T> {}

/// The right to use the value of a locked [`Lock`]; gives it back when dropped.
pub struct Guard<'a, T> {
    lock: &'a Lock<T>,
    /// The mutex, when it is shared.
    mutex: Option<MutexGuard<'a, ()>>,
}

/// A small number that names the calling thread, never 0.
fn thread_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    thread_local! {
        static MINE: u64 = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    MINE.with(|number| *number)
}

impl<T> Lock<T> {
    pub fn new(value: T, sharing: Sharing) -> Lock<T> {
        Lock {
            raw: Mutex::new(()),
            shared: sharing == Sharing::Shared,
            held: AtomicBool::new(false),
            owner: AtomicU64::new(0),
            value: UnsafeCell::new(value),
        }
    }

    /// Waits for the lock and takes it. Aborts the process when an exclusive lock is taken twice.
    #[inline]
    pub fn lock(&self) -> Guard<'_, T> {
        let mutex = if self.shared {
            Some(self.raw.try_lock().unwrap_or_else(|| self.wait()))
        } else {
            self.enter_exclusive();
            None
        };
        Guard { lock: self, mutex }
    }

    /// Waits for as long as most commands hold a shard without leaving the processor, which costs more, and only then as
    /// long as it takes.
    #[cold]
    fn wait(&self) -> MutexGuard<'_, ()> {
        for _ in 0..SPINS {
            std::hint::spin_loop();
            if !self.raw.is_locked()
                && let Some(held) = self.raw.try_lock()
            {
                return held;
            }
        }
        self.raw.lock()
    }

    /// Takes the lock if nobody holds it.
    #[inline]
    pub fn try_lock(&self) -> Option<Guard<'_, T>> {
        if self.shared {
            let held = self.raw.try_lock()?;
            Some(Guard { lock: self, mutex: Some(held) })
        } else {
            self.enter_exclusive();
            Some(Guard { lock: self, mutex: None })
        }
    }

    #[inline]
    fn enter_exclusive(&self) {
        let me = thread_number();
        if self.owner.load(Ordering::Relaxed) != me || self.held.load(Ordering::Relaxed) {
            self.enter_exclusive_slowly(me);
        }
        self.held.store(true, Ordering::Relaxed);
    }

    #[cold]
    fn enter_exclusive_slowly(&self, me: u64) {
        if self.held.load(Ordering::Relaxed)
            || self.owner.compare_exchange(0, me, Ordering::AcqRel, Ordering::Relaxed).is_err()
        {
            // Two mutable references to one shard would follow: there is no way to go on.
            eprintln!("a shard of a single worker was locked twice or by a second thread");
            std::process::abort();
        }
    }

    /// The value, without locking: the caller holds the only reference.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the guard exists, so this thread holds the lock and nobody else has a reference.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for Guard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard exists and is borrowed mutably, so this is the only reference.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> Guard<'_, T> {
    /// Lets go of the lock, and leaves it to whoever waits for it: for those that take it again at once.
    #[inline]
    pub fn unlock_fairly(mut self) {
        if let Some(mutex) = self.mutex.take() {
            MutexGuard::unlock_fair(mutex);
        }
    }
}

impl<T> Drop for Guard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // Of a shared lock, which may be somebody else's by now, nobody reads this.
        if self.mutex.is_none() {
            self.lock.held.store(false, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_lock_serialises_threads() {
        let lock = Lock::new(0u64, Sharing::Shared);
        std::thread::scope(|s| {
            for _ in 0..4 {
                s.spawn(|| {
                    for _ in 0..10_000 {
                        *lock.lock() += 1;
                    }
                });
            }
        });
        assert_eq!(*lock.lock(), 40_000);
    }

    #[test]
    fn exclusive_lock_can_be_taken_again_after_release() {
        let lock = Lock::new(1, Sharing::Exclusive);
        *lock.lock() += 1;
        *lock.try_lock().expect("an exclusive lock is always free for its owner") += 1;
        assert_eq!(*lock.lock(), 3);
    }

    #[test]
    fn unlocked_fairly_it_can_be_taken_again() {
        for sharing in [Sharing::Exclusive, Sharing::Shared] {
            let lock = Lock::new(1, sharing);
            for _ in 0..3 {
                let mut guard = lock.lock();
                *guard += 1;
                guard.unlock_fairly();
            }
            assert_eq!(*lock.lock(), 4);
        }
    }

    #[test]
    fn try_lock_fails_while_another_thread_holds() {
        let lock = Lock::new((), Sharing::Shared);
        let guard = lock.lock();
        std::thread::scope(|s| {
            s.spawn(|| assert!(lock.try_lock().is_none()));
        });
        drop(guard);
        assert!(lock.try_lock().is_some());
    }
}
