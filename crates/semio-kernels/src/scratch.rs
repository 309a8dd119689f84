//! Memory that a thread keeps between tasks.

use std::cell::Cell;

use crate::buffer::Buffer;

/// What needs more than this gets huge pages: transforms write to 36 places at once, each in a page of its own.
const SMALL: usize = 1 << 14;
/// The least that lies in huge pages.
const HUGE: usize = 1 << 19;

thread_local! {
    static KEPT: Cell<Option<Buffer>> = const { Cell::new(None) };
}

/// Calls `f` with `len` numbers of any content.
pub(crate) fn scratch<T>(len: usize, f: impl FnOnce(*mut f32) -> T) -> T {
    // Taken out, so that a nested call gets memory of its own.
    let kept = KEPT.take().filter(|b| b.len() >= len);
    let mut buffer = kept.unwrap_or_else(|| Buffer::dirty(if len > SMALL { len.max(HUGE) } else { len }));
    let result = f(buffer.as_mut_ptr());
    KEPT.set(Some(buffer));
    result
}
