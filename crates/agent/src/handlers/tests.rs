//! Handlers as a whole: real programs, a real hub, and a gossip thread that only plays one.

use super::*;
use crate::gossip::testing::{Told, fake};
use crate::resolve::Families;
use crate::roster::tests::{member, roster, tagged};
use muster_events::{Filters, Notice};
use muster_serf::{Instant, MemberEvent, QueryId, Status};
use std::path::PathBuf;
use tokio::sync::mpsc::UnboundedReceiver;

struct Node {
    handlers: Handlers,
    hub: Hub,
    told: UnboundedReceiver<Told>,
    dir: tempfile::TempDir,
}

fn node() -> Node {
    let (gossip, told) = fake(|_| Ok(()));
    let (inbox, roster) = roster();
    inbox.put(tagged("me", Status::Alive, &[("role", "lb")]));
    let hub = Hub::default();
    let parts = Parts {
        hub: hub.clone(),
        gossip,
        roster: Arc::new(roster),
        resolver: Resolver::system(Families { v4: true, v6: true }),
        clock: Clock::start(),
        life: 7,
        node: "me".to_owned(),
        withheld: vec!["HOME".to_owned()],
    };
    Node { handlers: Handlers::new(parts), hub, told, dir: tempfile::tempdir().unwrap() }
}

impl Node {
    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Adds a script of Serf's kind that runs in the directory; bursts are not gathered for it.
    fn script(&self, name: &str, spec: &str) {
        let (filters, script) = spec.split_once('=').unwrap();
        let spec = format!("{filters}=cd {}; {script}", self.dir.path().display());
        let mut config = HandlerConfig::serf(name, &spec).unwrap();
        config.coalesce = false;
        self.handlers.add(config, true).unwrap();
    }

    fn user(&self, name: &str, payload: &str) {
        let payload = payload.as_bytes().to_vec();
        self.hub.tell(Notice::User { ltime: 1, name: name.into(), payload, coalesce: false });
    }

    fn query(&self, name: &str) -> QueryId {
        let id = QueryId { ltime: 9, id: 4 };
        let (deadline, from) = (Instant::default(), "a".into());
        self.hub.tell(Notice::Query { id, name: name.into(), payload: b"?".to_vec(), from, deadline });
        id
    }

    fn row(&self, name: &str) -> muster_control::handlers::HandlerRow {
        self.handlers.list().iter().map(Listed::row).find(|row| row.name == name).unwrap()
    }

