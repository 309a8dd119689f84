//! Memory for vectors.

use std::{
    alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error},
    ops::{Deref, DerefMut},
    ptr::NonNull,
    sync::Mutex,
};

/// From this size on memory comes from the system in huge pages, and is kept for the next buffer: a map of a few MB
/// else costs a thousand page faults each time.
const LARGE: usize = 1 << 21;

/// Most bytes that are kept for later.
const KEPT: usize = 256 << 20;

/// Zeroed numbers on a vector's boundary.
pub struct Buffer {
    memory: Memory,
    len: usize,
}

impl Buffer {
    /// Takes memory for `len` numbers, all zero.
    pub fn zeroed(len: usize) -> Self {
        let (memory, clean) = Memory::take(bytes(len));
        let mut buffer = Self { memory, len };
        if !clean {
            buffer.fill(0.0);
        }
        buffer
    }

    /// Takes memory for `len` numbers of any value.
    pub(crate) fn dirty(len: usize) -> Self {
        Self { memory: Memory::take(bytes(len)).0, len }
    }

    /// A buffer with these numbers.
    pub fn from_slice(values: &[f32]) -> Self {
        let mut buffer = Self::dirty(values.len());
        buffer.copy_from_slice(values);
        buffer
    }
}

/// A vector may be read past the last number.
fn bytes(len: usize) -> usize {
    let bytes = (len * size_of::<f32>()).next_multiple_of(64) + 64;
    if bytes < LARGE { bytes } else { bytes.next_multiple_of(LARGE) }
}

impl Default for Buffer {
    fn default() -> Self {
        Self::zeroed(0)
    }
}

impl Deref for Buffer {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        // SAFETY: `len` numbers were taken and are initialised.
        unsafe { std::slice::from_raw_parts(self.memory.start.as_ptr(), self.len) }
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: `len` numbers were taken and are initialised.
        unsafe { std::slice::from_raw_parts_mut(self.memory.start.as_ptr(), self.len) }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let none = Memory { start: NonNull::dangling(), bytes: 0 };
        std::mem::replace(&mut self.memory, none).give_back();
    }
}

/// Initialised memory of some bytes; none owns nothing.
struct Memory {
    start: NonNull<f32>,
    bytes: usize,
}

// SAFETY: it owns what it points to.
unsafe impl Send for Memory {}
// SAFETY: shared access only reads, or goes through kernels' raw pointers to disjoint parts.
unsafe impl Sync for Memory {}

/// Large memory that waits for the next buffer.
static FREE: Mutex<Vec<Memory>> = Mutex::new(vec![]);

fn free() -> std::sync::MutexGuard<'static, Vec<Memory>> {
    FREE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Memory {
    /// Memory of at least so many bytes, and whether all of them are zero.
    fn take(bytes: usize) -> (Self, bool) {
        if bytes >= LARGE {
            let mut free = free();
            let fits = |m: &&Memory| m.bytes >= bytes && m.bytes <= bytes + bytes / 4;
            let best = free.iter().filter(fits).map(|m| m.bytes).min();
            if let Some(i) = best.and_then(|best| free.iter().position(|m| m.bytes == best)) {
                return (free.swap_remove(i), false);
            }
        }
        (Self::acquire(bytes), true)
    }

    fn give_back(self) {
        let mut free = free();
        let kept: usize = free.iter().map(|m| m.bytes).sum();
        if self.bytes >= LARGE && kept + self.bytes <= KEPT {
            free.push(self);
        } else {
            drop(free);
            self.release();
        }
    }

    fn layout(bytes: usize) -> Layout {
        Layout::from_size_align(bytes, if bytes >= LARGE { LARGE } else { 64 }).expect("less than the address space")
    }

    #[cfg(target_os = "linux")]
    fn acquire(bytes: usize) -> Self {
        if bytes < LARGE {
            return Self::from_allocator(bytes);
        }
        // SAFETY: a fresh mapping with room to cut it to whole huge pages; what is cut off was never used.
        unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            let start =
                libc::mmap(std::ptr::null_mut(), bytes + LARGE, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
            if start == libc::MAP_FAILED {
                handle_alloc_error(Self::layout(bytes));
            }
            let before = start.align_offset(LARGE);
            let aligned = start.add(before);
            if before > 0 {
                libc::munmap(start, before);
            }
            if before < LARGE {
                libc::munmap(aligned.add(bytes), LARGE - before);
            }
            // A refusal costs speed alone.
            libc::madvise(aligned, bytes, libc::MADV_HUGEPAGE);
            Self { start: NonNull::new_unchecked(aligned.cast()), bytes }
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn acquire(bytes: usize) -> Self {
        Self::from_allocator(bytes)
    }

    fn from_allocator(bytes: usize) -> Self {
        let layout = Self::layout(bytes);
        // SAFETY: the layout is never empty.
        let start = unsafe { alloc_zeroed(layout) };
        let Some(start) = NonNull::new(start.cast::<f32>()) else { handle_alloc_error(layout) };
        Self { start, bytes }
    }

    fn release(self) {
        if self.bytes == 0 {
            return;
        }
        // SAFETY: taken the same way, and nobody holds it any more.
        unsafe {
            #[cfg(target_os = "linux")]
            if self.bytes >= LARGE {
                libc::munmap(self.start.as_ptr().cast(), self.bytes);
                return;
            }
            dealloc(self.start.as_ptr().cast(), Self::layout(self.bytes));
        }
    }
}

/// A pointer that tasks of one job share; each writes its own part.
#[derive(Clone, Copy)]
pub(crate) struct Shared(pub *mut f32);

// SAFETY: kernels give each task its own part.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    /// The pointer; a method, so that closures take the whole value.
    pub(crate) fn get(self) -> *mut f32 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_served_before_comes_back_clean() {
        for len in [0, 10, 1 << 19, 1 << 20, (1 << 20) + 17] {
            Buffer::zeroed(len).fill(3.0);
            let again = Buffer::zeroed(len);
            assert_eq!(again.len(), len);
            assert!(again.iter().all(|v| *v == 0.0));
            assert_eq!(again.as_ptr().align_offset(64), 0);
        }
    }
}
