//! One capture, damaged in every way that the field knows: verdicts become inconclusive where bytes are missing, stay as
//! they are where none is, and never turn into their opposite.

#[path = "support/rewrite.rs"]
mod rewrite;
mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use claims::Verdict;
use claims::result::Outcome;
use rewrite::{Capture, Frame};
use rstest::rstest;
use support::{smtpspec, text};

/// Where the server of the golden capture listens.
const PORT: u16 = 587;

/// curl, AUTH LOGIN, one message.
fn golden() -> Capture {
    Capture::read(&path_of("curl-login"))
}

fn path_of(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../captures/clients")
        .join(name)
        .with_extension("pcap")
}

type Verdicts = BTreeMap<String, Verdict>;

/// The verdicts on a file; none where the audit finds no SMTP in it.
fn verdicts(path: &Path) -> Option<Verdicts> {
    let output = smtpspec()
        .args(["audit", "--quiet", "--format", "json"])
        .arg(path)
        .output()
        .expect("the binary starts");
    let said = text(&output.stderr);
    assert!(
        matches!(output.status.code(), Some(0..=2)) && !said.contains("panicked"),
        "{}: {said}",
        path.display()
    );
    if output.stdout.is_empty() {
        return None;
    }
    let outcome: Outcome = serde_json::from_slice(&output.stdout).expect("a result in JSON");
    Some(outcome.cases.into_iter().next()?.verdicts)
}

/// What may become of the verdicts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Loss {
    /// No byte is lost: nothing changes.
    None,
    /// Bytes are lost: what depended on them is inconclusive, and nothing else changes.
    Some,
}

struct Variant {
    name: String,
    loss: Loss,
    file: Vec<u8>,
}

impl Variant {
    fn new(name: impl Into<String>, loss: Loss, capture: &Capture) -> Self {
        Self {
            name: name.into(),
            loss,
            file: capture.file(),
        }
    }
}

/// The verdicts on each, in order.
fn judged(variants: &[Variant]) -> Vec<Option<Verdicts>> {
    let folder = support::folder();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(variant) = variants.get(number) else {
                break done;
            };
            let path = folder.path().join(format!("{number}.pcap"));
            fs::write(&path, &variant.file).expect("the file is written");
            done.push((number, verdicts(&path)));
            fs::remove_file(&path).expect("the file is there");
        }
    };
    let mut all: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().expect("every variant is read"))
            .collect()
    });
    all.sort_by_key(|(number, _)| *number);
    all.into_iter().map(|(_, verdicts)| verdicts).collect()
}

/// The claims whose verdict became inconclusive. Any other change is a fault, and added to `faults`.
fn lost(
    variant: &Variant,
    before: &Verdicts,
    after: Option<&Verdicts>,
    faults: &mut Vec<String>,
) -> Vec<String> {
    let Some(after) = after else {
        if variant.loss == Loss::None {
            faults.push(format!("{}: no SMTP was found", variant.name));
        }
        return vec!["no SMTP found".to_owned()];
    };
    let mut lost = Vec::new();
    for (claim, was) in before {
        match (was, after.get(claim).copied()) {
            (was, Some(is)) if is == *was => {}
            (_, Some(Verdict::Inconclusive)) if variant.loss == Loss::Some => {
                lost.push(claim.clone());
            }
            (was, is) => faults.push(format!("{}: {claim} was {was}, is {is:?}", variant.name)),
        }
    }
    lost
}

/// The table of what became inconclusive; alike lines in a row are drawn together.
fn table(title: &str, variants: &[Variant], before: &Verdicts, faults: &mut Vec<String>) -> String {
    let mut rows: Vec<(&str, &str, Vec<String>)> = Vec::new();
    let after = judged(variants);
    for (variant, after) in variants.iter().zip(&after) {
        let lost = lost(variant, before, after.as_ref(), faults);
        match rows.last_mut() {
            Some((_, end, before)) if *before == lost && variants.len() > 20 => {
                *end = &variant.name;
            }
            _ => rows.push((&variant.name, &variant.name, lost)),
        }
    }
    let mut text = format!("## {title}\n\n| capture | became inconclusive |\n| --- | --- |\n");
    for (first, last, lost) in rows {
        let name = if first == last {
            first.to_owned()
        } else {
            format!("{first} to {last}")
        };
        let lost = if lost.is_empty() {
            "nothing".to_owned()
        } else {
            lost.join(", ")
        };
        writeln!(text, "| {name} | {lost} |").expect("memory");
    }
    text
}

fn snapshot(text: &str) {
    support::reports("").bind(|| insta::assert_snapshot!("damaged.md", text));
}

