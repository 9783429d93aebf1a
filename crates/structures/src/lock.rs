//! The lock of a shard: a mutex of its own cache lines, whose waiters look for a while before they sleep, and may give
//! up.

use parking_lot::{Mutex, MutexGuard};
use std::ops::{Deref, DerefMut};
use std::time::Duration;

/// Looks at a lock that another thread holds, before the system is asked to wait: a few microseconds.
const SPINS: usize = 128;

/// A value behind a lock. Aligned so that two shards never share a pair of cache lines.
#[repr(align(128))]
pub struct Lock<T> {
    value: Mutex<T>,
}

/// The right to use the value of a locked [`Lock`]; gives it back when dropped.
pub struct Guard<'a, T> {
    value: MutexGuard<'a, T>,
}

impl<T> Lock<T> {
    pub fn new(value: T) -> Lock<T> {
        Lock { value: Mutex::new(value) }
    }

    /// Waits for the lock, however long that takes.
    #[inline]
    pub fn lock(&self) -> Guard<'_, T> {
        Guard { value: self.value.try_lock().unwrap_or_else(|| self.wait()) }
    }

    /// Waits for the lock at most so long; `None` when it was not to be had.
    #[inline]
    pub fn lock_for(&self, patience: Duration) -> Option<Guard<'_, T>> {
        let value = self.value.try_lock().or_else(|| self.wait_for(patience))?;
        Some(Guard { value })
    }

    /// Takes the lock if nobody holds it.
    #[inline]
    pub fn try_lock(&self) -> Option<Guard<'_, T>> {
        Some(Guard { value: self.value.try_lock()? })
    }

    #[cold]
    fn wait(&self) -> MutexGuard<'_, T> {
        self.spin().unwrap_or_else(|| self.value.lock())
    }

    #[cold]
    fn wait_for(&self, patience: Duration) -> Option<MutexGuard<'_, T>> {
        self.spin().or_else(|| self.value.try_lock_for(patience))
    }

    /// Waits for as long as most commands hold a shard without leaving the processor, which costs more.
    fn spin(&self) -> Option<MutexGuard<'_, T>> {
        for _ in 0..SPINS {
            std::hint::spin_loop();
            if !self.value.is_locked()
                && let Some(held) = self.value.try_lock()
            {
                return Some(held);
            }
        }
        None
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
        &self.value
    }
}

impl<T> DerefMut for Guard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T> Guard<'_, T> {
    /// Lets go of the lock, and leaves it to whoever waits for it: for those that take it again at once.
    #[inline]
    pub fn unlock_fairly(self) {
        MutexGuard::unlock_fair(self.value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_take_turns() {
        let lock = Lock::new(0u64);
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
    fn unlocked_fairly_it_can_be_taken_again() {
        let lock = Lock::new(1);
        for _ in 0..3 {
            let mut guard = lock.lock();
            *guard += 1;
            guard.unlock_fairly();
        }
        assert_eq!(*lock.lock(), 4);
    }

    #[test]
    fn a_lock_that_is_held_can_be_refused() {
        let lock = Lock::new(());
        let guard = lock.lock();
        std::thread::scope(|s| {
            s.spawn(|| {
                assert!(lock.try_lock().is_none());
                assert!(lock.lock_for(Duration::from_micros(10)).is_none());
            });
        });
        drop(guard);
        assert!(lock.lock_for(Duration::ZERO).is_some());
    }
}
