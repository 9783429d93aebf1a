//! What one command did so far, and how it is logged.

use crate::journal::Record;

/// How a command that changed something is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Propagation {
    /// As it was sent.
    #[default]
    Verbatim,
    /// As the records that its handler gave, or not at all.
    AsGiven,
}

/// The part of the effects that belongs to the running command.
#[derive(Debug)]
pub struct CommandPart {
    /// Changes so far.
    pub(crate) dirty: u64,
    pub(crate) journal_on: bool,
    /// Classes of events that somebody listens to, as bits of [`Class`](crate::Class).
    pub(crate) event_classes: u32,
    /// False for a client that said CLIENT NO-TOUCH.
    pub(crate) notes_use: bool,
    propagation: Propagation,
    pub(crate) records: Vec<Record>,
}

impl Default for CommandPart {
    fn default() -> CommandPart {
        CommandPart::new(false, 0, true)
    }
}

impl CommandPart {
    pub(crate) fn new(journal_on: bool, event_classes: u32, notes_use: bool) -> CommandPart {
        let propagation = Propagation::Verbatim;
        CommandPart { dirty: 0, journal_on, event_classes, notes_use, propagation, records: Vec::new() }
    }

    /// Logs the command as these words instead of as it was sent. May be called several times.
    pub(crate) fn log_as(&mut self, db: usize, args: &[&[u8]]) {
        self.propagation = Propagation::AsGiven;
        if self.journal_on {
            self.records.push(Record::new(db, args));
        }
    }

    /// Logs nothing of the command besides what `log_as` was given.
    pub(crate) fn log_nothing(&mut self) {
        self.propagation = Propagation::AsGiven;
    }

    pub(crate) fn is_logged_as_sent(&self) -> bool {
        self.propagation == Propagation::Verbatim
    }
}

/// How the running command is logged, lent to those who write several kinds of records for it.
pub struct Log<'a> {
    pub(crate) db: usize,
    pub(crate) part: &'a mut CommandPart,
}

impl Log<'_> {
    /// Whether effects are written down: a handler asks before it prints numbers for a record.
    pub fn is_on(&self) -> bool {
        self.part.journal_on
    }

    /// Logs the command as these words instead of as it was sent. May be called several times.
    pub fn write(&mut self, args: &[&[u8]]) {
        self.part.log_as(self.db, args);
    }
}
