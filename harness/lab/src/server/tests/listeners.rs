//! Several addresses, served as one.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use super::client::{Client, bind};
use crate::scenario::Scenario;
use crate::server::{Options, Server};

#[tokio::test]
async fn every_address_is_served() {
    let server = bind("", |options| {
        options.also = vec![
            SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            SocketAddr::from((Ipv6Addr::LOCALHOST, 0)),
        ];
    });
    let addresses = server.local_addrs().expect("bound");
    assert_eq!(addresses.len(), 3);
    assert_ne!(addresses[0], addresses[1]);
    assert!(addresses[2].is_ipv6());
    let running = server.spawn().expect("spawned");
    for address in addresses.iter().chain(&addresses) {
        let mut client = Client::greeted(*address).await;
        assert!(client.say("QUIT").await.starts_with("221 "));
        client.rest().await;
    }
    assert_eq!(running.stop().await.expect("it ran").connections, 6);
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let taken = bind("", |_| {}).local_addrs().expect("bound");
    let holder = tokio::net::TcpListener::bind(taken[0])
        .await
        .expect("free again");
    let scenario = Scenario::parse("x.toml", "id = \"SES-01\"\ntitle = \"t\"\n").expect("sound");
    let mut options = Options::new(&scenario);
    options.also = vec![holder.local_addr().expect("bound")];
    let error = Server::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), options)
        .await
        .expect_err("taken");
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    assert!(error.to_string().contains(&taken[0].to_string()));
}
