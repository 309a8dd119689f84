//! How often one address may try to sign in or register.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Tries that are free.
const FREE: u32 = 20;
/// One more becomes free after this time.
const REFILL: Duration = Duration::from_secs(15);
/// Addresses remembered; beyond this the oldest are forgotten.
const REMEMBERED: usize = 10_000;

/// Tries by address, in the manner of a leaking bucket.
#[derive(Default)]
pub(crate) struct Tries(Mutex<HashMap<IpAddr, (u32, Instant)>>);

impl Tries {
    /// Whether another try is allowed now.
    pub(crate) fn allow(&self, address: IpAddr) -> bool {
        let mut tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if tries.len() >= REMEMBERED {
            tries.retain(|_, (count, since)| *count > (now - *since).as_secs() as u32 / REFILL.as_secs() as u32);
            if tries.len() >= REMEMBERED {
                tries.clear();
            }
        }
        let (count, since) = tries.entry(address).or_insert((0, now));
        let leaked = ((now - *since).as_secs() / REFILL.as_secs()) as u32;
        if leaked > 0 {
            *count = count.saturating_sub(leaked);
            *since = now;
        }
        *count += 1;
        *count <= FREE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_tries_are_refused_for_that_address_alone() {
        let tries = Tries::default();
        let address = |n| IpAddr::from([192, 0, 2, n]);
        assert!((0..FREE).all(|_| tries.allow(address(1))));
        assert!(!tries.allow(address(1)));
        assert!(tries.allow(address(2)));
    }
}
