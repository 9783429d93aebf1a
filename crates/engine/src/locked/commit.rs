//! What dispatch does with the locked keys and handlers do not: it begins and ends commands, and hands on what they
//! left.

use super::LockedKeys;
use crate::effects::{CommandPart, Effects};

/// The ends of commands and frames. For the path of commands only; tidy keeps it out of the crates of handlers.
pub trait Commit {
    /// Begins a command, and returns the part of the one around it, for [`Commit::end`].
    fn begin(&mut self, notes_use: bool) -> CommandPart;

    /// Ends a command: what it is logged as joins the frame, and the command around it goes on.
    fn end(&mut self, outer: CommandPart, sent: impl FnOnce() -> Vec<Vec<u8>>);

    /// Ends a frame: the journal gets what all commands since the last one are logged as, and others hear what they
    /// have to.
    fn commit_frame(&mut self);

    /// The first half of that: the journal gets the frame, and what others have to hear is for the next `commit_frame`.
    fn log_frame(&mut self);

    /// Lets others hear of the events so far, in the middle of a frame.
    fn post_events(&mut self);

    fn effects(&mut self) -> &mut Effects;
}

impl Commit for LockedKeys<'_> {
    #[inline]
    fn begin(&mut self, notes_use: bool) -> CommandPart {
        self.effects.begin(notes_use)
    }

    #[inline]
    fn end(&mut self, outer: CommandPart, sent: impl FnOnce() -> Vec<Vec<u8>>) {
        self.effects.end(outer, self.db, sent);
    }

    #[inline]
    fn commit_frame(&mut self) {
        self.effects.commit_frame(self.keyspace, self.outlet);
    }

    #[inline]
    fn log_frame(&mut self) {
        self.effects.log_frame(self.keyspace);
    }

    #[inline]
    fn post_events(&mut self) {
        if let Some(outlet) = self.outlet {
            self.effects.outbox.post_events(outlet);
        }
    }

    #[inline]
    fn effects(&mut self) -> &mut Effects {
        self.effects
    }
}
