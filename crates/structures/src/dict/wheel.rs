//! The index by deadline of a `Dict`: a hierarchical timing wheel of entry pointers.
//!
//! Time is counted in ticks of 16 ms. Level 0 has 64 slots of a tick, each further level 64 slots, each as wide as all
//! of the level below; ten levels cover every `u64`. An entry hangs in the level of the highest digit (base 64) in
//! which its tick differs from the wheel's: so all of a slot lies ahead in its level, and when the wheel comes to a
//! slot of an upper level, its entries go to lower ones (each at most once for a level).
//!
//! A slot is a list of chunks, of which only the first is not full. An entry knows its cell; taking it out moves the
//! last cell of the first chunk into the hole. So no cell is ever empty, and a deadline costs 8.3 bytes here. The first
//! chunk of a slot is small, so that few deadlines cost little.
//!
//! **A slot is a lower bound.** An entry whose deadline was moved later may stay: when its slot comes due it is
//! put in again. A slot comes due when all of its first tick is over, so expiry is up to 16 ms late, never early.
//!
//! If the clock jumps back, deadlines before the wheel's time wait until the wheel's time comes again.

use super::entry::Raw;
use super::table::expose;
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ptr::{self, NonNull};

const TICK_BITS: u32 = 4;
const DIGIT: u32 = 6;
const SLOTS: usize = 64;
const LEVELS: usize = 10;

/// Bytes of the first chunk of a slot and of every further one; each is aligned to its size.
const SMALL: usize = 64;
const LARGE: usize = 512;
/// The mark of a cell in a small chunk; cells are aligned to 8.
const IN_SMALL: u64 = 1;

#[repr(C)]
struct Chunk {
    next: *mut Chunk,
    level: u8,
    slot: u8,
    used: u8,
    room: u8,
    // The cells follow: `room` entry addresses, of which `used` are there.
}

const CELLS_AT: usize = size_of::<Chunk>();
const _: () = assert!(CELLS_AT == 16 && (LARGE - CELLS_AT) / 8 < 256);

fn chunk_layout(room: u8) -> Layout {
    let bytes = CELLS_AT + usize::from(room) * 8;
    Layout::from_size_align(bytes, bytes).expect("chunks are powers of two")
}

/// # Safety
/// `chunk` is live and `index < room`.
unsafe fn cell_at(chunk: *mut Chunk, index: u8) -> *mut u64 {
    // SAFETY: the cells follow the chunk's head, `room` of them.
    unsafe { chunk.cast::<u8>().add(CELLS_AT).cast::<u64>().add(usize::from(index)) }
}

struct Level {
    occupied: u64,
    slots: [*mut Chunk; SLOTS],
}

/// The wheel. It owns its chunks; the entries must outlive their cells.
pub(super) struct Wheel {
    levels: [Option<Box<Level>>; LEVELS],
    /// The tick up to which all is done.
    tick: u64,
    len: usize,
    bytes: usize,
}

/// A slot that is due, to be drained with `pop`.
#[derive(Clone, Copy)]
pub(super) struct Due {
    level: usize,
    slot: usize,
}

/// The last tick that is over at `now_ms`; none in the first 16 ms of all time.
fn last_over(now_ms: u64) -> Option<u64> {
    (now_ms >> TICK_BITS).checked_sub(1)
}

impl Wheel {
    pub(super) const fn new() -> Wheel {
        Wheel { levels: [const { None }; LEVELS], tick: 0, len: 0, bytes: 0 }
    }

