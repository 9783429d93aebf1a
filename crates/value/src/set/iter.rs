//! Going over the members of a set, whatever its encoding.

use super::{Member, Members};
use std::convert::Infallible;
use structures::intset::IntSet;
use structures::{dict, packed};

/// The members of a set: rising, in the order in which they were added, or in no order.
pub struct Iter<'a>(Form<'a>);

enum Form<'a> {
    Ints { ints: &'a IntSet, rank: usize },
    Packed(packed::Iter<'a>),
    Table { entries: dict::Iter<'a, Infallible>, left: usize },
}

impl<'a> Iter<'a> {
    pub(super) fn ints(ints: &'a IntSet) -> Iter<'a> {
        Iter(Form::Ints { ints, rank: 0 })
    }

    pub(super) fn packed(elements: packed::Iter<'a>) -> Iter<'a> {
        Iter(Form::Packed(elements))
    }

    pub(super) fn table(table: &'a Members) -> Iter<'a> {
        Iter(Form::Table { entries: table.iter(), left: table.len() })
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = Member<'a>;

    #[inline]
    fn next(&mut self) -> Option<Member<'a>> {
        match &mut self.0 {
            Form::Ints { ints, rank } => {
                let number = ints.get(*rank)?;
                *rank += 1;
                Some(Member::Int(number))
            }
            Form::Packed(elements) => elements.next(),
            Form::Table { entries, left } => {
                let entry = entries.next()?;
                *left -= 1;
                Some(Member::Bytes(entry.key()))
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = match &self.0 {
            Form::Ints { ints, rank } => ints.len() - rank,
            Form::Packed(elements) => elements.len(),
            Form::Table { left, .. } => *left,
        };
        (left, Some(left))
    }
}

impl ExactSizeIterator for Iter<'_> {}
