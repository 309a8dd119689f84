//! The threads that kernels share.
//!
//! A convolution of a small network takes tens of microseconds, less than waking a sleeping thread costs. So the
//! threads watch for the next job for a moment before they sleep. Which thread takes which task changes no result:
//! kernels cut their work into tasks by shape alone.

use std::{
    cell::UnsafeCell,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        OnceLock,
        atomic::{
            AtomicBool, AtomicUsize,
            Ordering::{Acquire, Relaxed, Release, SeqCst},
        },
    },
    thread::Thread,
};

/// How often a thread looks for a job before it sleeps: some tens of microseconds.
const LOOKS: usize = 3_000;

/// Most threads, whatever is asked for.
const MOST: usize = 256;

/// Bits that hold a number of helpers.
const WANTED_BITS: u32 = 10;

/// Sets how many threads kernels use from now on, this one included. Results do not depend on it.
///
/// Zero, the default, means as many as the machine has cores.
pub fn set_threads(n: usize) {
    WANTED.store(n.min(MOST), Relaxed);
}

/// How many threads kernels use.
pub fn threads() -> usize {
    match WANTED.load(Relaxed) {
        0 => std::thread::available_parallelism().map_or(1, |n| n.get().min(MOST)),
        n => n,
    }
}

/// 0: as many as there are cores.
static WANTED: AtomicUsize = AtomicUsize::new(0);

/// Calls `task(0)` … `task(tasks - 1)`, each once, on all threads, and returns when all are done.
///
/// A caller who finds the threads busy with another caller's job does all tasks itself: two pictures are then worked
/// on side by side.
pub(crate) fn parallel(tasks: usize, task: impl Fn(usize) + Sync) {
    let team = team();
    let helpers = (threads() - 1).min(tasks.saturating_sub(1));
    if helpers == 0 || team.busy.swap(true, Acquire) {
        (0..tasks).for_each(task);
        return;
    }
    team.hire(helpers);
    let next = AtomicUsize::new(0);
    let work = || {
        loop {
            let i = next.fetch_add(1, Relaxed);
            if i >= tasks {
                break;
            }
            task(i);
        }
    };
    team.share(helpers, &work);
}

type Job = *const (dyn Fn() + Sync);

struct Team {
    /// One caller at a time.
    busy: AtomicBool,
    /// Number of jobs given so far, and below it ([`WANTED_BITS`]) how many helpers take part: those with a lower
    /// number. One word, so that a helper never takes one round's number for another's.
    round: AtomicUsize,
    /// Helpers that have not finished this round.
    open: AtomicUsize,
    failed: AtomicBool,
    job: UnsafeCell<Option<Job>>,
    helpers: UnsafeCell<Vec<Helper>>,
}

struct Helper {
    thread: Thread,
    asleep: &'static AtomicBool,
}

// SAFETY: `job` and `helpers` are written only by the holder of `busy`; helpers read `job` after they have seen the
// new `round`, which is stored after it.
unsafe impl Sync for Team {}
// SAFETY: as above.
unsafe impl Send for Team {}

fn team() -> &'static Team {
    static TEAM: OnceLock<Team> = OnceLock::new();
    TEAM.get_or_init(|| Team {
        busy: AtomicBool::new(false),
        round: AtomicUsize::new(0),
        open: AtomicUsize::new(0),
        failed: AtomicBool::new(false),
        job: UnsafeCell::new(None),
        helpers: UnsafeCell::new(vec![]),
    })
}

impl Team {
    /// Sees to it that there are `n` helpers. Only the holder of `busy` calls it.
    fn hire(&'static self, n: usize) {
        // SAFETY: the holder of `busy` alone touches the list.
        let helpers = unsafe { &mut *self.helpers.get() };
        while helpers.len() < n {
            let number = helpers.len();
            let asleep: &'static AtomicBool = Box::leak(Box::new(AtomicBool::new(false)));
            let seen = self.round.load(Acquire);
            let spawned = std::thread::Builder::new()
                .name(format!("semio-kernel-{number}"))
                .spawn(move || self.help(number, asleep, seen));
            // Without a further thread the others do its share.
            let Ok(handle) = spawned else { break };
            helpers.push(Helper { thread: handle.thread().clone(), asleep });
        }
    }

    #[expect(clippy::transmute_ptr_to_ptr, reason = "a cast cannot hide the lifetime")]
    fn share(&'static self, n: usize, work: &(dyn Fn() + Sync)) {
        // SAFETY: the holder of `busy` alone touches the list and the job; the lifetime is hidden, and this function
        // does not return before all helpers have left the job.
        let helpers = unsafe {
            *self.job.get() = Some(std::mem::transmute::<*const (dyn Fn() + Sync + '_), Job>(work));
            &*self.helpers.get()
        };
        let n = n.min(helpers.len());
        self.open.store(n, Relaxed);
        let jobs = (self.round.load(Relaxed) >> WANTED_BITS).wrapping_add(1);
        self.round.store((jobs << WANTED_BITS) | n, SeqCst);
        for helper in &helpers[..n] {
            if helper.asleep.load(SeqCst) {
                helper.thread.unpark();
            }
        }
        let mine = catch_unwind(AssertUnwindSafe(work));
        let mut looks = 0;
        while self.open.load(Acquire) != 0 {
            looks += 1;
            // More threads than cores: let the other one run.
            if looks > LOOKS { std::thread::yield_now() } else { std::hint::spin_loop() }
        }
        let failed = self.failed.swap(false, Relaxed);
        self.busy.store(false, Release);
        if let Err(panic) = mine {
            resume_unwind(panic);
        }
        assert!(!failed, "a kernel failed on another thread");
    }

    fn help(&self, number: usize, asleep: &AtomicBool, mut seen: usize) {
        loop {
            let mut looks = 0;
            while self.round.load(Acquire) == seen {
                looks += 1;
                if looks < LOOKS {
                    std::hint::spin_loop();
                    continue;
                }
                asleep.store(true, SeqCst);
                while self.round.load(SeqCst) == seen {
                    std::thread::park();
                }
                asleep.store(false, SeqCst);
            }
            // A helper that is not wanted may sleep through rounds; one that is wanted is waited for, so the round
            // that it sees is the one that is open.
            seen = self.round.load(Acquire);
            if number >= seen & ((1 << WANTED_BITS) - 1) {
                continue;
            }
            // SAFETY: the caller waits for `open` to reach 0 before the job goes.
            let job = unsafe { (*self.job.get()).map(|job| &*job) };
            if let Some(job) = job
                && catch_unwind(AssertUnwindSafe(job)).is_err()
            {
                self.failed.store(true, Relaxed);
            }
            self.open.fetch_sub(1, Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_task_runs_once_from_many_callers() {
        set_threads(4);
        std::thread::scope(|s| {
            for _ in 0..4 {
                s.spawn(|| {
                    for n in 0..300 {
                        let counts: Vec<AtomicUsize> = (0..n).map(|_| AtomicUsize::new(0)).collect();
                        parallel(n, |i| {
                            counts[i].fetch_add(1, Relaxed);
                        });
                        assert!(counts.iter().all(|c| c.load(Relaxed) == 1));
                    }
                });
            }
        });
    }

    #[test]
    fn a_failure_reaches_the_caller_and_the_next_job_runs() {
        let fail = catch_unwind(|| parallel(64, |i| assert!(i < 10, "no")));
        assert!(fail.is_err());
        let sum = AtomicUsize::new(0);
        parallel(64, |i| {
            sum.fetch_add(i, Relaxed);
        });
        assert_eq!(sum.load(Relaxed), 2016);
    }
}
