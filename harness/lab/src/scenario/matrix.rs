//! `[matrix]`: one file, several cases. Each combination of values is put into `[server]` and `[client]` as if it had been
//! written there, and the file is read again.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::decode::{Problems, Value, nearest, quoted, wrong_type};
use super::{Code, schema};

/// Most cases that one file may become.
const MOST_CASES: usize = 256;

/// Longest name of a combination: it becomes part of file names, which may have 255 bytes.
const LONGEST_NAME: usize = 180;

/// Longest name of one value.
const LONGEST_LABEL: usize = 40;

/// The two tables whose keys can be varied, as they stand in a file and as their reader calls them.
const SIDES: [(&str, &str); 2] = [("server", "[server]"), ("client", "[client]")];

/// One combination.
pub(super) struct Variant<'i> {
    /// What distinguishes it: `auth=basic,segment=1`.
    pub(super) name: String,
    /// The file with its values.
    pub(super) root: DeTable<'i>,
}

/// A key that is varied.
struct Axis<'t, 'i> {
    /// As it is written in the matrix.
    written: String,
    side: &'static str,
    key: toml::Spanned<std::borrow::Cow<'i, str>>,
    values: Vec<(String, &'t Value<'i>)>,
}

/// Where the matrix of a file is written, if it has one.
pub(super) fn span(root: &DeTable<'_>) -> Option<Range<usize>> {
    root.get_key_value("matrix").map(|(key, _)| key.span())
}

/// Every combination of a file's matrix, in the order of the file: the first key varies slowest. `None` where there is no
/// matrix; nothing where it has problems.
pub(super) fn expand<'i>(root: &DeTable<'i>, problems: &mut Problems) -> Option<Vec<Variant<'i>>> {
    let matrix = root.get("matrix")?;
    let before = problems.len();
    let axes = axes(root, matrix, problems);
    let cases = axes
        .iter()
        .try_fold(1usize, |cases, axis| cases.checked_mul(axis.values.len()));
    if problems.len() > before {
        return Some(Vec::new());
    }
    let Some(cases @ 1..=MOST_CASES) = cases else {
        problems
            .add(
                Code::BadValue,
                matrix.span(),
                format!("this matrix makes more than {MOST_CASES} cases"),
            )
            .help("leave out values, or make two files of it");
        return Some(Vec::new());
    };
    let variants: Vec<_> = (0..cases)
        .map(|number| variant(root, &axes, number))
        .collect();
    if variants.iter().any(|one| one.name.len() > LONGEST_NAME) {
        problems.add(
            Code::BadValue,
            matrix.span(),
            "the cases of this matrix have names that no file can have: vary fewer keys",
        );
        return Some(Vec::new());
    }
    Some(variants)
}

/// The combination with a number, counted from 0.
fn variant<'i>(root: &DeTable<'i>, axes: &[Axis<'_, 'i>], number: usize) -> Variant<'i> {
    let mut root = root.clone();
    let mut rest = number;
    let mut names = Vec::new();
    for axis in axes.iter().rev() {
        let Some((label, value)) = axis.values.get(rest % axis.values.len()) else {
            continue;
        };
        rest /= axis.values.len();
        names.push(format!("{}={label}", axis.written));
        put(&mut root, axis, value);
    }
    names.reverse();
    Variant {
        name: names.join(","),
        root,
    }
}

/// Puts a value where the file could have had it.
fn put<'i>(root: &mut DeTable<'i>, axis: &Axis<'_, 'i>, value: &Value<'i>) {
    if !root.contains_key(axis.side) {
        let key = toml::Spanned::new(axis.key.span(), axis.side.into());
        let table = toml::Spanned::new(axis.key.span(), DeValue::Table(DeTable::new()));
        root.insert(key, table);
    }
    // What stands there and is no table is reported when the file is read.
    if let Some(side) = root.get_mut(axis.side)
        && let DeValue::Table(side) = side.get_mut()
    {
        side.insert(axis.key.clone(), value.clone());
    }
}

fn axes<'t, 'i>(
    root: &DeTable<'i>,
    matrix: &'t Value<'i>,
    problems: &mut Problems,
) -> Vec<Axis<'t, 'i>> {
    let Some(entries) = matrix.get_ref().as_table() else {
        wrong_type(matrix, "a table", problems);
        return Vec::new();
    };
    let mut axes = Vec::new();
    for (key, value) in entries {
        let written = key.get_ref().to_string();
        match (side_named(&written), value.get_ref().as_table()) {
            (Some(side), Some(entries)) => {
                for (key, value) in entries {
                    let full = format!("{written}.{}", key.get_ref());
                    if known(side).contains(&key.get_ref().as_ref()) {
                        axes.extend(axis(full, side, key, value, problems));
                    } else {
                        unknown(key.get_ref(), &known(side), key.span(), problems);
                    }
                }
            }
            _ => {
                if let Some(side) = side_of(&written, key.span(), problems) {
                    axes.extend(axis(written, side, key, value, problems));
                }
            }
        }
    }
    axes.sort_by_key(|axis| axis.key.span().start);
    for axis in &axes {
        reject_twice(root, axis, problems);
    }
    axes
}

