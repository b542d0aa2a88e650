//! S/MIME with implementations of other hands: `openssl cms`, `gpgsm` and Bouncy Castle each open what the reference adapter
//! made, and what each of them made is read here. The table is `reports/smime.md.snap`.

mod smime_peers;
mod support;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use lab::runner::PINNED_SEED;
use lab::runner::canary::Canaries;
use lab::scenario::Scenario;
use smime_peers::bouncy::{self, Bouncy};
use smime_peers::gpgsm::Gpgsm;
use smime_peers::openssl::{self, OpenSsl};
use smime_peers::table::{Remarks, row_name};
use smime_peers::{Done, Form, Peer, blob, keys};
use smtp::cms::{RecipientKey, SignatureCheck};
use smtp::message::Message;
use support::{folder, have, pinned, skipped, text, timeline};

const CIPHERS: [&str; 6] = [
    "des3",
    "aes128",
    "aes192",
    "aes256",
    "aes128-gcm",
    "aes256-gcm",
];
const WAYS: [&str; 5] = ["pkcs1", "oaep-sha1", "oaep-sha256", "p256", "p384"];
/// Ciphers that are read and not made.
const OLD: [&str; 4] = ["des", "rc2-40", "rc2-64", "rc2-128"];

fn encrypted(cipher: &'static str, to: &'static str) -> Form {
    Form {
        cipher,
        to,
        ..Form::default()
    }
}

fn signed(signature: &'static str, digest: &'static str, signer: &'static str) -> Form {
    Form {
        signature,
        digest,
        signer,
        ..Form::default()
    }
}

/// Every form that the encoder makes.
fn made_here() -> Vec<Form> {
    let mut all = Vec::new();
    for cipher in CIPHERS {
        all.extend(WAYS.map(|to| encrypted(cipher, to)));
    }
    all.push(encrypted("aes128", "pkcs1+p256+p384"));
    all.extend(["pkcs1", "p256"].map(|to| Form {
        by_key: true,
        ..encrypted("aes128", to)
    }));
    for signature in ["clear", "blob"] {
        for digest in ["sha1", "sha256", "sha384", "sha512"] {
            all.extend(["signer", "signer-p256"].map(|signer| signed(signature, digest, signer)));
        }
    }
    all.extend(
        [
            ("aes256", "pkcs1", "signer"),
            ("aes128", "p256", "signer-p256"),
            ("aes256-gcm", "p384", "signer-p256"),
        ]
        .map(|(cipher, to, signer)| Form {
            cipher,
            to,
            ..signed("blob", "sha256", signer)
        }),
    );
    all.push(Form {
        encoding: "quoted-printable",
        ..encrypted("aes128", "pkcs1")
    });
    all.extend(["quoted-printable", "7bit", "8bit"].map(|encoding| Form {
        encoding,
        ..signed("clear", "sha256", "signer")
    }));
    all
}

/// Forms that are only read.
fn read_only() -> Vec<Form> {
    let old = OLD.map(|cipher| encrypted(cipher, "pkcs1"));
    let compressed = Form {
        compressed: true,
        ..Form::default()
    };
    old.into_iter().chain([compressed]).collect()
}

/// The scenario in which the adapter makes this form.
fn scenario(number: usize, form: &Form) -> Scenario {
    let mut encoder = String::new();
    let mut set = |key: &str, value: &str| {
        let _ = writeln!(encoder, "{key} = {value}");
    };
    if form.is_encrypted() {
        set("encrypt", "true");
        set("cipher", &format!("{:?}", form.cipher));
        let recipients = form.to.split('+').map(|way| match way {
            "p256" | "p384" => way,
            _ => "port",
        });
        set(
            "recipients",
            &format!("{:?}", recipients.collect::<Vec<_>>()),
        );
        let transport = form
            .to
            .split('+')
            .find(|way| !way.starts_with('p') || *way == "pkcs1");
        set(
            "key_transport",
            &format!("{:?}", transport.unwrap_or("pkcs1")),
        );
    }
    if form.by_key {
        set("recipient_naming", "\"key-identifier\"");
    }
    if !form.signature.is_empty() {
        set("signature", &format!("{:?}", form.signature));
        set("digest", &format!("{:?}", form.digest));
        let signer = if form.is_ecdsa() { "p256" } else { "group" };
        set("signer", &format!("{signer:?}"));
    }
    if !form.encoding.is_empty() {
        set("transfer_encoding", &format!("{:?}", form.encoding));
    }
    // Eight bits only where they can travel.
    let greeting = if form.encoding == "7bit" {
        "Gruss"
    } else {
        "Gruß"
    };
    let text = format!(
        "id = \"SMX-{number:02}\"\ntitle = \"t\"\n[server]\nextensions = [\"8BITMIME\"]\n[client]\nauth = \"none\"\n\
         [client.payload]\nbody = \"{greeting} {{body-canary}}\\n.\\n\"\n[client.encoder]\n{encoder}"
    );
    Scenario::parse("x.toml", &text).unwrap_or_else(|_| panic!("not a scenario:\n{text}"))
}

