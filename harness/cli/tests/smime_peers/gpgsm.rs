//! `gpgsm`, in a home of its own. It knows nothing of mail: the object is taken out of the message for it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use smtp::cms::Cms;
use smtp::message::Message;
use tempfile::TempDir;

use super::{Done, Form, Peer, blob, key_file, signed_part};
use crate::support::{feed, folder, good, openssl, text, write};

const PARTIES: [&str; 5] = [
    "recipient",
    "recipient-p256",
    "recipient-p384",
    "signer",
    "signer-p256",
];

pub(crate) struct Gpgsm {
    home: TempDir,
}

impl Drop for Gpgsm {
    /// Its agent outlives it otherwise.
    fn drop(&mut self) {
        let _ = Command::new("gpgconf")
            .arg("--homedir")
            .arg(self.home.path())
            .args(["--kill", "gpg-agent"])
            .output();
    }
}

/// Whether the party's key is for key agreement.
fn agrees(name: &str) -> bool {
    name.starts_with("recipient-p")
}

fn fingerprint(certificate: &str) -> String {
    let arguments = [
        "x509",
        "-in",
        certificate,
        "-noout",
        "-fingerprint",
        "-sha1",
    ];
    let said = text(&good(&openssl(&arguments, b""), "openssl x509"));
    let value = said.trim().rsplit('=').next().unwrap_or_default();
    value.replace(':', "")
}

/// Octets that openssl prints in hexadecimal under a heading.
fn printed(said: &str, heading: &str) -> Vec<u8> {
    let (_, rest) = said
        .split_once(&format!("{heading}:\n"))
        .expect("the heading");
    let lines = rest.lines().take_while(|line| line.starts_with(' '));
    let digits: String = lines
        .flat_map(str::chars)
        .filter(char::is_ascii_hexdigit)
        .collect();
    hex(&digits)
}

fn hex(digits: &str) -> Vec<u8> {
    let octet = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal");
    (0..digits.len() / 2).map(|at| octet(at * 2)).collect()
}

impl Gpgsm {
    pub(crate) fn new() -> Self {
        let this = Self { home: folder() };
        let home = this.home.path();
        write(
            home,
            "gpg-agent.conf",
            b"allow-loopback-pinentry\ndisable-scdaemon\n",
        );
        write(
            home,
            "gpgsm.conf",
            b"disable-crl-checks\ndisable-dirmngr\nbatch\nno-tty\n",
        );
        for name in PARTIES.into_iter().filter(|name| agrees(name)) {
            this.free_certificate(name);
        }
        let trusted =
            PARTIES.map(|name| format!("{} S relax\n", fingerprint(&this.certificate(name))));
        write(home, "trustlist.txt", trusted.concat().as_bytes());
        for name in PARTIES {
            let certificate = this.certificate(name);
            let key = key_file(name, "key");
            good_run(&this, &["--import", &certificate]);
            if name.contains("-p") {
                this.place_key(name);
            } else {
                this.import_key(&certificate, &key);
            }
        }
        this
    }

    /// Hands it a private key as PKCS#12. Version 2.2 cannot open one such file in sixty, each time the same one, though
    /// they differ in nothing but their salts: it is given one with other salts then.
    fn import_key(&self, certificate: &str, key: &str) {
        let packed = self.home.path().join("key.p12").display().to_string();
        let export = "pkcs12 -export -passout pass: -keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -macalg sha1";
        let mut arguments: Vec<_> = export.split(' ').collect();
        arguments.extend(["-in", certificate, "-inkey", key, "-out", &packed]);
        let mut last = String::new();
        for _ in 0..8 {
            good(&openssl(&arguments, b""), "openssl pkcs12");
            match self.run(&["--import", &packed]) {
                Ok(_) => return,
                Err(said) => last = said,
            }
        }
        panic!("gpgsm takes none of eight files with the key {key}: {last}");
    }

    /// The certificate that it knows a party by.
    fn certificate(&self, name: &str) -> String {
        if agrees(name) {
            let file = self.home.path().join(format!("{name}.pem"));
            return file.display().to_string();
        }
        key_file(name, "cert")
    }