    /// An empty wheel that shows the same time.
    pub(super) fn fresh(&self) -> Wheel {
        let mut fresh = Wheel::new();
        fresh.tick = self.tick;
        fresh
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Puts in an entry that has a deadline and no cell.
    pub(super) fn insert(&mut self, raw: Raw) {
        let deadline = raw.deadline().expect("the wheel holds entries with deadlines");
        let tick = (deadline >> TICK_BITS).max(self.tick);
        let differing = tick ^ self.tick;
        let level = differing.checked_ilog2().unwrap_or(0) / DIGIT;
        let slot = (tick >> (level * DIGIT)) as usize % SLOTS;
        self.push(level as usize, slot, raw);
        self.len += 1;
    }

    fn push(&mut self, number: usize, slot: usize, raw: Raw) {
        let bytes = &mut self.bytes;
        let level = self.levels[number].get_or_insert_with(|| {
            *bytes += size_of::<Level>();
            Box::new(Level { occupied: 0, slots: [ptr::null_mut(); SLOTS] })
        });
        level.occupied |= 1 << slot;
        let mut chunk = level.slots[slot];
        // SAFETY: chunks in slots are live and nobody borrows them; a chunk that is not full has a cell to write.
        unsafe {
            if chunk.is_null() || (*chunk).used == (*chunk).room {
                let size = if chunk.is_null() { SMALL } else { LARGE };
                let room = ((size - CELLS_AT) / 8) as u8;
                let layout = chunk_layout(room);
                let new = alloc(layout).cast::<Chunk>();
                if new.is_null() {
                    handle_alloc_error(layout);
                }
                new.write(Chunk { next: chunk, level: number as u8, slot: slot as u8, used: 0, room });
                self.bytes += size;
                level.slots[slot] = new;
                chunk = new;
            }
            let cell = cell_at(chunk, (*chunk).used);
            (*chunk).used += 1;
            cell.write(raw.address());
            let small = if chunk_layout((*chunk).room).size() == SMALL { IN_SMALL } else { 0 };
            raw.set_cell(expose(NonNull::new_unchecked(cell)) | small);
        }
    }

    /// Takes the last cell out of the first chunk of a slot that is not empty.
    fn take_last(&mut self, number: usize, slot: usize) -> Raw {
        let level = self.levels[number].as_mut().expect("the slot is not empty");
        let chunk = level.slots[slot];
        assert!(!chunk.is_null());
        self.len -= 1;
        // SAFETY: chunks in slots are live and hold a cell at least; cells hold live entries.
        unsafe {
            (*chunk).used -= 1;
            let raw = Raw::from_address(cell_at(chunk, (*chunk).used).read());
            if (*chunk).used == 0 {
                let layout = chunk_layout((*chunk).room);
                level.slots[slot] = (*chunk).next;
                if level.slots[slot].is_null() {
                    level.occupied &= !(1 << slot);
                }
                self.bytes -= layout.size();
                dealloc(chunk.cast(), layout);
            }
            raw
        }
    }

    /// Takes an entry out, if it is in.
    pub(super) fn remove(&mut self, raw: Raw) {
        let cell = raw.cell();
        if cell == 0 {
            return;
        }
        let size = if cell & IN_SMALL != 0 { SMALL } else { LARGE };
        let address = cell & !IN_SMALL;
        let chunk: *mut Chunk = ptr::with_exposed_provenance_mut(address as usize & !(size - 1));
        // SAFETY: the entry's cell lies in a live chunk, which is aligned to its size.
        let (level, slot) = unsafe { ((*chunk).level, (*chunk).slot) };
        let last = self.take_last(usize::from(level), usize::from(slot));
        if last != raw {
            // SAFETY: the hole is not the cell just taken, so its chunk is still there.
            unsafe { ptr::with_exposed_provenance_mut::<u64>(address as usize).write(last.address()) };
            last.set_cell(cell);
        }
        raw.set_cell(0);
    }

    /// Tells the entry's cell, if it has one, that the entry has moved; `raw` has the cell of the entry it replaces.
    pub(super) fn moved(&mut self, raw: Raw) {
        let cell = raw.cell() & !IN_SMALL;
        if cell == 0 {
            return;
        }
        // SAFETY: the cell is in a live chunk, and nobody else has it.
        unsafe { ptr::with_exposed_provenance_mut::<u64>(cell as usize).write(raw.address()) };
    }

    /// The first tick of a slot.
    fn start(&self, level: usize, slot: usize) -> u64 {
        let low = DIGIT * level as u32;
        let above = self.tick >> low >> DIGIT << DIGIT << low;
        above | (slot as u64) << low
    }

    /// The first slot in time, and its first tick. A slot that is being drained comes before those made of it.
    fn first(&self) -> Option<(Due, u64)> {
        let mut first: Option<(Due, u64)> = None;
        for (number, level) in self.levels.iter().enumerate() {
            let Some(level) = level else { continue };
            if level.occupied == 0 {
                continue;
            }
            let slot = level.occupied.trailing_zeros() as usize;
            let start = self.start(number, slot);
            if first.is_none_or(|(_, tick)| start <= tick) {
                let due = Due { level: number, slot };
                first = Some((due, start));
            }
        }
        first
    }

    /// When there will be something to do: the time from which `due` finds a slot.
    pub(super) fn next(&self) -> Option<u64> {
        let (_, tick) = self.first()?;
        Some((tick + 1) << TICK_BITS)
    }

    /// The slot to drain next at this time; moves the wheel on.
    pub(super) fn due(&mut self, now_ms: u64) -> Option<Due> {
        let over = last_over(now_ms)?;
        let first = self.first();
        match first {
            Some((due, tick)) if tick <= over => {
                self.tick = self.tick.max(tick);
                Some(due)
            }
            Some(_) | None => {
                self.tick = self.tick.max(over);
                None
            }
        }
    }

    /// Takes an entry out of a slot that `due` just gave.
    pub(super) fn pop(&mut self, due: Due) -> Raw {
        let raw = self.take_last(due.level, due.slot);
        raw.set_cell(0);
        raw
    }

    /// The earliest deadline that has passed and whose entry is still in: exact up to `exact_max` entries in slots that
    /// are due; with more, one entry stands for those of its chunk.
    pub(super) fn most_overdue(&self, now_ms: u64, exact_max: usize) -> Option<u64> {
        let over = last_over(now_ms)?;
        let mut earliest: Option<u64> = None;
        let mut seen = 0;
        for (number, level) in self.levels.iter().enumerate() {
            let Some(level) = level else { continue };
            let is_due = |slot: &usize| level.occupied >> slot & 1 == 1 && self.start(number, *slot) <= over;
            for slot in (0..SLOTS).filter(is_due) {
                let mut chunk = level.slots[slot];
                // SAFETY: chunks in slots are live.
                while let Some(found) = unsafe { chunk.as_ref() } {
                    let looked_at = if seen <= exact_max { found.used } else { 1 };
                    seen += usize::from(looked_at);
                    for index in 0..looked_at {
                        // SAFETY: chunks in slots hold a cell at least, these are in use and hold live entries.
                        let raw = unsafe { Raw::from_address(cell_at(chunk, index).read()) };
                        let deadline = raw.deadline().expect("the wheel holds entries with deadlines");
                        if deadline <= now_ms {
                            earliest = Some(earliest.map_or(deadline, |earliest| earliest.min(deadline)));
                        }
                    }
                    chunk = found.next;
                }
            }
        }
        earliest
    }

    /// The sum of the deadlines of all entries: exact up to `exact_max` entries. With more, one entry stands for those
    /// of its chunk, which are due in the same slot, so that the cost is that of a look at a sixtieth of them.
    pub(super) fn deadline_sum(&self, exact_max: usize) -> u128 {
        let mut sum = 0;
        for level in self.levels.iter().flatten() {
            for head in level.slots {
                let mut chunk = head;
                // SAFETY: chunks in slots are live.
                while let Some(found) = unsafe { chunk.as_ref() } {
                    let looked_at = if self.len <= exact_max { found.used } else { 1 };
                    for index in 0..looked_at {
                        // SAFETY: chunks in slots hold a cell at least, these are in use and hold live entries.
                        let raw = unsafe { Raw::from_address(cell_at(chunk, index).read()) };
                        let deadline = raw.deadline().expect("the wheel holds entries with deadlines");
                        sum += u128::from(deadline) * u128::from(found.used / looked_at);
                    }
                    chunk = found.next;
                }
            }
        }
        sum
    }

    /// Panics unless the wheel agrees with itself and with its entries.
    pub(super) fn check(&self) {
        let (mut len, mut bytes) = (0, 0);
        for (number, level) in self.levels.iter().enumerate() {
            let Some(level) = level else { continue };
            bytes += size_of::<Level>();
            for (slot, &head) in level.slots.iter().enumerate() {
                assert_eq!(!head.is_null(), level.occupied >> slot & 1 == 1);
                let mut chunk = head;
                // SAFETY: chunks in slots are live.
                while let Some(found) = unsafe { chunk.as_ref() } {
                    assert_eq!((found.level, found.slot), (number as u8, slot as u8));
                    assert!(found.used > 0);
                    assert!(found.used == found.room || chunk == head);
                    for index in 0..found.used {
                        // SAFETY: these cells are in use and hold live entries.
                        let (cell, raw) = unsafe {
                            let cell = cell_at(chunk, index);
                            (cell, Raw::from_address(cell.read()))
                        };
                        assert_eq!(raw.cell() & !IN_SMALL, cell.addr() as u64);
                        let tick = raw.deadline().expect("has a deadline") >> TICK_BITS;
                        let low = DIGIT * number as u32;
                        let above = self.tick >> low >> DIGIT << DIGIT << low;
                        let start = above | (slot as u64) << low;
                        assert!(tick >= start || start == self.tick || start < self.tick);
                        assert!(start >> low >= self.tick >> low, "the slot is not behind");
                    }
                    len += usize::from(found.used);
                    bytes += chunk_layout(found.room).size();
                    chunk = found.next;
                }
            }
        }
        assert_eq!((len, bytes), (self.len, self.bytes));
    }
}

impl Drop for Wheel {
    fn drop(&mut self) {
        for level in self.levels.iter().flatten() {
            for mut chunk in level.slots {
                while !chunk.is_null() {
                    // SAFETY: chunks in slots are live and came from `alloc` with this layout.
                    unsafe {
                        let next = (*chunk).next;
                        dealloc(chunk.cast(), chunk_layout((*chunk).room));
                        chunk = next;
                    }
                }
            }
        }
    }
}
