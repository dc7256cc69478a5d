use super::*;

#[test]
fn the_tables_are_sorted_and_each_key_is_there_once() {
    for topic in TOPICS {
        let sorted = topic
            .keys
            .windows(2)
            .all(|pair| pair[0].name < pair[1].name);
        assert!(sorted, "{}", topic.name);
    }
    let mut names: Vec<_> = keys().map(|key| key.name).collect();
    names.sort_unstable();
    let twice: Vec<_> = names.windows(2).filter(|pair| pair[0] == pair[1]).collect();
    assert_eq!(twice, Vec::<&[&str]>::new());
}

#[test]
fn every_key_is_documented_in_the_manner_of_the_house() {
    for key in keys() {
        assert!(
            !key.doc.is_empty() && !key.doc.ends_with('.') && !key.doc.contains('|'),
            "{}",
            key.name
        );
    }
}

#[test]
fn defaults_and_examples_are_of_their_kind() {
    for key in keys() {
        let values = [key.default, key.example];
        for value in values.into_iter().filter(|value| !value.is_empty()) {
            let params = crate::Params::from_pairs([(key.name, value)]);
            let ok = match key.kind {
                Kind::Flag => params.flag(key.name, false).is_ok(),
                Kind::Number { min, max } => params.number_in(key.name, 0, min..=max).is_ok(),
                Kind::Size(unit) => params.size(key.name, 0, unit).is_ok(),
                Kind::Seconds => params.seconds(key.name, std::time::Duration::ZERO).is_ok(),
                Kind::Word(words) => params.word(key.name, "", words).is_ok(),
                Kind::Names(_) => params.names(key.name).is_ok(),
                Kind::Regex => params.regex(key.name, "").is_ok(),
                Kind::Mac => params.mac(key.name).is_ok(),
                _ => true,
            };
            assert!(ok, "{} = {value}", key.name);
        }
    }
}

#[test]
fn old_spellings_lead_to_keys_that_are_known() {
    for key in legacy() {
        let State::Legacy { to, how } = key.state else {
            panic!("{} is no old spelling", key.name);
        };
        if how != How::Spice {
            let new = find(to).unwrap();
            assert!(!matches!(new.state, State::Legacy { .. }), "{}", key.name);
        }
    }
}

#[test]
fn an_object_key_is_found_by_its_stem() {
    let name = |key: &str| find(key).map(|key| key.name);
    assert_eq!(name("mem_vm1"), Some("mem"));
    assert_eq!(name("image_name_image1_vm1"), Some("image_name"));
    assert_eq!(name("kill_vm_vm1_on_error"), Some("kill_vm"));
    assert_eq!(name("keep_screendumps_on_error"), Some("keep_screendumps"));
    assert_eq!(name("test_timeout_vm1"), None);
    assert_eq!(name("test_timeout_on_error"), None);
    assert_eq!(name("pre_command_whatever"), Some("pre_command"));
    assert_eq!(name("pre_command_timeout"), Some("pre_command_timeout"));
    assert_eq!(name("guest_port_remote_shell"), Some("guest_port"));
    assert_eq!(name("nonsense"), None);
}

#[test]
fn passwords_are_secret() {
    assert!(is_secret("password_vm1") && is_secret("image_secret_stg"));
    assert!(!is_secret("username") && !is_secret("mem"));
}