    /// The same certificate without extensions. It takes one that is for key agreement alone for one that is not for
    /// encryption, and that must not be what hinders it; nor the digest, which it wants as long as the key.
    fn free_certificate(&self, name: &str) {
        let (to, certificate) = (self.certificate(name), key_file(name, "cert"));
        let key = key_file(name, "key");
        let arguments = [
            "x509",
            "-in",
            &certificate,
            "-signkey",
            &key,
            "-clrext",
            "-sha384",
            "-out",
            &to,
        ];
        good(&openssl(&arguments, b""), "openssl x509");
    }

    /// Version 2.2 cannot import keys on elliptic curves: it is given the file that its agent would have made.
    fn place_key(&self, name: &str) {
        let key = key_file(name, "key");
        let said = text(&good(
            &openssl(&["pkey", "-in", &key, "-noout", "-text"], b""),
            "openssl pkey",
        ));
        let point = printed(&said, "pub");
        let size = (point.len() - 1) / 2;
        let number = printed(&said, "priv");
        let number = [vec![0; size.saturating_sub(number.len())], number].concat();
        let number = &number[number.len() - size..];
        let curve = if size == 32 {
            "NIST P-256"
        } else {
            "NIST P-384"
        };
        let atom = |bytes: &[u8]| [format!("{}:", bytes.len()).as_bytes(), bytes].concat();
        let list = |name: &str, value: &[u8]| {
            [b"(".as_slice(), &atom(name.as_bytes()), value, b")"].concat()
        };
        let fields = [
            list("curve", &atom(curve.as_bytes())),
            list("q", &atom(&point)),
            list("d", &atom(number)),
        ];
        let file = list("private-key", &list("ecc", &fields.concat()));
        let listed = text(&good_run(
            self,
            &["--dump-keys", &fingerprint(&self.certificate(name))],
        ));
        let (_, grip) = listed.split_once("keygrip: ").expect("a keygrip");
        let folder = self.home.path().join("private-keys-v1.d");
        fs::create_dir_all(&folder).expect("the folder is made");
        write(
            &folder,
            &format!("{}.key", grip.lines().next().unwrap_or_default()),
            &file,
        );
    }

    fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        write(self.home.path(), name, content)
    }

    fn run(&self, arguments: &[&str]) -> Done {
        let mut command = Command::new("gpgsm");
        command.arg("--homedir").arg(self.home.path());
        command.args([
            "--pinentry-mode",
            "loopback",
            "--passphrase-fd",
            "0",
            "--yes",
        ]);
        command.args(["--include-certs", "-1"]);
        let output = feed(command.args(arguments), b"\n");
        if output.status.success() {
            Ok(output.stdout)
        } else {
            Err(text(&output.stderr))
        }
    }

    fn make(&self, form: &Form, entity: &[u8]) -> Done {
        let mut made = entity.to_vec();
        if !form.signature.is_empty() {
            let input = self.file("entity", &made).display().to_string();
            let (digest, user) = (
                form.digest.to_uppercase(),
                fingerprint(&self.certificate(form.signer)),
            );
            let how = if form.signature == "clear" {
                "--detach-sign"
            } else {
                "--sign"
            };
            let der = self.run(&["--digest-algo", &digest, "-u", &user, how, &input])?;
            made = if form.signature == "clear" {
                multipart(&made, &der)
            } else {
                mail("signed-data", &der)
            };
        }
        if form.is_encrypted() {
            let input = self.file("entity", &made).display().to_string();
            let cipher = match form.cipher {
                "des3" => "3DES",
                "aes128" => "AES",
                "aes192" => "AES192",
                "aes256" => "AES256",
                "aes128-gcm" => "2.16.840.1.101.3.4.1.6",
                "aes256-gcm" => "2.16.840.1.101.3.4.1.46",
                "des" => "1.3.14.3.2.7",
                _ => "1.2.840.113549.3.2",
            };
            if form.by_key || form.to.contains("oaep") {
                return Err("no option for it".to_owned());
            }
            let users: Vec<_> = form
                .recipients()
                .into_iter()
                .map(|name| fingerprint(&self.certificate(name)))
                .collect();
            let mut arguments = vec!["--cipher-algo", cipher, "-e"];
            for user in &users {
                arguments.extend(["-r", user.as_str()]);
            }
            arguments.push(&input);
            let der = self.run(&arguments)?;
            // The name of the cipher is all that it changes.
            if form.is_gcm() && !matches!(Cms::read(&der), Ok(Cms::AuthEnveloped(_))) {
                return Err("no AuthEnvelopedData".to_owned());
            }
            made = mail("enveloped-data", &der);
        }
        if form.compressed {
            return Err("no option for it".to_owned());
        }
        Ok(made)
    }

    fn open(&self, form: &Form, message: &[u8]) -> Done {
        let mut inner = message.to_vec();
        if form.is_encrypted() || form.compressed {
            let input = self.file("blob", &blob(&inner)).display().to_string();
            inner = self.run(&["-d", &input])?;
        }
        if form.signature == "blob" {
            let input = self.file("blob", &blob(&inner)).display().to_string();
            inner = self.run(&["-o", "-", "--verify", &input])?;
        } else if form.signature == "clear" {
            let signature = self.file("signature", &blob(&inner)).display().to_string();
            let content = signed_part(&inner);
            let input = self.file("content", &content).display().to_string();
            self.run(&["--verify", &signature, &input])?;
            inner = content;
        }
        Ok(inner)
    }
}

