//! The lints, rule by rule: what they find, and what they leave alone.

use vthost_cartesian::{Lint, LintOptions, MapLoader, Rule, Source, lint};

fn found_in(text: &str, loader: &MapLoader) -> Vec<Lint> {
    let source = Source::new("t.cfg", text);
    lint(source, loader, &LintOptions::default()).expect("a configuration")
}

/// The findings, a line each: the place, the rule, the message, what else there is to know, the hint.
fn found(text: &str) -> Vec<String> {
    let found = found_in(text, &MapLoader::default());
    let told = found.iter().map(|lint| {
        let notes = lint.notes().map(|note| format!("; {note}"));
        let help = lint.help().map(|help| format!(" ({help})"));
        format!(
            "{}:{} {}: {}{}{}",
            lint.line(),
            lint.column(),
            lint.rule(),
            lint.message(),
            notes.collect::<String>(),
            help.unwrap_or_default()
        )
    });
    told.collect()
}

/// Nothing is found in these.
fn clean(texts: &[&str]) {
    for text in texts {
        assert_eq!(found(text), [""; 0], "{text}");
    }
}

/// Two blocks that all filters here are about.
fn guests(rest: &str) -> String {
    format!(
        "variants guest:\n    - Linux:\n        variants:\n            - Fedora:\n            - Debian:\n    - Windows:\n        variants:\n            - Win10:\n            - Win11:\nvariants:\n    - virtio:\n    - ide:\n{rest}"
    )
}

/// How many lines [`guests`] has before `rest`.
const GUESTS: u32 = 12;

#[test]
fn a_label_that_no_variant_has() {
    let text = guests(
        "only Fedroa, Win10\nno (guest=Fedora)\nide..scsi.x: m = 1\n!Linux..(guest=linux): m = 2\n",
    );
    assert_eq!(
        found(&text),
        [
            "13:6 unknown-label: no variant has a label `Fedroa` (did you mean `Fedora`?)",
            "14:4 unknown-label: no variant has a label `(guest=Fedora)`; this filter rejects nothing",
            "15:6 unknown-label: no variant has a label `scsi`; this condition never holds",
            "16:9 unknown-label: no variant has a label `(guest=linux)`; this condition always holds (did you mean `(guest=Linux)`?)",
        ]
    );
    assert_eq!(
        found("variants:\n    - a: gone\n    - b: a c..a\njoin a, none\n"),
        [
            "2:10 unknown-label: no variant has a label `gone`",
            "3:12 unknown-label: no variant has a label `c`",
            "4:9 unknown-label: no variant has a label `none`",
        ]
    );
    clean(&[
        &guests("only (guest=Linux).Fedora..virtio, (ide)\n!Win11:\n    m = 1\n"),
        "variants:\n    - a.b+c:\n        only a..b..c\n",
        // Labels may come later.
        "only a\nvariants:\n    - a:\n",
    ]);
}

#[test]
fn a_label_is_told_once_for_each_file() {
    let lines = "only gone, Fedora\n".repeat(12);
    assert_eq!(
        found(&guests(&lines)),
        [
            "13:6 unknown-label: no variant has a label `gone`; also in lines 14, 15, 16, 17, 18, 19, 20, 21 and 3 more",
        ]
    );
    assert_eq!(
        found(&guests("only gone, Gone, gone\nno gone\n")),
        [
            "13:6 unknown-label: no variant has a label `gone`; also in line 14",
            "13:12 unknown-label: no variant has a label `Gone`",
        ]
    );
    let loader = MapLoader::new([("b.cfg", "no gone\n")]);
    let found = found_in(&guests("no gone\ninclude b.cfg\n"), &loader);
    let files: Vec<&str> = found.iter().map(Lint::source_name).collect();
    assert_eq!(files, ["t.cfg", "b.cfg"]);
}

