//! Whether a compiled chunk assigns to global variables, read from its bytecode as Lua dumps it.
//!
//! A script whose code has no such instruction can have the table of globals as its environment, so that it reads them
//! at once. Any other gets a read-only view of that table, where an assignment is an error and reading takes one step
//! more. Code that assigns is rare, since it does not run.
//!
//! The format is that of Lua 5.1 on this machine: a header of 12 bytes, then a function, which has functions in it.

/// `OP_SETGLOBAL`, in the lowest six bits of an instruction.
const SET_GLOBAL: u32 = 7;

const HEADER: usize = 12;

/// Whether a dump has an instruction that assigns to a global variable. What cannot be read counts as if it had.
pub(super) fn assigns_globals(dump: &[u8]) -> bool {
    let mut reader = Reader { rest: dump.get(HEADER..).unwrap_or_default(), assigns: false };
    reader.function().is_none() || reader.assigns
}

struct Reader<'a> {
    rest: &'a [u8],
    assigns: bool,
}

impl<'a> Reader<'a> {
    fn take(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(bytes)?;
        self.rest = rest;
        Some(taken)
    }

    fn count(&mut self) -> Option<usize> {
        let bytes = self.take(size_of::<i32>())?;
        usize::try_from(i32::from_ne_bytes(bytes.try_into().ok()?)).ok()
    }

    fn string(&mut self) -> Option<()> {
        let bytes = self.take(size_of::<usize>())?;
        let length = usize::from_ne_bytes(bytes.try_into().ok()?);
        self.take(length).map(|_| ())
    }

    /// Lua nests functions no deeper than it nests calls in C: 200.
    fn function(&mut self) -> Option<()> {
        self.string()?;
        // First and last line; four numbers of a byte each.
        self.take(2 * size_of::<i32>() + 4)?;
        let instructions = self.count()?;
        let code = self.take(instructions.checked_mul(size_of::<u32>())?)?;
        self.assigns |= code.chunks_exact(4).any(|instruction| {
            u32::from_ne_bytes([instruction[0], instruction[1], instruction[2], instruction[3]]) & 0x3f == SET_GLOBAL
        });
        for _ in 0..self.count()? {
            self.constant()?;
        }
        for _ in 0..self.count()? {
            self.function()?;
        }
        let lines = self.count()?;
        self.take(lines.checked_mul(size_of::<i32>())?)?;
        for _ in 0..self.count()? {
            // A local variable: its name, and from where to where it lives.
            self.string()?;
            self.take(2 * size_of::<i32>())?;
        }
        for _ in 0..self.count()? {
            self.string()?;
        }
        Some(())
    }

    fn constant(&mut self) -> Option<()> {
        match self.take(1)?[0] {
            0 => Some(()),
            1 => self.take(1).map(|_| ()),
            3 => self.take(size_of::<f64>()).map(|_| ()),
            4 => self.string(),
            _ => None,
        }
    }
}
