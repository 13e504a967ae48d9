//! A configuration of HAProxy for 10, 1,000 and 10,000 backends: from the fleet's members to the text, in this process, as the
//! agent will do it for each change. The template is read once.

use crate::results::spread_us;
use muster_haproxy::{Config, Features, Plan};
use muster_render::{Escape, Fleet, Options, Partials, Template};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Instant;

const SIZES: [usize; 3] = [10, 1_000, 10_000];
const RUNS: usize = 51;

/// By the name under which the figures stand.
const TEMPLATES: [(&str, &str); 3] = [
    // That of the original design.
    ("addresses", "{{#each addresses}}\n    server {{ host }} {{ ip }}:3000 check\n{{/each}}\n"),
    (
        "services",
        "{{#each services}}\nbackend {{name}}\n{{#each backends}}\n    server {{host}} {{address}} weight {{weight}}\n{{/each}}\n{{/each}}\n",
    ),
    (
        "members and their tags",
        "{{#each members}}\n{{#eq status \"failed\"}}\n# {{name}} in {{tags.zone}} failed{{#if since}} at {{since}}{{/if}}\n{{/eq}}\n{{/each}}\n",
    ),
];

pub(crate) fn measure() -> Value {
    let mut figures = Vec::new();
    for backends in SIZES {
        let fleet = fleet(backends);
        for (name, text) in TEMPLATES {
            let options = Options::strict(Escape::Haproxy);
            let template = Template::parse(text, &options).expect("the template is right");
            let mut samples = Vec::new();
            let mut bytes = 0;
            for _ in 0..RUNS {
                let began = Instant::now();
                let rendered = template.render_fleet(black_box(&fleet), &Partials::new(), &options);
                bytes = black_box(rendered).expect("it renders").text.len();
                samples.push(began.elapsed().as_secs_f64() * 1e6);
            }
            let took = spread_us(&samples);
            println!(
                "{backends} backends, {name}: median {} us, slowest {} us, {bytes} bytes",
                took["median_us"], took["max_us"]
            );
            figures.push(
                json!({ "backends": backends, "template": name, "bytes": bytes, "runs": RUNS, "took": took }),
            );
        }
    }
    for backends in SIZES {
        figures.push(plan(backends));
    }
    json!(figures)
}

/// From the text that HAProxy runs and the one that is wanted, both read anew, to the commands: one server more.
fn plan(backends: usize) -> Value {
    let text = |count: usize| {
        let servers = (0..count).map(|number| {
            format!(
                "    server web-{number:05} 10.{}.{}.{}:3000 check\n",
                number >> 16,
                (number >> 8) & 255,
                number & 255
            )
        });
        format!("backend web\n    balance roundrobin\n{}", servers.collect::<String>())
    };
    let (running, wanted) = (text(backends), text(backends + 1));
    let features = Features::of((2, 6));
    let mut samples = Vec::new();
    for _ in 0..RUNS {
        let began = Instant::now();
        let read = |text| Config::read(black_box(text)).expect("it is short enough");
        let plan = muster_haproxy::plan(&read(&running), &read(&wanted), &BTreeMap::new(), features);
        assert!(matches!(black_box(plan), Plan::Change(changes) if changes.len() == 1));
        samples.push(began.elapsed().as_secs_f64() * 1e6);
    }
    let took = spread_us(&samples);
    println!("{backends} servers, plan: median {} us, slowest {} us", took["median_us"], took["max_us"]);
    json!({ "backends": backends, "plan": "one server more", "runs": RUNS, "took": took })
}

fn fleet(backends: usize) -> Fleet {
    let members: Vec<Value> = (0..backends)
        .map(|number| {
            json!({
                "name": format!("web-{number:05}"), "addr": format!("10.{}.{}.{}", number >> 16, (number >> 8) & 255, number & 255),
                "port": 7946, "status": if number % 100 == 99 { "failed" } else { "alive" }, "since": 1_700_000_000 + number,
                "tags": { "role": "web", "port": "3000", "zone": format!("z{}", number % 3) },
            })
        })
        .collect();
    // The services as the agent's picture has them, so that nobody has to read tags.
    let backends: serde_json::Map<String, Value> = members
        .iter()
        .filter_map(|member| {
            let standing = if member["status"] == "failed" { "demoted" } else { "ready" };
            let addr = format!("{}:3000", member["addr"].as_str()?);
            let backend = json!({ "addr": addr, "weight": 10, "standing": standing });
            Some((member["name"].as_str()?.to_owned(), backend))
        })
        .collect();
    let services = json!({ "web": { "backends": backends } });
    serde_json::from_value(json!({ "node": "lb", "members": members, "services": services }))
        .expect("such members are a fleet")
}
