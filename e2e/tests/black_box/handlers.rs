//! Event handlers beside those of real Serf: the same scripts, the same events, the same cluster, compared byte for byte.

use muster_e2e::{Agent, AgentOptions, Hosts, SerfAgent, agree, reference, says, wait_for};
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Writes down the variables and the input of each run, a file each, named when it is whole.
const DUMP: &str = r#"#!/bin/sh
whole=$(mktemp "$1/XXXXXX")
{ env | grep '^SERF_' | LC_ALL=C sort; echo ---; cat; } >"$whole"
mv "$whole" "$whole.run"
"#;

fn program(directory: &Path, name: &str, text: &str) -> PathBuf {
    let path = directory.join(name);
    std::fs::write(&path, text).expect("a script can be written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
    path
}

/// One agent of each kind in one cluster, each with a directory of its own for what its handlers do.
struct Pair {
    hosts: Hosts,
    serf: SerfAgent,
    muster: Agent,
    directory: TempDir,
}

impl Pair {
    /// Handlers as `handlers` makes them for a directory; own tags the same.
    async fn start(handlers: impl Fn(&Path) -> Vec<String>) -> Option<Self> {
        let (hosts, directory) = (Hosts::claim(), TempDir::new().expect("a temporary directory can be made"));
        let mut flags: Vec<String> = ["-tag", "role=lb", "-tag", "dc-1.é=x y"].map(str::to_owned).into();
        let of = |kind: &str| {
            let own = directory.path().join(kind);
            std::fs::create_dir_all(own.join("nodes")).expect("it can be made");
            let handlers = handlers(&own);
            handlers
                .into_iter()
                .flat_map(|handler| ["-event-handler".to_owned(), handler])
                .collect::<Vec<_>>()
        };
        let more = of("serf");
        let all: Vec<&str> = flags.iter().chain(&more).map(String::as_str).collect();
        let serf = reference(&hosts, 1, "serf", &all).await?;
        flags.extend(of("muster"));
        let options = AgentOptions { flags, ..AgentOptions::default() };
        let muster = Agent::start(&hosts, 2, "muster", options.join(&serf.address));
        agree(&muster, &serf, 2).await;
        Some(Self { hosts, serf, muster, directory })
    }

    fn own(&self, kind: &str) -> PathBuf {
        self.directory.path().join(kind)
    }

    /// Waits until `look` sees the same of both, and something at that; returns it.
    async fn same<T: PartialEq + std::fmt::Debug>(&self, what: &str, look: impl Fn(&Path) -> Option<T>) -> T {
        wait_for(what, || async {
            let [theirs, ours] = ["serf", "muster"].map(|kind| look(&self.own(kind)));
            match (theirs, ours) {
                (Some(theirs), Some(ours)) if theirs == ours => Ok(ours),
                differ => Err(format!("{differ:#?}")),
            }
        })
        .await
    }
}

fn text(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
}

/// What [`DUMP`] wrote of the runs whose variables hold `word`, with the agent's own name taken out and tags sorted, which
/// are in no order in Serf. Bytes that are not UTF-8 are seen as such.
fn runs(directory: &Path, word: &str) -> Option<Vec<String>> {
    let files = std::fs::read_dir(directory).ok()?.flatten().map(|entry| entry.path());
    let mut runs: Vec<String> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "run"))
        .map(|path| text(&path))
        .filter(|run| run.lines().any(|line| line.contains(word)))
        .map(|run| {
            let (variables, input) = run.split_once("---\n").expect("every run has both");
            let kind = directory.file_name().expect("it has a name").to_string_lossy();
            let variables = variables.replace(&format!("SERF_SELF_NAME={kind}\n"), "SERF_SELF_NAME=me\n");
            let input = if variables.contains("SERF_EVENT=member") {
                with_sorted_tags(input)
            } else {
                input.to_owned()
            };
            format!("{variables}---\n{input}")
        })
        .collect();
    runs.sort();
    (!runs.is_empty()).then_some(runs)
}