/// One key with its values.
fn axis<'t, 'i>(
    written: String,
    side: &'static str,
    key: &toml::Spanned<std::borrow::Cow<'i, str>>,
    value: &'t Value<'i>,
    problems: &mut Problems,
) -> Option<Axis<'t, 'i>> {
    let Some(items) = value.get_ref().as_array() else {
        wrong_type(value, "a list of values", problems);
        return None;
    };
    if items.is_empty() {
        problems.add(
            Code::BadValue,
            value.span(),
            format!("`{written}` has no value here, and so the file no case"),
        );
    }
    let mut values: Vec<(String, &Value<'i>)> = Vec::new();
    for item in items {
        let Some(label) = label(item.get_ref()) else {
            wrong_type(
                item,
                "a text, a whole number, a boolean or a list of those",
                problems,
            );
            continue;
        };
        if let Some((_, first)) = values.iter().find(|(known, _)| *known == label) {
            let message = format!("two values of `{written}` are both called `{label}`");
            problems
                .add(Code::BadValue, item.span(), message)
                .help("the name of a value is made of its letters and digits, up to 40 of them")
                .related(first.span(), "the first");
            continue;
        }
        values.push((label, item));
    }
    Some(Axis {
        written,
        side,
        key: key.clone(),
        values,
    })
}

/// A key cannot be varied and set.
fn reject_twice(root: &DeTable<'_>, axis: &Axis<'_, '_>, problems: &mut Problems) {
    let name: &str = axis.key.get_ref();
    let side = root
        .get(axis.side)
        .and_then(|side| side.get_ref().as_table());
    if let Some((set, _)) = side.and_then(|side| side.get_key_value(name)) {
        problems
            .add(
                Code::Conflict,
                axis.key.span(),
                format!("`{name}` is varied here and set in `[{}]`", axis.side),
            )
            .related(set.span(), "set here");
    }
}

/// The table that a key is of, where the matrix does not name it.
fn side_of(written: &str, span: Range<usize>, problems: &mut Problems) -> Option<&'static str> {
    let sides: Vec<_> = SIDES
        .iter()
        .filter(|(side, _)| known(side).contains(&written))
        .map(|(side, _)| *side)
        .collect();
    match sides.as_slice() {
        [side] => return Some(side),
        [] => {
            let all: Vec<_> = SIDES.iter().flat_map(|(side, _)| known(side)).collect();
            unknown(written, &all, span, problems);
        }
        _ => {
            problems
                .add(
                    Code::Conflict,
                    span,
                    format!("`{written}` is a key of `[server]` and of `[client]`"),
                )
                .help(format!("write `server.{written}` or `client.{written}`"));
        }
    }
    None
}

fn unknown(written: &str, known: &[&'static str], span: Range<usize>, problems: &mut Problems) {
    let help = nearest(written, known).map_or_else(
        || format!("known here: {}", quoted(known)),
        |near| format!("did you mean `{near}`?"),
    );
    problems
        .add(
            Code::UnknownKey,
            span,
            format!("unknown key `{written}` in `[matrix]`"),
        )
        .help(help);
}

fn side_named(name: &str) -> Option<&'static str> {
    SIDES
        .iter()
        .map(|(side, _)| *side)
        .find(|side| *side == name)
}

fn known(side: &str) -> Vec<&'static str> {
    let table = SIDES.iter().find(|(name, _)| *name == side);
    let keys = table.and_then(|(_, table)| schema::names_of(table));
    keys.unwrap_or_default()
        .into_iter()
        .map(|(key, _)| key)
        .collect()
}

/// The name of a value within the name of its case; `None` for what cannot be varied.
fn label(value: &DeValue<'_>) -> Option<String> {
    let text = match value {
        DeValue::String(text) if text.is_empty() => "empty".to_owned(),
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => number.as_str().to_owned(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Array(items) if items.is_empty() => "none".to_owned(),
        DeValue::Array(items) => {
            let simple =
                |item: &Value<'_>| !item.get_ref().is_array() && !item.get_ref().is_table();
            let labels: Option<Vec<_>> = items
                .iter()
                .map(|item| simple(item).then(|| label(item.get_ref()))?)
                .collect();
            labels?.join("+")
        }
        _ => return None,
    };
    let plain = text.chars().map(|letter| match letter {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '+' | '-' => letter,
        _ => '-',
    });
    Some(plain.take(LONGEST_LABEL).collect())
}