#[test]
fn labels_that_no_variant_has_together() {
    assert_eq!(
        found(&guests(
            "Fedora..Debian:\n    m = 1\nonly Fedora..Win10, ide\nno virtio.Fedora.Linux\n"
        )),
        [
            "13:1 impossible-combination: no variant matches `Fedora..Debian`; `Fedora` and `Debian` are never chosen together; `Fedora` (t.cfg:4) and `Debian` (t.cfg:5) are variants of one block; this condition never holds",
            "15:6 impossible-combination: no variant matches `Fedora..Win10`; `Fedora` and `Win10` are never chosen together; `Linux` (t.cfg:2) and `Windows` (t.cfg:6) are variants of one block",
            "16:4 impossible-combination: no variant matches `virtio.Fedora.Linux`; there are variants with these labels, but in no name they are neighbours in this order: `virtio`, `Fedora`, `Linux`; this filter rejects nothing (`.` joins neighbours in a name, `..` labels anywhere in it)",
        ]
    );
    // Each two of them come together, and not all three.
    let three = "variants:\n    - x:\n        variants:\n            - a:\n            - b:\n                variants:\n                    - c:\n    - y:\n        variants:\n            - a:\n                variants:\n                    - c:\n    - z:\n        variants:\n            - a:\n                variants:\n                    - b:\nonly a..b..c\n";
    assert_eq!(
        found(three),
        [
            "18:6 impossible-combination: no variant matches `a..b..c`; some of the labels come together, but never all; this filter leaves nothing",
        ]
    );
    clean(&[
        &guests("only virtio.Linux.Fedora\nno Linux.Debian, ide.Windows, Fedora..virtio\n"),
        // The same label in two blocks.
        "variants:\n    - a:\n    - b:\nvariants:\n    - a:\n    - b:\nonly a..b\nno a.b\n",
        "variants:\n    - a.b.c:\nonly a.b.c, b.c, c..a\n",
        // The last block of a variant stands before its others, and all of them before what stands before it.
        "variants:\n    - a:\nvariants:\n    - b:\n        variants:\n            - c:\n        variants:\n            - d:\nonly b.d.c.a\n",
    ]);
}

#[test]
fn what_never_matches_where_it_stands() {
    let text = "\
variants:
    - a:
        no b
        only c, b..c
        b:
            m = 1
        !b: m = 2
    - b:
        c..a, c: m = 3
        !b: m = 4
        no b..c
        no b
variants:
    - c:
    - d:
";
    let here = |here: &str, line, other: &str, there| {
        format!(
            "it stands in the variant `{here}`, with which `{other}` is never chosen; `{here}` (t.cfg:{line}) and `{other}` (t.cfg:{there}) are variants of one block"
        )
    };
    let (b, a) = (here("a", 2, "b", 8), here("b", 8, "a", 2));
    assert_eq!(
        found(text),
        [
            format!("3:12 unreachable-condition: this filter rejects nothing; {b}"),
            format!("4:17 unreachable-condition: this alternative never matches; {b}"),
            format!("5:9 unreachable-condition: this condition never holds; {b}"),
            format!("7:10 unreachable-condition: this condition always holds; {b}"),
            format!("9:9 unreachable-condition: this alternative never matches; {a}"),
            "10:10 unreachable-condition: this condition never holds; `b` matches everything here"
                .to_owned(),
            "12:12 unreachable-condition: this filter leaves nothing; `b` matches everything here"
                .to_owned(),
        ]
    );
    assert_eq!(
        found(&guests(
            "Linux:\n    Windows..ide:\n        no ide\n        virtio: m = 1\n    !Linux: m = 1\n    Fedora:\n        Debian: m = 1\n"
        )),
        [
            "14:5 unreachable-condition: this condition never holds; it stands under `Linux:` (t.cfg:13), which lets no `Windows..ide` through",
            "17:6 unreachable-condition: this condition never holds; `Linux` matches everything here",
            "19:9 unreachable-condition: this condition never holds; it stands under `Fedora:` (t.cfg:18), which lets no `Debian` through",
        ]
    );
}