/// What the adapter sent, out of the captures.
fn sent(forms: &[Form]) -> Vec<Vec<u8>> {
    let folder = folder();
    let scenarios: Vec<_> = forms
        .iter()
        .enumerate()
        .map(|(n, form)| scenario(n, form))
        .collect();
    let ids: Vec<_> = scenarios.iter().map(|one| one.id.value.clone()).collect();
    pinned(scenarios, folder.path());
    let message = |id: &String| {
        let timeline = timeline(&folder.path().join(format!("{id}.pcapng")));
        let (_, message) = timeline.messages().next().expect("a message was sent");
        message.content.bytes().to_vec()
    };
    ids.iter().map(message).collect()
}

fn canary() -> String {
    Canaries::new(PINNED_SEED).body
}

/// What the others make their messages of.
fn entity() -> Vec<u8> {
    let text = format!(
        "Content-Type: text/plain; charset=us-ascii\r\n\r\nOrder 4711\r\n{}\r\n",
        canary()
    );
    text.into_bytes()
}

fn shows(bytes: &[u8]) -> bool {
    !Message::read(bytes).find(canary().as_bytes()).is_empty()
}

fn recipient_key(name: &str) -> RecipientKey {
    let read = |kind| fs::read_to_string(smime_peers::key_file(name, kind)).expect("a test key");
    RecipientKey::from_pem(&(read("key") + &read("cert"))).expect("a key")
}

