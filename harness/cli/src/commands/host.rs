//! The machine that the program runs on.

/// Its name, where it has one.
pub(super) fn name() -> Option<String> {
    #[cfg(unix)]
    {
        let system = rustix::system::uname();
        let name = system.nodename().to_string_lossy().into_owned();
        (!name.is_empty()).then_some(name)
    }
    #[cfg(not(unix))]
    std::env::var("COMPUTERNAME").ok()
}
