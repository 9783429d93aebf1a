//! All databases' parts in one shard. The first are always there; a server may have a great many more, of which most
//! are never used, so the others are made when they are first reached to be changed. Until then each of them is the
//! same empty one.

use super::subexpiry::Subexpiry;
use std::collections::BTreeMap;
use std::ops::{Index, IndexMut};
use structures::hash::Hasher;
use value::Table;

/// One database's part in one shard.
pub struct Db {
    pub(crate) table: Table,
    /// The keys of hashes some of whose fields have deadlines, each with the earliest of them.
    pub(crate) subexpiry: Subexpiry,
}

impl Db {
    pub(crate) fn new(hasher: Hasher) -> Db {
        Db { table: Table::new(hasher), subexpiry: Subexpiry::new(hasher) }
    }

    /// An empty one that knows the same time.
    pub(crate) fn fresh(&self) -> Db {
        Db { table: self.table.fresh(), subexpiry: self.subexpiry.fresh() }
    }

    pub fn len(&self) -> usize {
        self.table.len()
    }

    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Keys that have a deadline.
    pub fn with_deadline(&self) -> usize {
        self.table.with_deadline()
    }

    /// Hashes some of whose fields have deadlines.
    pub fn with_subexpiry(&self) -> usize {
        self.subexpiry.len()
    }

    /// Bytes held.
    pub fn memory(&self) -> usize {
        self.table.memory() + self.subexpiry.memory()
    }

    pub fn table(&self) -> &Table {
        &self.table
    }
}

/// Databases that are always there, if the server has so many: as many as it has unless it is told otherwise.
const FIRST: usize = 16;

/// All of them.
pub(crate) struct Dbs {
    first: Vec<Db>,
    others: BTreeMap<usize, Db>,
    /// What there is to read of one that was not made.
    empty: Db,
}

impl Dbs {
    pub fn new(databases: usize, hasher: Hasher) -> Dbs {
        let first = (0..databases.min(FIRST)).map(|_| Db::new(hasher)).collect();
        Dbs { first, others: BTreeMap::new(), empty: Db::new(hasher) }
    }

    /// Those that were made, with their numbers, which rise.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &Db)> {
        self.first.iter().enumerate().chain(self.others.iter().map(|(number, db)| (*number, db)))
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = (usize, &mut Db)> {
        self.first.iter_mut().enumerate().chain(self.others.iter_mut().map(|(number, db)| (*number, db)))
    }

    pub fn swap(&mut self, one: usize, other: usize) {
        let empty = self.empty.fresh();
        let first = std::mem::replace(&mut self[one], empty);
        let second = std::mem::replace(&mut self[other], first);
        self[one] = second;
    }

    #[cold]
    fn made(&mut self, number: usize) -> &mut Db {
        self.others.entry(number).or_insert_with(|| self.empty.fresh())
    }
}

impl Index<usize> for Dbs {
    type Output = Db;

    #[inline]
    fn index(&self, number: usize) -> &Db {
        self.first.get(number).unwrap_or_else(|| self.others.get(&number).unwrap_or(&self.empty))
    }
}

impl IndexMut<usize> for Dbs {
    #[inline]
    fn index_mut(&mut self, number: usize) -> &mut Db {
        if number < self.first.len() { &mut self.first[number] } else { self.made(number) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_beyond_the_first_are_made_when_they_are_changed() {
        let hasher = Hasher::new(1, 2);
        let mut dbs = Dbs::new(100_000, hasher);
        assert!(dbs[99_999].is_empty());
        assert_eq!(dbs.iter().count(), FIRST);
        dbs[500].table.set(hasher.hash(b"k"), b"k", structures::dict::NewValue::Unit, None);
        dbs.swap(500, 3);
        assert_eq!((dbs[500].len(), dbs[3].len()), (0, 1));
        dbs.swap(3, 70_000);
        let numbers: Vec<(usize, usize)> = dbs.iter().map(|(number, db)| (number, db.len())).skip(FIRST).collect();
        assert_eq!(numbers, [(500, 0), (70_000, 1)]);
    }

    #[test]
    fn a_server_may_have_fewer_than_the_first() {
        assert_eq!(Dbs::new(2, Hasher::new(1, 2)).iter().count(), 2);
    }
}
