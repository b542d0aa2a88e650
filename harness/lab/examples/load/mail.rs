//! Sessions and messages for a load: mixed like a company's mail, and the same for the same seed.

use base64::prelude::{BASE64_STANDARD as BASE64, Engine as _};

/// Octets of a line of base64 (RFC 2045 section 6.8).
const LINE: usize = 76;
const KIB: u64 = 1024;

/// A small generator of numbers (splitmix64): nothing here is a secret.
#[derive(Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `low` on and below `high`.
    fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.roll() % (high - low)
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        let words = count.div_ceil(8);
        let mut all: Vec<u8> = (0..words).flat_map(|_| self.roll().to_le_bytes()).collect();
        all.truncate(count);
        all
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        let at = self.between(0, of.len() as u64);
        of[usize::try_from(at).expect("an index")]
    }
}

/// How a session authenticates.
pub(crate) enum Mechanism {
    None,
    /// The lines after `AUTH LOGIN`.
    Login([String; 2]),
    /// The initial response of `AUTH PLAIN`.
    Plain(String),
}

/// What a session sends.
pub(crate) struct Session {
    pub(crate) helo: String,
    pub(crate) login: Mechanism,
    pub(crate) mails: Vec<Mail>,
}

/// One message with its envelope.
pub(crate) struct Mail {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    /// As it goes over the wire: dot-stuffed, with the end of data.
    pub(crate) wire: Vec<u8>,
}

/// The session with this number: 1 to 5 messages.
pub(crate) fn session(seed: u64, number: u64) -> Session {
    let mut dice = Dice::new(seed ^ number.wrapping_mul(0xd6e8_feb8_6659_fd93));
    let login = match dice.between(0, 5) {
        0 => Mechanism::Login(["svc-mail", "Winter.2026"].map(|text| BASE64.encode(text))),
        1 => Mechanism::Plain(BASE64.encode("\0svc-mail\0Winter.2026")),
        _ => Mechanism::None,
    };
    let mails = (0..dice.between(1, 6)).map(|mail| message(&mut dice, number * 8 + mail));
    Session {
        mails: mails.collect(),
        helo: format!("app{:02}.corp.example", number % 40),
        login,
    }
}

fn message(dice: &mut Dice, number: u64) -> Mail {
    let from = format!(
        "{}@corp.example",
        dice.pick(&["orders", "billing", "hr", "noreply"])
    );
    let to: Vec<String> = (0..dice.between(1, 4))
        .map(|_| format!("user{}@partner.example", dice.between(1, 500)))
        .collect();
    let subject = dice.pick(&[
        "Order confirmation",
        "=?utf-8?Q?Gr=C3=BC=C3=9Fe?=",
        "Invoice",
        "Re: meeting",
    ]);
    let mut text = format!(
        "From: <{from}>\r\nTo: <{}>\r\nSubject: {subject} {number}\r\n\
         Date: Mon, 02 Nov 2026 09:{:02}:00 +0000\r\nMessage-ID: <{number}@corp.example>\r\nMIME-Version: 1.0\r\n",
        to.join(">, <"),
        number % 60,
    )
    .into_bytes();
    match dice.between(0, 100) {
        0..40 => {
            text.extend(b"Content-Type: text/plain; charset=utf-8\r\n\r\n");
            let size = dice.between(2 * KIB, 20 * KIB);
            prose(dice, size, &mut text);
        }
        40..65 => {
            text.extend(b"Content-Type: multipart/alternative; boundary=\"=_a\"\r\n\r\n");
            let size = dice.between(5 * KIB, 60 * KIB);
            alternative(dice, size, &mut text);
        }
        65..94 => attached(dice, (20 * KIB, 350 * KIB), &mut text),
        94..95 => attached(dice, (KIB * KIB, 5 * KIB * KIB), &mut text),
        _ => sealed(dice, &mut text),
    }
    Mail {
        from,
        to,
        wire: stuffed(&text),
    }
}

/// Lines of words. Some begin with a dot.
fn prose(dice: &mut Dice, size: u64, text: &mut Vec<u8>) {
    const WORDS: [&str; 12] = [
        "the", "order", "of", "twelve", "parts", "is", "ready", "and", "will", "be", "shipped",
        ".net",
    ];
    let end = text.len() + usize::try_from(size).expect("a size in memory");
    while text.len() < end {
        let start = text.len();
        while text.len() < start + 60 {
            text.extend(dice.pick(&WORDS).as_bytes());
            text.push(b' ');
        }
        text.extend(b"\r\n");
    }
}

