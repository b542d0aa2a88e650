//! Whom `smtpspec serve` lets in, how far, and as whom: addresses, limits, accounts, certificates, and the end.

#![cfg(unix)]

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use support::serve::{ALICE, ALICE_PASSWORD, Serve, addresses, curl_to, ended, lines, wait_for};
use support::talk::Talk;
use support::{folder, good, have, openssl, skipped, smtpspec, text};

#[test]
fn two_addresses_without_authentication_end_in_good_order() {
    let folder = folder();
    let mut child = smtpspec()
        .args(["serve", "--listen", "127.0.0.1:0", "--listen", "[::1]:0"])
        .args(["--no-auth", "--message-size", "1000", "--grace", "2"])
        .args(["--format", "json", "--out"])
        .arg(folder.path().join("out"))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let said = lines(child.stderr.take().expect("a pipe"));
    let hint = wait_for(&said, "listening on ");
    let addresses = addresses(&hint);
    assert_eq!(addresses.len(), 2, "{hint}");

    let mut clients: Vec<_> = addresses.into_iter().map(Talk::to).collect();
    for client in &mut clients {
        assert!(client.reply().starts_with("220 "));
        let offered = client.say("EHLO client.example");
        assert!(offered.contains("SIZE 1000\r\n"), "{offered}");
        assert!(!offered.contains("AUTH"), "{offered}");
        assert!(client.say("AUTH PLAIN AGEAYg==").starts_with("502 "));
        let big = client.say("MAIL FROM:<a@client.example> SIZE=1001");
        assert!(big.starts_with("552 "), "{big}");
        assert!(
            client
                .say("MAIL FROM:<a@client.example>")
                .starts_with("250 ")
        );
    }
    let told = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status();
    assert!(told.expect("kill starts").success());
    // Within the grace a transaction can be finished; who does nothing is told at its end.
    let [first, second] = clients.as_mut_slice() else {
        panic!("two clients");
    };
    assert!(first.say("RCPT TO:<b@server.example>").starts_with("250 "));
    assert!(first.say("DATA").starts_with("354 "));
    assert!(
        first
            .say("Subject: x\r\n\r\nhello\r\n.")
            .starts_with("250 ")
    );
    assert!(first.say("QUIT").starts_with("221 "));
    assert_eq!(second.reply(), "421 4.3.2 shutting down, closing\r\n");
    drop(clients);
    assert!(ended(&mut child, "smtpspec serve").code().is_some());
}

#[test]
fn one_address_gets_its_places_and_no_more() {
    let folder = folder();
    let serve = Serve::start_with(folder.path(), &["--per-address", "1", "--connections", "2"]);
    let mut first = Talk::greeted(serve.port);
    let mut second = Talk::to(([127, 0, 0, 1], serve.port));
    assert_eq!(
        second.rest(),
        "421 4.7.0 too many connections from your address, closing\r\n"
    );
    assert!(first.say("QUIT").starts_with("221 "));
    drop((first, second));
    let served = serve.end();
    let refused: Vec<_> = served
        .said
        .iter()
        .filter(|line| line.contains("its address was at its limit of 1"))
        .collect();
    assert_eq!(refused.len(), 1, "{:?}", served.said);
    assert!(refused[0].contains("connection 2 from 127.0.0.1:"));
    // What it was told is in the capture like everything else.
    assert_eq!(served.outcome.conversations.len(), 2);
}

#[test]
fn files_are_read_again_when_it_is_hung_up() {
    let folder = folder();
    let scenario = folder.path().join("mine.toml");
    let offering = |what: &str| {
        let text = format!(
            "id = \"SES-01\"\ntitle = \"t\"\n[server]\nextensions = [\"{what}\", \"AUTH PLAIN\"]\n"
        );
        fs::write(&scenario, text).expect("written");
    };
    offering("DSN");
    let path = scenario.display().to_string();
    let serve = Serve::start_with(folder.path(), &["--scenario", &path]);
    let mut open = Talk::greeted(serve.port);

    offering("CHUNKING");
    fs::write(folder.path().join("accounts"), "carol:other\n").expect("written");
    serve.signal("-HUP");
    serve.says("the next connections get what is in the files now");
    assert!(open.say("EHLO x").contains("DSN"), "it began before");
    let mut next = Talk::greeted(serve.port);
    assert!(next.say("EHLO x").contains("CHUNKING"));
    let login = |user: &str, password: &str| {
        use base64::Engine as _;
        let response = format!("\0{user}\0{password}");
        let response = base64::prelude::BASE64_STANDARD.encode(response);
        format!("AUTH PLAIN {response}")
    };
    assert!(next.say(&login(ALICE, ALICE_PASSWORD)).starts_with("535 "));
    assert!(next.say(&login("carol", "other")).starts_with("235 "));

    fs::write(
        &scenario,
        "id = \"SES-01\"\ntitle = \"t\"\n[server]\nextension = []\n",
    )
    .expect("written");
    serve.signal("-HUP");
    let error = serve.says("mine.toml:4:1");
    serve.says("the server goes on as before");
    assert!(
        Talk::greeted(serve.port).say("EHLO x").contains("CHUNKING"),
        "{error}"
    );
    fs::write(folder.path().join("accounts"), "carol\n").expect("written");
    offering("DSN");
    serve.signal("-HUP");
    serve.says("accounts:1:1: expected `user:password`");
    assert!(Talk::greeted(serve.port).say("EHLO x").contains("CHUNKING"));
    drop((open, next));
    serve.signal("-TERM");
    assert_eq!(serve.end().outcome.conversations.len(), 4);
}

