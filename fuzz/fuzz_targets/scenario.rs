//! Scenario files: whatever is written in one, the answer is a scenario or problems that can be shown.
#![no_main]

use lab::scenario::Scenario;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(problems) = Scenario::parse("fuzz.toml", text) {
        assert!(!problems.render(false).is_empty());
    }
});
