//! Groups that change while the agent runs.

use super::*;

impl Node {
    fn configure(&mut self, configs: &[TemplatesConfig]) {
        self.templates.as_mut().unwrap().configure(configs);
    }

    fn row_of(&self, name: &str) -> Option<TemplateRow> {
        self.templates.as_ref().unwrap().board().rows().into_iter().find(|row| row.name == name)
    }

    async fn changed(&self, name: &str, times: u64) {
        self.until(|node| node.row_of(name).is_some_and(|row| row.changed == times)).await;
    }
}

#[tokio::test]
async fn groups_come_change_and_go_and_the_others_are_not_disturbed() {
    let mut node = node(Phase::Live, &["s1"]);
    node.write("out.hb", LINES);
    node.write("other.hb", "of another template\n");
    let stays = node.config();
    let with = |name: &str, template: &str, target: &str| {
        let file =
            FileConfig { template: node.path(template), target: node.path(target), ..stays.files[0].clone() };
        TemplatesConfig { name: name.to_owned(), files: vec![file], ..stays.clone() }
    };
    let [comes, changed, renamed] =
        [with("comes", "out.hb", "b"), with("comes", "other.hb", "b"), with("renamed", "out.hb", "b")];
    node.start(stays.clone());
    node.changed("group", 1).await;
    node.configure(&[comes, stays.clone()]);
    node.changed("comes", 1).await;
    let names: Vec<_> =
        node.templates.as_ref().unwrap().board().rows().into_iter().map(|row| row.name).collect();
    assert_eq!(names, ["comes", "group"], "in the order of the configuration");
    node.configure(&[changed, stays.clone()]);
    node.until(|node| node.read("b") == "of another template\n").await;
    // One that makes the same file begins when the other has ended.
    node.configure(&[stays.clone(), renamed]);
    node.until(|node| node.read("b") == LINES_OF_S1).await;
    assert_eq!(node.row_of("comes"), None);
    node.configure(&[stays]);
    assert_eq!((node.row_of("renamed"), node.read("b").as_str()), (None, LINES_OF_S1), "its file stays");
    node.see(Phase::Live, &["s1", "s2"]);
    node.changed("group", 2).await;
    assert_eq!((node.row().made, node.read("b").as_str()), (2, LINES_OF_S1));
    node.stop().await;
}

const LINES_OF_S1: &str = "server s1 10.0.0.1:3000\n";

#[tokio::test]
async fn one_that_is_at_work_has_ended_before_another_begins_with_its_file() {
    let mut node = node(Phase::Live, &["s1"]);
    node.write("out.hb", LINES);
    // It goes on for ever, and says so when it is ended.
    let action =
        Action::Run(node.script(
            "echo began >> told; trap 'echo ended >> told; exit 1' TERM; while :; do sleep 0.01; done",
        ));
    let config = TemplatesConfig { action, ..node.config() };
    node.start(config.clone());
    node.until(|node| node.read("told") == "began\n").await;
    let next = |nth: u32| TemplatesConfig {
        action: Action::Run(node.script(&format!("echo {nth} >> told"))),
        ..config.clone()
    };
    let (one, two) = (next(1), next(2));
    // The first of both has no time to begin, and the second waits for what that waits for.
    node.configure(&[one]);
    node.configure(&[two]);
    node.until(|node| node.read("told") == "began\nended\n2\n").await;
    node.until(|node| node.row().state == "right").await;
    node.stop().await;
}
