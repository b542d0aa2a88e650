//! The contrast of every pair of colours in which a page shows text, in light and in dark (WCAG 2.1 success criteria 1.4.3 and
//! 1.4.11).

use std::collections::BTreeMap;

use super::STYLE;
use crate::page;

/// Text and what it stands on.
const TEXTS: [(&str, &str); 17] = [
    ("ink", "paper"),
    ("ink", "shade"),
    ("ink", "pass-back"),
    ("ink", "fail-back"),
    ("ink", "unclear-back"),
    ("quiet", "paper"),
    ("quiet", "shade"),
    ("pass", "paper"),
    ("pass", "pass-back"),
    ("fail", "paper"),
    ("fail", "fail-back"),
    ("unclear", "paper"),
    ("unclear", "unclear-back"),
    ("link", "paper"),
    ("link", "fail-back"),
    ("link", "unclear-back"),
    ("link", "pass-back"),
];

/// Parts of pictures, and what they stand on.
const PICTURES: [&str; 5] = ["bad", "doubt", "good", "best", "none"];

/// The colours by name: those of light, and those of dark over them.
fn palettes() -> [BTreeMap<String, [f64; 3]>; 2] {
    let all = format!("{}{STYLE}", page::STYLE);
    let (mut light, mut dark) = (BTreeMap::new(), BTreeMap::new());
    for (number, piece) in all.split("prefers-color-scheme: dark").enumerate() {
        // A block of dark ends where its media query does.
        let (inside, outside) = match number {
            0 => ("", piece),
            _ => piece.split_at(piece.find("\n}").unwrap_or(piece.len())),
        };
        collect(inside, &mut dark);
        collect(outside, &mut light);
    }
    let mut over = light.clone();
    over.extend(dark);
    [light, over]
}

/// `--name: #rrggbb` wherever it stands.
fn collect(style: &str, colours: &mut BTreeMap<String, [f64; 3]>) {
    for piece in style.split("--").skip(1) {
        let Some((name, rest)) = piece.split_once(": #") else {
            continue;
        };
        let Some(digits) = rest.get(..6) else {
            continue;
        };
        let part = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).ok();
        if let (Some(red), Some(green), Some(blue)) = (part(0), part(2), part(4)) {
            colours.insert(name.to_owned(), [red, green, blue].map(linear));
        }
    }
}

fn linear(part: u8) -> f64 {
    let part = f64::from(part) / 255.0;
    if part <= 0.040_45 {
        part / 12.92
    } else {
        ((part + 0.055) / 1.055).powf(2.4)
    }
}

/// The contrast of two colours, from 1 to 21.
fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let luminance = |[red, green, blue]: [f64; 3]| 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn text_has_a_contrast_of_at_least_four_and_a_half_and_pictures_of_three() {
    let [light, dark] = palettes();
    let shades = [&light, &dark].map(|colours| contrast(colours["ink"], colours["paper"]));
    assert!(
        (shades[0] - shades[1]).abs() > 0.01,
        "both are read: {shades:?}"
    );
    for (scheme, colours) in ["light", "dark"].into_iter().zip(palettes()) {
        let colour = |name: &str| {
            *colours
                .get(name)
                .unwrap_or_else(|| panic!("no colour {name} in {scheme}"))
        };
        for (text, ground) in TEXTS {
            let ratio = contrast(colour(text), colour(ground));
            assert!(ratio >= 4.5, "{text} on {ground} in {scheme}: {ratio:.2}");
        }
        for part in PICTURES {
            let ratio = contrast(colour(part), colour("paper"));
            assert!(ratio >= 3.0, "{part} on paper in {scheme}: {ratio:.2}");
        }
    }
}

#[test]
fn the_extremes_are_those_of_the_standard() {
    let [white, black] = [[1.0; 3], [0.0; 3]];
    assert!((contrast(white, black) - 21.0).abs() < 0.001);
    assert!((contrast(white, white) - 1.0).abs() < 0.001);
}