fn with_sorted_tags(lines: &str) -> String {
    let mut sorted: Vec<String> = lines
        .lines()
        .map(|line| {
            let (rest, tags) = line.rsplit_once('\t').unwrap_or((line, ""));
            let mut tags: Vec<&str> = tags.split(',').collect();
            tags.sort_unstable();
            format!("{rest}\t{}\n", tags.join(","))
        })
        .collect();
    sorted.sort();
    sorted.concat()
}

#[tokio::test]
async fn scripts_get_the_same_variables_and_input_byte_for_byte() {
    let scripts = TempDir::new().expect("a temporary directory can be made");
    let dump = program(scripts.path(), "dump.sh", DUMP);
    let handler = |own: &Path| vec![format!("{} {}", dump.display(), own.display())];
    let Some(pair) = Pair::start(handler).await else { return };
    let flags = ["-join", &*pair.muster.address, "-tag", "odd=a\tb\nc,d=e", "-tag", "z="];
    let third = SerfAgent::start(&pair.hosts, 3, "third", &flags);
    third.is_up().await;
    let of_third = |word: &'static str| {
        move |own: &Path| runs(own, word).filter(|runs| runs.concat().contains("third\t"))
    };

    let joined = pair.same("both tell of the join", of_third("member-join")).await.concat();
    assert!(joined.contains("\t\t") && joined.contains("odd=a\\tb\\nc"), "{joined}");
    third.run(&["tags", "-set", "role=web"]).expect("the reference accepts");
    let updated = pair.same("both tell of the update", of_third("member-update")).await;
    assert_eq!(updated.len(), 1, "{updated:?}");

    for (name, payload) in
        [("plain", "v1"), ("ended", "v2\n"), ("odd name, too", "a\tb\u{e9}"), ("empty", "")]
    {
        pair.serf.run(&["event", name, payload]).expect("the event is sent");
        let told =
            pair.same("both tell of the event", |own| runs(own, &format!("SERF_USER_EVENT={name}"))).await;
        assert_eq!(told.len(), 1, "{told:?}");
        let input = told[0].split_once("---\n").map(|(_, input)| input.to_owned());
        let expected = if payload.is_empty() { String::new() } else { format!("{}\n", payload.trim_end()) };
        assert_eq!(input, Some(expected));
    }
    pair.serf.run(&["query", "-timeout", "1s", "load", "of what?"]).expect("the query is sent");
    pair.same("both tell of the query", |own| runs(own, "SERF_QUERY_NAME=load")).await;

    drop(third);
    pair.same("both tell of the failure", of_third("member-failed")).await;
    pair.serf.run(&["force-leave", "third"]).expect("the reference accepts");
    pair.same("both tell of the leave", of_third("member-leave")).await;
    pair.serf.run(&["force-leave", "-prune", "third"]).expect("the reference accepts");
    pair.same("both tell of the end", of_third("member-reap")).await;

    // And at the end its own leave.
    let mut muster = pair.muster;
    muster.process.signal(Signal::INT);
    assert_eq!(muster.process.ends().await.code(), Some(0));
    let own = pair.directory.path().join("muster");
    assert!(
        runs(&own, "member-leave").expect("it left").concat().contains("muster\t"),
        "{}",
        muster.process.said()
    );
    assert_eq!(runs(&own, "member-join").expect("it joined").concat().matches("muster\t").count(), 1);
}

/// The responses of `node` in what `serf query` says, which is not made for programs.
fn answers_of(said: &str, node: &str) -> Vec<String> {
    let mut answers: Vec<(bool, Vec<&str>)> = Vec::new();
    let marker = format!("Response from '{node}': ");
    for line in said.lines() {
        if let Some(first) = line.strip_prefix(&marker) {
            answers.push((true, vec![first]));
        } else if ["Response from ", "Ack from ", "Total "].iter().any(|word| line.starts_with(word)) {
            answers.push((false, Vec::new()));
        } else if let Some((_, lines)) = answers.last_mut() {
            lines.push(line);
        }
    }
    answers.iter().filter(|(is_its, _)| *is_its).map(|(_, lines)| lines.join("\n")).collect()
}

