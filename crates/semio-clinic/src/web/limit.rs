//! How often one address may try a password or a code, or register. Tries that were right are given back, so that a clinic
//! behind one address does not lock itself out.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
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
    /// Whether another try is allowed now. It counts from now on: tries at the same time are as many.
    pub(crate) fn allow(&self, address: IpAddr) -> bool {
        let address = network(address);
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
        *count = (*count + 1).min(FREE + 1);
        *count <= FREE
    }

    /// Gives a try back that was right.
    pub(crate) fn was_right(&self, address: IpAddr) {
        let mut tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((count, _)) = tries.get_mut(&network(address)) {
            *count = count.saturating_sub(1);
        }
    }
}

/// Whose address it is: a household or a machine has 2^64 addresses of IPv6 (RFC 6177), and one of IPv4, however written.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
        v4 @ IpAddr::V4(_) => v4,
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

    #[test]
    fn tries_that_were_right_do_not_count() {
        let tries = Tries::default();
        let address = IpAddr::from([192, 0, 2, 1]);
        for _ in 0..3 * FREE {
            assert!(tries.allow(address));
            tries.was_right(address);
        }
        assert!((0..FREE).all(|_| tries.allow(address)));
        assert!(!tries.allow(address));
    }

    #[test]
    fn one_network_of_ipv6_is_one_visitor() {
        let tries = Tries::default();
        let address = |text: &str| text.parse().expect("is an address");
        assert!((0..FREE).all(|n| tries.allow(address(&format!("2001:db8:0:1::{n:x}")))));
        assert!(!tries.allow(address("2001:db8:0:1:ffff::1")));
        assert!(tries.allow(address("2001:db8:0:2::1")));
        assert!((0..FREE).all(|_| tries.allow(address("::ffff:192.0.2.1"))));
        assert!(!tries.allow(address("192.0.2.1")) && tries.allow(address("192.0.2.2")));
    }
}
