//! Evidence bundles: the same evidence makes the same bytes, every byte counts, and no archive that somebody else made
//! gets further than a message.

use std::fs;
use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rstest::rstest;
use smtpspec::bundle::{self, Content, Head, Ingredient, Manifest};
use tempfile::TempDir;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

fn smtpspec(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_smtpspec"))
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .env_remove("SOURCE_DATE_EPOCH")
        .output()
        .expect("the binary starts")
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn ingredient(name: &str, bytes: &[u8]) -> Ingredient {
    Ingredient {
        folder: "captures",
        name: name.to_owned(),
        kind: "capture",
        content: Content::Bytes(bytes.to_vec()),
        path: None,
        redacted_from: None,
    }
}

/// A bundle that is small enough to look at each of its bytes.
fn small(folder: &Path) -> PathBuf {
    let path = folder.join("small.zip");
    let head = Head {
        command: "audit".to_owned(),
        profile: "p".to_owned(),
        time: "2026-01-01T00:00:00Z".to_owned(),
        host: Some("h".to_owned()),
        captures: "full".to_owned(),
    };
    let files = [
        ingredient("a.pcap", b"one"),
        ingredient("b.pcap", b""),
        ingredient("../../a.pcap", b"another"),
        ingredient("a.pcap", b"the same name"),
    ];
    bundle::write(&path, head, &files).expect("it is written");
    path
}

fn problems(path: &Path) -> Option<Vec<String>> {
    bundle::verify(path).expect("it can be read").err()
}

#[test]
fn what_was_made_is_intact_and_any_zip_reader_opens_it() {
    let folder = folder();
    let path = small(folder.path());
    assert_eq!(problems(&path), None);
    let mut archive = ZipArchive::new(fs::File::open(&path).expect("a file")).expect("a ZIP");
    let names: Vec<String> = archive
        .file_names()
        .map(|name| name.expect("text").into_owned())
        .collect();
    let wanted = [
        "manifest.json",
        "SHA256SUMS",
        "captures/a.pcap",
        "captures/b.pcap",
        "captures/.._.._a.pcap",
        "captures/2-a.pcap",
    ];
    assert_eq!(names, wanted);
    let mut text = String::new();
    let mut last = archive.by_name("captures/2-a.pcap").expect("it is there");
    last.read_to_string(&mut text)
        .expect("it unpacks, and its CRC fits");
    assert_eq!(text, "the same name");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = path.metadata().expect("metadata").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn a_flip_of_any_bit_is_refused_and_names_what_was_altered() {
    let folder = folder();
    let path = small(folder.path());
    let whole = fs::read(&path).expect("the bundle");
    let content = memchr::memmem::find(&whole, b"another").expect("a content");
    for place in 0..whole.len() {
        for bit in [0, 3, 7] {
            let mut bytes = whole.clone();
            bytes[place] ^= 1 << bit;
            fs::write(&path, &bytes).expect("written");
            let Some(problems) = problems(&path) else {
                panic!("bit {bit} of byte {place} does not count");
            };
            if (content..content + 7).contains(&place) {
                assert_eq!(problems.len(), 1, "{problems:?}");
                assert!(
                    problems[0].starts_with("altered: captures/.._.._a.pcap "),
                    "{problems:?}"
                );
            }
        }
    }
}

#[test]
fn a_cut_anywhere_and_anything_behind_the_end_are_refused() {
    let folder = folder();
    let path = small(folder.path());
    let whole = fs::read(&path).expect("the bundle");
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).expect("written");
        let problems = problems(&path).unwrap_or_else(|| panic!("{length} bytes are not all"));
        assert!(
            problems.iter().any(|one| one.starts_with("truncated: ")),
            "{length}: {problems:?}"
        );
    }
    let content = memchr::memmem::find(&whole, b"another").expect("a content");
    fs::write(&path, &whole[..content + 2]).expect("written");
    let found = problems(&path).expect("cut");
    assert!(
        found[0].contains("inside captures/.._.._a.pcap"),
        "{found:?}"
    );
    assert_eq!(found[1], "missing: captures/2-a.pcap");
    fs::write(&path, [&whole[..], b"\0"].concat()).expect("written");
    let found = problems(&path).expect("longer");
    assert!(
        found
            .iter()
            .any(|one| one.starts_with("added: 1 bytes behind")),
        "{found:?}"
    );
}

/// The entries of a bundle, as another program would unpack them.
fn entries(path: &Path) -> Vec<(String, Vec<u8>)> {
    let mut archive = ZipArchive::new(fs::File::open(path).expect("a file")).expect("a ZIP");
    (0..archive.len())
        .map(|number| {
            let mut entry = archive.by_index(number).expect("an entry");
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).expect("it unpacks");
            (entry.name().expect("text").into_owned(), bytes)
        })
        .collect()
}

/// Packs them again, as another program would.
fn packed(entries: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, bytes) in entries {
        writer.start_file(name.as_str(), options).expect("an entry");
        writer.write_all(bytes).expect("memory");
    }
    writer.finish().expect("memory").into_inner()
}

