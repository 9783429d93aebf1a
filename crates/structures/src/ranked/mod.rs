//! What the forms of the sorted set have in common; the large form follows.

/// What an insertion did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// The member was not there.
    Inserted,
    /// The member had this score before.
    Updated(f64),
    /// The member had an equal score, and keeps it.
    Same,
}