#[tokio::test]
async fn queries_are_answered_as_serf_answers_them() {
    let handlers = |_: &Path| {
        [
            "query:both=echo out; echo err >&2; echo end",
            "query:echo=cat; printf %s $SERF_QUERY_LTIME >/dev/null",
            "query:fails=echo no; exit 1",
            "query:silent=true",
            "query:large=head -c 2000 /dev/zero | tr '\\0' x",
            "query:fits=head -c 900 /dev/zero | tr '\\0' y",
            "query,query:twice=echo $SERF_QUERY_NAME",
        ]
        .map(str::to_owned)
        .into()
    };
    let Some(pair) = Pair::start(handlers).await else { return };
    for name in ["both", "echo", "fails", "silent", "large", "fits", "twice"] {
        let command = ["query", "-timeout", "2s", name, "asked"];
        let said = pair.serf.run(&command).expect("the query is sent");
        // Asked by us, through the same command line.
        let asked = pair.muster.serf(&command).output().expect("the reference's command line runs");
        let asked = String::from_utf8_lossy(&asked.stdout).into_owned();
        let of = |node: &str| answers_of(&said, node);
        assert_eq!(
            (answers_of(&asked, "serf"), answers_of(&asked, "muster")),
            (of("serf"), of("muster")),
            "{asked}"
        );
        let (theirs, ours) = (of("serf"), of("muster"));
        assert_eq!(theirs, ours, "{name}: {said}");
        // `query` alone answers with the name where the other one does not.
        let expected = match name {
            "both" => "out\nerr\nend",
            "echo" => "asked",
            "fails" => "fails",
            "silent" => "silent",
            "large" => "large",
            _ => continue,
        };
        assert_eq!(ours, [expected], "{name}: {said}");
    }
    for words in ["response already sent", "response exceeds limit of 1024 bytes"] {
        says("ours says it", words, || pair.muster.process.said()).await;
        says("the reference says it", words, || pair.serf.process.said()).await;
    }
}

/// How often a process with `word` among its arguments runs.
fn running(word: &str) -> usize {
    let processes = std::fs::read_dir("/proc").expect("this is Linux").flatten();
    let lines = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    lines.filter(|line| String::from_utf8_lossy(line).contains(word)).count()
}

#[tokio::test]
async fn a_handler_that_hangs_holds_up_no_other_and_ends_with_the_agent() {
    let hosts = Hosts::claim();
    let directory = TempDir::new().expect("a temporary directory can be made");
    let Some(serf) = reference(&hosts, 1, "serf", &[]).await else { return };
    let log = directory.path().join("log");
    // Nobody else sleeps for so long.
    let hang = format!("sleep 9{}", hosts.ip(2).to_string().replace('.', ""));
    let options = AgentOptions::default().join(&serf.address);
    let handlers = [format!("user={hang} & wait"), format!("user:go=cat >>{}", log.display())];
    let options =
        handlers.iter().fold(options, |options, handler| options.flag("-event-handler").flag(handler));
    let mut muster = Agent::start(&hosts, 2, "muster", options);
    agree(&muster, &serf, 2).await;
    for nth in 0..3 {
        serf.run(&["event", "-coalesce=false", "go", &nth.to_string()]).expect("the event is sent");
        wait_for("the other one runs", || async {
            let said = text(&log);
            if said.lines().count() == nth + 1 { Ok(()) } else { Err(said) }
        })
        .await;
    }
    // The shell that was told to, and what it runs; not this test, whose arguments say nothing of it.
    assert!(running(&hang.replace(' ', "\0")) >= 1);
    let listed = muster.run(&["handlers", "list", "--format", "json"]).expect("it answers");
    let listed: serde_json::Value = serde_json::from_str(&listed).expect("it is JSON");
    let [hung, other] = [0, 1].map(|nth| &listed["handlers"][nth]);
    assert_eq!(
        (&hung["running"], &hung["queued"], &hung["runs"]),
        (&1.into(), &2.into(), &0.into()),
        "{listed}"
    );
    assert_eq!((&other["runs"], &other["last"]["exit_code"]), (&3.into(), &0.into()), "{listed}");

    muster.process.signal(Signal::INT);
    assert_eq!(muster.process.ends().await.code(), Some(0));
    assert_eq!(running(&hang.replace(' ', "\0")), 0);
    assert!(muster.process.said().contains("2 events were not handled"), "{}", muster.process.said());
}