#[rstest]
#[case::untouched(&[], "altered: the header of manifest.json")]
#[case::altered(&["alter"], "altered: captures/a.pcap")]
#[case::removed(&["remove"], "missing: captures/a.pcap")]
#[case::added(&["add"], "added: captures/z.pcap")]
#[case::outside(&["outside"], "added: `../../etc/x`, a name that leads out of the bundle, or nowhere")]
#[case::bomb(&["bomb"], "altered: captures/a.pcap")]
fn an_archive_packed_again_is_refused_and_says_what_differs(
    #[case] how: &[&str],
    #[case] wanted: &str,
) {
    let folder = folder();
    let path = small(folder.path());
    let mut entries = entries(&path);
    let place = entries
        .iter()
        .position(|(name, _)| name == "captures/a.pcap")
        .expect("it is there");
    match how.first() {
        None => {}
        Some(&"alter") => entries[place].1 = b"two".to_vec(),
        Some(&"remove") => drop(entries.remove(place)),
        Some(&"add") => entries.push(("captures/z.pcap".to_owned(), b"new".to_vec())),
        Some(&"outside") => entries.push(("../../etc/x".to_owned(), b"new".to_vec())),
        Some(_) => entries[place].1 = vec![0; 300 << 20],
    }
    fs::write(&path, packed(&entries)).expect("written");
    let started = std::time::Instant::now();
    let problems = problems(&path).expect("another archive");
    assert!(
        problems.iter().any(|one| one.starts_with(wanted)),
        "{problems:?}"
    );
    assert!(started.elapsed().as_secs() < 10, "it was unpacked");
}

#[test]
fn a_manifest_that_lists_what_no_bundle_holds_is_refused() {
    let folder = folder();
    let path = small(folder.path());
    let good = entries(&path);
    let manifest: Manifest = serde_json::from_slice(&good[0].1).expect("a manifest");
    let mut outside = manifest.clone();
    outside.files[0].name = "../../etc/passwd".to_owned();
    let mut twice = manifest.clone();
    twice.files[1].name.clone_from(&manifest.files[0].name);
    let mut many = manifest.clone();
    many.files = (0..70_000)
        .map(|number| {
            let mut file = manifest.files[0].clone();
            file.name = format!("captures/{number}");
            file
        })
        .collect();
    let mut huge = manifest.clone();
    huge.files[0].size = u32::MAX;
    for (bad, wanted) in [
        (
            outside,
            "the name `../../etc/passwd` leads out of the bundle, or nowhere",
        ),
        (twice, "it lists captures/a.pcap twice"),
        (many, "it lists 70000 files"),
        (huge, "altered: "),
    ] {
        let mut entries = good.clone();
        entries[0].1 = bad.to_json().into_bytes();
        fs::write(&path, packed(&entries)).expect("written");
        let found = problems(&path).expect("a bad manifest");
        assert!(found.iter().any(|one| one.contains(wanted)), "{found:?}");
    }
}