/// Reads a message of another program as the harness does; the error says what is wrong.
fn read_here(form: &Form, bytes: &[u8]) -> Result<(), String> {
    let message = Message::read(bytes);
    if form.is_encrypted() {
        if shows(bytes) {
            return Err("readable without a key".to_owned());
        }
        let (part, _) = message.cms().ok_or("no CMS in it")?;
        for name in form.recipients() {
            let opened = part
                .open(&[recipient_key(name)])
                .map_err(|error| error.to_string())?;
            if !opened.is_entity || opened.message.find(canary().as_bytes()).is_empty() {
                return Err("the inside is another one".to_owned());
            }
            let signatures = opened.signatures(9);
            let valid = signatures
                .iter()
                .all(|one| one.check == SignatureCheck::Valid);
            if !valid || signatures.is_empty() != form.signature.is_empty() {
                return Err("the signature inside does not hold".to_owned());
            }
        }
        return Ok(());
    }
    if !shows(bytes) {
        return Err("not readable".to_owned());
    }
    if form.signature.is_empty() {
        return Ok(());
    }
    let part = message
        .parts()
        .find(|part| part.cms.is_some())
        .ok_or("no CMS in it")?;
    match message.check_signature(part) {
        Some(SignatureCheck::Valid) => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

fn first_line(said: &str) -> &str {
    said.lines().next().unwrap_or_default()
}

/// What the programs say they are, without the last number.
fn versions() -> String {
    let said = |program: &str, argument| {
        let output = Command::new(program)
            .arg(argument)
            .output()
            .expect("it starts");
        let first = first_line(&text(&output.stdout)).to_owned();
        let number = first
            .split_whitespace()
            .find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
        let number = number.unwrap_or_default().to_owned();
        number
            .rsplit_once('.')
            .map_or(number.clone(), |(front, _)| front.to_owned())
    };
    let archive = fs::read_link("/usr/share/java/bcmail.jar").unwrap_or_default();
    let archive = archive.display().to_string();
    let bouncy = archive
        .trim_start_matches("bcmail-")
        .trim_end_matches(".jar");
    format!(
        "OpenSSL {}, gpgsm {}, Bouncy Castle {bouncy}",
        said("openssl", "version"),
        said("gpgsm", "--version")
    )
}

fn all_installed() -> bool {
    let programs = have(&["openssl", "gpgsm", "gpgconf", "java", "javac"]);
    if let Some(archive) = bouncy::missing() {
        skipped(&format!(
            "{archive} is not installed (apt-get install libbcmail-java)"
        ));
        return false;
    }
    programs
}

/// Why a program does not make a form. What it can make by itself, it must.
fn not_made(peer: &dyn Peer, form: &Form, done: &Done) -> Option<String> {
    let said = done.as_ref().err()?;
    let limit = peer.limit(form, true);
    let limit = limit.unwrap_or_else(|| panic!("{} does not make {form:?}: {said}", peer.name()));
    Some(format!("{} {limit}", peer.name()))
}

/// Why a program does not open what was made here. It is its own limit only if it opens nobody else's either.
fn not_opened(peer: &dyn Peer, form: &Form, done: &Done, others: &[&Vec<u8>]) -> Option<String> {
    let said = match done {
        Ok(inside) if shows(inside) => return None,
        Ok(_) => "something else came out",
        Err(said) => said.as_str(),
    };
    let limit = peer.limit(form, false);
    let limit = limit.unwrap_or_else(|| panic!("{} does not open {form:?}: {said}", peer.name()));
    assert!(
        !others.is_empty(),
        "{}: nobody else makes {form:?}",
        peer.name()
    );
    let same: Vec<_> = others
        .iter()
        .map(|bytes| (*form, (*bytes).clone()))
        .collect();
    for done in peer.open(&same) {
        let refused = !matches!(&done, Ok(inside) if shows(inside));
        assert!(
            refused,
            "{} opens {form:?} of another program and not ours: {said}",
            peer.name()
        );
    }
    Some(format!("{} {limit}", peer.name()))
}

#[test]
fn each_opens_what_the_others_made() {
    if !all_installed() {
        return;
    }
    let (gpgsm, bouncy) = (Gpgsm::new(), Bouncy::new());
    let peers: [&dyn Peer; 3] = [&OpenSsl, &gpgsm, &bouncy];
    let ours = made_here();
    let count = ours.len();
    let forms: Vec<_> = ours.iter().copied().chain(read_only()).collect();
    let sent = sent(&ours);
    for (form, message) in ours.iter().zip(&sent) {
        read_here(form, message).unwrap_or_else(|error| panic!("our own {form:?}: {error}"));
    }
    let given: Vec<_> = ours.iter().copied().zip(sent).collect();
    let made = peers.map(|peer| peer.make(&forms, &entity()));
    let opened = peers.map(|peer| peer.open(&given));
    keep(&forms, &peers, &made);

    let mut remarks = Remarks::default();
    let mut table = String::new();
    for (number, form) in forms.iter().enumerate() {
        let mut cells = Vec::new();
        for (which, peer) in peers.iter().enumerate() {
            if number >= count {
                cells.push("not made".to_owned());
                continue;
            }
            let others = made.iter().enumerate().filter(|(maker, _)| *maker != which);
            let others: Vec<_> = others
                .filter_map(|(_, made)| made[number].as_ref().ok())
                .collect();
            let remark = not_opened(*peer, form, &opened[which][number], &others);
            cells.push(remarks.cell(remark));
        }
        for (which, peer) in peers.iter().enumerate() {
            let done = &made[which][number];
            if let Ok(message) = done {
                read_here(form, message)
                    .unwrap_or_else(|error| panic!("{form:?} of {}: {error}", peer.name()));
            }
            // How a signed text travels is not for them to choose.
            let remark = not_made(*peer, form, done);
            cells.push(if form.encoding.is_empty() {
                remarks.cell(remark)
            } else {
                "–".to_owned()
            });
        }
        let _ = writeln!(table, "{} {} |", row_name(form), cells.join(" | "));
    }
    compare(&report(&table, &remarks));
}

fn report(table: &str, remarks: &Remarks) -> String {
    let mut out = format!(
        "With {}.\n\n\
         | cipher | key | signature | openssl opens ours | gpgsm opens ours | Bouncy Castle opens ours | \
         openssl's is read | gpgsm's is read | Bouncy Castle's is read |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n{table}\n",
        versions()
    );
    for (number, remark) in remarks.all().iter().enumerate() {
        let _ = writeln!(out, "{}. {remark}.", number + 1);
    }
    out.push_str(
        "\nWhere a program does not open a form of ours, it opens that form of none of the others either; where it makes none, \
         it was asked to and did not, or has no option to ask with. \
         gpgsm knows nothing of mail and is given the object alone; so is openssl where it is quoted-printable, which it takes \
         for base64. To agree on a key for AuthEnvelopedData, Bouncy Castle has both halves and nothing that joins them: the \
         test does.\n",
    );
    out
}

/// Other versions can do other things: then every cell was checked, and only the table is not compared.
fn compare(report: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../reports");
    let recorded = fs::read_to_string(path.join("smime.md.snap")).unwrap_or_default();
    let mine = first_line(report);
    let theirs = recorded.lines().find(|line| line.starts_with("With "));
    if theirs.is_some_and(|theirs| theirs != mine) {
        eprintln!("NOT COMPARED: reports/smime.md.snap is of other versions. {mine}");
        return;
    }
    insta::with_settings!({ snapshot_path => path, prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("smime.md", report);
    });
}

/// Where `SMTPSPEC_KEEP_PEERS` names a folder, what the others made is left there for the tests that read files.
fn keep(forms: &[Form], peers: &[&dyn Peer], made: &[Vec<Done>; 3]) {
    let Some(folder) = std::env::var_os("SMTPSPEC_KEEP_PEERS") else {
        return;
    };
    for (peer, made) in peers.iter().zip(made) {
        for (form, done) in forms.iter().zip(made) {
            let Ok(message) = done else { continue };
            let words = [
                peer.name(),
                form.cipher,
                form.to,
                form.signature,
                form.digest,
                form.signer,
            ];
            let mut words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
            words.extend(form.by_key.then_some("keyid"));
            words.extend(form.compressed.then_some("compressed"));
            let name = words.join("-").to_lowercase().replace(' ', "-") + ".eml";
            if form.encoding.is_empty() {
                fs::write(Path::new(&folder).join(name), message).expect("the file is written");
            }
        }
    }
}

/// The shape of EFAIL: a bit flipped on the way leaves a CBC message that opens without an error, and breaks one in GCM.
#[test]
fn openssl_and_we_agree_on_what_a_flipped_bit_does() {
    if !have(&["openssl"]) {
        return;
    }
    let forms = [
        encrypted("aes128", "pkcs1"),
        encrypted("aes128-gcm", "pkcs1"),
    ];
    let [cbc, gcm] = sent(&forms).try_into().expect("two messages");
    let key = [recipient_key("recipient")];
    for (message, opens) in [(cbc, true), (gcm, false)] {
        let mut der = blob(&message);
        let whole = smtp::cms::open(&der, &key).expect("it opens");
        // The third block from the end of CBC; with GCM, the tag stands behind.
        let at = der.len() - 40;
        der[at] ^= 1;
        let ours = smtp::cms::open(&der, &key);
        let theirs = openssl::decrypts(&der, "recipient");
        assert_eq!((ours.is_ok(), theirs.is_ok()), (opens, opens));
        if let (Ok(ours), Ok(theirs)) = (ours, theirs) {
            assert_eq!(ours, theirs);
            assert_ne!(ours, whole);
            assert_eq!(ours.len(), whole.len());
        }
    }
}

#[test]
fn the_folder_of_keys_has_what_the_forms_name() {
    for form in made_here() {
        for name in form.recipients() {
            assert!(keys().join(format!("{name}.key.pem")).is_file(), "{name}");
        }
    }
}
