//! Where a `Dict` keeps its entries: pages of one size class each, without a header per object.
//!
//! ```text
//! page (32 KiB, aligned to 32 KiB)
//! +--------------------+---------+---------+-- ... --+-----------------+
//! | PageHeader (64 B)  | object  | object  |         | never used yet  |
//! +--------------------+---------+---------+-- ... --+-----------------+
//!                                                    ^ bump
//! ```
//!
//! Classes are 4 bytes apart, from 8 to 512 bytes; objects whose size is a multiple of 8 are aligned to 8, others to 4.
//! An object's page is found by masking its address. A page hands out freed objects first (a list through the objects),
//! then raises `bump`: what was never handed out is never touched, so it is not resident. Pages with room hang in a
//! list per class; a page whose last object is freed goes back to the allocator, but for one, kept to spare a program
//! that hovers around a page's edge.
//!
//! Objects are never moved. The slab does not know what lives in them: dropping it frees the pages only.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ptr::{self, NonNull};

const PAGE_BYTES: usize = 32 * 1024;
const HEADER_BYTES: usize = 64;
/// The largest object of a slab.
pub(super) const SLAB_MAX: usize = 512;
/// The smallest: freed objects hold an address.
pub(super) const SLAB_MIN: usize = 8;
const STEP: usize = 4;
const CLASSES: usize = SLAB_MAX / STEP;
const PAGE: Layout = match Layout::from_size_align(PAGE_BYTES, PAGE_BYTES) {
    Ok(layout) => layout,
    Err(_) => panic!("the page's size is a power of two"),
};

struct PageHeader {
    /// Neighbours in the list of the class' pages that have room.
    prev: *mut PageHeader,
    next: *mut PageHeader,
    /// Freed objects, each holding the address of the next.
    free: *mut u8,
    /// Offset of the first byte that was never handed out.
    bump: u32,
    /// Objects in use.
    used: u32,
    /// Bytes of an object.
    size: u32,
}

const _: () = assert!(size_of::<PageHeader>() <= HEADER_BYTES);

impl PageHeader {
    fn is_full(&self) -> bool {
        self.free.is_null() && self.bump as usize + self.size as usize > PAGE_BYTES
    }
}

/// The allocator. `bytes` counts what was ever handed out in the pages held, and their headers.
pub(super) struct Slab {
    with_room: [*mut PageHeader; CLASSES],
    /// Every page that has no room, so that a drop finds it.
    full: *mut PageHeader,
    spare: *mut PageHeader,
    bytes: usize,
}

fn class_of(size: usize) -> usize {
    debug_assert!((SLAB_MIN..=SLAB_MAX).contains(&size) && size.is_multiple_of(STEP));
    size / STEP - 1
}

/// Puts `page` at the front of the list at `head`.
///
/// # Safety
/// `page` is a live page in no list, and `head` heads a well formed list.
unsafe fn link(head: &mut *mut PageHeader, page: *mut PageHeader) {
    // SAFETY: the page and the list's first page, if any, are live headers that nobody borrows.
    unsafe {
        (*page).prev = ptr::null_mut();
        (*page).next = *head;
        if let Some(first) = head.as_mut() {
            first.prev = page;
        }
    }
    *head = page;
}

/// Takes `page` out of the list at `head`.
///
/// # Safety
/// `page` is a live page of exactly that list.
unsafe fn unlink(head: &mut *mut PageHeader, page: *mut PageHeader) {
    // SAFETY: the page and its neighbours are live headers that nobody borrows.
    unsafe {
        let (prev, next) = ((*page).prev, (*page).next);
        if prev.is_null() {
            *head = next;
        } else {
            (*prev).next = next;
        }
        if !next.is_null() {
            (*next).prev = prev;
        }
    }
}

impl Slab {
    pub(super) fn new() -> Slab {
        Slab { with_room: [ptr::null_mut(); CLASSES], full: ptr::null_mut(), spare: ptr::null_mut(), bytes: 0 }
    }

    /// Bytes held, of which untouched memory does not count.
    pub(super) fn bytes(&self) -> usize {
        self.bytes + size_of::<Slab>()
    }

