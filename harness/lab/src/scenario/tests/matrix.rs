//! Files that make several cases.

use super::*;

fn cases(matrix: &str) -> Vec<Scenario> {
    let text = format!("{MINIMAL}{matrix}");
    Scenario::parse_all("scenarios/envelope/x.toml", &text)
        .unwrap_or_else(|problems| panic!("{problems}"))
}

fn refused(tables: &str) -> String {
    let text = format!("{MINIMAL}{tables}");
    match Scenario::parse_all("scenarios/envelope/x.toml", &text) {
        Ok(cases) => panic!("accepted: {} cases", cases.len()),
        Err(problems) => problems.to_string(),
    }
}

const THREE_WAYS: &str = "[matrix]\nauth = [\"none\", \"basic\"]\n\
    extensions = [[\"PIPELINING\", \"SIZE 1000\"], []]\nsegment = [0, 7]\n[server]\nport = 26\n";

#[test]
fn every_combination_is_a_case_with_a_name_in_the_order_of_the_file() {
    let cases = cases(THREE_WAYS);
    let ids: Vec<_> = cases.iter().map(|case| case.id.value.as_str()).collect();
    assert_eq!(
        ids,
        [
            "ENV-01[auth=none,extensions=PIPELINING+SIZE-1000,segment=0]",
            "ENV-01[auth=none,extensions=PIPELINING+SIZE-1000,segment=7]",
            "ENV-01[auth=none,extensions=none,segment=0]",
            "ENV-01[auth=none,extensions=none,segment=7]",
            "ENV-01[auth=basic,extensions=PIPELINING+SIZE-1000,segment=0]",
            "ENV-01[auth=basic,extensions=PIPELINING+SIZE-1000,segment=7]",
            "ENV-01[auth=basic,extensions=none,segment=0]",
            "ENV-01[auth=basic,extensions=none,segment=7]",
        ]
    );
    let last = &cases[7];
    assert_eq!(
        last.client.auth.as_ref().map(|auth| auth.value),
        Some(AuthMode::Basic)
    );
    assert!(last.server.extensions.is_empty() && last.server.port == 26);
    assert_eq!(
        last.server.segment.map(std::num::NonZeroUsize::get),
        Some(7)
    );
    assert_eq!(cases[0].server.segment, None);
    assert!(cases[0].server.offers("SIZE"));
    assert_eq!(last.file_id(), "ENV-01");
    assert!(last.is_named("env-01") && last.is_named(&last.id.value) && !last.is_named("ENV-02"));
    assert!(reject_duplicates(&cases).is_empty());
    assert_eq!(
        reject_duplicates(&[cases[0].clone(), cases[0].clone()]).len(),
        1
    );
}

#[test]
fn a_key_of_both_tables_is_named_with_its_table() {
    let cases =
        cases("[matrix]\nserver.tls = [\"none\", \"implicit\"]\nclient.tls = [\"never\"]\n");
    let ids: Vec<_> = cases.iter().map(|case| case.id.value.as_str()).collect();
    assert_eq!(
        ids,
        [
            "ENV-01[server.tls=none,client.tls=never]",
            "ENV-01[server.tls=implicit,client.tls=never]"
        ]
    );
    assert_eq!(cases[1].server.tls, TlsMode::Implicit);
    assert!(refused("[matrix]\ntls = [\"none\"]\n").contains("write `server.tls` or `client.tls`"));
}

#[test]
fn a_file_of_several_cases_is_not_one_scenario() {
    let text = format!("{MINIMAL}{THREE_WAYS}");
    let shown = Scenario::parse("x.toml", &text)
        .expect_err("eight cases")
        .to_string();
    assert!(
        shown.contains("this file makes 8 cases") && shown.contains("x.toml:3:2"),
        "{shown}"
    );
    let one = format!("{MINIMAL}[matrix]\nsegment = [1]\n");
    let only = Scenario::parse("x.toml", &one).expect("one case");
    assert_eq!(only.id.value, "ENV-01[segment=1]");
}

#[test]
fn mistakes_are_shown_where_they_are_written_and_once() {
    let shown = refused("[matrix]\nauth = [\"none\", \"basik\"]\nsegment = [0, 1, 7]\n");
    assert_eq!(shown.matches("error[").count(), 1, "{shown}");
    assert!(
        shown.contains("x.toml:4:17") && shown.contains("did you mean `basic`?"),
        "{shown}"
    );
    for (tables, expected) in [
        ("matrix = 1\n", "expected a table"),
        ("[matrix]\nsegment = 1\n", "expected a list of values"),
        ("[matrix]\nsegment = []\n", "has no value here"),
        ("[matrix]\nsegments = [1]\n", "did you mean `segment`?"),
        ("[matrix]\nserver.segmnt = [1]\n", "did you mean `segment`?"),
        (
            "[matrix]\naccount = [{ user = \"x\" }]\n",
            "expected a text, a whole number",
        ),
        (
            "[matrix]\nsegment = [1.5]\n",
            "expected a text, a whole number",
        ),
        (
            "[matrix]\nname = [\"a b\", \"a-b\"]\n",
            "are both called `a-b`",
        ),
        (
            "[matrix]\nsegment = [1]\n[server]\nsegment = 2\n",
            "is varied here and set in `[server]`",
        ),
        (
            "server = 1\n[matrix]\nsegment = [1]\n",
            "expected a table, found an integer",
        ),
    ] {
        let shown = refused(tables);
        assert!(shown.contains(expected), "{tables}\n{shown}");
    }
}

#[test]
fn a_matrix_is_bounded() {
    let values = |count: u32| {
        (0..count)
            .map(|n| n.to_string())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let square = |side: u32| {
        format!(
            "[matrix]\nsegment = [{0}]\nmessage_limit = [{0}]\n",
            values(side)
        )
    };
    assert_eq!(cases(&square(16)).len(), 256);
    assert!(refused(&square(17)).contains("more than 256 cases"));
    let much = format!(
        "{}port = [{}]\nwindow = [{1}]\n",
        square(2000),
        values(2000)
    );
    assert!(refused(&much).contains("more than 256 cases"));
    let long = "x".repeat(40);
    let names = ["name", "ntlm_text", "username", "from", "subject"];
    let keys = names
        .map(|key| {
            format!(
                "{key} = [\"{long}\"]
"
            )
        })
        .concat();
    assert!(refused(&format!("[matrix]\n{keys}")).contains("no file can have"));
}
