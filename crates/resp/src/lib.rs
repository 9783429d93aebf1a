//! resp: to be written.
