//! How many files the process may have open.

/// Files that are open besides those of connections.
#[cfg(unix)]
const OTHER_FILES: u64 = 64;

/// Lets the process open as many files as that many connections need, as far as it may. Where it may not, connections
/// wait to be accepted.
pub(super) fn allow(connections: usize) {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let needed = u64::try_from(connections).unwrap_or(u64::MAX);
        let needed = needed.saturating_add(OTHER_FILES);
        let now = getrlimit(Resource::Nofile);
        // No limit is `None`.
        if now.current.is_some_and(|current| current < needed) {
            let most = now.maximum.map_or(needed, |maximum| maximum.min(needed));
            let _ = setrlimit(
                Resource::Nofile,
                Rlimit {
                    current: Some(most),
                    maximum: now.maximum,
                },
            );
        }
    }
    #[cfg(not(unix))]
    let _ = connections;
}
