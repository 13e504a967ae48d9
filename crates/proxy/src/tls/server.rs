//! Our side of TLS connections.

use super::choice::Choice;
use super::files::{self, Stamp};
use super::handshakes::Handshakes;
use super::{Found, Tls, load_with};
use crate::bounds;
use crate::error::Error;
use crate::stream::Socket;
use rustls::crypto::{CryptoProvider, ring};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{ProtocolVersion, ServerConfig};
use std::io;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// What is known of a client that speaks TLS.
#[derive(Clone, Debug)]
pub(crate) struct Secured {
    /// The name it asked for.
    pub(crate) name: Option<String>,
    /// HTTP/2 was agreed on.
    pub(crate) is_h2: bool,
    /// What it speaks.
    pub(crate) version: &'static str,
}

/// Accepts TLS on behalf of all listeners that want it.
#[derive(Debug)]
pub(crate) struct Server {
    http: Arc<ServerConfig>,
    /// For what is not HTTP: without protocols to agree on.
    other: Arc<ServerConfig>,
    shown: Arc<Shown>,
    provider: Arc<CryptoProvider>,
    /// Of the files before they were read at the start.
    pub(super) stamp: Stamp,
    handshakes: Handshakes,
}

/// The certificates in use.
#[derive(Debug)]
struct Shown(RwLock<Arc<Choice<Arc<CertifiedKey>>>>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let choice = Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner));
        let mut fitting = choice.of(hello.server_name());
        // A client that cannot verify keys of one kind may verify another's.
        fitting.find(|key| key.key.choose_scheme(hello.signature_schemes()).is_some()).cloned()
    }
}

/// HTTP/2 over TLS (RFC 9113, 3.2).
const H2: &[u8] = b"h2";

/// The protocols spoken inside of TLS, the preferred one first (ALPN, RFC 7301).
fn protocols() -> Vec<Vec<u8>> {
    vec![H2.to_vec(), b"http/1.1".to_vec()]
}

impl Server {
    /// One that shows the certificates of `tls`.
    ///
    /// # Errors
    /// [`Error::Tls`], when they cannot be used.
    pub(crate) fn new(tls: &Tls) -> Result<Self, Error> {
        let provider = Arc::new(ring::default_provider());
        let stamp = files::stamp(&tls.certificates);
        let Found { problems, notes, choice } = load_with(&tls.certificates, &provider, SystemTime::now());
        let Some(choice) = choice else {
            let none = || "`tls` is wanted, and there are no `certificates`".to_owned();
            return Err(Error::Tls(problems.into_iter().next().unwrap_or_else(none)));
        };
        for note in notes {
            tracing::warn!("{note}");
        }
        let shown = Arc::new(Shown(RwLock::new(Arc::new(choice))));
        let versions = if tls.only_13 { vec![&TLS13] } else { vec![&TLS13, &TLS12] };
        let unusable = |cause: rustls::Error| Error::Tls(cause.to_string());
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&versions)
            .map_err(unusable)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&shown) as _);
        // Sessions are kept by clients, sealed with keys that change every six hours: no memory of ours for each.
        config.ticketer = ring::Ticketer::new().map_err(unusable)?;
        let other = Arc::new(config.clone());
        config.alpn_protocols = protocols();
        let handshakes = Handshakes::new(bounds::HANDSHAKES_MAX);
        Ok(Self { http: Arc::new(config), other, shown, provider, stamp, handshakes })
    }

    /// Shows other certificates from now on.
    pub(super) fn show(&self, choice: Choice<Arc<CertifiedKey>>) {
        *self.shown.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(choice);
    }

    pub(super) fn provider(&self) -> Arc<CryptoProvider> {
        Arc::clone(&self.provider)
    }

    /// Shakes hands with a client, of HTTP unless `is_other`.
    ///
    /// # Errors
    /// What went wrong; the client is told by an alert, where that is possible.
    pub(crate) async fn accept(
        &self,
        socket: Socket,
        is_other: bool,
    ) -> io::Result<(Box<TlsStream<Socket>>, Secured)> {
        let place = self.handshakes.begin();
        let config = Arc::clone(if is_other { &self.other } else { &self.http });
        let stream = tokio::select! {
            accepted = TlsAcceptor::from(config).accept(socket) => Box::new(accepted?),
            () = place.ousted() => {
                return Err(io::Error::other("there are too many handshakes, and its own had taken longest"));
            }
        };
        let session = stream.get_ref().1;
        let name = session.server_name().map(str::to_owned);
        let is_h2 = session.alpn_protocol() == Some(H2);
        let version = match session.protocol_version() {
            Some(ProtocolVersion::TLSv1_3) => "TLSv1.3",
            _ => "TLSv1.2",
        };
        Ok((stream, Secured { name, is_h2, version }))
    }
}
