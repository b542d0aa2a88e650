//! What tshark says of a capture.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use super::{Session, Sessions, ends, verb};

/// What separates the values of one field in one packet. It stands in no SMTP command.
const SEPARATOR: char = '\u{1f}';
const FIELDS: [&str; 12] = [
    "tcp.stream",
    "frame.protocols",
    "ip.src",
    "ip.dst",
    "ipv6.src",
    "ipv6.dst",
    "tcp.srcport",
    "tcp.dstport",
    "smtp.req.command",
    "smtp.command_line",
    "smtp.auth.username",
    "ntlmssp.auth.username",
];

pub(crate) fn is_installed() -> bool {
    let output = Command::new("tshark").arg("--version").output();
    output.is_ok_and(|output| output.status.success())
}

/// The SMTP sessions, or why there is none; and the command to look at the packets by hand.
pub(crate) fn dissect(path: &Path, ports: &BTreeSet<u16>) -> (Result<Sessions, String>, String) {
    // Out-of-order repair is off by default, and base64 is left alone: with both on it is at its best.
    let mut arguments: Vec<String> = [
        "-n",
        "-o",
        "smtp.decryption:TRUE",
        "-o",
        "tcp.reassemble_out_of_order:TRUE",
    ]
    .map(str::to_owned)
    .into();
    for port in ports {
        arguments.push("-d".to_owned());
        arguments.push(format!("tcp.port=={port},smtp"));
    }
    let by_hand = format!(
        "tshark -r {} {} -Y smtp",
        path.display(),
        arguments.join(" ")
    );
    let mut command = Command::new("tshark");
    command.arg("-r").arg(path).args(&arguments);
    command.args([
        "-Y",
        "smtp",
        "-T",
        "fields",
        "-E",
        &format!("aggregator={SEPARATOR}"),
    ]);
    for field in FIELDS {
        command.args(["-e", field]);
    }
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => return (Err(format!("tshark: {error}")), by_hand),
    };
    // A file that breaks off makes an error at its end; what came before counts.
    let text = String::from_utf8_lossy(&output.stdout);
    if text.is_empty() && !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().last().unwrap_or_default().to_owned();
        return (Err(format!("{} {last}", output.status)), by_hand);
    }
    (Ok(sessions(&text)), by_hand)
}

fn sessions(text: &str) -> Sessions {
    let mut streams: BTreeMap<u64, (super::Ends, Session)> = BTreeMap::new();
    for line in text.lines() {
        let mut fields = line.split('\t');
        let values: [&str; FIELDS.len()] =
            std::array::from_fn(|_| fields.next().unwrap_or_default());
        let [
            stream,
            protocols,
            source,
            target,
            source6,
            target6,
            from,
            to,
            verbs,
            lines,
            user,
            ntlm,
        ] = values;
        let Ok(stream) = stream.parse() else { continue };
        let (_, session) = streams.entry(stream).or_insert_with(|| {
            // In a tunnel there are several addresses: the inner ones come last.
            let end = |v4: &str, v6: &str, port: &str| {
                let port = port.rsplit(SEPARATOR).next().unwrap_or_default();
                match v4.rsplit(SEPARATOR).next() {
                    Some(address) if !address.is_empty() => format!("{address}:{port}"),
                    _ => format!(
                        "[{}]:{port}",
                        v6.rsplit(SEPARATOR).next().unwrap_or_default()
                    ),
                }
            };
            let pair = ends(&end(source, source6, from), &end(target, target6, to));
            (
                pair,
                Session {
                    users: Some(BTreeSet::new()),
                    ..Session::default()
                },
            )
        });
        let several = |field: &'_ str| -> Vec<String> {
            field
                .split(SEPARATOR)
                .filter(|one| !one.is_empty())
                .map(str::to_owned)
                .collect()
        };
        session
            .verbs
            .extend(several(verbs).iter().map(|word| verb(word)));
        for line in several(lines) {
            let mut words = line.split_ascii_whitespace();
            if words
                .next()
                .is_some_and(|word| word.eq_ignore_ascii_case("AUTH"))
            {
                let mechanism = words.next().unwrap_or_default().trim_end_matches("\\r\\n");
                session.mechanisms.push(mechanism.to_ascii_uppercase());
            }
        }
        if let Some(users) = &mut session.users {
            users.extend(
                several(user)
                    .into_iter()
                    .chain(several(ntlm))
                    .filter(|one| one != "NULL"),
            );
        }
        // An imf further in is a message inside the message.
        session.messages += protocols.matches("smtp:imf").count();
    }
    let mut all = Sessions::new();
    for (pair, session) in streams.into_values() {
        all.entry(pair).or_default().push(session);
    }
    all
}
