//! What a script returned, told to whoever wants to make a reply of it.

/// A reply, one value after the other: an array is announced with its length, then its elements follow.
///
/// Which of these a client gets as they are depends on its protocol, and so does what booleans look like; that is not
/// known here. Texts of statuses and errors end where there is a zero byte, but can have line ends in them.
pub trait Results {
    /// Nil, and whatever is no value of a reply: a function, a coroutine.
    fn nil(&mut self);
    fn boolean(&mut self, value: bool);
    /// A number, without its fraction.
    fn integer(&mut self, value: i64);
    fn bulk(&mut self, bytes: &[u8]);
    fn status(&mut self, text: &[u8]);
    /// `counted`: it is one that the host has counted already, when a command failed with it.
    fn error(&mut self, text: &[u8], counted: bool);
    fn double(&mut self, value: f64);
    fn big_number(&mut self, text: &[u8]);
    fn verbatim(&mut self, format: &[u8], text: &[u8]);
    fn array(&mut self, length: usize);
    /// As many pairs of key and value follow.
    fn map(&mut self, pairs: usize);
    fn set(&mut self, members: usize);
}
