//! TLS for clients: ended here, so that backends see plain HTTP and are told by `X-Forwarded-Proto`.
//!
//! ```text
//! files --> pem --> certificate --> choice (by the name a client asks for)
//!   ^                                  |
//! reload (files changed, HUP)          `--> rustls, in `Server`          handshakes: how many at once
//! ```
//!
//! Cryptography is ring's, handed to rustls explicitly: nothing is set for the whole process. New certificates are for new connections;
//! keys of tickets stay, so that clients resume their sessions across such a change.

mod certificate;
mod choice;
mod files;
mod handshakes;
mod pem;
mod reload;
mod server;
#[cfg(test)]
mod testing;

pub(crate) use reload::run;
pub(crate) use server::{Secured, Server};

use certificate::Certificate;
use choice::Choice;
use rustls::crypto::{CryptoProvider, ring};
use rustls::sign::CertifiedKey;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

/// How TLS is spoken.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tls {
    /// Files and folders with certificates and keys; the first certificate is shown to clients that ask for none of the names.
    pub certificates: Vec<PathBuf>,
    /// Nothing before TLS 1.3.
    pub only_13: bool,
}

/// What was found in the files.
#[derive(Debug, Default)]
pub struct Found {
    /// Why they cannot be used.
    pub problems: Vec<String>,
    /// What clients or others will stumble over.
    pub notes: Vec<String>,
    choice: Option<Choice<Arc<CertifiedKey>>>,
}

/// Reads and checks all certificates.
pub fn load(certificates: &[PathBuf]) -> Found {
    load_with(certificates, &ring::default_provider(), SystemTime::now())
}

fn load_with(paths: &[PathBuf], provider: &CryptoProvider, now: SystemTime) -> Found {
    let (files, problems) = files::find(paths);
    let mut found = Found { problems, ..Found::default() };
    let mut usable = Vec::new();
    for files in &files {
        match Certificate::load(files, provider) {
            Ok(certificate) => {
                let doubts = certificate.doubts(now);
                found
                    .notes
                    .extend(doubts.map(|why| format!("{}: the certificate {why}", files.chain.display())));
                usable.push((certificate.names, certificate.key));
            }
            Err(problem) => found.problems.push(problem),
        }
        found.notes.extend(certificate::exposure(&files.key));
    }
    if found.problems.is_empty() && !usable.is_empty() {
        found.choice = Some(Choice::new(usable));
    }
    found
}