/// Rewritten, with every byte still in it.
fn rewritten(golden: &Capture) -> Vec<Variant> {
    let frames = || golden.frames.iter().cloned();
    let with =
        |name: &str, frames: Vec<Frame>| Variant::new(name, Loss::None, &golden.with(frames));
    let swapped = |first: usize| {
        let mut all = golden.frames.clone();
        all[first..]
            .chunks_exact_mut(2)
            .for_each(|two| two.swap(0, 1));
        all
    };
    let password = &golden.frames[golden.find(PASSWORD)];
    let greeting = &golden.frames[golden.find(b"220 ")];
    vec![
        with("as it is", golden.frames.clone()),
        with(
            "every packet twice",
            frames().flat_map(|one| [one.clone(), one]).collect(),
        ),
        with("neighbours swapped, from the first packet on", swapped(0)),
        with("neighbours swapped, from the second packet on", swapped(1)),
        with("in a VLAN", frames().map(|one| one.tagged(false)).collect()),
        with(
            "in two VLANs (QinQ)",
            frames().map(|one| one.tagged(true)).collect(),
        ),
        with(
            "ten bytes a packet",
            frames().flat_map(|one| one.split(10)).collect(),
        ),
        with(
            "one byte a packet",
            frames().flat_map(|one| one.split(1)).collect(),
        ),
        with(
            "sequence numbers that wrap in the password and in the greeting",
            {
                // The third byte of each is number zero.
                let zero = |frame: &Frame| 0_u32.wrapping_sub(frame.sequence()).wrapping_sub(2);
                let (client, server) = (zero(password), zero(greeting));
                frames()
                    .map(|one| one.moved(PORT, client, server))
                    .collect()
            },
        ),
    ]
}

/// The password of the golden capture, as AUTH LOGIN sends it.
const PASSWORD: &[u8] = b"d29uZGVyIGxhbmQgNw==";

fn swapped(golden: &Capture) -> Vec<Variant> {
    (1..golden.frames.len())
        .map(|number| {
            let mut frames = golden.frames.clone();
            frames.swap(number - 1, number);
            Variant::new(
                format!("packets {number} and {}", number + 1),
                Loss::None,
                &golden.with(frames),
            )
        })
        .collect()
}

fn named(golden: &Capture) -> Vec<Variant> {
    let with =
        |name: &str, frames: Vec<Frame>| Variant::new(name, Loss::Some, &golden.with(frames));
    let frames = || golden.frames.iter().cloned();
    let without = |payload: &[u8]| {
        let mut all = golden.frames.clone();
        all.remove(golden.find(payload));
        all
    };
    vec![
        with("the packet with the password missing", without(PASSWORD)),
        with("the packet with the body missing", without(b"From: ")),
        with(
            "every packet cut at 96 bytes",
            frames().map(|one| one.snapped(96)).collect(),
        ),
        with(
            "every packet cut at 68 bytes",
            frames().map(|one| one.snapped(68)).collect(),
        ),
        with(
            "the client's side alone",
            frames().filter(|one| one.is_to(PORT)).collect(),
        ),
        with(
            "the server's side alone",
            frames().filter(|one| !one.is_to(PORT)).collect(),
        ),
    ]
}

fn missing(golden: &Capture) -> Vec<Variant> {
    (0..golden.frames.len())
        .map(|number| {
            let mut frames = golden.frames.clone();
            let gone = frames.remove(number);
            let loss = if gone.is_bare() {
                Loss::None
            } else {
                Loss::Some
            };
            let name = format!("packet {}", number + 1);
            Variant::new(name, loss, &golden.with(frames))
        })
        .collect()
}

fn midstream(golden: &Capture) -> Vec<Variant> {
    (1..golden.frames.len())
        .map(|count| {
            let name = format!("from packet {} on", count + 1);
            let rest = golden.frames[count..].to_vec();
            Variant::new(name, Loss::Some, &golden.with(rest))
        })
        .collect()
}

/// The file cut at every byte of its last packets, and at every seventh before.
fn cut(golden: &Capture) -> Vec<Variant> {
    let file = golden.file();
    let length = |frames: &[Frame]| golden.with(frames.iter().cloned()).file().len();
    let last = length(&golden.frames[..golden.frames.len() - 8]);
    let lengths = (length(&[])..last).step_by(7).chain(last..file.len());
    lengths
        .map(|length| Variant {
            name: format!("{length} bytes"),
            loss: Loss::Some,
            file: file[..length].to_vec(),
        })
        .collect()
}

#[test]
fn verdicts_do_not_turn_on_a_damaged_capture() {
    let golden = golden();
    let before = verdicts(&path_of("curl-login")).expect("SMTP");
    let passes = before.values().filter(|one| **one == Verdict::Pass).count();
    assert!(passes >= 8, "{before:?}");
    let mut faults = Vec::new();
    let mut text = "# One capture, damaged\n\ncurl with AUTH LOGIN and one message (`captures/clients/curl-login.pcap`).\n\n".to_owned();
    for (title, variants) in [
        ("Nothing missing", rewritten(&golden)),
        ("Two packets in each other's place", swapped(&golden)),
        ("Something missing", named(&golden)),
        ("One packet missing", missing(&golden)),
        ("Joined midstream", midstream(&golden)),
        ("Cut short, and what is left", cut(&golden)),
    ] {
        text.push_str(&table(title, &variants, &before, &mut faults));
        text.push('\n');
    }
    assert!(faults.is_empty(), "{} faults: {faults:#?}", faults.len());
    snapshot(&text);
}