/// A certificate of openssl for `localhost` and its key.
fn certificate(folder: &Path) -> (String, String) {
    let path = |name| folder.join(name).display().to_string();
    let (chain, key) = (path("cert.pem"), path("key.pem"));
    let made = openssl(
        &[
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "30",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost",
            "-keyout",
            &key,
            "-out",
            &chain,
        ],
        b"",
    );
    good(&made, "openssl req");
    (chain, key)
}

#[test]
fn a_certificate_of_ones_own_is_shown_on_both_kinds_of_port() {
    if !have(&["openssl", "curl"]) {
        return;
    }
    let folder = folder();
    let (chain, key) = certificate(folder.path());
    let serve = Serve::start_with(
        folder.path(),
        &[
            "--listen-tls",
            "127.0.0.1:0",
            "--cert",
            &chain,
            "--key",
            &key,
            "--connections",
            "2",
        ],
    );
    for (scheme, address) in ["smtp", "smtps"].iter().zip(&serve.addresses) {
        let port = address.port();
        let resolved = format!("localhost:{port}:127.0.0.1");
        let sent = curl_to(
            folder.path(),
            &format!("{scheme}://localhost:{port}"),
            &["--ssl-reqd", "--cacert", &chain, "--resolve", &resolved],
        );
        good(&sent, scheme);
    }
    assert_eq!(serve.end().outcome.conversations.len(), 2);
    assert!(
        !folder.path().join("out/serve-000001.ca.pem").exists(),
        "no other authority is to be trusted"
    );
}

#[test]
fn a_pair_of_files_that_is_none_is_named() {
    if !have(&["openssl"]) {
        return;
    }
    let folder = folder();
    let (chain, key) = certificate(folder.path());
    let refused = |chain: &str, key: &str| {
        let run = smtpspec()
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--cert",
                chain,
                "--key",
                key,
                "--out",
            ])
            .arg(folder.path().join("out"))
            .output()
            .expect("the binary starts");
        assert_eq!(run.status.code(), Some(2));
        text(&run.stderr)
    };
    let said = refused(&key, &key);
    assert!(
        said.contains("key.pem: expected certificates in PEM form"),
        "{said}"
    );
    let said = refused(&chain, &chain);
    assert!(
        said.contains("cert.pem: expected a private key in PEM form"),
        "{said}"
    );
    let said = refused("nowhere.pem", &key);
    assert!(said.contains("cannot read nowhere.pem"), "{said}");
    assert!(!folder.path().join("out").exists(), "nothing was begun");
}

/// Real users and groups of a process (`proc_pid_status`(5)).
#[cfg(target_os = "linux")]
fn identity(pid: u32) -> Vec<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let of = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key));
        line.expect("a line")
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    ["Uid:", "Gid:", "Groups:", "CapEff:"].map(of).to_vec()
}

#[cfg(target_os = "linux")]
#[test]
fn root_is_given_up_once_it_listens() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};

    let (nobody, folder) = (65534, folder());
    if chown(folder.path(), Some(nobody), None).is_err() {
        return skipped("only root can start it as root");
    }
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("set");
    let serve = Serve::start_with(folder.path(), &["--user", "nobody", "--connections", "1"]);
    let [users, groups, others, capabilities] = identity(serve.id()).try_into().expect("four");
    assert_eq!(users, "65534 65534 65534 65534");
    assert_eq!(groups, "65534 65534 65534 65534");
    assert_eq!(others, "65534");
    assert_eq!(capabilities, "0000000000000000");
    assert!(Talk::greeted(serve.port).say("QUIT").starts_with("221 "));
    let served = serve.end();
    assert_eq!(fs::metadata(served.capture).expect("written").uid(), nobody);
    for (who, said) in [
        ("root", "that is root"),
        ("no-such-user-here", "there is no user `no-such-user-here`"),
        (
            "nobody:no-such-group-here",
            "there is no group `no-such-group-here`",
        ),
    ] {
        let run = smtpspec()
            .args(["serve", "--listen", "127.0.0.1:0", "--user", who, "--out"])
            .arg(folder.path().join("other"))
            .output()
            .expect("the binary starts");
        assert_eq!(run.status.code(), Some(2));
        assert!(text(&run.stderr).contains(said), "{}", text(&run.stderr));
    }
}

#[test]
fn sockets_of_a_service_manager_are_taken() {
    if !have(&["systemd-socket-activate"]) {
        return;
    }
    let folder = folder();
    // It binds the sockets, and starts the server at the first connection.
    let free = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let address = free.local_addr().expect("bound");
    drop(free);
    let mut child = Command::new("systemd-socket-activate")
        .args(["-l", &address.to_string(), env!("CARGO_BIN_EXE_smtpspec")])
        .args(["serve", "--connections", "1", "--out"])
        .arg(folder.path().join("out"))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let said = lines(child.stderr.take().expect("a pipe"));
    wait_for(&said, "Listening on");
    let mut client = Talk::to(address);
    assert!(client.reply().starts_with("220 "));
    assert!(client.say("QUIT").starts_with("221 "));
    drop(client);
    wait_for(&said, &format!("listening on {address};"));
    assert!(ended(&mut child, "smtpspec serve").code().is_some());
}
