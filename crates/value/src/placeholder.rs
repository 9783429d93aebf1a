//! What stays in the place of a value that a long command has detached for now.
//!
//! Whoever looks at values without naming their keys (SCAN, INFO keysizes) meets it: it knows the type and how much
//! there was, and has nothing else to show. Whoever names such a key waits until its value is back.

use crate::Object;

/// The place of a detached value.
#[derive(Clone, Debug)]
pub struct Placeholder {
    type_name: &'static str,
    encoding_name: &'static str,
    len: usize,
}

impl Placeholder {
    /// What stays of this value.
    pub fn of(object: &Object) -> Placeholder {
        Placeholder { type_name: object.type_name(), encoding_name: object.encoding_name(), len: object.len() }
    }

    /// What TYPE answers for the value.
    pub fn type_name(&self) -> &'static str {
        self.type_name
    }

    /// What OBJECT ENCODING answers for the value.
    pub fn encoding_name(&self) -> &'static str {
        self.encoding_name
    }

    /// Number of elements that the value had when it was detached.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.len
    }
}
