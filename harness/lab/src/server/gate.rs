//! Who may connect how often: limits that hold for one address, so that no client takes the places of all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::limits::Limit;

/// Addresses that are remembered. Beyond it those with no open connection are forgotten, and may begin anew.
const MOST_CALLERS: usize = 65_536;

/// The time that a rate is counted over.
const MINUTE: Duration = Duration::from_mins(1);

/// Limits for one address; of IPv6, for the network that a host gets (/64, RFC 6177 section 2), since it can choose the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PerAddress {
    /// Connections that may be open at the same time.
    pub at_once: Option<u32>,
    /// Connections that may be made in a minute: so many at once, and then evenly spread.
    pub a_minute: Option<u32>,
}

/// Keeps the limits.
#[derive(Debug)]
pub(super) struct Gate {
    terms: PerAddress,
    callers: Arc<Mutex<HashMap<IpAddr, Caller>>>,
}

/// What is remembered of an address.
#[derive(Clone, Copy, Debug)]
struct Caller {
    open: u32,
    /// When the connections that were made are made up for.
    even: Instant,
}

impl Caller {
    /// Whether nothing of it matters any more.
    fn is_forgotten(&self, now: Instant) -> bool {
        self.open == 0 && self.even <= now
    }
}

/// The right to be connected. It ends when it is dropped.
#[derive(Debug)]
pub(super) struct Pass {
    callers: Option<Arc<Mutex<HashMap<IpAddr, Caller>>>>,
    network: IpAddr,
}

impl Gate {
    pub(super) fn new(terms: PerAddress) -> Self {
        Self {
            terms,
            callers: Arc::default(),
        }
    }

    /// Lets a client in, or says which limit it is beyond.
    pub(super) fn admit(&self, address: IpAddr) -> Result<Pass, Limit> {
        let network = network(address);
        if self.terms == PerAddress::default() {
            return Ok(Pass {
                callers: None,
                network,
            });
        }
        let now = Instant::now();
        let mut callers = lock(&self.callers);
        if callers.len() >= MOST_CALLERS {
            forget(&mut callers, now);
        }
        let caller = callers
            .entry(network)
            .or_insert(Caller { open: 0, even: now });
        if let Some(most) = self.terms.at_once
            && caller.open >= most
        {
            return Err(Limit::AtOnce(most));
        }
        if let Some(most) = self.terms.a_minute {
            let each = MINUTE / most.max(1);
            let even = caller.even.max(now) + each;
            if even > now + MINUTE {
                return Err(Limit::Rate(most));
            }
            caller.even = even;
        }
        caller.open += 1;
        Ok(Pass {
            callers: Some(Arc::clone(&self.callers)),
            network,
        })
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let Some(callers) = &self.callers else {
            return;
        };
        let mut callers = lock(callers);
        let Some(caller) = callers.get_mut(&self.network) else {
            return;
        };
        caller.open = caller.open.saturating_sub(1);
        if caller.is_forgotten(Instant::now()) {
            callers.remove(&self.network);
        }
    }
}

/// Makes room: first of those that matter no more, and then, if that is not half, of all that have no open connection.
fn forget(callers: &mut HashMap<IpAddr, Caller>, now: Instant) {
    callers.retain(|_, caller| !caller.is_forgotten(now));
    if callers.len() > MOST_CALLERS / 2 {
        callers.retain(|_, caller| caller.open > 0);
    }
}

/// What counts as one address.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = address.to_bits() & (u128::MAX << 64);
            IpAddr::V6(network.into())
        }
        address @ IpAddr::V4(_) => address,
    }
}

fn lock(callers: &Mutex<HashMap<IpAddr, Caller>>) -> MutexGuard<'_, HashMap<IpAddr, Caller>> {
    // A panic elsewhere does not make the counts wrong.
    callers.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn ip(address: &str) -> IpAddr {
        address.parse().expect("an address")
    }

    fn gate(at_once: Option<u32>, a_minute: Option<u32>) -> Gate {
        Gate::new(PerAddress { at_once, a_minute })
    }

    #[test]
    fn no_limit_remembers_nobody() {
        let gate = gate(None, None);
        let passes: Vec<_> = (0..100).map(|_| gate.admit(ip("192.0.2.1"))).collect();
        assert!(passes.iter().all(Result::is_ok));
        assert!(lock(&gate.callers).is_empty());
    }

    #[test]
    fn a_place_is_free_again_once_its_connection_is_over() {
        let gate = gate(Some(2), None);
        let first = gate.admit(ip("192.0.2.1")).expect("the first");
        let _second = gate.admit(ip("192.0.2.1")).expect("the second");
        assert_eq!(
            gate.admit(ip("192.0.2.1")).expect_err("a third"),
            Limit::AtOnce(2)
        );
        assert!(gate.admit(ip("192.0.2.2")).is_ok(), "another address");
        drop(first);
        assert!(gate.admit(ip("192.0.2.1")).is_ok());
    }

    #[test]
    fn nobody_is_remembered_whose_connections_are_over() {
        let gate = gate(Some(2), None);
        drop(gate.admit(ip("192.0.2.1")));
        assert!(lock(&gate.callers).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_is_so_many_at_once_and_then_evenly_spread() {
        let gate = gate(None, Some(3));
        let come = || gate.admit(ip("192.0.2.1")).map(drop);
        assert_eq!([come(), come(), come()], [Ok(()); 3]);
        assert_eq!(come(), Err(Limit::Rate(3)));
        tokio::time::advance(Duration::from_secs(19)).await;
        assert_eq!(
            come(),
            Err(Limit::Rate(3)),
            "and being refused costs nothing"
        );
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!([come(), come()], [Ok(()), Err(Limit::Rate(3))]);
        tokio::time::advance(MINUTE).await;
        assert_eq!([come(), come(), come()], [Ok(()); 3]);
    }

    #[rstest]
    #[case("2001:db8::1", "2001:db8::ffff:0:1", true)]
    #[case("2001:db8::1", "2001:db8:0:1::1", false)]
    #[case("192.0.2.1", "::ffff:192.0.2.1", true)]
    #[case("192.0.2.1", "192.0.2.2", false)]
    fn an_address_is_a_host(#[case] one: &str, #[case] other: &str, #[case] same: bool) {
        assert_eq!(network(ip(one)) == network(ip(other)), same);
    }

    #[tokio::test(start_paused = true)]
    async fn the_table_is_bounded() {
        let gate = gate(Some(1), Some(1));
        let held = gate.admit(ip("192.0.2.1")).expect("the first");
        for number in 0..131_072 {
            let address = IpAddr::V4((0x0A00_0000_u32 + number).into());
            drop(gate.admit(address).expect("an address of its own"));
        }
        assert!(lock(&gate.callers).len() <= MOST_CALLERS);
        assert_eq!(
            gate.admit(ip("192.0.2.1"))
                .expect_err("it is still connected"),
            Limit::AtOnce(1)
        );
        drop(held);
    }
}
