//! The commands and the header that names one.

use muster_wire::msgpack::Reader;
use muster_wire::{DecodeError, record};

/// What precedes every request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RequestHeader<'a> {
    /// A [`Command`], hopefully.
    pub command: &'a str,
    /// Chosen by the client, and named by every answer.
    pub seq: u64,
}
record!(RequestHeader<'a> { Command => command, Seq => seq });

impl<'a> RequestHeader<'a> {
    /// Reads one as Serf's agent does: into the last one, so that what is missing stays as it was. A client whose request
    /// was refused unread (see [`refusal::AUTHENTICATION_REQUIRED`](crate::refusal::AUTHENTICATION_REQUIRED)) sees that.
    ///
    /// # Errors
    /// No header, or its text or number is none.
    pub(crate) fn read_over(value: &'a [u8], last: RequestHeader<'a>) -> Result<Self, DecodeError> {
        let mut header = last;
        Reader::bounded(value, 0).record(&["Command", "Seq"], |key, reader| {
            match key {
                "Command" => header.command = reader.field("Command")?,
                "Seq" => header.seq = reader.field("Seq")?,
                _ => _ = reader.skip()?,
            }
            Ok(())
        })?;
        Ok(header)
    }
}

macro_rules! commands {
    ($($command:ident $word:literal $body:ident),+ $(,)?) => {
        /// What a client may ask. See [`Request`](crate::Request) for what each means.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[allow(missing_docs, reason = "see the requests")]
        pub enum Command {
            $($command),+
        }

        impl Command {
            /// Every command.
            pub const ALL: &'static [Self] = &[$(Self::$command),+];

            /// Serf's word for it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$command => $word),+
                }
            }

            /// Whether a body follows its header.
            pub fn has_body(self) -> bool {
                match self {
                    $(Self::$command => commands!(@$body)),+
                }
            }
        }
    };
    (@body) => { true };
    (@bare) => { false };
}
commands! {
    Handshake "handshake" body,
    Auth "auth" body,
    Event "event" body,
    ForceLeave "force-leave" body,
    Join "join" body,
    Members "members" bare,
    MembersFiltered "members-filtered" body,
    Tags "tags" body,
    Stream "stream" body,
    Monitor "monitor" body,
    Stop "stop" body,
    Leave "leave" bare,
    Query "query" body,
    Respond "respond" body,
    InstallKey "install-key" body,
    UseKey "use-key" body,
    RemoveKey "remove-key" body,
    ListKeys "list-keys" bare,
    Stats "stats" bare,
    GetCoordinate "get-coordinate" body,
}

impl Command {
    /// Reads Serf's word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|command| command.as_str() == word)
    }

    /// Whether a result follows a reply's header. It does so for errors as well, except where the session refused the request
    /// unread.
    pub fn has_result(self) -> bool {
        matches!(
            self,
            Self::Join
                | Self::Members
                | Self::MembersFiltered
                | Self::InstallKey
                | Self::UseKey
                | Self::RemoveKey
                | Self::ListKeys
                | Self::Stats
                | Self::GetCoordinate
        )
    }
}

impl<'a> RequestHeader<'a> {
    /// What a session begins with: nothing was asked.
    pub(crate) const NONE: RequestHeader<'a> = RequestHeader { command: "", seq: 0 };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_they_are_written() {
        for command in Command::ALL {
            assert_eq!(Command::parse(command.as_str()), Some(*command));
        }
        assert_eq!(Command::parse("Members"), None);
        assert_eq!(Command::ALL.len(), 20);
    }
}