#[tokio::test]
async fn of_a_thousand_events_the_order_is_kept_and_what_is_dropped_is_counted_and_said() {
    const EVENTS: usize = 1000;
    const QUEUE: usize = 100;
    let hosts = Hosts::claim();
    let directory = TempDir::new().expect("a temporary directory can be made");
    let at = |name: &str| directory.path().join(name);
    let Some(serf) = reference(&hosts, 1, "serf", &[]).await else { return };
    let toml = format!(
        "[[handlers]]\nname = 'all'\non = ['user:e']\nshell = 'echo $SERF_USER_LTIME >>{}'\ncoalesce = false\n\
         [[handlers]]\nname = 'few'\non = ['user:e']\nqueue = {QUEUE}\ncoalesce = false\n\
         command = ['/bin/sh', '-c', 'while ! test -e {}; do sleep 0.05; done; echo $SERF_USER_LTIME >>{}']\n",
        at("all").display(),
        at("go").display(),
        at("few").display(),
    );
    std::fs::write(at("muster.toml"), toml).expect("it can be written");
    let options = AgentOptions::default().join(&serf.address).flag("--config");
    let muster = Agent::start(&hosts, 2, "muster", options.flag(&at("muster.toml").display().to_string()));
    agree(&muster, &serf, 2).await;
    for _ in 0..EVENTS {
        serf.run(&["event", "-coalesce=false", "e"]).expect("the event is sent");
    }
    let times = |text: String| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let all = wait_for("all are handled", || async {
        let all = times(text(&at("all")));
        if all.len() == EVENTS { Ok(all) } else { Err(format!("{} of {EVENTS}", all.len())) }
    })
    .await;
    // The order in which the agent heard of them, which gossip may have mixed.
    let said = muster.process.said();
    let heard: Vec<String> = said
        .lines()
        .filter_map(|line| {
            line.split_once("user-event event=\"e\" ltime=")?.1.split(' ').next().map(str::to_owned)
        })
        .collect();
    assert_eq!(all, heard);

    assert_eq!(said.matches("its queue is full; events are dropped").count(), 1, "{said}");
    std::fs::write(at("go"), "").expect("it can be written");
    let few = wait_for("what was kept is handled", || async {
        let few = times(text(&at("few")));
        if few.len() == QUEUE + 1 { Ok(few) } else { Err(format!("{}", few.len())) }
    })
    .await;
    assert_eq!(few, heard[..=QUEUE], "the one that ran, and those that waited");
    let dropped = EVENTS - QUEUE - 1;
    says("it is said", &format!("{dropped} events were dropped"), || muster.process.said()).await;
    let listed = muster.run(&["handlers", "list"]).expect("it answers");
    assert!(listed.contains(&format!("{} runs, 0 failed, {dropped} events dropped", QUEUE + 1)), "{listed}");
}

#[tokio::test]
async fn handlers_come_and_go_while_the_agent_runs() {
    let hosts = Hosts::claim();
    let directory = TempDir::new().expect("a temporary directory can be made");
    let Some(serf) = reference(&hosts, 1, "serf", &[]).await else { return };
    let muster = Agent::start(&hosts, 2, "muster", AgentOptions::default().join(&serf.address));
    agree(&muster, &serf, 2).await;
    let log = directory.path().join("log").display().to_string();
    let add =
        ["handlers", "add", "note", "--on", "user:go", "--coalesce=false", "--", "/usr/bin/tee", "-a", &log];
    let added = muster.run(&add);
    assert_eq!(added.as_deref(), Ok("Handler note added, until the agent ends\n"));
    serf.run(&["event", "-coalesce=false", "go", "one"]).expect("the event is sent");
    says("it runs", "one\n", || text(Path::new(&log))).await;
    let info = muster.run(&["info"]).expect("it answers");
    assert!(info.contains("user:go = [\"/usr/bin/tee\""), "{info}");
    let taken = muster.run(&add).expect_err("the name is taken");
    assert!(taken.contains("there is a handler \"note\" already"), "{taken}");

    let removed = muster.run(&["handlers", "remove", "note"]);
    assert_eq!(removed.as_deref(), Ok("Handler note removed\n"));
    serf.run(&["event", "-coalesce=false", "go", "two"]).expect("the event is sent");
    says("the event is heard", "ltime=2", || muster.process.said()).await;
    assert_eq!(text(Path::new(&log)), "one\n");
    let listed = muster.run(&["handlers", "list", "--format", "json"]);
    assert_eq!(listed.as_deref(), Ok("{\n  \"handlers\": []\n}\n"));
}