#[test]
fn filters_count_where_they_hold() {
    let text = guests(
        "variants:\n    - boot:\n        Windows: m = 1\n        only Linux\n        variants:\n            - x:\n                only Win10, Win11\n            - y:\n                Win10, Fedora: m = 2\n                no Win10\n    - install:\n        no Windows, ide\n        Win10: m = 3\n        Fedora..ide: m = 4\n",
    );
    let under = |filter: &str, line, what: &str| {
        format!("it stands under `{filter}` (t.cfg:{line}), which lets no `{what}` through")
    };
    let line = |line: u32| GUESTS + line;
    let (only, no) = (("only Linux", line(4)), ("no Windows, ide", line(12)));
    assert_eq!(
        found(&text),
        [
            format!(
                "{}:9 unreachable-condition: this condition never holds; {}",
                line(3),
                under(only.0, only.1, "Windows")
            ),
            format!(
                "{}:22 unreachable-condition: this filter leaves nothing; {}; {}",
                line(7),
                under(only.0, only.1, "Win10"),
                under(only.0, only.1, "Win11")
            ),
            format!(
                "{}:9 unreachable-condition: this condition never holds; {}",
                line(13),
                under(no.0, no.1, "Win10")
            ),
            format!(
                "{}:9 unreachable-condition: this condition never holds; {}",
                line(14),
                under(no.0, no.1, "Fedora..ide")
            ),
        ]
    );
    clean(&[
        // What selects the variants of a whole configuration makes nothing in it wrong.
        &guests("only Linux\nno ide\nWindows: m = 1\nide: m = 2\n"),
        // A filter in a condition holds for what is in the condition.
        &guests(
            "variants:\n    - x:\n        virtio:\n            only Linux\n        Windows: m = 1\n",
        ),
        // In another variant.
        "variants:\n    - x:\n        only a\n    - y:\n        b: m = 1\nvariants:\n    - a:\n    - b:\n",
    ]);
}

#[test]
fn variants_of_one_name() {
    assert_eq!(
        found("variants:\n    - a:\n    - b.c:\n    - @a: b\n    - b+c:\n"),
        [
            "4:8 duplicate-variant: there are two variants `a` in this block; the first is in line 2",
            "5:7 duplicate-variant: there are two variants `b.c` in this block; the first is in line 3",
        ]
    );
    clean(&[
        "variants:\n    - a:\n        variants:\n            - a:\n    - a.b:\n    - A:\nvariants:\n    - a:\n",
    ]);
}

#[test]
fn a_value_that_is_never_seen() {
    let cases: &[(&str, &[&str])] = &[
        (
            "k = 1\nk = 2\n",
            &[
                "1:1 overridden-assignment: this value of `k` is never seen; `k` is always set again at t.cfg:2",
            ],
        ),
        (
            "k = 1\nl = 1\ndel k\n",
            &[
                "1:1 overridden-assignment: this value of `k` is never seen; `k` is always deleted at t.cfg:3",
            ],
        ),
        (
            "k = x\nk = \"x\"\n",
            &[
                "1:1 overridden-assignment: `k` is set to the same value again; at t.cfg:2, and nothing between looks at it",
            ],
        ),
        (
            "k = ${l}\nl = 1\nk = 2\n",
            &[
                "1:1 overridden-assignment: this value of `k` is never seen; `k` is always set again at t.cfg:3",
            ],
        ),
        (
            "v = 1\nvariants v:\n    - a:\n        l = ${v}\n",
            &[
                "1:1 overridden-assignment: this value of `v` is never seen; `v` is always set again at t.cfg:2",
            ],
        ),
        // Past blocks and conditions that do something else.
        (
            "k = 1\nvariants:\n    - a:\n        l = 1\n    - b:\n        k = 3\nb: l = 2\nl.* ?= 1\nonly a\nk = 2\n",
            &[
                "1:1 overridden-assignment: this value of `k` is never seen; `k` is always set again at t.cfg:10",
                "6:9 overridden-assignment: this value of `k` is never seen; `k` is always set again at t.cfg:10",
            ],
        ),
        // Set again before it is looked at.
        (
            "k = 1\nvariants:\n    - a:\n        k = 2\n        l = ${k}\nk = 3\n",
            &[
                "1:1 overridden-assignment: this value of `k` is never seen; `k` is always set again at t.cfg:6",
            ],
        ),
        (
            "variants:\n    - a:\n        b:\n            k = 1\n            k = 2\n    - b:\nsuffix _x\nk = 1\nk = 2\n",
            &[
                "4:13 overridden-assignment: this value of `k` is never seen; `k` is always set again at t.cfg:5",
                "5:13 overridden-assignment: this value of `k` is never seen; `k` is always set again at t.cfg:8",
                "8:1 overridden-assignment: this value of `k` is never seen; `k` is always set again at t.cfg:9",
            ],
        ),
    ];
    for (text, expected) in cases {
        let told = found(text);
        let told: Vec<&String> = told
            .iter()
            .filter(|told| told.contains("overridden"))
            .collect();
        let expected: Vec<&&str> = expected.iter().collect();
        assert_eq!(format!("{told:#?}"), format!("{expected:#?}"), "{text}");
    }
}

