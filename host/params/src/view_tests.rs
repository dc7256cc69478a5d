use std::collections::BTreeMap;

use proptest::prelude::*;
use vthost_cartesian::{Config, NoIncludes, OriginKind, Source};

use super::*;

fn params() -> Params {
    Params::from_pairs([
        ("mem", "512"),
        ("mem_vm1", "1024"),
        ("image_name", "base"),
        ("image_name_image1", "one"),
        ("image_name_image1_vm1", "one of vm1"),
        ("own_vm1", "only here"),
        ("empty", ""),
    ])
}

#[test]
fn an_object_sees_its_own_values() {
    let params = params();
    assert_eq!(params.object("vm2").get("mem"), Some("512"));
    assert_eq!(params.object("vm1").get("mem"), Some("1024"));
    assert_eq!(params.get("mem"), Some("512"));
    let image = |vm: &str| params.object(vm).object("image1");
    assert_eq!(image("vm1").get("image_name"), Some("one of vm1"));
    assert_eq!(image("vm2").get("image_name"), Some("one"));
    assert_eq!(image("vm1").get("mem"), Some("1024"));
    assert_eq!(image("vm1").object_name(), "image1");
}

/// The example of the guide, "Addressing objects".
#[test]
fn the_most_specific_statement_counts() {
    let params = Params::from_pairs([
        ("image_name_first_image_vm1", "fc8-32-no-acpi"),
        ("image_name_vm1", "fc8-32"),
        ("image_name", "fc8-32-something"),
    ]);
    let name = |vm: &str, image: &str| {
        let view = params.object(vm).object(image);
        view.get("image_name").unwrap().to_owned()
    };
    assert_eq!(name("vm1", "first_image"), "fc8-32-no-acpi");
    assert_eq!(name("vm1", "image2"), "fc8-32");
    assert_eq!(name("vm2", "first_image"), "fc8-32-something");
}

/// In the reference the first place where the name stands in the key is taken for the object.
#[test]
fn a_name_in_the_middle_of_a_key_is_no_object() {
    let params = Params::from_pairs([("a_vm1_b_vm1", "x"), ("a_b_vm1", "y"), ("vm1_vm1", "z")]);
    let vm1 = params.object("vm1");
    assert_eq!(vm1.get("a_vm1_b"), Some("x"));
    assert_eq!(vm1.get("a_b"), Some("y"));
    assert_eq!(vm1.get("vm1"), Some("z"));
    assert_eq!(vm1.get("a"), None);
}

#[test]
fn views_of_views_have_an_end() {
    let mut view = params();
    for _ in 0..10_000 {
        view = view.object("vm1");
    }
    assert_eq!(view.get("mem"), Some("1024"));
    assert_eq!(view.on_error().object("x").get("mem"), Some("1024"));
}

/// The examples of the guide, "Parameters used by the postprocessor".
#[test]
fn a_test_that_did_not_pass_has_its_own_values() {
    let params = Params::from_pairs([
        ("kill_vm_vm1_on_error", "yes"),
        ("kill_vm_another_vm", "yes"),
        ("kill_vm_another_vm_on_error", "no"),
        ("keep_ppm_files", "no"),
        ("keep_ppm_files_on_error", "yes"),
    ]);
    let seen = |params: &Params| {
        let kill = |vm: &str| params.object(vm).flag("kill_vm", false).unwrap();
        let keep = params.flag("keep_ppm_files", true).unwrap();
        (kill("vm1"), kill("another_vm"), keep)
    };
    assert_eq!(seen(&params), (false, true, false));
    assert_eq!(seen(&params.on_error()), (true, false, true));
    assert_eq!(seen(&params.on_error().on_error()), (true, false, true));
    let vm1 = params.object("vm1").on_error();
    assert_eq!(
        (vm1.object_name(), vm1.get("kill_vm")),
        ("vm1", Some("yes"))
    );
    assert_eq!(params.on_error().object_name(), "");
}

#[test]
fn a_key_of_an_object_is_more_specific_than_the_ending_on_error() {
    let params =
        Params::from_pairs([("kill_vm_vm1", "no"), ("kill_vm_on_error", "yes")]).on_error();
    assert_eq!(params.object("vm1").get("kill_vm"), Some("no"));
    assert_eq!(params.object("vm2").get("kill_vm"), Some("yes"));
}

#[test]
fn a_prefix_gives_its_keys_in_order() {
    let params = params();
    let keys = |view: &Params, prefix: &str| -> Vec<(String, String)> {
        view.with_prefix(prefix)
            .map(|(key, value)| (key.into_owned(), value.to_owned()))
            .collect()
    };
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(
        keys(&params, "mem"),
        [pair("mem", "512"), pair("mem_vm1", "1024")]
    );
    let vm1 = params.object("vm1");
    assert_eq!(
        keys(&vm1, "mem"),
        [pair("mem", "1024"), pair("mem_vm1", "1024")]
    );
    assert_eq!(
        keys(&vm1, "own"),
        [pair("own", "only here"), pair("own_vm1", "only here")]
    );
    assert_eq!(params.iter().count(), 7);
}

#[test]
fn a_value_that_reaches_the_host_needs_a_grant_if_a_provider_set_it() {
    let grant = |kind: OriginKind, text: &str| {
        let source = Source::new("a.cfg", text);
        let config = Config::parse(source, kind, &NoIncludes).unwrap();
        let variant = config.variants().next().unwrap().unwrap();
        let view = Params::new(&variant).object("vm1");
        view.needed_grant("extra_params")
    };
    let provider = OriginKind::Provider("tp-x".to_owned());
    assert_eq!(
        grant(provider.clone(), "extra_params_vm1 = -S\n"),
        Some("qemu-args")
    );
    assert_eq!(grant(provider, "extra_params_vm2 = -S\n"), None);
    assert_eq!(grant(OriginKind::Operator, "extra_params = -S\n"), None);
}

/// What a view is by definition: the innermost object first asks for its own key, which may have one for the objects
/// around it.
fn model<'m>(
    entries: &'m BTreeMap<String, String>,
    objects: &[&str],
    key: &str,
) -> Option<&'m String> {
    match objects.split_last() {
        None => entries.get(key),
        Some((name, around)) => {
            model(entries, around, &format!("{key}_{name}")).or_else(|| model(entries, around, key))
        }
    }
}

proptest! {
    #[test]
    fn views_are_what_they_are_by_definition(
        entries in prop::collection::btree_map("[ab](_[ab]{1,2}){0,5}(_on_error)?", "[0-9]", 0..40),
        objects in prop::collection::vec("[ab]{1,2}(_[ab])?", 0..5),
        key in "[ab](_[ab]){0,2}",
        did_fail: bool,
    ) {
        let pairs = entries.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let params = Params::from_pairs(pairs);
        let mut names: Vec<&str> = objects.iter().map(String::as_str).collect();
        let mut view = params;
        if did_fail {
            view = view.on_error();
        }
        view = objects.iter().fold(view, |view, name| view.object(name));
        if did_fail {
            names.insert(0, "on_error");
        }
        let expected = model(&entries, &names, &key).map(String::as_str);
        prop_assert_eq!(view.get(&key), expected);
        // What is listed is what is seen, and all that is seen is listed.
        let listed: BTreeMap<_, _> = view.iter().collect();
        for (key, value) in &listed {
            prop_assert_eq!(view.get(key), Some(*value));
        }
        prop_assert_eq!(listed.get(key.as_str()).copied(), expected);
    }
}
