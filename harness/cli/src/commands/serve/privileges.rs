//! Who the server is once it listens.

use crate::Failure;

/// Goes on as that user, for good.
#[cfg(all(unix, not(target_vendor = "apple")))]
pub(super) fn drop_to(who: &str) -> Result<(), Failure> {
    use std::ffi::CString;

    use nix::unistd::{Group, Uid, User, getgid, getuid, initgroups, setgid, setuid};

    let failed = |what: &str, error: nix::Error| {
        Failure::input(format!("--user {who}: cannot {what}: {}", error.desc()))
    };
    if !Uid::effective().is_root() {
        return Err(Failure::input(format!(
            "--user {who}: only root can become another user; start it as root, or as {who} without --user"
        )));
    }
    let (user, group) = match who.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (who, None),
    };
    let found = User::from_name(user).map_err(|error| failed("look the user up", error))?;
    let found = found.ok_or_else(|| {
        Failure::input(format!(
            "--user {who}: there is no user `{user}`; `useradd --system {user}` makes one"
        ))
    })?;
    let group = match group {
        None => found.gid,
        Some(name) => {
            let group = Group::from_name(name).map_err(|error| failed("look it up", error))?;
            let group = group.map(|group| group.gid);
            group.ok_or_else(|| {
                Failure::input(format!("--user {who}: there is no group `{name}`"))
            })?
        }
    };
    if found.uid.is_root() {
        return Err(Failure::input(format!(
            "--user {who}: that is root; name a user without privileges"
        )));
    }
    let name = CString::new(user).map_err(|_| Failure::input("--user: a name without NUL"))?;
    initgroups(&name, group).map_err(|error| failed("take its groups", error))?;
    setgid(group).map_err(|error| failed("take its group", error))?;
    setuid(found.uid).map_err(|error| failed("become it", error))?;
    let regained = setuid(Uid::from_raw(0)).is_ok();
    if regained || getuid() != found.uid || getgid() != group {
        return Err(Failure::input(format!(
            "--user {who}: the privileges of root can be had again; refusing to go on"
        )));
    }
    Ok(())
}

/// Not here.
#[cfg(not(all(unix, not(target_vendor = "apple"))))]
pub(super) fn drop_to(who: &str) -> Result<(), Failure> {
    Err(Failure::input(format!(
        "--user {who}: this system has no such change of user"
    )))
}
