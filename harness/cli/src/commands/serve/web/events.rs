//! Events of the server for browsers (Server-Sent Events, HTML standard section 9.2).

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::time::{Instant, timeout_at};

use super::Site;

/// Sessions in one event. More of them in so short a time cannot be read; the list can be asked for them.
const MOST: usize = 100;
/// The shortest time between two events.
const BETWEEN: Duration = Duration::from_millis(200);
/// How often the open connections are looked at.
const TICK: Duration = Duration::from_secs(1);
/// How often something is sent, so that it is seen whether the browser is still there.
const ALIVE: u32 = 15;

/// The stream, for a browser that has seen the session with that number.
pub(super) fn stream(site: Arc<Site>, seen: u64) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel(2);
    tokio::spawn(async move {
        // It ends where the browser went away.
        let _ = tell(&site, seen, &sender).await;
    });
    receiver
}

/// The browser went away.
struct Gone;

async fn tell(site: &Site, mut seen: u64, sender: &Sender<String>) -> Result<(), Gone> {
    let mut changes = site.board.changes();
    let hello = json!({
        "listen": site.watched.addresses(),
        "profile": site.profile,
        "claims": site.claims,
    });
    send(sender, event("hello", None, &hello.to_string())).await?;
    let mut connections = String::new();
    let mut quiet = 0;
    loop {
        let news = site.board.since(seen, MOST);
        seen = news.last;
        let text = serde_json::to_string(&news).unwrap_or_default();
        send(sender, event("news", Some(seen), &text)).await?;
        if news.ended {
            return send(sender, event("end", None, "{}")).await;
        }
        loop {
            let now = site.watched.connections().to_string();
            if now != connections {
                send(sender, event("connections", None, &now)).await?;
                connections = now;
                quiet = 0;
            }
            match timeout_at(Instant::now() + TICK, changes.changed()).await {
                Ok(Ok(())) => break,
                Ok(Err(_)) => return Ok(()),
                Err(_) => quiet += 1,
            }
            if quiet >= ALIVE {
                send(sender, ":\n\n".to_owned()).await?;
                quiet = 0;
            }
            if sender.is_closed() {
                return Err(Gone);
            }
        }
        tokio::time::sleep(BETWEEN).await;
    }
}

async fn send(sender: &Sender<String>, text: String) -> Result<(), Gone> {
    sender.send(text).await.map_err(|_| Gone)
}

/// One event. JSON holds no line end, so that its data is one line.
fn event(name: &str, id: Option<u64>, data: &str) -> String {
    let id = id.map_or_else(String::new, |id| format!("id: {id}\n"));
    format!("event: {name}\n{id}data: {data}\n\n")
}
