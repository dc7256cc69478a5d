//! How much of a provider runs already.

use std::collections::BTreeMap;

use serde::Serialize;

/// How much of a provider runs already, by the types of its tests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Porting {
    /// Variants whose type is in a pack.
    pub ported: usize,
    /// All variants.
    pub variants: usize,
    /// The types, the ones with the most variants first.
    pub types: Vec<PortingRow>,
}

/// One type of tests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PortingRow {
    /// The type: the name of a test in a pack, or of a Python module.
    #[serde(rename = "type")]
    pub test_type: String,
    /// How many variants are of this type.
    pub variants: usize,
    /// Whether a pack has it.
    pub ported: bool,
}

impl Porting {
    /// Counts variants: of each one its type, and whether a pack has that type.
    pub fn count<T: Into<String>>(variants: impl IntoIterator<Item = (T, bool)>) -> Self {
        let mut types: BTreeMap<String, PortingRow> = BTreeMap::new();
        let mut all = Self::default();
        for (test_type, ported) in variants {
            all.variants += 1;
            all.ported += usize::from(ported);
            let test_type = test_type.into();
            let row = types.entry(test_type.clone()).or_insert(PortingRow {
                test_type,
                variants: 0,
                ported,
            });
            row.variants += 1;
            row.ported |= ported;
        }
        all.types = types.into_values().collect();
        // Stable: equal counts stay in the order of their names.
        all.types.sort_by_key(|row| std::cmp::Reverse(row.variants));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_are_counted_by_type_and_the_most_frequent_comes_first() {
        let variants = [
            ("boot", true),
            ("migrate", false),
            ("a", false),
            ("migrate", false),
        ];
        let porting = Porting::count(variants);
        assert_eq!((porting.ported, porting.variants), (1, 4));
        let rows: Vec<_> = porting
            .types
            .iter()
            .map(|row| (row.test_type.as_str(), row.variants, row.ported))
            .collect();
        assert_eq!(
            rows,
            [("migrate", 2, false), ("a", 1, false), ("boot", 1, true)]
        );
        assert_eq!(Porting::count::<String>([]), Porting::default());
    }
}