fn alternative(dice: &mut Dice, size: u64, text: &mut Vec<u8>) {
    text.extend(b"--=_a\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n");
    prose(dice, size / 3, text);
    text.extend(b"--=_a\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n");
    let end = text.len() + usize::try_from(size * 2 / 3).expect("a size in memory");
    while text.len() < end {
        text.extend(b"<p style=3D\"margin:0\">Gr=C3=BC=C3=9Fe aus K=C3=B6ln, the order is =\r\nready.</p>\r\n");
    }
    text.extend(b"--=_a--\r\n");
}

fn attached(dice: &mut Dice, (low, high): (u64, u64), text: &mut Vec<u8>) {
    text.extend(b"Content-Type: multipart/mixed; boundary=\"=_m\"\r\n\r\n--=_m\r\nContent-Type: multipart/alternative; boundary=\"=_a\"\r\n\r\n");
    let size = dice.between(2 * KIB, 12 * KIB);
    alternative(dice, size, text);
    for number in 0..dice.between(1, 3) {
        let name = dice.pick(&["invoice.pdf", "scan.jpg", "report.xlsx"]);
        text.extend(format!("\r\n--=_m\r\nContent-Type: application/octet-stream; name=\"{number}-{name}\"\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"{number}-{name}\"\r\n\r\n").as_bytes());
        let size = dice.between(low, high) / 2;
        let bytes = dice.bytes(usize::try_from(size).expect("a size in memory"));
        encoded(&bytes, text);
    }
    text.extend(b"--=_m--\r\n");
}

/// S/MIME: an EnvelopedData (RFC 5652 section 6) of noise, which is what its content looks like from outside.
fn sealed(dice: &mut Dice, text: &mut Vec<u8>) {
    const ENVELOPED: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 3];
    const DATA: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
    const RSA: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];
    const AES_256_CBC: &[u8] = &[6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 0x2a];
    // CN=Partner
    const ISSUER: &[u8] = b"\x31\x10\x30\x0e\x06\x03\x55\x04\x03\x0c\x07Partner";
    let issuer = der(
        0x30,
        &[&der(0x30, ISSUER), &der(2, &[0x11, 0x22])]
            .map(Vec::as_slice)
            .concat(),
    );
    let key = der(4, &dice.bytes(256));
    let recipient = [&[2, 1, 0][..], &issuer, &der(0x30, RSA), &key].concat();
    let cipher = der(0x30, &[AES_256_CBC, &der(4, &dice.bytes(16))].concat());
    let size = usize::try_from(dice.between(300, 6000) * 16).expect("a size in memory");
    let content = [DATA, &cipher, &der(0x80, &dice.bytes(size))].concat();
    let enveloped = [
        &[2, 1, 0][..],
        &der(0x31, &der(0x30, &recipient)),
        &der(0x30, &content),
    ]
    .concat();
    let info = [ENVELOPED, &der(0xa0, &der(0x30, &enveloped))].concat();
    text.extend(b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=\"smime.p7m\"\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"smime.p7m\"\r\n\r\n");
    encoded(&der(0x30, &info), text);
}

/// One DER element.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut element = vec![tag];
    let length = content.len().to_be_bytes();
    let from = length
        .iter()
        .position(|byte| *byte != 0)
        .unwrap_or(length.len() - 1);
    if let Ok(short @ ..0x80) = u8::try_from(content.len()) {
        element.push(short);
    } else {
        element.push(0x80 | u8::try_from(length.len() - from).expect("at most eight"));
        element.extend(&length[from..]);
    }
    element.extend(content);
    element
}

fn encoded(bytes: &[u8], text: &mut Vec<u8>) {
    for line in BASE64.encode(bytes).as_bytes().chunks(LINE) {
        text.extend(line);
        text.extend(b"\r\n");
    }
}

/// Dots doubled at the beginnings of lines, and the end of data (RFC 5321 section 4.5.2).
fn stuffed(text: &[u8]) -> Vec<u8> {
    let mut wire = Vec::with_capacity(text.len() + 64);
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b".") {
            wire.push(b'.');
        }
        wire.extend(line);
    }
    wire.extend(b".\r\n");
    wire
}