#[test]
fn a_value_that_may_be_seen() {
    clean(&[
        "k = 1\nl = ${k}\nk = 2\n",
        "k = 1\nk = ${k}2\n",
        "k = 1\nk += 2\nk = \"\"\n",
        "k = 1\nk ~= 2\n",
        "k = 1\nk ?= 2\nk = 3\n",
        "k = 1\n[kl] ?= 2\nk = 3\n",
        "k = 1\nvariants:\n    - a:\n        l = ${k}\n    - b:\nk = 2\n",
        "k = 1\nvariants:\n    - a:\n    - b:\na: l = ${k}\nk = 2\n",
        "variants:\n    - a:\n    - b:\nk = 1\na: k = 2\n",
        // A default that all variants replace, so far.
        "k = 1\nvariants:\n    - a:\n        k = 2\n    - b:\n        k = 3\n",
        // The first value goes on under another name.
        "k = 1\nvariants:\n    - a:\n        suffix _a\n    - b:\nk = 2\n",
        "variants:\n    - a:\n        k = 1\n        suffix _a\nk = 2\n",
        "variants:\n    - a:\n    - b:\nk = 1\na: suffix _a\nk = 2\n",
        // Whether `k_a` is shown depends on `k`.
        "variants:\n    - a:\n        k = 1\n        suffix _a\nk = 1\nl = ${k_a}\nk = 2\n",
        "name = 1\nname = 2\n",
    ]);
}

#[test]
fn defaults_may_be_replaced_where_they_are_included() {
    let loader = MapLoader::new([("a.cfg", "k = 1\nl = 1\n"), ("b.cfg", "k = 2\n")]);
    let told = |text: &str| {
        let found = found_in(text, &loader);
        found.iter().map(Lint::to_string).collect::<Vec<String>>()
    };
    assert_eq!(told("include a.cfg\ninclude b.cfg\nk = 3\n"), [""; 0]);
    // But not the other way round.
    assert_eq!(
        told("k = 1\ninclude b.cfg\n"),
        ["t.cfg:1:1: this value of `k` is never seen"]
    );
}

#[test]
fn keys_that_are_set_nowhere() {
    assert_eq!(
        found(
            "image = ${imag}.${image} ${x}\nsmp_cores = 1\ncommand = ${imag}\ndel smp_core\ndel x\ndel x\n"
        ),
        [
            "1:9 undefined-reference: `imag` is set nowhere, so that `${imag}` stays as it is; also in line 3 (did you mean `image`?)",
            "1:26 undefined-reference: `x` is set nowhere, so that `${x}` stays as it is",
            "4:5 useless-del: `smp_core` is set nowhere, so that there is nothing to delete (did you mean `smp_cores`?)",
            "5:5 useless-del: `x` is set nowhere, so that there is nothing to delete; also in line 6",
        ]
    );
    clean(&[
        "a += 1\nb <= 1\nc ~= 1\nvariants d:\n    - x:\nk = ${a}${b}${c}${d}${name}${shortname}${dep}\ndel d\n",
        // Set by a bound, and by a suffix.
        "m_max = 1\nk = ${m}\n",
        "variants:\n    - a:\n        k = 1\n        suffix _a\nl = ${k_a}\ndel k_a\n",
        "k = ${ $ ${} ${x:-1}\n",
    ]);
}

