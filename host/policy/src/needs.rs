//! What a test says that it cannot do without.

use crate::{Denial, GRANTS, Grants, Rule};

/// Checks a need of a test, as the manifest of its pack tells it.
///
/// # Errors
/// A [`Denial`] if the grant is not there. A need that this version does not know is denied as well.
pub fn check_need(test: &str, need: &str, pack: &str, grants: &Grants) -> Result<(), Denial> {
    if grants.has(need) {
        return Ok(());
    }
    Err(Denial {
        rule: Rule::UngrantedNeed,
        tried: format!("the need `{need}` of the test {test}"),
        by: format!("pack {pack}"),
        grant: GRANTS
            .iter()
            .find(|grant| grant.name == need)
            .map(|grant| grant.name),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_need_is_a_grant_that_exists_and_is_given() {
        let granted = Grants::new(["raw-qmp"]).unwrap();
        assert_eq!(check_need("t", "raw-qmp", "p", &granted), Ok(()));
        let denial = check_need("t", "raw-qmp", "p", &Grants::default()).unwrap_err();
        assert_eq!(denial.grant, Some("raw-qmp"));
        let unknown = check_need("t", "other:gpu", "p", &granted).unwrap_err();
        assert_eq!(unknown.grant, None);
    }
}
