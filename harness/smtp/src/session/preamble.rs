//! What stands before SMTP where the connection leads through a proxy: HTTP CONNECT (RFC 9110 section 9.3.6) and SOCKS
//! (RFC 1928, and version 4 before it).

use wire::{Direction, StreamEvent};

use super::log::side;

/// The longest preamble of one side.
const LONGEST: usize = 16 << 10;

/// What the beginning of a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Preamble {
    /// No proxy is spoken to.
    None,
    /// A proxy may be spoken to; more has to be seen.
    Undecided,
    /// So many bytes of the client and of the server belong to the proxy.
    Tunnel([usize; 2]),
}

/// Looks at what was told so far, `weight` bytes of it, as long as it may be a preamble.
pub(super) fn look_again(events: &[StreamEvent], weight: usize) -> Preamble {
    if weight > 2 * LONGEST {
        Preamble::None
    } else {
        look(events)
    }
}

fn look(events: &[StreamEvent]) -> Preamble {
    let mut heads = [Vec::new(), Vec::new()];
    for event in events {
        match event {
            StreamEvent::Data {
                direction, bytes, ..
            } => {
                let head = &mut heads[side(*direction)];
                let room = LONGEST - head.len();
                head.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
            }
            StreamEvent::Gap { .. } => return Preamble::None,
            StreamEvent::Fin { .. } | StreamEvent::Reset { .. } => {}
        }
    }
    let [client, server] = &heads;
    match client.first() {
        Some(b'C') => http(client, server),
        Some(5) => decide(socks5(client, server)),
        Some(4) => decide(socks4(client, server)),
        _ => Preamble::None,
    }
}

fn http(client: &[u8], server: &[u8]) -> Preamble {
    let asks = client.len() < 8 || client.starts_with(b"CONNECT ");
    let granted = match server {
        [] => true,
        _ if server.len() < 12 => b"HTTP/1".starts_with(&server[..server.len().min(6)]),
        _ => server.starts_with(b"HTTP/1.") && server[9] == b'2',
    };
    if !asks || !granted {
        return Preamble::None;
    }
    let end = |head: &[u8]| memchr::memmem::find(head, b"\r\n\r\n").map(|at| at + 4);
    match (end(client), end(server)) {
        (Some(client), Some(server)) => Preamble::Tunnel([client, server]),
        _ if client.len() >= LONGEST || server.len() >= LONGEST => Preamble::None,
        _ => Preamble::Undecided,
    }
}

/// `Err`: it is something else. `Ok(None)`: more has to be seen.
fn decide(found: Result<Option<[usize; 2]>, ()>) -> Preamble {
    match found {
        Ok(Some(lengths)) => Preamble::Tunnel(lengths),
        Ok(None) => Preamble::Undecided,
        Err(()) => Preamble::None,
    }
}

fn socks4(client: &[u8], server: &[u8]) -> Result<Option<[usize; 2]>, ()> {
    if client.get(1).is_some_and(|command| *command != 1) {
        return Err(());
    }
    if server.first().is_some_and(|version| *version != 0)
        || server.get(1).is_some_and(|reply| *reply != 0x5a)
    {
        return Err(());
    }
    let Some(user) = client
        .get(8..)
        .and_then(|rest| rest.iter().position(|b| *b == 0))
    else {
        return limited(client);
    };
    let mut end = 8 + user + 1;
    // An address of the form 0.0.0.x says that a name follows.
    if matches!(client.get(4..8), Some([0, 0, 0, last]) if *last > 0) {
        let Some(name) = client
            .get(end..)
            .and_then(|rest| rest.iter().position(|b| *b == 0))
        else {
            return limited(client);
        };
        end += name + 1;
    }
    Ok((server.len() >= 8).then_some([end, 8]))
}

fn limited(client: &[u8]) -> Result<Option<[usize; 2]>, ()> {
    if client.len() > 1024 {
        Err(())
    } else {
        Ok(None)
    }
}

fn socks5(client: &[u8], server: &[u8]) -> Result<Option<[usize; 2]>, ()> {
    let (mut client, mut server) = (Cursor::new(client), Cursor::new(server));
    let (Some(methods), Some(chosen)) = (
        client.take(2).and_then(|head| client.take(head[1].into())),
        server.take(2),
    ) else {
        return Ok(None);
    };
    if chosen[0] != 5 || !methods.contains(&chosen[1]) {
        return Err(());
    }
    match chosen[1] {
        0 => {}
        // User name and password (RFC 1929).
        2 => {
            let name = client.take(2).and_then(|head| client.take(head[1].into()));
            let password = name
                .and_then(|_| client.take(1))
                .and_then(|length| client.take(length[0].into()));
            let (Some(_), Some(status)) = (password, server.take(2)) else {
                return Ok(None);
            };
            if status[1] != 0 {
                return Err(());
            }
        }
        _ => return Err(()),
    }
    let (Some(request), Some(reply)) = (client.take(4), server.take(4)) else {
        return Ok(None);
    };
    if request[..2] != [5, 1] || reply[..2] != [5, 0] {
        return Err(());
    }
    let done = address(&mut client, request[3])?.and(address(&mut server, reply[3])?);
    Ok(done.map(|()| [client.at, server.at]))
}

