//! Who the server is once it listens.

use crate::Failure;

/// Goes on as that user, for good.
#[cfg(all(unix, not(target_vendor = "apple")))]
pub(super) fn drop_to(who: &str) -> Result<(), Failure> {
    use std::ffi::CString;

    use nix::unistd::{Uid, getgid, getuid, initgroups, setgid, setuid};

    if !Uid::effective().is_root() {
        return Err(Failure::input(format!(
            "--user {who}: only root can become another user; start it as root, or as {who} without --user"
        )));
    }
    let (user, group) = found(who)?;
    let name = CString::new(user.name).map_err(|_| Failure::input("--user: a name without NUL"))?;
    initgroups(&name, group).map_err(|error| failed(who, "take its groups", error))?;
    setgid(group).map_err(|error| failed(who, "take its group", error))?;
    setuid(user.uid).map_err(|error| failed(who, "become it", error))?;
    let regained = setuid(Uid::from_raw(0)).is_ok();
    if regained || getuid() != user.uid || getgid() != group {
        return Err(Failure::input(format!(
            "--user {who}: the privileges of root can be had again; refusing to go on"
        )));
    }
    Ok(())
}

/// The user, which is not root, and the group that is named, or else the user's own.
#[cfg(all(unix, not(target_vendor = "apple")))]
fn found(who: &str) -> Result<(nix::unistd::User, nix::unistd::Gid), Failure> {
    use nix::unistd::{Group, User};

    let (name, group) = match who.split_once(':') {
        Some((name, group)) => (name, Some(group)),
        None => (who, None),
    };
    let user = User::from_name(name).map_err(|error| failed(who, "look the user up", error))?;
    let user = user.ok_or_else(|| {
        Failure::input(format!(
            "--user {who}: there is no user `{name}`; `useradd --system {name}` makes one"
        ))
    })?;
    if user.uid.is_root() {
        return Err(Failure::input(format!(
            "--user {who}: that is root; name a user without privileges"
        )));
    }
    let Some(name) = group else {
        let own = user.gid;
        return Ok((user, own));
    };
    let group = Group::from_name(name).map_err(|error| failed(who, "look the group up", error))?;
    let group =
        group.ok_or_else(|| Failure::input(format!("--user {who}: there is no group `{name}`")))?;
    Ok((user, group.gid))
}

#[cfg(all(unix, not(target_vendor = "apple")))]
fn failed(who: &str, what: &str, error: nix::Error) -> Failure {
    Failure::input(format!("--user {who}: cannot {what}: {}", error.desc()))
}

/// Not here.
#[cfg(not(all(unix, not(target_vendor = "apple"))))]
pub(super) fn drop_to(who: &str) -> Result<(), Failure> {
    Err(Failure::input(format!(
        "--user {who}: this system has no such change of user"
    )))
}