#[test]
fn a_hole_costs_what_stood_in_it_and_no_more() {
    let golden = golden();
    let variants = named(&golden);
    let after = judged(&variants);
    let verdict = |name: &str, claim: &str| {
        let number = variants.iter().position(|one| one.name.contains(name));
        let all = after[number.expect("a variant")].as_ref();
        all.expect("SMTP")[claim]
    };
    // ADP-16: the password is readable. ADP-32: the body is. A hole in what the client said may also hide a STARTTLS.
    let (passes, open) = (Verdict::Pass, Verdict::Inconclusive);
    for (name, password, body) in [
        ("password missing", open, passes),
        ("body missing", passes, open),
        ("96 bytes", passes, open),
        ("the client's side", passes, passes),
        ("the server's side", open, open),
    ] {
        assert_eq!(verdict(name, "ADP-16"), password, "{name}");
        assert_eq!(verdict(name, "ADP-32"), body, "{name}");
        assert_eq!(verdict(name, "ADP-08"), open, "{name}");
    }
}

/// Other captures: no table, and no verdict that turns.
#[rstest]
#[case("curl-bcc")]
#[case("curl-starttls")]
#[case("curl-two-messages")]
#[case("nodemailer-ntlm")]
#[case("smime-cbc")]
#[case("smime-opaque-signed")]
#[case("swaks-every-mechanism")]
fn no_verdict_turns_on_any_capture(#[case] name: &str) {
    let whole = Capture::read(&path_of(name));
    let before = verdicts(&path_of(name)).expect("SMTP");
    let sides = |client: bool| {
        let some = whole.frames.iter().filter(|one| one.is_to(PORT) == client);
        Variant::new("one side", Loss::Some, &whole.with(some.cloned()))
    };
    let mut variants = vec![sides(true), sides(false)];
    variants.extend(swapped(&whole));
    variants.extend(missing(&whole));
    variants.extend(midstream(&whole));
    let mut faults = Vec::new();
    table("", &variants, &before, &mut faults);
    assert!(faults.is_empty(), "{} faults: {faults:#?}", faults.len());
}

/// The comparison is no formality.
#[test]
fn a_verdict_that_turns_is_a_fault() {
    let golden = golden();
    let verdicts = |word| BTreeMap::from([("ADP-16".to_owned(), word)]);
    for (loss, was, is, faulty) in [
        (Loss::Some, Verdict::Pass, Verdict::Fail, true),
        (Loss::Some, Verdict::Fail, Verdict::Pass, true),
        (Loss::Some, Verdict::Pass, Verdict::NotApplicable, true),
        (Loss::Some, Verdict::Inconclusive, Verdict::Pass, true),
        (Loss::None, Verdict::Pass, Verdict::Inconclusive, true),
        (Loss::Some, Verdict::Pass, Verdict::Inconclusive, false),
        (Loss::None, Verdict::Pass, Verdict::Pass, false),
    ] {
        let variant = Variant::new("x", loss, &golden);
        let mut faults = Vec::new();
        lost(&variant, &verdicts(was), Some(&verdicts(is)), &mut faults);
        assert_eq!(faults.len(), usize::from(faulty), "{was} to {is}");
    }
}

fn assert_unchanged(variants: &[Variant]) {
    let before = verdicts(&path_of("curl-login")).expect("SMTP");
    let mut faults = Vec::new();
    table("", variants, &before, &mut faults);
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn fragments_change_nothing() {
    let golden = golden();
    let fragments = |backwards: bool| {
        let numbered = golden.frames.iter().cloned().zip(1_u16..);
        let pieces = numbered.flat_map(move |(frame, number)| {
            let mut pieces = frame.fragments(number, 24);
            if backwards {
                pieces.reverse();
            }
            pieces
        });
        golden.with(pieces)
    };
    assert_unchanged(&[
        Variant::new("IP fragments of 24 bytes", Loss::None, &fragments(false)),
        Variant::new("IP fragments, the last first", Loss::None, &fragments(true)),
    ]);
}

#[test]
fn the_same_packets_behind_one_another_are_one_connection() {
    let golden = golden();
    let twice = golden.frames.iter().chain(&golden.frames).cloned();
    let twice = golden.with_times_of(twice);
    assert_unchanged(&[Variant::new("twice", Loss::None, &twice)]);
}
