//! The versions a client is told: the Redis whose behaviour this is, and our own.

/// The Redis version we answer as; client libraries choose their features by it.
pub const REDIS: &str = "8.2.3";
/// Our own version.
pub const RUSSET: &str = env!("CARGO_PKG_VERSION");
