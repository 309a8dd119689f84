use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

/// Works on items on several threads and hands the results on in the items' order.
///
/// At most `window` items are taken beyond the one that is handed on next, so memory stays bounded however many items
/// there are and however slow one of them is. The consumer runs on the calling thread and may stop the work.
pub(crate) fn ordered<I, T, B>(
    threads: usize,
    window: usize,
    items: impl Iterator<Item = I> + Send,
    work: impl Fn(I) -> T + Sync,
    mut consume: impl FnMut(T) -> ControlFlow<B>,
) -> Option<B>
where
    T: Send,
{
    let state = Mutex::new(State { items, taken: 0, consumed: 0, ready: BTreeMap::new(), ended: false, running: 0 });
    let changed = Condvar::new();
    let window = window.max(1);
    thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                // Whatever happens to this thread, the consumer must not wait for it for ever.
                let _leaving = Leaving { state: &state, changed: &changed };
                while let Some((number, item)) = take(&state, &changed, window) {
                    let result = work(item);
                    let mut s = lock(&state);
                    s.ready.insert(number, result);
                    s.running -= 1;
                    drop(s);
                    changed.notify_all();
                }
            });
        }
        let stop = loop {
            let mut s = lock(&state);
            let result = loop {
                let next = s.consumed;
                if let Some(result) = s.ready.remove(&next) {
                    break Some(result);
                }
                if s.ended && s.running == 0 {
                    break None;
                }
                s = changed.wait(s).unwrap_or_else(PoisonError::into_inner);
            };
            let Some(result) = result else { break None };
            s.consumed += 1;
            drop(s);
            changed.notify_all();
            if let ControlFlow::Break(value) = consume(result) {
                break Some(value);
            }
        };
        lock(&state).ended = true;
        changed.notify_all();
        stop
    })
}

struct State<It, T> {
    items: It,
    taken: usize,
    consumed: usize,
    ready: BTreeMap<usize, T>,
    /// No further item is taken.
    ended: bool,
    /// Items that a thread works on.
    running: usize,
}

fn lock<S>(state: &Mutex<S>) -> MutexGuard<'_, S> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn take<It: Iterator, T>(state: &Mutex<State<It, T>>, changed: &Condvar, window: usize) -> Option<(usize, It::Item)> {
    let mut s = lock(state);
    while !s.ended && s.taken >= s.consumed + window {
        s = changed.wait(s).unwrap_or_else(PoisonError::into_inner);
    }
    if s.ended {
        return None;
    }
    if let Some(item) = s.items.next() {
        let number = s.taken;
        s.taken += 1;
        s.running += 1;
        return Some((number, item));
    }
    s.ended = true;
    drop(s);
    changed.notify_all();
    None
}

struct Leaving<'a, It, T> {
    state: &'a Mutex<State<It, T>>,
    changed: &'a Condvar,
}

impl<It, T> Drop for Leaving<'_, It, T> {
    fn drop(&mut self) {
        if thread::panicking() {
            let mut s = lock(self.state);
            s.ended = true;
            s.running -= 1;
            drop(s);
        }
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn results_come_in_order_whatever_the_threads_do() {
        for threads in [1, 2, 5] {
            let mut seen = vec![];
            let work = |i: usize| {
                thread::sleep(std::time::Duration::from_micros((i * 37 % 11) as u64 * 50));
                i * 2
            };
            let none = ordered(threads, 4, 0..200, work, |v| {
                seen.push(v);
                ControlFlow::<()>::Continue(())
            });
            assert!(none.is_none());
            assert_eq!(seen, (0..200).map(|i| i * 2).collect::<Vec<_>>());
        }
    }

    #[test]
    fn work_runs_no_further_ahead_than_the_window() {
        let (started, finished) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work = |i: usize| {
            let ahead = started.fetch_add(1, Ordering::SeqCst) - finished.load(Ordering::SeqCst);
            assert!(ahead <= 4, "{ahead} items at work");
            i
        };
        ordered(3, 4, 0..100, work, |_| {
            thread::sleep(std::time::Duration::from_micros(200));
            finished.fetch_add(1, Ordering::SeqCst);
            ControlFlow::<()>::Continue(())
        });
        assert_eq!(finished.load(Ordering::SeqCst), 100);
    }

    #[test]
    fn the_consumer_can_stop_an_endless_list() {
        let stopped =
            ordered(2, 3, 0.., |i| i, |i| if i == 10 { ControlFlow::Break(i) } else { ControlFlow::Continue(()) });
        assert_eq!(stopped, Some(10));
    }

    #[test]
    #[should_panic(expected = "a scoped thread panicked")]
    fn a_panic_at_work_reaches_the_caller() {
        ordered(2, 3, 0..10, |i| assert!(i != 5, "broken item"), |()| ControlFlow::<()>::Continue(()));
    }
}
