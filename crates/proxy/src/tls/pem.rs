//! Files of certificates and keys (RFC 7468), read within bounds.

use rustls::pki_types::pem::{PemObject, SectionKind};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

/// Longer files are refused. A chain of four RSA certificates with its key has 10 KiB.
const BYTES_MAX: u64 = 256 * 1024;

/// The bytes of the file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, String> {
    let unread = |cause| format!("cannot read {}: {cause}", path.display());
    // Before it is opened, since a pipe would make us wait.
    if !fs::metadata(path).map_err(unread)?.is_file() {
        return Err(format!("{} is no file", path.display()));
    }
    let mut bytes = Vec::new();
    File::open(path).map_err(unread)?.take(BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unread)?;
    if bytes.len() as u64 > BYTES_MAX {
        return Err(format!("{} is longer than {BYTES_MAX} bytes, which no certificate is", path.display()));
    }
    Ok(bytes)
}

pub(super) fn has_certificate(bytes: &[u8]) -> bool {
    sections(bytes).any(|kind| kind == SectionKind::Certificate)
}

pub(super) fn has_key(bytes: &[u8]) -> bool {
    use SectionKind::{EcPrivateKey, PrivateKey, RsaPrivateKey};
    sections(bytes).any(|kind| matches!(kind, EcPrivateKey | PrivateKey | RsaPrivateKey))
}

fn sections(bytes: &[u8]) -> impl Iterator<Item = SectionKind> {
    <(SectionKind, Vec<u8>)>::pem_slice_iter(bytes).filter_map(Result::ok).map(|(kind, _)| kind)
}

/// The chain in `bytes`, the server's own certificate first.
pub(super) fn chain(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
    chain.map_err(|cause| format!("its certificates cannot be read: {cause}"))
}

/// The first key in `bytes`.
pub(super) fn key(bytes: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    let is_sealed = bytes.windows(SEALED.len()).any(|window| window == SEALED);
    PrivateKeyDer::from_pem_slice(bytes).map_err(|_| match is_sealed {
        true => "its key is sealed with a passphrase, and nobody is there to type it: store it without one"
            .to_owned(),
        false => "there is no private key that can be read in it".to_owned(),
    })
}

const SEALED: &[u8] = b"ENCRYPTED";