/// Passes over an address and a port.
fn address(cursor: &mut Cursor<'_>, kind: u8) -> Result<Option<()>, ()> {
    let length = match kind {
        1 => Some(4),
        3 => cursor.take(1).map(|length| usize::from(length[0])),
        4 => Some(16),
        _ => return Err(()),
    };
    Ok(length
        .and_then(|length| cursor.take(length + 2))
        .map(|_| ()))
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let taken = self.bytes.get(self.at..self.at + length)?;
        self.at += length;
        Some(taken)
    }
}

/// What comes behind the preamble.
pub(super) fn behind(events: Vec<StreamEvent>, mut lengths: [usize; 2]) -> Vec<StreamEvent> {
    let mut rest = Vec::new();
    for event in events {
        let StreamEvent::Data {
            direction,
            offset,
            packet,
            time,
            bytes,
        } = event
        else {
            rest.push(event);
            continue;
        };
        let own = &mut lengths[usize::from(direction == Direction::Server)];
        let cut = bytes.len().min(*own);
        *own -= cut;
        if cut < bytes.len() {
            rest.push(StreamEvent::Data {
                direction,
                offset: offset + cut as u64,
                packet,
                time,
                bytes: bytes[cut..].to_vec(),
            });
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::testing::dialogue;
    use super::*;

    /// Turns whose characters stand for bytes.
    fn turns(texts: &[(&'static str, &str)]) -> Vec<(&'static str, Vec<u8>)> {
        let byte = |c: char| u8::try_from(u32::from(c)).unwrap();
        texts
            .iter()
            .map(|(who, text)| (*who, text.chars().map(byte).collect()))
            .collect()
    }

    fn held(turns: &[(&'static str, Vec<u8>)], step: usize) -> wire::Conversation {
        let cut: Vec<_> = turns
            .iter()
            .flat_map(|(who, bytes)| bytes.chunks(step).map(|piece| (*who, piece)))
            .collect();
        dialogue(&cut)
    }

    const DIALOGUE: [(&str, &str); 5] = [
        ("S", "220 mx ESMTP\r\n"),
        ("C", "EHLO a\r\n"),
        ("S", "250 mx\r\n"),
        ("C", "QUIT\r\n"),
        ("S", "221 bye\r\n"),
    ];

    #[rstest]
    #[case(&[("C", "CONNECT mx:25 HTTP/1.1\r\nHost: mx\r\n\r\n"), ("S", "HTTP/1.1 200 ok\r\n\r\n")])]
    #[case(&[("C", "\x05\x01\x00"), ("S", "\x05\x00"), ("C", "\x05\x01\x00\x03\x02mx\x00\x19"), ("S", "\x05\x00\x00\x01\x01\x02\x03\x04\x00\x19")])]
    #[case(&[("C", "\x05\x02\x00\x02"), ("S", "\x05\x02"), ("C", "\x01\x01u\x01p"), ("S", "\x01\x00"), ("C", "\x05\x01\x00\x01\x01\x02\x03\x04\x00\x19"), ("S", "\x05\x00\x00\x04aaaaaaaaaaaaaaaa\x00\x19")])]
    #[case(&[("C", "\x04\x01\x00\x19\x01\x02\x03\x04me\x00"), ("S", "\x00Z\x00\x00\x00\x00\x00\x00")])]
    #[case(&[("C", "\x04\x01\x00\x19\x00\x00\x00\x01me\x00mx.example\x00"), ("S", "\x00Z\x00\x00\x00\x00\x00\x00")])]
    fn smtp_is_found_behind_a_proxy(#[case] preamble: &[(&'static str, &str)]) {
        let before = turns(preamble);
        let whole: Vec<_> = before.iter().cloned().chain(turns(&DIALOGUE)).collect();
        for step in [1, 2, 5, 1000] {
            let timeline = super::super::read(&held(&whole, step));
            assert_eq!(
                timeline.protocol,
                crate::timeline::Protocol::Smtp,
                "step {step}"
            );
            let verbs: Vec<_> = timeline
                .commands()
                .map(|(_, _, command)| command.verb.as_str())
                .collect();
            assert_eq!(verbs, ["EHLO", "QUIT"], "step {step}");
            let sent: usize = before
                .iter()
                .filter(|(who, _)| *who == "C")
                .map(|(_, bytes)| bytes.len())
                .sum();
            let first = timeline
                .commands()
                .next()
                .map(|(_, event, _)| event.span.start);
            assert_eq!(first, Some(sent as u64));
        }
    }

    #[rstest]
    #[case(&[("C", "CONNECT mx:25 HTTP/1.1\r\n\r\n"), ("S", "HTTP/1.1 403 no\r\n\r\n")])]
    #[case(&[("C", "\x05\x01\x00"), ("S", "\x05\u{ff}")])]
    #[case(&[("C", "\x04\x01\x00\x19\x01\x02\x03\x04\x00"), ("S", "\x00[\x00\x00\x00\x00\x00\x00")])]
    #[case(&[("C", "CONNECTED\r\n"), ("S", "hello\r\n")])]
    fn a_proxy_that_refuses_leads_nowhere(#[case] texts: &[(&'static str, &str)]) {
        assert_eq!(look(&held(&turns(texts), 99).events), Preamble::None);
    }
}
