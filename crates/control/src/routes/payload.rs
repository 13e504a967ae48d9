//! Bytes in JSON: as text where they are text, so that people can read and type them; else in base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// A payload. Both fields absent is an empty one.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub struct Payload {
    /// As text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(rename = "payload")]
    pub text: Option<String>,
    /// In base64 (RFC 4648, 4): what is no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(rename = "payload_base64")]
    pub base64: Option<String>,
}

/// Not a payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PayloadError {
    /// Which of the two?
    #[error("give `payload` or `payload_base64`, not both")]
    Both,
    /// It says base64, and is not.
    #[error("`payload_base64` is no base64")]
    NotBase64,
}

impl Payload {
    /// These bytes.
    pub fn of(bytes: &[u8]) -> Self {
        if bytes.is_empty() {
            return Self::default();
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Self { text: Some(text.to_owned()), base64: None },
            Err(_) => Self { text: None, base64: Some(STANDARD.encode(bytes)) },
        }
    }

    /// The bytes.
    pub fn bytes(self) -> Result<Vec<u8>, PayloadError> {
        match self {
            Self { text: Some(_), base64: Some(_) } => Err(PayloadError::Both),
            Self { text: Some(text), base64: None } => Ok(text.into_bytes()),
            Self { text: None, base64: Some(base64) } => {
                STANDARD.decode(base64).map_err(|_| PayloadError::NotBase64)
            }
            Self { text: None, base64: None } => Ok(Vec::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text_and_the_rest_is_base64() {
        for (bytes, json) in [
            (&b"v1.2\n"[..], r#"{"payload":"v1.2\n"}"#),
            (b"\xff\x00", r#"{"payload_base64":"/wA="}"#),
            (b"", "{}"),
        ] {
            let payload = Payload::of(bytes);
            assert_eq!(serde_json::to_string(&payload).unwrap(), json);
            assert_eq!(serde_json::from_str::<Payload>(json).unwrap().bytes().unwrap(), bytes);
        }
    }

    #[test]
    fn what_is_ambiguous_or_broken_is_refused() {
        let payload = |json| serde_json::from_str::<Payload>(json).unwrap().bytes();
        assert_eq!(payload(r#"{"payload":"","payload_base64":""}"#), Err(PayloadError::Both));
        assert_eq!(payload(r#"{"payload_base64":"/w"}"#), Err(PayloadError::NotBase64));
    }
}