    /// Memory for `size` bytes (a multiple of 4 from `SLAB_MIN` to `SLAB_MAX`), aligned to 4 at least, to 8 if `size`
    /// is a multiple of that.
    #[inline]
    pub(super) fn alloc(&mut self, size: usize) -> NonNull<u8> {
        let class = class_of(size);
        let mut page = self.with_room[class];
        if page.is_null() {
            page = self.add_page(class);
        }
        // SAFETY: pages in the lists are live and only the slab holds them. A page listed as having room has a
        // freed object, whose first 8 bytes `free` wrote, or `size` untouched bytes from `bump` on.
        unsafe {
            let header = &mut *page;
            let object = if header.free.is_null() {
                let object = page.cast::<u8>().add(header.bump as usize);
                header.bump += header.size;
                self.bytes += header.size as usize;
                object
            } else {
                let object = header.free;
                header.free = object.cast::<*mut u8>().read_unaligned();
                object
            };
            header.used += 1;
            if header.is_full() {
                unlink(&mut self.with_room[class], page);
                link(&mut self.full, page);
            }
            NonNull::new_unchecked(object)
        }
    }

    /// Gives an object back.
    ///
    /// # Safety
    /// `object` came from `alloc` of this slab, was not freed since, and is not used any more.
    #[inline]
    pub(super) unsafe fn free(&mut self, object: NonNull<u8>) {
        let object = object.as_ptr();
        let page = object.map_addr(|address| address & !(PAGE_BYTES - 1)).cast::<PageHeader>();
        // SAFETY: pages are aligned to their size, so the mask gives the header of the object's page, which is live
        // while one of its objects is; the object's pointer may reach it, for it was derived from the page's.
        unsafe {
            let header = &mut *page;
            let class = class_of(header.size as usize);
            if header.is_full() {
                unlink(&mut self.full, page);
                link(&mut self.with_room[class], page);
            }
            object.cast::<*mut u8>().write_unaligned(header.free);
            header.free = object;
            header.used -= 1;
            if header.used == 0 {
                self.bytes -= header.bump as usize;
                unlink(&mut self.with_room[class], page);
                if self.spare.is_null() {
                    self.spare = page;
                } else {
                    dealloc(page.cast(), PAGE);
                }
            }
        }
    }

    #[cold]
    fn add_page(&mut self, class: usize) -> *mut PageHeader {
        let mut page = std::mem::replace(&mut self.spare, ptr::null_mut());
        if page.is_null() {
            // SAFETY: the layout has a size.
            page = unsafe { alloc(PAGE) }.cast();
            if page.is_null() {
                handle_alloc_error(PAGE);
            }
        }
        // SAFETY: the page is fresh or empty, in no list, and large enough for a header.
        unsafe {
            page.write(PageHeader {
                prev: ptr::null_mut(),
                next: ptr::null_mut(),
                free: ptr::null_mut(),
                bump: HEADER_BYTES as u32,
                used: 0,
                size: ((class + 1) * STEP) as u32,
            });
            link(&mut self.with_room[class], page);
        }
        self.bytes += HEADER_BYTES;
        page
    }

    /// Panics unless the pages agree with themselves; returns the number of objects in use.
    #[cfg(test)]
    pub(super) fn check(&self) -> usize {
        let (mut used, mut bytes) = (0, 0);
        let lists = self.with_room.iter().enumerate().map(|(c, &p)| (Some(c), p));
        for (class, mut page) in lists.chain([(None, self.full)]) {
            let mut prev = ptr::null_mut();
            // SAFETY: listed pages are live.
            while let Some(header) = unsafe { page.as_ref() } {
                assert_eq!(header.prev, prev);
                assert_eq!(header.is_full(), class.is_none());
                assert!(header.used > 0);
                if let Some(class) = class {
                    assert_eq!(header.size as usize, (class + 1) * STEP);
                }
                let mut freed = 0;
                let mut object = header.free;
                while !object.is_null() {
                    freed += 1;
                    // SAFETY: a freed object holds the address of the next.
                    object = unsafe { object.cast::<*mut u8>().read_unaligned() };
                }
                let ever = (header.bump as usize - HEADER_BYTES) / header.size as usize;
                assert_eq!(ever, header.used as usize + freed);
                used += header.used as usize;
                bytes += header.bump as usize;
                prev = page;
                page = header.next;
            }
        }
        assert_eq!(bytes, self.bytes);
        used
    }
}

impl Drop for Slab {
    fn drop(&mut self) {
        for mut page in self.with_room.into_iter().chain([self.full]) {
            while !page.is_null() {
                // SAFETY: every page hangs in exactly one list, and came from `alloc(PAGE)`.
                unsafe {
                    let next = (*page).next;
                    dealloc(page.cast(), PAGE);
                    page = next;
                }
            }
        }
        if !self.spare.is_null() {
            // SAFETY: as above; a spare page is in no list.
            unsafe { dealloc(self.spare.cast(), PAGE) };
        }
    }
}
