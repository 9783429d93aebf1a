//! structures: to be written.