    async fn until(&self, what: impl Fn() -> bool) {
        let waited = async {
            while !what() {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(60), waited).await.expect("it comes to that");
    }
}

#[tokio::test]
async fn a_script_gets_its_environment_and_no_secret() {
    let node = node();
    node.script("a", "user:deploy=cat > in; env > env");
    node.user("other", "x");
    node.user("deploy", "v1");
    node.until(|| node.row("a").runs == 1).await;
    assert_eq!(node.text("in"), "v1\n");
    let env = node.text("env");
    for line in ["SERF_EVENT=user", "SERF_SELF_NAME=me", "SERF_TAG_ROLE=lb", "SERF_USER_EVENT=deploy"] {
        assert!(env.lines().any(|found| found == line), "{line} in {env}");
    }
    assert!(env.contains("PATH=") && !env.lines().any(|line| line.starts_with("HOME=")), "{env}");
    let row = node.row("a");
    assert_eq!((row.failures, row.dropped, row.last.unwrap().end), (0, 0, "exit code 0".to_owned()));
}

#[tokio::test]
async fn order_is_kept_and_what_does_not_fit_is_counted() {
    let node = node();
    let script = format!("cd {}; cat >> log; test -e go || sleep 0.05", node.dir.path().display());
    let mut config = HandlerConfig::new("a", Filters::parse("user").unwrap(), Action::Shell(script));
    (config.coalesce, config.queue) = (false, 100);
    node.handlers.add(config, false).unwrap();
    for nth in 0..300 {
        node.user("e", &nth.to_string());
    }
    node.until(|| node.row("a").dropped > 0).await;
    std::fs::write(node.path("go"), "").unwrap();
    node.until(|| node.row("a").queued == 0 && node.row("a").running == 0).await;
    let numbers: Vec<u32> = node.text("log").lines().map(|line| line.parse().unwrap()).collect();
    assert!(numbers.is_sorted() && !numbers.is_empty());
    let row = node.row("a");
    assert_eq!(u64::try_from(numbers.len()).unwrap() + row.dropped, 300);
    assert_eq!(row.runs + row.dropped, 300);
}

#[tokio::test]
async fn scripts_of_serf_run_in_the_order_of_events_and_one_that_hangs_is_passed() {
    let node = node();
    node.script("first", "user:a,user:b=sleep 0.2; printf $SERF_USER_EVENT >> log");
    node.script("second", "user:c=printf c >> log");
    for name in ["a", "b", "c"] {
        node.user(name, "");
    }
    node.until(|| node.row("second").runs == 1).await;
    assert_eq!(node.text("log"), "abc");

    node.script("hung", "user:h=sleep 1000");
    node.user("h", "");
    node.user("c", "");
    node.until(|| node.row("second").runs == 2).await;
    assert_eq!((node.row("hung").running, node.row("hung").runs), (1, 0));
    let started = std::time::Instant::now();
    node.handlers.stop(true).await;
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_script_answers_a_query_when_it_succeeds_and_says_something() {
    let mut node = node();
    node.script("says", "query:load=cat; echo err >&2");
    node.script("fails", "query:fails=echo no; exit 1");
    node.script("silent", "query:silent=true");
    for name in ["fails", "silent", "load"] {
        node.query(name);
    }
    let answered = timeout(Duration::from_secs(60), node.told.recv()).await.unwrap();
    assert_eq!(answered, Some(Told::Respond(QueryId { ltime: 9, id: 4 }, b"?\nerr\n".to_vec())));
    node.until(|| node.row("silent").runs == 1 && node.row("fails").runs == 1).await;
    assert!(node.told.try_recv().is_err());
    assert_eq!(node.row("fails").last.unwrap().exit_code, Some(1));
}

#[tokio::test]
async fn two_filters_of_serf_run_a_script_twice_and_two_of_ours_once() {
    let node = node();
    node.script("serf", "user,user:a=echo >> serf");
    let script = format!("echo >> {}", node.path("ours").display());
    let mut ours = HandlerConfig::new("ours", Filters::parse("user,user:a").unwrap(), Action::Shell(script));
    ours.coalesce = false;
    node.handlers.add(ours, false).unwrap();
    node.user("a", "");
    node.until(|| node.row("serf").runs == 2 && node.row("ours").runs == 1).await;
    assert_eq!((node.text("serf"), node.text("ours")), ("\n\n".to_owned(), "\n".to_owned()));
}

#[tokio::test]
async fn after_a_leave_what_is_held_is_handled_and_nothing_is_left_running() {
    let node = node();
    let config = HandlerConfig::serf("leave", &format!("member-leave=cat > {}", node.path("left").display()));
    node.handlers.add(config.unwrap(), true).unwrap();
    node.script("hung", "user=echo $$ > pid; sleep 1000");
    node.user("e", "");
    node.until(|| node.text("pid").ends_with('\n')).await;
    node.hub
        .tell(Notice::Members { event: MemberEvent::Leave, members: [member("me", Status::Left)].into() });
    node.handlers.stop(true).await;
    assert!(node.text("left").starts_with("me\t127.0.0.1\t"), "{}", node.text("left"));
    assert!(!std::path::Path::new("/proc").join(node.text("pid").trim()).exists());
    let late = HandlerConfig::serf("late", "x").unwrap();
    assert_eq!(node.handlers.add(late, false), Err(NotAdded::Ending));
}

#[tokio::test]
async fn names_are_unique_and_a_removed_handler_runs_no_more() {
    let node = node();
    node.script("a", "user=echo x >> a");
    let again = HandlerConfig::serf("a", "x").unwrap();
    assert_eq!(node.handlers.add(again, false), Err(NotAdded::Taken("a".to_owned())));
    assert_eq!(node.handlers.entries().keys().collect::<Vec<_>>(), ["user:"]);
    assert_eq!((node.handlers.remove("a"), node.handlers.remove("a")), (Some(0), None));
    node.script("b", "user=echo x >> b");
    node.user("e", "");
    node.until(|| node.row("b").runs == 1).await;
    assert_eq!(node.text("a"), "");
}

#[tokio::test]
async fn a_new_configuration_changes_what_it_changes() {
    let node = node();
    let config = |name: &str, text: &str| HandlerConfig::serf(name, text).unwrap();
    node.handlers.configure(&[config("a", "user=sleep 1000"), config("b", "query=b")]).unwrap();
    node.handlers.add(config("live", "live"), false).unwrap();
    node.user("e", "");
    node.until(|| node.row("a").running == 1).await;
    let wanted =
        [config("a", "user=sleep 1000"), config("live", "taken"), config("b", "query=c"), config("d", "d")];
    assert_eq!(node.handlers.configure(&wanted), Err(NotAdded::Taken("live".to_owned())));
    let names: Vec<String> = node.handlers.list().iter().map(|listed| listed.row().name).collect();
    assert_eq!(names, ["a", "b", "d", "live"]);
    assert_eq!((node.row("a").running, node.row("b").shell.as_deref()), (1, Some("c")), "what stays goes on");
    node.handlers.stop(false).await;
}

#[tokio::test]
async fn scripts_of_serf_that_only_move_keep_what_waits_and_run_in_their_new_order() {
    let node = node();
    let config = |nth: u32, spec: &str| {
        let (filters, script) = spec.split_once('=').unwrap();
        let spec = format!("{filters}=cd {}; {script}", node.dir.path().display());
        let mut config = HandlerConfig::serf(format!("event-handler-{nth}"), &spec).unwrap();
        config.coalesce = false;
        config
    };
    let waits = "user=printf a >> log; until test -e go; do sleep 0.01; done";
    node.handlers.configure(&[config(1, waits), config(2, "query=true"), config(3, waits)]).unwrap();
    node.user("e", "");
    node.user("e", "");
    node.until(|| node.row("event-handler-1").running == 1 && !node.text("log").is_empty()).await;
    let wanted = [config(1, "user=printf x >> log"), config(2, waits), config(3, waits)];
    node.handlers.configure(&wanted).unwrap();
    let rows: Vec<_> = node.handlers.list().iter().map(Listed::row).collect();
    let names: Vec<_> = rows.iter().map(|row| &*row.name).collect();
    assert_eq!(names, ["event-handler-1", "event-handler-2", "event-handler-3"]);
    assert_eq!((rows[1].running, rows[1].queued), (1, 1), "it goes on");
    std::fs::write(node.path("go"), "").unwrap();
    node.until(|| node.row("event-handler-3").runs == 2).await;
    node.user("e", "");
    node.until(|| node.row("event-handler-3").runs == 3).await;
    assert_eq!(node.text("log"), "aaaaxaa");
}

#[tokio::test]
async fn what_waited_for_a_removed_handler_is_told() {
    let node = node();
    node.script("a", "user=sleep 1000");
    (0..3).for_each(|_| node.user("e", ""));
    node.until(|| node.row("a").running == 1 && node.row("a").queued == 2).await;
    assert_eq!(node.handlers.remove("a"), Some(2));
    node.handlers.stop(false).await;
}

#[tokio::test]
async fn a_handler_that_is_removed_before_its_turn_leaves_no_worker() {
    let node = node();
    node.script("hung", "user=sleep 1000");
    node.script("next", "user=true");
    node.user("e", "");
    node.until(|| node.row("hung").running == 1 && node.row("next").running == 1).await;
    let lane = Arc::downgrade(&node.handlers.inner.lock().entries[1].lane);
    assert_eq!(node.handlers.remove("next"), Some(0));
    node.until(|| lane.strong_count() == 0).await;
    node.handlers.stop(false).await;
}

mod webhooks {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// Takes one request and answers with `status`; what came.
    async fn serve(listener: &TcpListener, status: &str, body: &str) -> String {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut text = String::new();
        let mut buffer = [0; 4096];
        while !text.contains("\r\n\r\n") || !text.ends_with('}') {
            let length = stream.read(&mut buffer).await.unwrap();
            assert!(length > 0, "{text}");
            text.push_str(str::from_utf8(&buffer[..length]).unwrap());
        }
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(answer.as_bytes()).await.unwrap();
        text
    }

    async fn hook(node: &Node, on: &str) -> TcpListener {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook?x=1", listener.local_addr().unwrap());
        let url = WebhookUrl::parse(&url).unwrap();
        let mut config = HandlerConfig::new("hook", Filters::parse(on).unwrap(), Action::Webhook(url));
        config.coalesce = false;
        node.handlers.add(config, false).unwrap();
        listener
    }

    #[tokio::test]
    async fn a_notice_is_posted_again_until_it_is_taken() {
        let node = node();
        let listener = hook(&node, "*").await;
        let gone = tagged("web-1", Status::Failed, &[("role", "web")]);
        node.hub.tell(Notice::Members { event: MemberEvent::Failed, members: [gone].into() });
        let first = serve(&listener, "503 Service Unavailable", "").await;
        let second = serve(&listener, "204 No Content", "").await;
        assert_eq!(first, second, "the same delivery");
        assert!(first.starts_with("POST /hook?x=1 HTTP/1.1\r\n"), "{first}");
        assert!(first.contains("muster-delivery: 0000000000000007-"), "{first}");
        let json: serde_json::Value = serde_json::from_str(first.split("\r\n\r\n").nth(1).unwrap()).unwrap();
        assert_eq!((&json["event"], &json["node"]), (&"member-failed".into(), &"me".into()));
        assert_eq!(json["members"][0]["tags"]["role"], "web");
        node.until(|| node.row("hook").runs == 1).await;
        assert_eq!(node.row("hook").last.unwrap().end, "HTTP status 204 at attempt 2");
    }

    #[tokio::test]
    async fn a_refusal_is_final_and_a_body_answers_a_query() {
        let mut node = node();
        let listener = hook(&node, "user,query").await;
        node.hub.tell(Notice::User { ltime: 1, name: "e".into(), payload: vec![0xff], coalesce: false });
        let refused = serve(&listener, "400 Bad Request", "no").await;
        assert!(refused.contains(r#""payload_base64":"/w==""#), "{refused}");
        let id = node.query("load");
        let asked = serve(&listener, "200 OK", "0.5").await;
        assert!(asked.contains(r#""payload":"?""#) && asked.contains(r#""from":"a""#), "{asked}");
        assert_eq!(node.told.recv().await, Some(Told::Respond(id, b"0.5".to_vec())));
        node.until(|| node.row("hook").runs == 2).await;
        assert_eq!(node.row("hook").failures, 1);
    }

    #[tokio::test]
    async fn an_attempt_in_progress_ends_with_the_agent() {
        let node = node();
        let listener = hook(&node, "user").await;
        node.user("e", "");
        let _held = listener.accept().await.unwrap();
        node.handlers.stop(false).await;
        assert!(node.handlers.list().is_empty());
    }
}
