//! HUP: the configuration is read again, and what can change while the agent runs is applied.
//!
//! Reading is the caller's: only it knows flags, files and environment, and it sets the level of the log, which is its own.
//! A configuration with a mistake changes nothing at all.

use crate::HandlerConfig;
use crate::own_tags::OwnTags;
use crate::templates::TemplatesConfig;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// What of a configuration is live.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reloaded {
    /// Own tags; where there is a tags file, its tags count instead.
    pub tags: BTreeMap<String, String>,
    /// TERM leaves before the end.
    pub leave_on_terminate: bool,
    /// INT ends without a leave.
    pub skip_leave_on_interrupt: bool,
    /// All handlers that are configured.
    pub handlers: Vec<HandlerConfig>,
    /// All groups of templates, that of HAProxy among them.
    pub templates: Vec<TemplatesConfig>,
    /// What the log now tells, in words.
    pub log_level: String,
}

/// Reads the configuration again. By default nobody can.
#[derive(Clone, Default)]
pub struct Reload(Option<Arc<dyn Fn() -> Result<Reloaded, String> + Send + Sync>>);

impl Reload {
    /// `read` may block. It fails, in words, when there is any mistake, and has changed nothing then.
    pub fn by(read: impl Fn() -> Result<Reloaded, String> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(read)))
    }

    /// Reads it again, off this thread.
    async fn read(&self) -> Result<Reloaded, String> {
        let Some(read) = self.0.clone() else {
            return Err("this agent cannot read its configuration again; restart it".to_owned());
        };
        tokio::task::spawn_blocking(move || read()).await.map_err(|_| "the agent is ending".to_owned())?
    }

    /// Reads and applies it, and says how that went. What else is to be applied.
    pub(crate) async fn run(&self, tags: &OwnTags) -> Option<Reloaded> {
        let reloaded = match self.read().await {
            Ok(reloaded) => reloaded,
            Err(why) => {
                tracing::error!("the configuration was not reloaded, and everything stays as it was: {why}");
                return None;
            }
        };
        match tags.reload(&reloaded.tags).await {
            Ok(()) => tracing::info!(
                log_level = reloaded.log_level,
                leave_on_terminate = reloaded.leave_on_terminate,
                skip_leave_on_interrupt = reloaded.skip_leave_on_interrupt,
                "configuration reloaded: log level, tags, handlers, templates and leave options; all else needs a restart"
            ),
            Err(why) => {
                tracing::error!("configuration reloaded but for the tags, which stay as they were: {why}");
            }
        }
        Some(reloaded)
    }
}

impl fmt::Debug for Reload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Reload(possible)" } else { "Reload(impossible)" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TagsFile;
    use crate::gossip::testing::{Told, fake};
    use crate::readiness::Layer;

    fn tags(role: &str) -> BTreeMap<String, String> {
        [("role".to_owned(), role.to_owned())].into()
    }

    fn reloaded(role: &str) -> Reloaded {
        Reloaded {
            tags: tags(role),
            leave_on_terminate: true,
            skip_leave_on_interrupt: true,
            handlers: Vec::new(),
            templates: Vec::new(),
            log_level: "info".to_owned(),
        }
    }

    #[tokio::test]
    async fn tags_are_told_anew_and_a_mistake_changes_nothing() {
        let (gossip, mut told) = fake(|_| Ok(()));
        let own = OwnTags::new(tags("old"), Layer::default(), 3000, None, gossip);
        let broken = Reload::by(|| Err("line 3: no such key".to_owned()));
        assert_eq!(broken.run(&own).await, None);
        assert_eq!(Reload::default().run(&own).await, None);
        assert!(told.try_recv().is_err());
        let applied = Reload::by(|| Ok(reloaded("new"))).run(&own).await;
        assert_eq!(applied, Some(reloaded("new")));
        assert_eq!(told.recv().await, Some(Told::SetTags(tags("new"))));
    }

    #[tokio::test]
    async fn tags_in_a_file_come_from_there() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tags.json");
        std::fs::write(&path, "{\"role\": \"filed\"}").unwrap();
        let (gossip, mut told) = fake(|_| Ok(()));
        let own = OwnTags::new(tags("old"), Layer::default(), 3000, Some(TagsFile::new(&path)), gossip);
        Reload::by(|| Ok(reloaded("elsewhere"))).run(&own).await;
        assert_eq!(told.recv().await, Some(Told::SetTags(tags("filed"))));
        // The rest is applied although the file is damaged.
        std::fs::write(&path, "{").unwrap();
        assert!(Reload::by(|| Ok(reloaded("elsewhere"))).run(&own).await.is_some());
        assert!(told.try_recv().is_err());
    }
}
