//! HUP: groups of templates come, change and go while the agent runs, and a mistake changes none.

use muster_e2e::{Agent, AgentOptions, Hosts, wait_for};
use rustix::process::Signal;
use std::fs;
use std::path::Path;

#[tokio::test]
async fn groups_follow_the_configuration_and_a_mistake_changes_none() {
    let hosts = Hosts::claim();
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let at = |name: &str| directory.path().join(name);
    let read = |name: &str| fs::read_to_string(at(name)).unwrap_or_default();
    fs::write(at("names.hb"), "{{#each members}}{{name}} {{/each}}").expect("it can be written");
    fs::write(at("word.hb"), "word").expect("it can be written");
    let group = |name: &str, file: &str, template: &str| {
        let path = directory.path().display();
        format!("[templates.{name}]\nfiles = {{ '{path}/{file}' = '{path}/{template}' }}\n")
    };
    let configure = |text: &str| fs::write(at("muster.toml"), text).expect("it can be written");
    let one = group("one", "a", "names.hb");
    configure(&one);
    let config = at("muster.toml").display().to_string();
    let agent = Agent::start(&hosts, 1, "lb", AgentOptions::default().flag("--config").flag(&config));
    let is = async |name: &str, text: &str| {
        wait_for(&format!("{name} is {text:?}"), || async {
            if read(name) == text { Ok(()) } else { Err(format!("{}; {}", read(name), agent.process.said())) }
        })
        .await;
    };
    is("a", "lb ").await;
    let reload = |text: &str| {
        configure(text);
        agent.process.signal(Signal::HUP);
    };
    reload(&[group("two", "b", "word.hb"), one.clone()].concat());
    is("b", "word").await;
    // Each of these is refused as a whole.
    let refusals = [
        (group("two", "b", "none.hb"), "none.hb: No such file"),
        (group("two", "a", "word.hb"), "is made by [templates.two] and by [templates.one]"),
        ("[templates.two]\nfiels = {}\n".to_owned(), "fiels"),
    ];
    for (more, why) in refusals {
        reload(&[one.clone(), more].concat());
        wait_for("it is told", || async {
            let said = agent.process.said();
            let mut lines = said.lines();
            let is_told =
                lines.any(|line| line.contains("the configuration was not reloaded") && line.contains(why));
            if is_told { Ok(()) } else { Err(format!("{why}: {said}")) }
        })
        .await;
        // What is kept is as before.
        fs::write(at("word.hb"), why).expect("it can be written");
        is("b", why).await;
    }
    reload(&[one, group("two", "c", "word.hb")].concat());
    is("c", "fiels").await;
    reload(&group("two", "c", "names.hb"));
    is("c", "lb ").await;
    let told = agent.run(&["templates"]).expect("none fails");
    assert!(told.contains("two  right") && !told.contains("one  right"), "{told}");
    assert!(Path::new(&at("a")).exists() && read("b") == "fiels", "what is no longer kept stays");
}
