//! Any text is a configuration or an error with a place; any line is a filter or none.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vthost_cartesian::parse_filter;
use vthost_cartesian_fuzz::Case;

fuzz_target!(|data: &[u8]| {
    let case = Case::new(data);
    let config = case.parse();
    for line in case.lines() {
        // The error of a filter alone has no file to name.
        let filter = parse_filter(line);
        if let Some(config) = &config {
            assert_eq!(filter.is_ok(), config.unknown_labels(line).is_ok());
        }
    }
    if let Some(config) = &config {
        assert!(config.labels().is_sorted());
        assert!(config.blocks().is_sorted());
    }
});
