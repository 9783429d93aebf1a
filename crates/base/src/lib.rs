//! base: to be written.
