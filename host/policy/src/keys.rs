//! Which keys a configuration may set.

use vthost_cartesian::{Origin, OriginKind};

use crate::{Denial, Grants, Rule};

/// Checks a key that has an effect on the host and needs `grant`.
///
/// # Errors
/// A [`Denial`] if any part of the value came from a provider and the grant is not there.
pub fn check_key(
    key: &str,
    grant: &'static str,
    origin: &Origin,
    grants: &Grants,
) -> Result<(), Denial> {
    if grants.has(grant) {
        return Ok(());
    }
    if !origin.is_from_provider() {
        return Ok(());
    }
    let is_provider = |kind: &OriginKind| matches!(kind, OriginKind::Provider(_));
    let wrote_it = origin.joined().find(|part| is_provider(part.kind()));
    Err(Denial {
        rule: Rule::UngrantedKey,
        tried: format!("the setting of `{key}`"),
        by: wrote_it.unwrap_or_else(|| origin.clone()).to_string(),
        grant: Some(grant),
    })
}

#[cfg(test)]
mod tests {
    use vthost_cartesian::{Config, NoIncludes, Source};

    use super::*;

    fn origin_of(key: &str, parts: &[(&str, OriginKind)]) -> Origin {
        let mut config = Config::new();
        for (text, kind) in parts {
            let source = Source::new("some.cfg".to_owned(), (*text).to_owned());
            config.extend(source, kind.clone(), &NoIncludes).unwrap();
        }
        let variant = config.variants().next().unwrap().unwrap();
        variant.origin(key).unwrap()
    }

    #[test]
    fn the_operator_may_and_the_provider_may_not() {
        let provider = OriginKind::Provider("tp-x".to_owned());
        let none = Grants::default();
        let text = "extra_params = -S\n";
        let by_operator = origin_of("extra_params", &[(text, OriginKind::CommandLine)]);
        assert_eq!(
            check_key("extra_params", "qemu-args", &by_operator, &none),
            Ok(())
        );
        let by_provider = origin_of("extra_params", &[(text, provider)]);
        let denial = check_key("extra_params", "qemu-args", &by_provider, &none).unwrap_err();
        assert_eq!(
            denial.to_string(),
            "denied: the setting of `extra_params` by some.cfg:1 (rule ungranted-key); to allow it: --grant qemu-args"
        );
        let granted = Grants::new(["qemu-args"]).unwrap();
        assert_eq!(
            check_key("extra_params", "qemu-args", &by_provider, &granted),
            Ok(())
        );
    }

    #[test]
    fn a_provider_cannot_hide_behind_a_template_of_the_operator() {
        let origin = origin_of(
            "extra_params",
            &[
                (
                    "tail = -chardev file\n",
                    OriginKind::Provider("tp-x".to_owned()),
                ),
                ("extra_params = ${tail}\n", OriginKind::Operator),
            ],
        );
        assert!(check_key("extra_params", "qemu-args", &origin, &Grants::default()).is_err());
    }
}