/// What is told of keys if these are known.
fn unknown(text: &str, known: &[&'static str]) -> Vec<String> {
    let mut options = LintOptions::default();
    options.known_keys = known.to_vec();
    options.lists_of_objects = vec!["images", "vms"];
    let source = Source::new("t.cfg", text);
    let found = lint(source, &MapLoader::default(), &options).expect("a configuration");
    let found = found.iter().filter(|lint| lint.rule() == Rule::UnknownKey);
    let told = found.map(|lint| format!("{lint}; {}", lint.help().unwrap_or_default()));
    told.collect()
}

#[test]
fn keys_that_look_mistyped() {
    let known = [
        "images",
        "vms",
        "image_name",
        "image_chain",
        "mem",
        "display",
    ];
    assert_eq!(
        unknown(
            "images = \"image1 stg\"\nvms_x = vm1\nimage_nmae_stg_vm1 = x\ndsplay = vnc\nkill = ${disply}\n",
            &known
        ),
        [
            "t.cfg:3:1: unknown key `image_nmae_stg_vm1`; did you mean `image_name_stg_vm1`?",
            "t.cfg:4:1: unknown key `dsplay`; did you mean `display`?",
        ]
    );
    for text in [
        // Known, also for an object.
        "images = stg\nimage_name_stg = x\nimage_name_on_error = x\n",
        // Short keys look like each other, and numbers count.
        "mex = 1\nimage_chain1 = x\n",
        // Somebody reads it.
        "dsplay = x\nk = ${dsplay}\n",
        // All of its parts are words of other keys.
        "images_name = x\n",
        // Two slips.
        "imga_nmae = x\n",
    ] {
        assert_eq!(unknown(text, &known), [""; 0], "{text}");
    }
    assert_eq!(unknown("image_nmae = x\n", &[]), [""; 0]);
}

#[test]
fn rules_can_be_left_out() {
    let text = "k = 1\nk = ${x}\ndel y\nvariants:\n    - a:\n    - a:\n        no a\n    - b:\nonly gone, a..b\nimage_nmae = x\n";
    let mut options = LintOptions::default();
    options.known_keys = vec!["image_name"];
    let with =
        |options: &LintOptions| lint(Source::new("t.cfg", text), &MapLoader::default(), options);
    let all = with(&options).expect("a configuration");
    let mut rules: Vec<Rule> = all.iter().map(Lint::rule).collect();
    rules.sort_unstable();
    assert_eq!(rules, Rule::ALL);
    for rule in Rule::ALL {
        let mut options = options.clone();
        options.allow.push(*rule);
        let left = with(&options);
        let left: Vec<Rule> = left
            .expect("a configuration")
            .iter()
            .map(Lint::rule)
            .collect();
        assert_eq!(left.len(), all.len() - 1);
        assert!(!left.contains(rule));
        assert_eq!(Rule::named(rule.name()), Some(*rule));
    }
    assert_eq!(Rule::named("unknown"), None);
}

#[test]
fn findings_look_like_errors() {
    let loader = MapLoader::new([
        ("dir/a.cfg", "# first\ninclude b.cfg\n"),
        (
            "dir/b.cfg",
            "x = \"\u{7}\"\n\tno  ( guest = Lnux ) # \u{7}\n",
        ),
    ]);
    let found = found_in(&guests("include dir/a.cfg\n"), &loader);
    let [lint] = &*found else { panic!("{found:?}") };
    assert_eq!(
        lint.render(),
        "\
warning: no variant has a label `(guest=Lnux)`
 --> dir/b.cfg:2:13
  |
2 |         no  ( guest = Lnux ) # \u{fffd}
  |             ^^^^^^^^^^^^^^^^
  = included from dir/a.cfg:2
  = included from t.cfg:13
  = note: this filter rejects nothing
  = help: did you mean `(guest=Linux)`?
  = note: rule `unknown-label`
"
    );
    assert_eq!(
        lint.to_string(),
        "dir/b.cfg:2:13: no variant has a label `(guest=Lnux)`"
    );
}

#[test]
fn a_file_included_twice_is_told_of_once() {
    let shared = "k = 1\nonly gone\na: m = 1\nl = 1\nl = 2\n";
    let loader = MapLoader::new([("shared.cfg", shared)]);
    let text =
        "variants:\n    - a:\n        include shared.cfg\n    - b:\n        include shared.cfg\n";
    let told = |text: &str| {
        let found = found_in(text, &loader);
        found.iter().map(Lint::to_string).collect::<Vec<String>>()
    };
    // The condition holds where the file is included first.
    assert_eq!(
        told(text),
        [
            "shared.cfg:2:6: no variant has a label `gone`",
            "shared.cfg:4:1: this value of `l` is never seen",
        ]
    );
    // The last of two inclusions is the one that counts: its values are seen.
    let twice = "variants:\n    - a:\ninclude shared.cfg\ninclude shared.cfg\n";
    assert_eq!(told(twice), told(text));
    // The order is that of the text.
    let order = told("no none\ninclude shared.cfg\nno more\n");
    let lines: Vec<&str> = order
        .iter()
        .filter_map(|told| told.rsplit_once(':'))
        .map(|(place, _)| place)
        .collect();
    assert_eq!(
        lines,
        [
            "t.cfg:1:4",
            "t.cfg:3:4",
            "shared.cfg:2:6",
            "shared.cfg:3:1",
            "shared.cfg:4:1"
        ]
    );
}

#[test]
fn mistakes_are_errors() {
    let source = Source::new("t.cfg", "k = 1\nk = 2\nonly\n");
    let error =
        lint(source, &MapLoader::default(), &LintOptions::default()).expect_err("a mistake");
    assert_eq!(
        (error.line(), error.help()),
        (3, Some("`only` needs something after it"))
    );
}

/// These take milliseconds, or are given up; without the bounds they would take hours.
#[test]
fn no_text_takes_for_ever() {
    let many = |line: &dyn Fn(usize) -> String| (0..3_000).map(line).collect::<String>();
    let block = |name: &str| {
        format!(
            "variants:\n{}",
            many(&|at| format!("    - {name}{at}.x:\n"))
        )
    };
    let texts = [
        many(&|at| format!("k{at} = 1\n"))
            + &(0..1_000)
                .map(|at| format!("k.*{at} ?= 1\n"))
                .collect::<String>()
            + &many(&|at| format!("k{at} = 2\n")),
        block("a") + &block("b") + &many(&|at| format!("a{at}..a{at}..x..b{at}: k = 1\n")),
        block("a") + &many(&|_| "no x.x.x\nonly x..x.a1\n".to_owned()),
        format!(
            "{}only {}\n",
            block("a"),
            (0..3_000)
                .map(|at| format!("a{at}"))
                .collect::<Vec<String>>()
                .join("..")
        ),
        format!(
            "variants:\n{}{}",
            many(&|at| format!("    - a{at}:\n        k = 1\n        suffix _{at}\n")),
            many(&|at| format!("k{at} = 1\n"))
        ),
        format!(
            "variants:\n    - a:\n{}",
            many(&|at| format!("        only a, b{at}\n        a: k = ${{u{at}}}\n"))
        ),
        "variants:\n    - a:\n    - b:\n".repeat(20) + &many(&|_| "a..b: k = 1\n".to_owned()),
    ];
    for text in texts {
        found(&text);
    }
}
