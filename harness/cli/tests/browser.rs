//! The page in a real browser: it is ready, searches, opens what a link leads to, runs nothing that came from the wire, says
//! nothing on the console and asks for nothing outside itself.

mod support;
#[path = "hostile/wire_with.rs"]
mod wire_with;

use std::fs;
use std::path::Path;
use std::process::Command;

use rstest::rstest;
use support::{folder, good, have, smtpspec, text};

/// What a reader does, as a script at the end of the page; what came of it stands in attributes of the root.
const READER: &str = r##"<script>
(async () => {
  const told = document.documentElement.dataset;
  const until = async (test) => {
    for (let turn = 0; turn < 400 && !test(); turn++) { await new Promise((on) => setTimeout(on, 20)); }
  };
  await until(() => told.ready === "true");
  const count = () => document.querySelector("output[name=count]").value;
  told.all = count();
  document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "/", bubbles: true }));
  const field = document.querySelector("input[name=text]");
  told.focused = document.activeElement === field;
  const type = (text) => { field.value = text; field.dispatchEvent(new Event("input", { bubbles: true })); };
  type("auth ntlm");
  await until(() => count() !== told.all);
  told.found = count();
  type("");
  await until(() => count() === told.all);
  location.hash = "#C1_1";
  await until(() => document.querySelector("#C1_1[open] li"));
  told.lines = document.querySelectorAll("#C1_1[open] li").length;
  told.foreign = document.querySelectorAll("img, iframe, object, embed, link, base, form[action], [onfocus], [onerror]").length;
  told.title = document.title;
  told.done = "true";
})();
</script>"##;

/// The string: as an element, as an attribute and as the end of a script.
const HOSTILE: &str = "<img src=http://x.example/qzj onerror=document.title='qzj'>\"'</script><script>document.title='qzj'</script>";

/// The value of an attribute of the root element.
fn told<'a>(dom: &'a str, name: &str) -> &'a str {
    let root = &dom[..dom.find("<head").expect("a head")];
    let start = format!("data-{name}=\"");
    let at = root
        .find(&start)
        .unwrap_or_else(|| panic!("no {name}: {root}"));
    let rest = &root[at + start.len()..];
    &rest[..rest.find('"').expect("it ends")]
}

#[rstest]
#[case::open(1, "2 of 2", "1 of 2")]
#[case::packed(150, "300 of 300", "150 of 300")]
fn a_reader_finds_and_opens_and_nothing_of_the_wire_runs(
    #[case] times: usize,
    #[case] all: &str,
    #[case] found: &str,
) {
    if !have(&["chromium"]) {
        return;
    }
    let folder = folder();
    let capture = folder.path().join("hostile.pcapng");
    wire_with::write(&capture, HOSTILE, times);
    let output = smtpspec()
        .args(["audit", "--format", "html"])
        .arg(&capture)
        .output()
        .expect("the binary starts");
    assert!(output.status.code() == Some(0) || output.status.code() == Some(1));
    let page = text(&output.stdout).replace("</body>", &format!("{READER}</body>"));
    let path = support::write(folder.path(), "page.html", page.as_bytes());

    let (dom, console, requests) = browse(folder.path(), &path);
    assert_eq!(told(&dom, "done"), "true", "{dom:.400}");
    assert_eq!(told(&dom, "all"), all);
    assert_eq!(told(&dom, "focused"), "true", "a slash leads to the search");
    assert_eq!(told(&dom, "found"), found);
    let lines: usize = told(&dom, "lines").parse().expect("a number");
    assert!(lines > 10, "{lines} lines of the dialogue");
    assert_eq!(
        told(&dom, "foreign"),
        "0",
        "elements that came from the wire"
    );
    assert!(
        !told(&dom, "title").contains("qzj"),
        "a script of the wire ran"
    );
    assert!(!console.contains("CONSOLE"), "{console}");
    assert!(
        !requests.contains("x.example"),
        "the page asked for something"
    );
}

/// The document after the reader is done, what the console said, and the log of the network.
fn browse(folder: &Path, page: &Path) -> (String, String, String) {
    let log = folder.join("net.json");
    let output = Command::new("chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
        ])
        .args([
            "--disable-component-update",
            "--no-first-run",
            "--enable-logging=stderr",
        ])
        .arg(format!(
            "--user-data-dir={}",
            folder.join("profile").display()
        ))
        .arg(format!("--log-net-log={}", log.display()))
        .args(["--virtual-time-budget=20000", "--dump-dom"])
        .arg(format!("file://{}", page.display()))
        .output()
        .expect("chromium starts");
    let dom = text(&good(&output, "chromium"));
    let requests = fs::read(&log).map(|bytes| text(&bytes)).unwrap_or_default();
    assert!(
        requests.contains("constants"),
        "the log of the network was written"
    );
    (dom, text(&output.stderr), requests)
}

/// The test sees what it looks for: a page in which something runs and is asked for.
#[test]
fn a_page_that_gives_in_would_be_noticed() {
    if !have(&["chromium"]) {
        return;
    }
    let folder = folder();
    let page = format!(
        "<html data-x=\"1\"><head><title>t</title></head><body><p>{HOSTILE}</p><script>console.log('said')</script>\
         <script>document.documentElement.dataset.title = document.title</script></body></html>"
    );
    let path = support::write(folder.path(), "page.html", page.as_bytes());
    let (dom, console, requests) = browse(folder.path(), &path);
    assert!(told(&dom, "title").contains("qzj"));
    assert!(console.contains("CONSOLE"), "{console}");
    assert!(requests.contains("x.example"));
}