fn good_run(gpgsm: &Gpgsm, arguments: &[&str]) -> Vec<u8> {
    gpgsm
        .run(arguments)
        .unwrap_or_else(|said| panic!("gpgsm {arguments:?}: {said}"))
}

fn letters(der: &[u8]) -> String {
    let letters = BASE64_STANDARD.encode(der);
    let lines = letters
        .as_bytes()
        .chunks(76)
        .map(|line| text(line) + "\r\n");
    lines.collect()
}

fn mail(kind: &str, der: &[u8]) -> Vec<u8> {
    format!(
        "Content-Type: application/pkcs7-mime; smime-type={kind}; name=smime.p7m\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{}",
        letters(der)
    )
    .into_bytes()
}

fn multipart(content: &[u8], der: &[u8]) -> Vec<u8> {
    let head = b"Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; boundary=b\r\n\r\n--b\r\n";
    let tail = format!(
        "\r\n--b\r\nContent-Type: application/pkcs7-signature\r\nContent-Transfer-Encoding: base64\r\n\r\n{}--b--\r\n",
        letters(der)
    );
    let made = [head, content, tail.as_bytes()].concat();
    assert_eq!(Message::read(&made).root.children.len(), 2);
    made
}

impl Peer for Gpgsm {
    fn name(&self) -> &'static str {
        "gpgsm"
    }

    fn make(&self, forms: &[Form], entity: &[u8]) -> Vec<Done> {
        forms.iter().map(|form| self.make(form, entity)).collect()
    }

    fn open(&self, messages: &[(Form, Vec<u8>)]) -> Vec<Done> {
        let each = messages.iter();
        each.map(|(form, message)| self.open(form, message))
            .collect()
    }

    fn limit(&self, form: &Form, making: bool) -> Option<&'static str> {
        let has = |way| form.to.split('+').any(|one: &str| one.contains(way));
        match form {
            _ if form.is_gcm() => Some("knows no AuthEnvelopedData"),
            _ if has("oaep") => Some("knows no RSA-OAEP"),
            _ if has("p256") || has("p384") => {
                Some("ends in an error at ECDH, whatever the certificate is for")
            }
            _ if form.is_ecdsa() && form.digest == "sha1" => {
                Some("takes no digest that is shorter than the ECDSA key")
            }
            _ if form.by_key && making => Some("names recipients by issuer and serial number only"),
            _ if form.by_key => Some("looks recipients up by issuer and serial number only"),
            _ if form.compressed => Some("knows no CompressedData"),
            _ if form.cipher.starts_with("rc2") || form.cipher == "des" => {
                Some("makes nothing with ciphers that are broken")
            }
            _ => None,
        }
    }
}
