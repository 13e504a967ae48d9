//! The socket on which tools speak HAProxy's commands.

use super::desk::{self, Asked};
use crate::bounds;
use crate::listen::Listener;
use crate::plane::Plane;
use crate::stream::Socket;
use muster_haproxy_stats::{Level, Session, Step, answer};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Semaphore, watch};

/// How much of an answer is written at once. Between two others have their turn.
const PIECE_BYTES: usize = 16 * 1024;

/// Serves tools until `stop` becomes true; then whoever comes next may listen there. `places`: tools at the same time, others wait.
pub(crate) async fn serve(
    plane: Rc<Plane>,
    listener: Listener,
    level: Level,
    timeout: Duration,
    places: Arc<Semaphore>,
    mut stop: watch::Receiver<bool>,
) {
    let serving = async {
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            match listener.accept().await {
                Ok((socket, _, _)) => {
                    let plane = Rc::clone(&plane);
                    tokio::task::spawn_local(async move {
                        let session = Session::new(level, timeout);
                        if let Err(cause) = talk(&plane, socket, session).await {
                            tracing::debug!(%cause, "a tool on the statistics socket was left");
                        }
                        drop(place);
                    });
                }
                Err(cause) => {
                    tracing::debug!(%cause, "a tool was gone before it was accepted");
                    tokio::time::sleep(bounds::ACCEPT_PAUSE).await;
                }
            }
        }
    };
    tokio::select! {
        () = serving => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

async fn talk(plane: &Rc<Plane>, mut socket: Socket, mut session: Session) -> io::Result<()> {
    let mut bytes = [0; 2048];
    loop {
        match session.step() {
            Step::Close => return socket.shutdown().await,
            Step::Read => {
                let read = tokio::time::timeout(session.timeout(), socket.read(&mut bytes)).await;
                match read.map_err(|_late| io::Error::from(io::ErrorKind::TimedOut))?? {
                    0 => return Ok(()),
                    count => session.receive(&bytes[..count]),
                }
            }
            Step::Answer(words) => {
                let answered = answer(&mut session, &words, &Asked(plane));
                if let Some(change) = answered.change {
                    desk::change(plane, change);
                }
                let mut piece = String::new();
                for part in answered.text {
                    piece.push_str(&part);
                    if piece.len() >= PIECE_BYTES {
                        write(&mut socket, session.timeout(), &piece).await?;
                        piece.clear();
                    }
                }
                piece.push_str(session.prompt());
                write(&mut socket, session.timeout(), &piece).await?;
            }
        }
    }
}

async fn write(socket: &mut Socket, timeout: Duration, piece: &str) -> io::Result<()> {
    let written = tokio::time::timeout(timeout, socket.write_all(piece.as_bytes())).await;
    written.map_err(|_late| io::Error::from(io::ErrorKind::TimedOut))??;
    // Traffic has its turn, even if the tool takes all at once.
    tokio::task::yield_now().await;
    Ok(())
}
