//! Installed clients against the NTLM peer: who sent which response, what came of it, and what each told of itself. The
//! sample of all clients is `reports/ntlm.md`, which `just ntlm` makes.

mod support;

use std::fs;
use std::path::Path;

use claims::result::Outcome;
use support::{folder, good, have, have_pyspnego, smtpspec, text};

/// In the order of the columns: right password, wrong password, rare challenges, broken ones, texts of the first 334.
const CASES: [&str; 18] = [
    "NTL-21", "NTL-03", "NTL-19", "NTL-16", "NTL-15", "NTL-13", "NTL-14", "NTL-09", "NTL-20",
    "NTL-07", "NTL-08", "NTL-10", "NTL-11", "NTL-12", "NTL-04", "NTL-06", "NTL-17", "NTL-18",
];

/// Those that `.ci/run` installs, and the reference adapter. The snapshot is of the versions in Debian 12 and of pyspnego 0.12.4.
const CLIENTS: [&str; 5] = ["curl", "msmtp", "pyspnego", "swaks", "adapter"];

#[test]
fn clients_against_challenges() {
    let perl = ["-MAuthen::NTLM", "-MDigest::HMAC_MD5", "-e1"];
    if !have(&["curl", "msmtp", "swaks", "perl"]) || !have_pyspnego() {
        return;
    }
    let modules = std::process::Command::new("perl").args(perl).status();
    if !modules.is_ok_and(|status| status.success()) {
        support::skipped(
            "Authen::NTLM is not installed (libauthen-ntlm-perl, libdigest-hmac-perl)",
        );
        return;
    }
    let folder = folder();
    let clients = CLIENTS.iter().flat_map(|client| ["--client", client]);
    let ran = smtpspec()
        .arg("run")
        .args(CASES)
        .args(clients)
        .args(["--out", "out", "--quiet"])
        .current_dir(folder.path())
        .output()
        .expect("the binary starts");
    // Some of them fail cases, which is status 1; 2 would be a client that cannot be used.
    assert_eq!(ran.status.code(), Some(1), "{}", text(&ran.stderr));
    let of = |client: &str| folder.path().join("out").join(client);
    for client in CLIENTS {
        interoperates(client, &of(client));
    }
    let drawn = smtpspec()
        .arg("grid")
        .args(CLIENTS.map(of))
        .args(["--format", "ntlm"])
        .output()
        .expect("the binary starts");
    let table = text(&good(&drawn, "grid --format ntlm"));
    let (table, _) = table
        .split_once("## Versions")
        .expect("the versions come last");
    support::reports("")
        .bind(|| insta::assert_snapshot!("ntlm-clients.md", without_this_host(table)));
}

/// The right password is let in and the message comes through; the wrong one is not, and none does.
fn interoperates(client: &str, folder: &Path) {
    let result = fs::read(folder.join("result.json")).expect("a result");
    let result: Outcome = serde_json::from_slice(&result).expect("a result in JSON");
    let told = |case: &str| {
        let id = format!("{case}/1");
        let found = result.conversations.iter().find(|one| one.id == id);
        found
            .and_then(|one| one.leaks.as_ref())
            .unwrap_or_else(|| panic!("{client}: {id} has a conversation"))
    };
    for (case, outcome, sent) in [
        ("NTL-21", "accepted", true),
        ("NTL-19", "refused with 535", false),
    ] {
        let told = told(case);
        let accounts = &told.accounts.items;
        assert!(!accounts.is_empty(), "{client} {case}");
        assert!(
            accounts
                .iter()
                .all(|one| one.mechanism == "NTLM" && one.outcome == outcome),
            "{client} {case}: {accounts:?}"
        );
        let taken = told
            .messages
            .items
            .iter()
            .any(|mail| mail.accepted == Some(true));
        assert_eq!(taken, sent, "{client} {case}");
    }
}

/// pyspnego says the name of the machine that it runs on.
fn without_this_host(table: &str) -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim().to_uppercase();
    table.replace(&format!("| {name} |"), "| (this host) |")
}
