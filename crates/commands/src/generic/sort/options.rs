//! The options of SORT.

use super::pattern::Pattern;
use command::{Args, CommandError};
use std::ops::Range;

/// What a call asks for.
#[derive(Default)]
pub(super) struct Options<'a> {
    pub(super) by: Option<Pattern<'a>>,
    /// Some BY pattern names no key: the elements are not sorted, whatever other BY there is.
    nosort: bool,
    pub(super) get: Vec<Pattern<'a>>,
    offset: i64,
    /// Negative: all.
    count: i64,
    pub(super) descending: bool,
    pub(super) alpha: bool,
    pub(super) store: Option<&'a [u8]>,
}

impl<'a> Options<'a> {
    pub(super) fn parse(args: &Args<'a>, may_store: bool) -> Result<Options<'a>, CommandError> {
        let mut options = Options { count: -1, ..Options::default() };
        let mut at = 2;
        while at < args.len() {
            let left = args.len() - at - 1;
            if args.is(at, "ASC") {
                options.descending = false;
            } else if args.is(at, "DESC") {
                options.descending = true;
            } else if args.is(at, "ALPHA") {
                options.alpha = true;
            } else if args.is(at, "LIMIT") && left >= 2 {
                options.offset = args.int(at + 1)?;
                options.count = args.int(at + 2)?;
                at += 2;
            } else if args.is(at, "STORE") && left >= 1 && may_store {
                at += 1;
                options.store = Some(args.word(at));
            } else if args.is(at, "BY") && left >= 1 {
                at += 1;
                let by = Pattern::new(args.word(at));
                options.nosort |= !by.names_keys();
                options.by = Some(by);
            } else if args.is(at, "GET") && left >= 1 {
                at += 1;
                options.get.push(Pattern::new(args.word(at)));
            } else {
                return Err(CommandError::SYNTAX);
            }
            at += 1;
        }
        Ok(options)
    }

    /// Whether BY says that nothing is to be sorted.
    pub(super) fn is_unsorted(&self) -> bool {
        self.nosort
    }

    /// The part of so many elements that LIMIT asks for.
    pub(super) fn range(&self, len: usize) -> Range<usize> {
        let start = usize::try_from(self.offset).unwrap_or(0).min(len);
        let end = usize::try_from(self.count).map_or(len, |count| start.saturating_add(count).min(len));
        start..end
    }
}

/// The word with the destination: the last one behind a STORE that is no argument of another option.
pub(super) fn store_at(args: &Args<'_>) -> Option<usize> {
    let mut found = None;
    let mut at = 2;
    while at < args.len() {
        if args.is(at, "LIMIT") {
            at += 2;
        } else if args.is(at, "BY") || args.is(at, "GET") {
            at += 1;
        } else if args.is(at, "STORE") && at + 1 < args.len() {
            at += 1;
            found = Some(at);
        }
        at += 1;
    }
    found
}
