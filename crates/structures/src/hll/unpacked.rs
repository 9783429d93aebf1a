//! The registers of a union, which any encoding is joined into.

use super::REGISTERS;

/// Unpacked registers, one byte each: the form in which unions are collected. 16 KiB: keep it off deep stacks.
pub struct Registers(pub(super) [u8; REGISTERS]);

impl Registers {
    pub fn new() -> Registers {
        Registers([0; REGISTERS])
    }

    pub fn as_slice(&self) -> &[u8; REGISTERS] {
        &self.0
    }

    /// Raises `run` registers from `index` on to at least `rank`.
    pub(super) fn raise_run(&mut self, index: usize, run: usize, rank: u8) {
        for register in &mut self.0[index..index + run] {
            *register = (*register).max(rank);
        }
    }
}

impl Default for Registers {
    fn default() -> Self {
        Registers::new()
    }
}
