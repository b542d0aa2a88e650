//! Several addresses, served as one, and what one client may take of them.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use super::client::{Client, start_on, start_with};
use super::tls::secured;
use crate::server::{Limit, Opening, PerAddress, Sockets};

const LOCAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

#[tokio::test]
async fn every_address_is_served() {
    let mut sockets = Sockets::default();
    for address in [LOCAL, LOCAL, SocketAddr::from((Ipv6Addr::LOCALHOST, 0))] {
        sockets
            .bind(address, Opening::AsServed, None)
            .expect("free");
    }
    let addresses = sockets.addresses().expect("bound");
    assert_eq!(addresses.len(), 3);
    assert_ne!(addresses[0], addresses[1]);
    assert!(addresses[2].is_ipv6());
    let running = start_on(sockets, "", |_| {});
    for address in addresses.iter().chain(&addresses) {
        let mut client = Client::greeted(*address).await;
        assert!(client.say("QUIT").await.starts_with("221 "));
        client.rest().await;
    }
    assert_eq!(running.stop().await.expect("it ran").connections, 6);
}

#[test]
fn an_address_that_is_taken_is_refused() {
    let holder = Sockets::on(LOCAL).expect("free");
    let taken = holder.addresses().expect("bound")[0];
    let error = Sockets::on(taken).expect_err("taken");
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
}

#[tokio::test]
async fn an_address_of_its_own_begins_with_tls() {
    let mut sockets = Sockets::on(LOCAL).expect("free");
    sockets.bind(LOCAL, Opening::Tls, None).expect("free");
    let addresses = sockets.addresses().expect("bound");
    // The scenario knows nothing of TLS.
    let running = start_on(sockets, "", |_| {});
    let mut clear = Client::greeted(addresses[0]).await;
    assert!(!clear.say("EHLO x").await.contains("STARTTLS"));
    let mut client = secured(addresses[1], running.ca_pem()).await;
    assert!(client.reply().await.starts_with("220 "));
    let offered = client.say("EHLO x").await;
    assert!(offered.starts_with("250") && !offered.contains("STARTTLS"));
}

#[tokio::test]
async fn one_address_takes_no_more_than_its_places() {
    let most = PerAddress {
        at_once: Some(2),
        a_minute: None,
    };
    let server = start_with("", |options| options.terms.per_address = most);
    let first = Client::greeted(server.address()).await;
    let _second = Client::greeted(server.address()).await;
    let mut third = Client::connect(server.address()).await;
    let peer = third.local();
    assert_eq!(
        third.rest().await,
        b"421 4.7.0 too many connections from your address, closing\r\n"
    );
    drop(first);
    // The place is free once the server has seen the end.
    while Client::connect(server.address()).await.reply().await[..3] != *"220" {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let report = server.stop().await.expect("it ran");
    assert_eq!(
        (
            report.ended[0].connection,
            report.ended[0].peer,
            report.ended[0].limit
        ),
        (3, peer, Limit::AtOnce(2))
    );
}

#[tokio::test]
async fn nothing_is_said_in_clear_to_whom_tls_was_promised() {
    let most = PerAddress {
        at_once: None,
        a_minute: Some(1),
    };
    let server = start_with("[server]\ntls = \"implicit\"\n", |options| {
        options.terms.per_address = most;
    });
    drop(Client::connect(server.address()).await);
    let mut second = Client::connect(server.address()).await;
    assert_eq!(second.rest().await, b"");
    let report = server.stop().await.expect("it ran");
    assert_eq!(report.ended[0].limit, Limit::Rate(1));
}
