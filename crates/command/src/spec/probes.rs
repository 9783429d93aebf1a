//! Which elements of a collection a command will look for, so that a pipeline can fetch them into the cache first.

use crate::args::Args;
use base::num::{parse_f64, parse_f64_bound};
use value::probe::Probe;

/// Which words of a command are elements of the collection at its one key, so that a pipeline can fetch them into the
/// cache before it runs. Options that move the words do no harm but that nothing is gained.
#[derive(Clone, Copy, Debug)]
pub struct Elements {
    pub first: usize,
    /// How far it is from one to the next, up to the last word; 0 if there is only the first.
    pub step: usize,
    pub place: Place,
}

/// What of the order of a sorted set the command will touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Nothing.
    None,
    /// The places of its elements.
    Own,
    /// These places, and those where the scores before them belong.
    Score,
    /// These places, and those after the increments before them.
    Rise,
    /// The words are no elements but scores, where a range begins.
    Bound,
}

impl Elements {
    /// This word.
    pub const fn at(first: usize) -> Elements {
        Elements::every(first, 0)
    }

    /// The word `first`, and from there on one in `step`.
    pub const fn every(first: usize, step: usize) -> Elements {
        Elements { first, step, place: Place::None }
    }

    pub const fn place(self, place: Place) -> Elements {
        Elements { place, ..self }
    }

    /// What a call with these words will look for.
    pub fn probes<'a>(self, args: Args<'a>) -> impl Iterator<Item = Probe<'a>> {
        let end = if self.step == 0 { args.len().min(self.first + 1) } else { args.len() };
        (self.first..end).step_by(self.step.max(1)).filter_map(move |at| self.probe(&args, at))
    }

    #[inline]
    fn probe<'a>(self, args: &Args<'a>, at: usize) -> Option<Probe<'a>> {
        use value::probe::Place as Touched;
        let word = args.word(at);
        let place = match self.place {
            Place::None => Touched::None,
            Place::Own => Touched::Own,
            Place::Score => Touched::Score(parse_f64(args.word(at - 1))?),
            Place::Rise => Touched::Rise(parse_f64(args.word(at - 1))?),
            Place::Bound => {
                let score = parse_f64_bound(word.strip_prefix(b"(").unwrap_or(word))?;
                return Some(Probe { element: None, place: Touched::Score(score) });
            }
        };
        Some(Probe { element: Some(word), place })
    }
}
