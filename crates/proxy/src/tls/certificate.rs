//! One certificate with its key, checked.

use super::files::Files;
use super::pem;
use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::time::Time;

/// What clients are shown.
#[derive(Debug)]
pub(super) struct Certificate {
    /// For which hosts, in lower case; `*.` at the beginning stands for one label.
    pub(super) names: Vec<String>,
    pub(super) key: Arc<CertifiedKey>,
    not_before: Time,
    not_after: Time,
}

impl Certificate {
    /// Reads both files and sees whether they belong together.
    pub(super) fn load(files: &Files, provider: &CryptoProvider) -> Result<Self, String> {
        let Files { chain, key } = files;
        let at = |path: &Path| {
            let path = path.display().to_string();
            move |why: String| format!("{path}: {why}")
        };
        let certificates = pem::chain(&pem::read(chain)?).map_err(at(chain))?;
        let private = pem::key(&pem::read(key)?).map_err(at(key))?;
        let first = certificates.first().ok_or("it has no certificate".to_owned()).map_err(at(chain))?;
        let parsed = x509_cert::Certificate::from_der(first)
            .map_err(|cause| at(chain)(format!("its first certificate cannot be read: {cause}")))?;
        let names = names(&parsed);
        let certified = CertifiedKey::from_der(certificates, private, provider).map_err(|cause| match cause {
            rustls::Error::InconsistentKeys(_) => at(key)(format!(
                "the key is not that of the first certificate in {}: put the server's own certificate first, or its key there",
                chain.display()
            )),
            cause => at(key)(format!("the key cannot be used: {cause}")),
        })?;
        let validity = parsed.tbs_certificate.validity;
        let key = Arc::new(certified);
        Ok(Self { names, key, not_before: validity.not_before, not_after: validity.not_after })
    }

    /// What is wrong with it at `now`, though it can be used: most clients will refuse it.
    pub(super) fn doubts(&self, now: SystemTime) -> Option<String> {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        if self.not_after.to_unix_duration() < now {
            Some(format!("expired at {}: clients refuse it until it is renewed", self.not_after))
        } else if self.not_before.to_unix_duration() > now {
            Some(format!("is valid from {} only: is this host's clock right?", self.not_before))
        } else if self.names.is_empty() {
            Some("names no host (subjectAltName): clients refuse it for any".to_owned())
        } else {
            None
        }
    }
}

/// An address stands as the empty name: clients that connect to an address ask for no name (RFC 6066, 3).
fn names(certificate: &x509_cert::Certificate) -> Vec<String> {
    let Ok(Some((_, SubjectAltName(names)))) = certificate.tbs_certificate.get() else { return Vec::new() };
    let dns = |name: &GeneralName| match name {
        GeneralName::DnsName(name) => Some(name.to_string().to_ascii_lowercase()),
        GeneralName::IpAddress(_) => Some(String::new()),
        _ => None,
    };
    names.iter().filter_map(dns).collect()
}

/// What is wrong with who may read the key.
pub(super) fn exposure(key: &Path) -> Option<String> {
    let mode = fs::metadata(key).ok()?.permissions().mode();
    let who = match mode {
        _ if mode & 0o002 != 0 => "every user of this host may replace it",
        _ if mode & 0o004 != 0 => "every user of this host may read it",
        _ if mode & 0o020 != 0 => "its group may replace it",
        _ => return None,
    };
    Some(format!("{} holds a private key, and {who}: `chmod 600` closes it", key.display()))
}

#[cfg(test)]
mod tests {
    use super::super::testing::Made;
    use super::super::{Found, load};
    use super::*;
    use std::path::PathBuf;

    /// The two files in a folder, and what is found there.
    fn found(chain: &str, key: &str, mode: u32) -> Found {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("a.crt"), chain).unwrap();
        fs::write(at("a.key"), key).unwrap();
        fs::set_permissions(at("a.key"), fs::Permissions::from_mode(mode)).unwrap();
        load(&[PathBuf::from(dir.path())])
    }

    fn aged(year: i32) -> Made {
        let mut params = rcgen::CertificateParams::new(vec!["a.test".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(year, 1, 1);
        params.not_after = rcgen::date_time_ymd(year + 1, 1, 1);
        let key = rcgen::KeyPair::generate().unwrap();
        Made { chain: params.self_signed(&key).unwrap().pem(), key: key.serialize_pem() }
    }

    #[test]
    fn a_key_that_is_not_the_certificates_is_refused_with_both_files() {
        let (one, other) = (Made::new(&["a.test"]), Made::new(&["b.test"]));
        let sound = found(&one.chain, &one.key, 0o600);
        assert!(sound.problems.is_empty() && sound.notes.is_empty(), "{sound:?}");
        for (chain, key, words) in [
            (&one.chain, &other.key, "not that of the first certificate in"),
            (&(other.chain.clone() + &one.chain), &one.key, "put the server's own certificate first"),
            (&one.chain, &"nothing".to_owned(), "no private key that can be read"),
            (&one.chain, &one.key.replace("PRIVATE", "ENCRYPTED PRIVATE"), "sealed with a passphrase"),
            (&one.chain.replace("MII", "MXX"), &one.key, "a.crt: its first certificate cannot be read"),
        ] {
            let found = found(chain, key, 0o600);
            assert!(found.problems.len() == 1 && found.problems[0].contains(words), "{found:?}");
            assert!(found.choice.is_none());
        }
    }

    #[test]
    fn one_that_is_out_of_date_is_used_with_a_warning() {
        for (year, words) in [(2001, "expired at 2002-01-01"), (2090, "is valid from 2090-01-01")] {
            let made = aged(year);
            let found = found(&made.chain, &made.key, 0o600);
            assert!(found.notes.len() == 1 && found.notes[0].contains(words), "{found:?}");
            assert!(found.choice.is_some());
        }
    }

    #[test]
    fn a_key_that_others_may_read_or_replace_is_worth_a_warning() {
        let made = Made::new(&["a.test"]);
        for (mode, words) in [(0o644, "may read it"), (0o660, "group may replace"), (0o602, "may replace it")]
        {
            let notes = found(&made.chain, &made.key, mode).notes;
            assert!(notes.len() == 1 && notes[0].contains(words), "{mode:o} {notes:?}");
        }
        assert!(found(&made.chain, &made.key, 0o640).notes.is_empty(), "a group is somebody's choice");
    }
}
