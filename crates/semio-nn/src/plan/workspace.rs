use std::sync::Mutex;

use semio_kernels::{Geometry, Maps};

/// Memory of maps that are no longer needed, for those that come.
#[derive(Default)]
pub(crate) struct Workspace {
    free: Vec<Maps>,
}

impl Workspace {
    /// Maps of this size: their border is zero, the rest is whatever a former use left.
    pub(crate) fn take(&mut self, geometry: Geometry) -> Maps {
        let need = geometry.stored();
        // The same size needs no new border; else the smallest that is large enough and not wastefully so.
        let fits = |m: &Maps| m.capacity() >= need && m.capacity() <= 2 * need + 4096;
        let best = (self.free.iter().position(|m| m.geometry() == geometry)).or_else(|| {
            let candidates = self.free.iter().enumerate().filter(|(_, m)| fits(m));
            candidates.min_by_key(|(_, m)| m.capacity()).map(|(i, _)| i)
        });
        match best {
            Some(i) => self.free.swap_remove(i).reshaped(geometry),
            None => Maps::zeroed(geometry),
        }
    }

    /// Gives memory back.
    pub(crate) fn give(&mut self, maps: Maps) {
        self.free.push(maps);
    }
}

/// Workspaces that wait for the next caller: each concurrent call has one of its own.
#[derive(Default)]
pub(crate) struct Workspaces(Mutex<Vec<Workspace>>);

impl Workspaces {
    pub(crate) fn with<T>(&self, f: impl FnOnce(&mut Workspace) -> T) -> T {
        let lock = || self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut workspace = lock().pop().unwrap_or_default();
        let result = f(&mut workspace);
        lock().push(workspace);
        result
    }
}
