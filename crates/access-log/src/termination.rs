//! How a request ended, in HAProxy's letters (configuration manual, 8.5).

/// What ended it, the first letter.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Cause {
    /// Nobody: it was answered whole.
    #[default]
    None,
    /// The client, by closing.
    Client,
    /// The client, by doing nothing for too long.
    ClientTimeout,
    /// The backend, by refusing or closing; or there was none.
    Server,
    /// The backend, by doing nothing for too long.
    ServerTimeout,
    /// The proxy: a rule, or what came could not be passed on.
    Proxy,
    /// The proxy ran out of something.
    Resource,
    /// The proxy answered it itself, as it was told.
    Local,
}

/// What was going on then, the second letter.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Stage {
    /// Nothing was interrupted.
    #[default]
    None,
    /// The request was waited for, or judged.
    Request,
    /// It waited for a place.
    Queue,
    /// A connection was made.
    Connect,
    /// The response's head was waited for.
    Headers,
    /// Bytes of bodies went.
    Data,
}

/// Both.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Termination {
    /// What ended it.
    pub cause: Cause,
    /// What was going on then.
    pub stage: Stage,
}

impl Termination {
    /// The two letters, such as `SH`; `--` is a normal end.
    pub fn letters(self) -> [u8; 2] {
        let cause = match self.cause {
            Cause::None => b'-',
            Cause::Client => b'C',
            Cause::ClientTimeout => b'c',
            Cause::Server => b'S',
            Cause::ServerTimeout => b's',
            Cause::Proxy => b'P',
            Cause::Resource => b'R',
            Cause::Local => b'L',
        };
        let stage = match self.stage {
            Stage::None => b'-',
            Stage::Request => b'R',
            Stage::Queue => b'Q',
            Stage::Connect => b'C',
            Stage::Headers => b'H',
            Stage::Data => b'D',
        };
        [cause, stage]
    }

    /// It ended as it should: by a whole response, or by an answer that the proxy was told to give.
    pub fn is_well(self) -> bool {
        matches!(self.cause, Cause::None | Cause::Local)
    }
}