/// The handlers of the original design under both kinds; see examples/serf-handlers.
#[tokio::test]
async fn scripts_that_keep_a_file_per_backend_leave_the_same_files_under_both_kinds() {
    let scripts = TempDir::new().expect("a temporary directory can be made");
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/serf-handlers");
    // What the scripts call: the template is filled from the files there are.
    let template = "#!/bin/sh\ncd \"$1\" && grep -H . * >../configuration || : >../configuration\n";
    program(scripts.path(), "make-configuration", template);
    program(
        scripts.path(),
        "reload-balancer",
        "#!/bin/sh\ncp \"$NODES\"/../configuration \"$NODES\"/../in-force\n",
    );
    let handlers = |own: &Path| {
        let own = own.display();
        let variables =
            format!("export NODES={own}/nodes LOG={own}/log PATH={}:$PATH;", scripts.path().display());
        let of = |filters: &str, script: &str| {
            format!("{filters}={variables} {}", examples.join(script).display())
        };
        vec![of("member-join", "join.sh"), of("member-leave,member-failed", "leave.sh")]
    };
    let Some(pair) = Pair::start(handlers).await else { return };
    let backends: Vec<Agent> = (3..6)
        .map(|host| {
            let options = AgentOptions::default().join(&pair.muster.address).tag("role=backend");
            Agent::start(&pair.hosts, host, &format!("web-{host}"), options.tag("port=3000"))
        })
        .collect();
    let bare = AgentOptions::default().join(&pair.serf.address).tag("zone=a");
    let _bare = Agent::start(&pair.hosts, 6, "bare", bare);
    let in_force = |count: usize| {
        move |own: &Path| Some(text(&own.join("in-force"))).filter(|text| text.lines().count() == count)
    };
    let all = pair.same("both have all three in force", in_force(3)).await;
    assert!(all.contains(&format!("web-4:{}\n", pair.hosts.ip(4))), "{all}");

    let [left, killed, _stays] = <[Agent; 3]>::try_from(backends).expect("three were started");
    let (mut left, mut killed) = (left, killed);
    left.process.signal(Signal::INT);
    left.process.ends().await;
    killed.process.kill();
    pair.same("both have one in force", in_force(1)).await;
    let files = |own: &Path| {
        let nodes = std::fs::read_dir(own.join("nodes")).ok()?.flatten();
        Some(nodes.map(|file| (file.file_name(), text(&file.path()))).collect::<BTreeMap<_, _>>())
    };
    let files = pair.same("both have the same files", files).await;
    assert_eq!(files.len(), 1, "{files:?}");

    // Lines of one burst are in no order in Serf, and tags neither.
    let lines = |own: &Path| {
        let log = text(&own.join("log"));
        let mut lines: Vec<String> = log
            .lines()
            .filter(|line| !line.contains(" serf ") && !line.contains(" muster "))
            .map(|line| {
                let mut words: Vec<&str> = line.split([' ', ',']).collect();
                words.sort_unstable();
                words.join(" ")
            })
            .collect();
        lines.sort();
        (lines.len() == 6).then_some(lines)
    };
    let lines = pair.same("both logged the same", lines).await;
    assert!(lines.iter().any(|line| line.contains("bare") && line.contains("zone=a")), "{lines:?}");
}