#[test]
fn what_a_manifest_says_does_not_drive_the_terminal() {
    let folder = folder();
    let path = small(folder.path());
    let good = entries(&path);
    let manifest = String::from_utf8(good[0].1.clone()).expect("text");
    for (there, odd) in [
        ("captures/a.pcap", r"captures/\u001b]0;a\u202e"),
        ("\"files\"", r#""\u001b[2J\u202e""#),
        ("\"sha256\"", r#""\u001b[2J\u202e""#),
    ] {
        assert!(manifest.contains(there), "{manifest}");
        let mut entries = good.clone();
        entries[0].1 = manifest.replace(there, odd).into_bytes();
        fs::write(&path, packed(&entries)).expect("written");
        let name = path.to_str().expect("text");
        let output = smtpspec(folder.path(), &["verify", name]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let text = String::from_utf8(output.stdout).expect("text");
        let drives = |c: char| c != '\n' && (c.is_control() || claims::steers(c));
        assert!(
            text.contains("altered") && !text.contains(drives),
            "{text:?}"
        );
    }
}

#[rstest]
#[case::nothing(b"")]
#[case::text(b"this is no archive at all, only a line of text that is long enough\n")]
#[case::end_only(b"PK\x05\x06\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0")]
#[case::huge_manifest(b"PK\x03\x04\x14\0\0\x08\0\0\0\0\x21\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\x0d\0\0\0manifest.json")]
fn what_is_no_bundle_is_refused(#[case] bytes: &[u8]) {
    let folder = folder();
    fs::write(folder.path().join("x.zip"), bytes).expect("written");
    let output = smtpspec(folder.path(), &["verify", "x.zip"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(text.starts_with("x.zip: REFUSED\n"), "{text}");
}

#[test]
fn a_bundle_that_is_not_there_is_bad_input() {
    let folder = folder();
    for name in ["x.zip", "."] {
        let output = smtpspec(folder.path(), &["verify", name]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
    }
}

fn golden(folder: &Path) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../captures/BAS-01.pcapng");
    fs::copy(from, folder.join("in.pcapng")).expect("a golden capture");
}

#[rstest]
#[case("full", Some("captures/in.pcapng"))]
#[case("redacted", Some("captures/redacted-in.pcapng"))]
#[case("none", None)]
fn an_audit_makes_the_same_bundle_again(#[case] captures: &str, #[case] name: Option<&str>) {
    let folder = folder();
    golden(folder.path());
    let make = |file: &str| {
        let arguments = [
            "audit",
            "in.pcapng",
            "--format",
            "sarif,md",
            "--out",
            "out",
            "--bundle",
            file,
            "--bundle-captures",
            captures,
        ];
        let output = smtpspec(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let told = String::from_utf8(output.stderr).expect("text");
        (fs::read(folder.path().join(file)).expect("a bundle"), told)
    };
    let (one, told) = make("one.zip");
    let (two, _) = make("two.zip");
    assert!(one == two, "the same evidence, other bytes");
    let sum = told
        .trim_end()
        .rsplit(' ')
        .next()
        .expect("the hash")
        .to_owned();
    let output = smtpspec(folder.path(), &["verify", "one.zip", "--sha256", &sum]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(
        text.contains("time      2026-01-01T00:00:00.021Z"),
        "{text}"
    );
    let output = smtpspec(
        folder.path(),
        &["verify", "one.zip", "--sha256", &"0".repeat(64)],
    );
    assert_eq!(output.status.code(), Some(1), "{output:?}");

    let entries = entries(&folder.path().join("one.zip"));
    let names: Vec<_> = entries.iter().map(|(name, _)| name.as_str()).collect();
    let mut wanted = vec![
        "manifest.json",
        "SHA256SUMS",
        "result.json",
        "profile.json",
        "reports/report.md",
        "reports/report.html",
        "reports/report.sarif",
    ];
    wanted.extend(name);
    assert_eq!(names, wanted);
    // The password crossed in base64, and is in the bundle only where captures are in it as they are.
    let capture = fs::read(folder.path().join("in.pcapng")).expect("the capture");
    let line = memchr::memmem::find(&capture, b"334 UGFzc3dvcmQ6").expect("the prompt");
    let after = memchr::memmem::find(&capture[line..], b"==\r\n").map(|at| line + at);
    let password = &capture[after.expect("the password") - 26..after.expect("the password")];
    assert_eq!(
        memchr::memmem::find(&one, password).is_some(),
        captures == "full"
    );
}

#[test]
fn the_hashes_are_what_sha256sum_reads() {
    let folder = folder();
    let path = small(folder.path());
    let entries = entries(&path);
    let sums = String::from_utf8(entries[1].1.clone()).expect("text");
    let listed: Vec<_> = sums.lines().map(|line| line[66..].to_owned()).collect();
    let names: Vec<_> = entries
        .iter()
        .map(|(name, _)| name.clone())
        .filter(|name| name != "SHA256SUMS")
        .collect();
    assert_eq!(listed, names);
    for (name, bytes) in &entries {
        if name != "SHA256SUMS" {
            use sha2::Digest as _;
            let sum = hex::encode(sha2::Sha256::digest(bytes));
            assert!(sums.contains(&format!("{sum}  {name}\n")));
        }
    }
}

#[test]
fn time_and_host_are_switchable() {
    let folder = folder();
    golden(folder.path());
    let run = |epoch: &str| {
        Command::new(env!("CARGO_BIN_EXE_smtpspec"))
            .args([
                "audit",
                "in.pcapng",
                "--bundle",
                "b.zip",
                "--bundle-no-host",
            ])
            .current_dir(folder.path())
            .env("SOURCE_DATE_EPOCH", epoch)
            .output()
            .expect("the binary starts")
    };
    assert_eq!(run("86400").status.code(), Some(0));
    let entries = entries(&folder.path().join("b.zip"));
    let manifest: Manifest = serde_json::from_slice(&entries[0].1).expect("a manifest");
    assert_eq!(manifest.time, "1970-01-02T00:00:00Z");
    assert_eq!(manifest.host, None);
    assert_eq!(run("yesterday").status.code(), Some(2));
}

#[test]
fn a_run_is_bundled_with_every_capture_and_standard_input_is_not() {
    let folder = folder();
    let output = smtpspec(
        folder.path(),
        &["run", "BAS-01", "BAS-02", "--bundle", "b.zip"],
    );
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let names: Vec<_> = entries(&folder.path().join("b.zip"))
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert!(
        names.contains(&"captures/BAS-01.pcapng".to_owned()),
        "{names:?}"
    );
    assert!(
        names.contains(&"captures/BAS-02.pcapng".to_owned()),
        "{names:?}"
    );
    let output = smtpspec(folder.path(), &["audit", "-", "--bundle", "c.zip"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(!folder.path().join("c.zip").exists());
    let text = String::from_utf8(output.stderr).expect("text");
    assert!(text.contains("save it to a file first"), "{text}");
}
