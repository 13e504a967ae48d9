//! The proxy as a process: limits, event loop, signals, drain.

use crate::aside::aside;
use crate::bounds;
use crate::config::Config;
use crate::error::Error;
use crate::inherited::Inherited;
use crate::proxy::Proxy;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::sync::Arc;
use std::time::Instant;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::LocalSet;

/// What the configuration says now, or everything that is wrong with it. It is asked in a thread of its own.
pub type Reload = Arc<dyn Fn() -> Result<Config, String> + Send + Sync>;

/// Runs the proxy until TERM or INT, then drains: no new clients, answers for those in flight, at most
/// `drain_timeout`. A second signal ends it at once. With HUP it serves by what `reload` says, and reads certificates again, which is
/// all that it does without one. Blocks the calling thread.
///
/// # Errors
/// When an address cannot be listened on, what was handed over is not what was configured, the event loop cannot be made, or the agent's first picture must not be used. Once
/// it has a picture, nothing is fatal.
pub fn run(config: Config, reload: Option<&Reload>) -> Result<(), Error> {
    // First of all: it takes variables away, and later there may be threads that read some.
    let inherited = Inherited::take()?;
    raise_descriptor_limit();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::Runtime)?;
    LocalSet::new().block_on(&runtime, async {
        let mut term = signal(SignalKind::terminate()).map_err(Error::Runtime)?;
        let mut int = signal(SignalKind::interrupt()).map_err(Error::Runtime)?;
        // HAProxy's word for the same; by default it would kill.
        let mut usr1 = signal(SignalKind::user_defined1()).map_err(Error::Runtime)?;
        let mut hup = signal(SignalKind::hangup()).map_err(Error::Runtime)?;
        let drain_timeout = config.drain_timeout;
        let proxy = Proxy::start_with(config, inherited)?;
        proxy.follow();

        let reloading = async {
            while hup.recv().await.is_some() {
                // By default HUP would kill, and cut every request.
                proxy.reopen_logs();
                match reload {
                    Some(reload) => read_again(&proxy, Arc::clone(reload)).await,
                    None => {
                        tracing::info!(
                            "HUP: certificates are read again and files of the access log are opened again; restart to apply a new configuration"
                        );
                        proxy.reload_certificates();
                    }
                }
            }
            std::future::pending::<()>().await;
        };
        let name = tokio::select! {
            () = reloading => return Ok(()),
            _ = term.recv() => "TERM",
            _ = int.recv() => "INT",
            _ = usr1.recv() => "USR1",
            distrust = proxy.distrusts() => return Err(distrust.into()),
        };
        tracing::info!(signal = name, "stopping: no new clients, requests in flight are answered");
        let start = Instant::now();
        let left = tokio::select! {
            left = proxy.stop(drain_timeout) => left,
            _ = term.recv() => proxy.connected(),
            _ = int.recv() => proxy.connected(),
        };
        proxy.flush_logs(bounds::LOG_FLUSH);
        match left {
            0 => tracing::info!(took = ?start.elapsed(), "stopped"),
            left => {
                tracing::warn!(clients = left, took = ?start.elapsed(), "stopped, cutting the clients left");
            }
        }
        Ok(())
    })
}

/// Serves by what the configuration says now, if it can be followed.
async fn read_again(proxy: &Proxy, reload: Reload) {
    let Some(read) = aside(move || reload()).await else { return };
    proxy.left().await;
    match read.and_then(|config| proxy.reload(&config).map_err(|error| error.to_string())) {
        Ok(rest) => {
            tracing::info!("configuration reloaded");
            if !rest.is_empty() {
                tracing::warn!("{}: takes effect when this proxy is started again", rest.join(", "));
            }
        }
        Err(why) => tracing::error!("the new configuration is not used, and the one of before holds: {why}"),
    }
}

/// Each client may need two descriptors, and the usual soft limit of 1024 dates from select(2), which we do not use.
fn raise_descriptor_limit() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    if let Err(cause) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        tracing::debug!(%cause, "the limit of open files stays as it is");
    }
}
