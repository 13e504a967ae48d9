//! Upgrades such as WebSocket: after the backend's 101, bytes pass both ways until either side closes.
//!
//! A tunnel is a request in flight on its backend for as long as it lives: a withdrawn backend is not drained before its
//! tunnels are closed.

use crate::buffer::Buffer;
use crate::end::End;
use crate::lease::Lease;
use crate::story::Story;
use crate::upstream::Upstream;
use muster_balance::Ended;
use std::io;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

/// Joins the client's `stream` with a backend's. `first` goes to the client before all else; `held` came from it already.
pub(crate) async fn run<S: AsyncRead + AsyncWrite + Unpin>(
    (mut stream, first, held): (S, Vec<u8>, Buffer),
    mut lease: Lease,
    mut upstream: Upstream,
    story: &Story,
) {
    match join(&mut stream, first, held, &mut upstream).await {
        Ok((up, down)) => {
            story.moved_in(up);
            story.moved_out(down);
            lease.end(Ended::Well);
        }
        // Which side broke off cannot be told from here, nor how much has moved; streams often end so.
        Err(cause) => {
            story.fail(End::ClientGone);
            tracing::debug!(%cause, "a tunnel broke");
        }
    }
    story.finish();
}

async fn join<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    mut first: Vec<u8>,
    held: Buffer,
    upstream: &mut Upstream,
) -> io::Result<(u64, u64)> {
    first.extend_from_slice(upstream.held.bytes());
    stream.write_all(&first).await?;
    stream.flush().await?;
    upstream.stream.write_all(held.bytes()).await?;
    // The memory of these is not needed for as long as the tunnel lives.
    upstream.held = Buffer::default();
    drop((first, held));
    tokio::io::copy_bidirectional(stream, &mut upstream.stream).await
}
