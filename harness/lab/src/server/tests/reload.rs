//! A server that goes on with other options.

use super::client::{Client, bind, options};
use super::tls::secured;
use crate::scenario::AcceptAuth;
use crate::server::Certificate;

#[tokio::test]
async fn what_is_open_keeps_what_it_began_with() {
    let server = bind("[server]\nextensions = [\"DSN\"]\n", |_| {});
    let reload = server.reload();
    let running = server.spawn().expect("spawned");
    let mut before = Client::greeted(running.address()).await;
    let other = options("[server]\nextensions = [\"CHUNKING\"]\n", |_| {});
    reload.with(other).expect("randomness");
    let mut after = Client::greeted(running.address()).await;
    assert!(before.say("EHLO x").await.contains("DSN"));
    assert!(after.say("EHLO x").await.contains("CHUNKING"));
    let report = running.stop().await.expect("it ran");
    assert_eq!(report.connections, 2, "they are counted together");
}

#[tokio::test]
async fn accounts_that_were_taken_out_are_refused() {
    let tables = "[server]\nextensions = [\"AUTH PLAIN\"]\naccept_auth = \"given\"\n";
    let server = bind(tables, |_| {});
    let reload = server.reload();
    let running = server.spawn().expect("spawned");
    let login = "AUTH PLAIN AHN2YwBjYW5hcnk=";
    let mut client = Client::greeted(running.address()).await;
    client.say("EHLO x").await;
    assert!(client.say(login).await.starts_with("235 "));
    let nobody = options(tables, |options| {
        assert!(matches!(options.server.accept_auth, AcceptAuth::Given));
        options.accounts.clear();
    });
    reload.with(nobody).expect("randomness");
    let mut client = Client::greeted(running.address()).await;
    client.say("EHLO x").await;
    assert!(client.say(login).await.starts_with("535 "));
}

#[tokio::test]
async fn the_authority_stays_and_a_certificate_can_come() {
    let tables = "[server]\ntls = \"implicit\"\n";
    let server = bind(tables, |_| {});
    let reload = server.reload();
    let made = server.certificate().expect("it does TLS");
    let running = server.spawn().expect("spawned");
    let authority = running.ca_pem().to_owned();
    reload.with(options(tables, |_| {})).expect("a certificate");
    let mut client = secured(running.address(), &authority).await;
    assert!(client.reply().await.starts_with("220 "));

    let issued =
        rcgen::generate_simple_self_signed(["mail.example.test".to_owned()]).expect("a key");
    let (chain, key) = (issued.cert.pem(), issued.signing_key.serialize_pem());
    let own = Certificate::from_pem(chain.as_bytes(), key.as_bytes()).expect("a pair");
    let with_own = options(tables, |options| options.certificate = Some(own));
    reload.with(with_own).expect("it serves");
    let mut client = secured(running.address(), &chain).await;
    assert!(client.reply().await.starts_with("220 "));
    assert_ne!(issued.cert.der().to_vec(), made);
}

#[test]
fn a_pair_that_is_none_is_refused_without_a_byte_of_it() {
    let issue =
        || rcgen::generate_simple_self_signed(["mail.example.test".to_owned()]).expect("a key");
    let (one, other) = (issue(), issue());
    let refused = |chain: &str, key: &str| {
        let refused = Certificate::from_pem(chain.as_bytes(), key.as_bytes());
        refused.expect_err("not a pair").to_string()
    };
    let chain = one.cert.pem();
    let key = one.signing_key.serialize_pem();
    assert!(refused("", &key).starts_with("expected certificates in PEM form"));
    assert!(refused(&key, &key).starts_with("expected certificates in PEM form"));
    assert!(refused(&chain, &chain).starts_with("expected a private key in PEM form"));
    let cut = &key[..key.len() - 40];
    let said = refused(&chain, cut);
    assert!(
        said.starts_with("expected a private key in PEM form"),
        "{said}"
    );
    let line = key.lines().nth(1).expect("base64");
    assert!(!said.contains(line));
    let strangers = refused(&chain, &other.signing_key.serialize_pem());
    assert!(strangers.starts_with("the certificate and the key cannot be used together"));
}
