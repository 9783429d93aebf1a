//! Where an option's value is kept for those who read it while the server runs.
//!
//! What fits into 64 bits is a [`Setting`]: reading it is one relaxed load, on any path. A text or several numbers have
//! a type of their own. All of them are targets of rows of the table: only the store writes to them, and tests do.

use crate::value::{BufferLimit, Value};
use base::event_class::Class;
use parking_lot::{RwLock, RwLockReadGuard};
use std::fmt::{self, Debug};
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What takes up the values of an option.
pub trait Target: Debug + Sync {
    /// Takes up a value.
    ///
    /// # Panics
    /// If the option's values are not of the target's type: the table is wrong then, as its tests would find.
    fn take(&self, value: &Value);
}

/// What fits into 64 bits.
pub trait Scalar: Copy {
    fn from_bits(bits: u64) -> Self;
    fn bits(self) -> u64;
    /// An option's value as this type; `None` if it is of another kind, or too large.
    fn of(value: &Value) -> Option<Self>;
}

/// The present value of an option.
pub struct Setting<T> {
    bits: AtomicU64,
    kind: PhantomData<fn() -> T>,
}

impl<T> Default for Setting<T> {
    /// All bits zero, until the option's default is put in.
    fn default() -> Setting<T> {
        Setting { bits: AtomicU64::new(0), kind: PhantomData }
    }
}

impl<T: Scalar + Debug> Debug for Setting<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

impl<T: Scalar> Setting<T> {
    #[inline]
    pub fn get(&self) -> T {
        T::from_bits(self.bits.load(Relaxed))
    }

    /// Changes the value behind the back of the store, which goes on to report the old one: for tests.
    pub fn set(&self, value: T) {
        self.bits.store(value.bits(), Relaxed);
    }
}

impl<T: Scalar + Debug> Target for Setting<T> {
    fn take(&self, value: &Value) {
        let Some(value) = T::of(value) else { mismatch(std::any::type_name::<T>(), value) };
        self.set(value);
    }
}

#[cold]
fn mismatch(target: &str, value: &Value) -> ! {
    panic!("the table gives {value:?} to a target of type {target}")
}

macro_rules! integers {
    ($($type:ty),*) => {
        $(impl Scalar for $type {
            #[inline]
            fn from_bits(bits: u64) -> $type {
                bits as $type
            }
            fn bits(self) -> u64 {
                self as u64
            }
            fn of(value: &Value) -> Option<$type> {
                match value {
                    Value::Int(number) => <$type>::try_from(*number).ok(),
                    Value::UInt(number) | Value::Memory(number) => <$type>::try_from(*number).ok(),
                    _ => None,
                }
            }
        })*
    };
}
integers!(i64, u64, u32, usize);

impl Scalar for bool {
    #[inline]
    fn from_bits(bits: u64) -> bool {
        bits != 0
    }
    fn bits(self) -> u64 {
        u64::from(self)
    }
    fn of(value: &Value) -> Option<bool> {
        if let Value::Bool(on) = value { Some(*on) } else { None }
    }
}

impl Scalar for Class {
    #[inline]
    fn from_bits(bits: u64) -> Class {
        Class(bits as u32)
    }
    fn bits(self) -> u64 {
        u64::from(self.0)
    }
    fn of(value: &Value) -> Option<Class> {
        if let Value::KeyspaceEvents(classes) = value { Some(*classes) } else { None }
    }
}

/// Declares the words that an option may have as an enum, whose `WORDS` is what `Kind::Enum` takes.
macro_rules! words {
    ($(#[$doc:meta])* pub enum $Name:ident { $($(#[$note:meta])* $Variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $Name { $($(#[$note])* $Variant,)* }

        impl $Name {
            /// The words, in the order of the variants.
            pub const WORDS: &[&str] = &[$($word),*];
            const ALL: &[$Name] = &[$($Name::$Variant),*];
        }

        impl Scalar for $Name {
            #[inline]
            fn from_bits(bits: u64) -> $Name {
                $Name::ALL[bits as usize]
            }
            fn bits(self) -> u64 {
                self as u64
            }
            fn of(value: &Value) -> Option<$Name> {
                if let Value::Enum(at, _) = value { $Name::ALL.get(*at).copied() } else { None }
            }
        }
    };
}

words! {
    /// Who may do something that is guarded.
    pub enum Permission {
        No = "no",
        Yes = "yes",
        /// Only connections over loopback or a unix socket.
        Local = "local",
    }
}

words! {
    /// Least severity of what is logged.
    pub enum LogLevel {
        Debug = "debug",
        Verbose = "verbose",
        Notice = "notice",
        Warning = "warning",
        Nothing = "nothing",
    }
}

words! {
    /// Which keys make room when `maxmemory` is reached.
    pub enum Policy {
        VolatileLru = "volatile-lru",
        VolatileLfu = "volatile-lfu",
        VolatileRandom = "volatile-random",
        VolatileTtl = "volatile-ttl",
        AllkeysLru = "allkeys-lru",
        AllkeysLfu = "allkeys-lfu",
        AllkeysRandom = "allkeys-random",
        NoEviction = "noeviction",
    }
}

impl Policy {
    /// Whether it goes by how often keys are used.
    pub fn is_lfu(self) -> bool {
        matches!(self, Policy::VolatileLfu | Policy::AllkeysLfu)
    }
}

/// A text, such as a password.
#[derive(Debug, Default)]
pub struct TextSetting(RwLock<Vec<u8>>);

impl TextSetting {
    pub fn read(&self) -> RwLockReadGuard<'_, Vec<u8>> {
        self.0.read()
    }

    pub fn is_empty(&self) -> bool {
        self.0.read().is_empty()
    }

    /// As [`Setting::set`]: for tests.
    pub fn set(&self, text: &[u8]) {
        *self.0.write() = text.to_vec();
    }
}

impl Target for TextSetting {
    fn take(&self, value: &Value) {
        match value {
            Value::Text(text) => self.set(text),
            other => mismatch("text", other),
        }
    }
}

/// The kinds of clients that `client-output-buffer-limit` tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientClass {
    Normal,
    Replica,
    Subscriber,
}

/// A limit for each class of clients.
#[derive(Debug, Default)]
pub struct BufferLimitsSetting([BufferLimitSetting; 3]);

#[derive(Debug, Default)]
struct BufferLimitSetting {
    hard: AtomicU64,
    soft: AtomicU64,
    soft_seconds: AtomicU64,
}

impl BufferLimitsSetting {
    #[inline]
    pub fn get(&self, class: ClientClass) -> BufferLimit {
        let limit = &self.0[class as usize];
        BufferLimit {
            hard: limit.hard.load(Relaxed),
            soft: limit.soft.load(Relaxed),
            soft_seconds: limit.soft_seconds.load(Relaxed) as u32,
        }
    }
}

impl Target for BufferLimitsSetting {
    fn take(&self, value: &Value) {
        let Value::BufferLimits(limits) = value else { mismatch("buffer limits", value) };
        for (setting, limit) in self.0.iter().zip(limits) {
            setting.hard.store(limit.hard, Relaxed);
            setting.soft.store(limit.soft, Relaxed);
            setting.soft_seconds.store(u64::from(limit.soft_seconds), Relaxed);
        }
    }
}
