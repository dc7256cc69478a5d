//! Every variant of any configuration has keys in order, each with a value and a place.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vthost_cartesian_fuzz::{Case, checked};

/// How many variants of one case are looked at.
const VARIANTS: usize = 256;

/// After so many bytes of values a case is done: within the bounds of the language it could go on for hours.
const TEXT: usize = 4 << 20;

fuzz_target!(|data: &[u8]| {
    let case = Case::new(data);
    let Some(config) = case.parse() else { return };
    let mut length = 0;
    for variant in config.variants_with(case.options()).take(VARIANTS) {
        let Some(variant) = checked(variant) else {
            return;
        };
        assert!(variant.short_name().len() <= variant.name().len());
        assert!(variant.iter().is_sorted_by(|(a, _), (b, _)| a < b));
        for (key, value, origin) in variant.entries() {
            assert_eq!(variant.get(key), Some(value));
            assert!(origin.line() > 0, "{key}");
            length += key.len() + value.len();
        }
        if length > TEXT {
            return;
        }
    }
});
