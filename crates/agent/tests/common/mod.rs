//! Real agents in this process, each on a loopback address and a control socket of its own.

use muster_agent::{Config, Ended, Error, ProfileName, run};
use muster_control::client::Client;
use muster_control::routes::{self, Info, Members};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Only ends tests that hang; nothing depends on it being short.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A part of 127.0.0.0/8 for one test.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Net([u8; 2]);

impl Net {
    /// A random one, away from 127.0.x.x, which everybody uses.
    pub(crate) fn random() -> Self {
        Self([fastrand::u8(1..=254), fastrand::u8(..)])
    }

    pub(crate) fn ip(self, host: u8) -> Ipv4Addr {
        let Self([a, b]) = self;
        Ipv4Addr::new(127, a, b, host)
    }
}

/// What most tests want: the profile for one machine and nothing else.
pub(crate) fn config(node: &str, ip: Ipv4Addr, join: &[Ipv4Addr]) -> Config {
    Config {
        contract: true,
        inherited: muster_agent::inherited::Inherited::default(),
        node: node.to_owned(),
        bind: SocketAddr::from((ip, 7946)),
        advertise: None,
        join: join.iter().map(Ipv4Addr::to_string).collect(),
        join_strict: false,
        start_join: Vec::new(),
        replay_on_join: false,
        retry_interval: Duration::from_millis(100),
        retry_max: 0,
        discover: None,
        collectors: Vec::new(),
        limits: muster_serf::Limits::default(),
        memory: muster_serf::Memory::default(),
        resolves_names: true,
        tags: [("role".to_owned(), "web".to_owned())].into(),
        profile: ProfileName::Local,
        protocol: 5,
        keys: None,
        snapshot: None,
        history: muster_agent::HistorySettings {
            path: None,
            keep: Duration::from_secs(3600),
            max_size: 1 << 20,
        },
        reload: muster_agent::Reload::default(),
        rpc: None,
        admin: None,
        socket: PathBuf::new(),
        default_port: 3000,
        rules: muster_fleet::Rules::new(),
        interface: None,
        tags_file: None,
        compress: true,
        broadcast_timeout: Duration::from_secs(5),
        leave_timeout: PATIENCE,
        handlers: Vec::new(),
        templates: Vec::new(),
        withheld: Vec::new(),
        leave_on_terminate: true,
        skip_leave_on_interrupt: false,
        stages: muster_agent::Stages::default(),
        log: muster_agent::LogBook::default(),
    }
}

/// A running agent. Dropped without [`Node::leave`], it is told to leave.
pub(crate) struct Node {
    pub(crate) client: Client,
    thread: Option<JoinHandle<Result<Ended, Error>>>,
    _dir: tempfile::TempDir,
}

impl Node {
    /// Starts it and returns when its control socket answers.
    pub(crate) async fn start(mut config: Config) -> Self {
        let dir = tempfile::tempdir().unwrap();
        config.socket = dir.path().join("control.sock");
        let client = Client::new(&config.socket);
        let thread = std::thread::spawn(move || run(config));
        let node = Self { client, thread: Some(thread), _dir: dir };
        until("the agent answers", async || {
            assert!(!node.thread.as_ref().unwrap().is_finished(), "the agent ended at once");
            node.client.get::<Info>(routes::INFO).await.ok()
        })
        .await;
        node
    }

    /// (name, status) of every member, by name.
    pub(crate) async fn members(&self) -> Vec<(String, String)> {
        let Members { members } = self.client.get(routes::MEMBERS).await.unwrap();
        members.into_iter().map(|row| (row.name, row.status)).collect()
    }

    /// Returns when the members are these.
    pub(crate) async fn sees(&self, wanted: &[(&str, &str)]) {
        let wanted: Vec<_> =
            wanted.iter().map(|(name, status)| ((*name).to_owned(), (*status).to_owned())).collect();
        until(&format!("members are {wanted:?}"), async || (self.members().await == wanted).then_some(()))
            .await;
    }

    /// Leaves through the control socket and returns what `run` returned.
    pub(crate) async fn leave(mut self) -> Result<Ended, Error> {
        let () = self.client.post(routes::LEAVE, &()).await.unwrap();
        let thread = self.thread.take().unwrap();
        tokio::task::spawn_blocking(move || thread.join().unwrap()).await.unwrap()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        let client = self.client.clone();
        // On a thread of its own: a runtime cannot start within a runtime.
        let told = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let _ = runtime.block_on(client.post::<_, ()>(routes::LEAVE, &()));
        });
        let _ = told.join();
        let _ = thread.join();
    }
}

/// Asks until there is an answer. The pause only spares the processor.
pub(crate) async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
