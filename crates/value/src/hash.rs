//! The hash: packed while it is small.

use structures::packed::Packed;

/// The hash.
#[derive(Clone, Debug)]
pub struct Hash {
    packed: Packed,
}

impl Hash {
    /// What OBJECT ENCODING answers.
    pub fn encoding_name(&self) -> &'static str {
        "listpack"
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.packed.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes held besides the object itself.
    pub fn memory(&self) -> usize {
        self.packed.memory()
    }
}
