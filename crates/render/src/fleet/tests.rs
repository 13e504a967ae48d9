use super::*;
use crate::{Escape, Options};
use alloc::string::ToString;

/// The names and tags of issue 6, and those nobody thought of there.
const HOSTILE: [&str; 17] = [
    "*",
    "../etc/evil",
    "q\"x",
    "a;b",
    "a#b",
    "o'k",
    "{{x}}",
    "new\nline",
    "with space",
    "é",
    "$(reboot)",
    "`x`",
    "\\",
    "a\0b",
    "}",
    "-n",
    "\u{2028}",
];

fn fleet(members: &str) -> Fleet {
    serde_json::from_str(&alloc::format!(r#"{{"node":"lb","members":[{members}]}}"#)).unwrap()
}

fn member(name: &str, tags: &str, ip: &str, status: &str) -> String {
    let name = serde_json::to_string(name).unwrap();
    alloc::format!(r#"{{"name":{name},"addr":"{ip}:7946","port":7946,"status":"{status}","tags":{tags}}}"#)
}

fn three() -> Fleet {
    let web = r#"{"role":"web","port":"80"}"#;
    let members = [
        member("s2", web, "10.0.0.2", "alive"),
        member("s1", r#"{"services":"web:3000/20,api:8080"}"#, "10.0.0.1", "alive"),
        member("s3", web, "10.0.0.3", "failed"),
        member("s4", r#"{"role":"web","notready":"*"}"#, "10.0.0.4", "alive"),
        member("s5", web, "10.0.0.5", "left"),
        member("lb", r#"{"role":"lb","balances":"1"}"#, "10.0.0.9", "alive"),
    ];
    fleet(&members.join(","))
}

fn show(template: &str, fleet: &Fleet, escape: Escape) -> Result<Rendered, Error> {
    let options = Options::strict(escape);
    Template::parse(template, &options)?.render_fleet(fleet, &Partials::new(), &options)
}

#[test]
fn the_original_template_works_as_it_stands() {
    let template = "backend b\n{{#each addresses}}\n    server {{ host }} {{ ip }}:3000 check\n{{/each}}\n";
    let rendered = show(template, &three(), Escape::Haproxy).unwrap();
    let expected = "backend b\n    server s1 10.0.0.1:3000 check\n    server s2 10.0.0.2:3000 check\n";
    assert_eq!(rendered, Rendered { text: expected.into(), refusals: Vec::new() });
}

#[test]
fn everything_that_is_known_has_a_name() {
    let mut fleet = three();
    fleet.members[2].since = Some(1_700_000_000);
    fleet.env.insert("HOME".into(), "/root".into());
    fleet.variables.insert("title".into(), "T".into());
    let cases = [
        (
            "{{#each members}}{{name}}={{status}}{{#if since}}@{{since}}{{/if}} {{/each}}",
            "lb=alive s1=alive s2=alive s3=failed@1700000000 s4=alive s5=left ",
        ),
        (
            "{{#each services}}{{@key}}/{{name}}:{{#each backends}}{{host}} {{address}} {{weight}} {{standing}},{{/each}} {{/each}}",
            "api/api:s1 10.0.0.1:8080 10 ready, web/web:s1 10.0.0.1:3000 20 ready,s2 10.0.0.2:80 10 ready, ",
        ),
        ("{{#each services.web.backends}}{{host}} {{id}} {{/each}}", "s1 112850 s2 111771 "),
        ("{{#each services.api.backends}}{{host}} {{lookup this \"id\"}}{{/each}}", "s1 112850"),
        ("{{#each services.web.others}}{{host}} {{standing}} {{/each}}", "s3 demoted s4 withdrawn "),
        ("{{node.name}} {{node.ip}} {{node.tags.role}} {{env.HOME}} {{title}}", "lb 10.0.0.9 lb /root T"),
        ("<{{node.tags.zone}}{{#each services.nobody.backends}}x{{/each}}{{services.nobody.name}}>", "<>"),
        ("{{#if (contains services \"nobody\")}}there{{else}}not{{/if}}", "not"),
        ("{{#if node.tags.zone}}z{{else}}-{{/if}}{{default node.tags.zone \"none\"}}", "-none"),
    ];
    for (template, expected) in cases {
        assert_eq!(show(template, &fleet, Escape::None).unwrap().text, expected, "{template}");
    }
}

#[test]
fn a_failed_backend_is_used_only_where_the_service_has_no_better() {
    let web = r#"{"role":"web"}"#;
    let fleet = fleet(&member("s1", web, "[fd00::1]", "failed"));
    let rendered = show("{{#each services.web.backends}}{{address}}{{/each}}", &fleet, Escape::Haproxy);
    assert_eq!(rendered.unwrap().text, "[fd00::1]:3000");
}

#[test]
fn unknown_names_are_errors_with_their_place() {
    let cases = [
        (
            "x\n{{#each adresses}}{{/each}}",
            "line 2, column 9: `adresses` is unknown; there are `node`, `env`, `members`, `services`, `addresses`",
        ),
        (
            "{{#each addresses}}{{hots}}{{/each}}",
            "line 1, column 22: `hots` is unknown; there are `host`, `ip`, `port`",
        ),
        ("{{env.ZONE}}", "line 1, column 3: in `env.ZONE`, `ZONE` is unknown: there is nothing"),
        ("{{#if adresses}}{{/if}}", "line 1, column 7: `adresses` is unknown"),
        ("{{@index}}", "line 1, column 3: `@index` is not known here"),
        ("{{../x}}", "line 1, column 3: `../x` leads out of the data"),
    ];
    for (template, expected) in cases {
        let error = show(template, &three(), Escape::None).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

/// Each is written so that the file has its lines and words, or is not in it; s1 always is.
#[test]
fn a_hostile_name_or_tag_harms_no_file() {
    let line = "server {{host}} {{ip}}:1 # {{host}}\n";
    let tags = "{{#each members}}{{#if tags.note}}note {{tags.note}} end\n{{/if}}{{/each}}";
    let template = alloc::format!("{{{{#each addresses}}}}{line}{{{{/each}}}}{tags}");
    for hostile in HOSTILE {
        let note = serde_json::to_string(hostile).unwrap();
        let members = [
            member("s1", r#"{"role":"web"}"#, "10.0.0.1", "alive"),
            member(hostile, r#"{"role":"web"}"#, "10.0.0.2", "alive"),
            member("s3", &alloc::format!(r#"{{"role":"web","note":{note}}}"#), "10.0.0.3", "alive"),
        ];
        let fleet = fleet(&members.join(","));
        for (_, escape) in Escape::ALL {
            let rendered = show(&template, &fleet, escape).unwrap();
            let text = &rendered.text;
            assert!(text.contains("server s1 10.0.0.1:1 # s1\n"), "{escape} {hostile:?}: {text}");
            let refused = |name: &str| rendered.refusals.iter().any(|refusal| refusal.node == name);
            if escape == Escape::Html {
                // A line of HTML is nothing.
                assert!(!text.contains(['<', '"', '\'']) || !hostile.contains(['<', '"', '\'']), "{text}");
                continue;
            }
            let lines = 1 + usize::from(!refused(hostile)) + 2 * usize::from(!refused("s3"));
            assert_eq!(text.lines().count(), lines, "{escape} {hostile:?}: {text}");
            assert_eq!(refused(hostile), escape.check_name(hostile).is_err());
            assert!(!refused("s1"));
        }
    }
}

#[test]
fn a_refusal_says_why_and_a_tag_nobody_shows_is_no_reason() {
    let members = [
        member("a;b", r#"{"role":"web"}"#, "10.0.0.1", "alive"),
        member("s2", r#"{"role":"web","note":"o'k"}"#, "10.0.0.2", "alive"),
    ];
    let fleet = fleet(&members.join(","));
    let hosts = "{{#each addresses}}{{host}} {{/each}}";
    let rendered = show(hosts, &fleet, Escape::Shell).unwrap();
    assert_eq!((rendered.text.as_str(), rendered.refusals.len()), (r"a\;b s2 ", 0));
    let shown = alloc::format!("{hosts}{{{{#each members}}}}{{{{default tags.note \"\"}}}}{{{{/each}}}}");
    let rendered = show(&shown, &fleet, Escape::Shell).unwrap();
    assert_eq!(rendered.text, r"a\;b ");
    assert_eq!(
        rendered.refusals[0].to_string(),
        r#""s2": tag "note": '\'' cannot be written in shell files"#
    );
    let rendered = show(hosts, &fleet, Escape::Haproxy).unwrap();
    assert_eq!(rendered.text, "s2 ");
    assert!(rendered.refusals[0].to_string().starts_with(r#""a;b": in haproxy files a name has only"#));
}

#[test]
fn what_the_operator_wrote_himself_is_an_error_and_not_left_out() {
    let mut fleet = three();
    fleet.env.insert("X".into(), "a$b".into());
    let error = show("\n {{env.X}}", &fleet, Escape::Nginx).unwrap_err();
    assert_eq!(error.to_string(), "line 2, column 4: '$' cannot be written in nginx files");
}

#[test]
fn addresses_of_the_file_win_and_are_held_to_the_same() {
    let json = r#"{"addresses":[{"host":"x","ip":"1.2.3.4"},{"host":"a b","ip":"1.2.3.5"}]}"#;
    let fleet: Fleet = serde_json::from_str(json).unwrap();
    let rendered = show("{{#each addresses}}{{host}} {{ip}}\n{{/each}}", &fleet, Escape::Haproxy).unwrap();
    assert_eq!((rendered.text.as_str(), rendered.refusals.len()), ("x 1.2.3.4\n", 1));
}
