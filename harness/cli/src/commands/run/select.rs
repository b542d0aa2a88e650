//! Which cases are run: what the command line names, less what it filters out.

use claims::Profile;
use lab::scenario::{Code, Level, Scenario, load_cases, load_tree, reject_duplicates};

use super::super::{catalogue, is_path};
use crate::Failure;
use crate::args::Filters;

/// The scenarios that the words on the command line name.
pub(super) fn select(words: &[String]) -> Result<Vec<Scenario>, Failure> {
    let catalogue = catalogue()?;
    if words.is_empty() {
        return Ok(catalogue);
    }
    let mut chosen: Vec<Scenario> = Vec::new();
    for word in words {
        chosen.extend(one_word(word, &catalogue)?);
    }
    let twice = reject_duplicates(&chosen);
    if let Some(first) = twice.first() {
        return Err(Failure::rendered(&first.render(false)));
    }
    Ok(chosen)
}

fn one_word(word: &str, catalogue: &[Scenario]) -> Result<Vec<Scenario>, Failure> {
    let path = std::path::Path::new(word);
    if path.is_dir() {
        return load_tree(path).map_err(|errors| Failure::rendered(&errors.render(false)));
    }
    if is_path(word) {
        return load_cases(path).map_err(|error| Failure::rendered(&error.render(false)));
    }
    let named: Vec<_> = catalogue
        .iter()
        .filter(|scenario| scenario.is_named(word) || scenario.family == word)
        .cloned()
        .collect();
    if named.is_empty() {
        return Err(Failure::input(format!(
            "`{word}` is no scenario, family, file or folder; `smtpspec list scenarios` shows the catalogue"
        )));
    }
    Ok(named)
}

/// A claim that no profile has can never get the verdict that a scenario expects.
pub(super) fn check_expectations(
    scenarios: &[Scenario],
    profile: &'static Profile,
) -> Result<(), Failure> {
    for scenario in scenarios {
        for (claim, _) in &scenario.expect.claims {
            if !profile
                .expectations()
                .any(|(known, _)| known.id == claim.value)
            {
                let message = format!(
                    "`{}` is no claim of the profile {}",
                    claim.value, profile.id
                );
                let problem = scenario.problem(Code::BadValue, claim.span.clone(), message);
                return Err(Failure::rendered(&problem.render(false)));
            }
        }
        for (check, _) in &scenario.expect.checks {
            if claims::checks::find(&check.value).is_none() {
                let message = format!("there is no check `{}`", check.value);
                let problem = scenario.problem(Code::BadValue, check.span.clone(), message);
                return Err(Failure::rendered(&problem.render(false)));
            }
        }
    }
    Ok(())
}

/// The scenarios that the filters let through.
pub(super) fn filter(
    scenarios: Vec<Scenario>,
    filters: &Filters,
) -> Result<Vec<Scenario>, Failure> {
    let levels = filters
        .level
        .iter()
        .map(|word| level(word))
        .collect::<Result<Vec<_>, _>>()?;
    let wanted = |scenario: &Scenario| {
        let text = filters.filter.as_deref();
        let id = &scenario.id.value;
        (levels.is_empty() || !scenario.requirement.is_empty() && levels.contains(&scenario.level))
            && (filters.family.is_empty()
                || filters.family.iter().any(|word| of_family(scenario, word)))
            && text.is_none_or(|text| fits(text, id) || fits(text, &scenario.title))
    };
    let all = scenarios.len();
    let kept: Vec<_> = scenarios.into_iter().filter(wanted).collect();
    if kept.is_empty() {
        return Err(Failure::input(format!(
            "no case is left of {all}: --filter, --level or --family lets none through"
        )));
    }
    Ok(kept)
}

fn level(word: &str) -> Result<Level, Failure> {
    let known = Level::NAMES.iter().find(|(name, _)| *name == word);
    known.map(|(_, level)| *level).ok_or_else(|| {
        let names: Vec<_> = Level::NAMES.iter().map(|(name, _)| *name).collect();
        Failure::input(format!(
            "there is no level `{word}`; there is {}",
            names.join(", ")
        ))
    })
}

/// A family goes by the name of its folder, or by the letters of its ids.
fn of_family(scenario: &Scenario, word: &str) -> bool {
    let letters = scenario.id.value.split('-').next().unwrap_or_default();
    scenario.family.eq_ignore_ascii_case(word) || letters.eq_ignore_ascii_case(word)
}

/// Whether a text holds a pattern, or fits it as a whole where it has `*` (anything) or `?` (one character). Case is
/// passed over.
fn fits(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    let text: Vec<char> = text.to_lowercase().chars().collect();
    if !pattern.contains(&'*') && !pattern.contains(&'?') {
        return pattern.is_empty() || text.windows(pattern.len()).any(|part| part == pattern);
    }
    let (mut at, mut from) = (0, 0);
    // Where the last `*` stands, and how much of the text it has taken.
    let mut star: Option<(usize, usize)> = None;
    while from < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, from));
                at += 1;
            }
            Some(&letter) if letter == '?' || letter == text[from] => {
                at += 1;
                from += 1;
            }
            _ => {
                let Some((back, taken)) = star else {
                    return false;
                };
                star = Some((back, taken + 1));
                at = back + 1;
                from = taken + 1;
            }
        }
    }
    pattern[at..].iter().all(|letter| *letter == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_a_part_of_the_text_or_a_pattern_for_all_of_it() {
        assert!(fits("greet", "The Greeting is late"));
        assert!(!fits("greet", "EHLO"));
        assert!(fits("SES-0?", "ses-01"));
        assert!(!fits("SES-0", "SES"));
        assert!(fits("*late", "The greeting is late"));
        assert!(fits("t*i*s*", "the greeting is late"));
        assert!(!fits("*late?", "The greeting is late"));
        assert!(fits("**", ""));
    }

    #[test]
    fn families_and_levels_are_combined() {
        let all = catalogue().expect("the catalogue is valid");
        let with = |filters: Filters| {
            let kept = filter(catalogue()?, &filters)?;
            Ok::<_, Failure>(kept.into_iter().map(|one| one.id.value).collect::<Vec<_>>())
        };
        let session = with(Filters {
            family: vec!["SES".to_owned()],
            level: vec!["must".to_owned()],
            ..Filters::default()
        })
        .expect("there are some");
        assert!(session.contains(&"SES-01".to_owned()) && session.len() < all.len());
        let none = with(Filters {
            family: vec!["session".to_owned()],
            filter: Some("no such text".to_owned()),
            ..Filters::default()
        });
        assert!(none.is_err());
        let wrong = with(Filters {
            level: vec!["shall".to_owned()],
            ..Filters::default()
        });
        assert!(
            wrong
                .expect_err("no such level")
                .to_string()
                .contains("`shall`")
        );
    }
}
