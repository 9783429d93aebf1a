//! A value large enough to be shared instead of copied.
//!
//! Strings of 16 KB and more are kept by reference count, so that a reply can hold on to the bytes while the key is
//! already changed or gone.

/// Shared, immutable bytes.
pub type Blob = std::sync::Arc<Vec<u8>>;
