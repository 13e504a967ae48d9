//! Certificates for tests.

/// A certificate that signs itself, as PEM.
pub(super) struct Made {
    pub(super) chain: String,
    pub(super) key: String,
}

impl Made {
    /// For these hosts.
    pub(super) fn new(names: &[&str]) -> Self {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        Self { chain: made.cert.pem(), key: made.signing_key.serialize_pem() }
    }
}
