//! How much anyone may ask of the proxy. Each number with its reason, so that one can argue with it.

use std::time::Duration;

/// Clients connected at once, however many descriptors we may have. Each costs up to two descriptors and, while a
/// request streams, up to two blocks of 80 KiB (`buffer`). Further clients wait in the listen queue.
pub(crate) const CLIENTS_MAX: usize = 16_384;

/// Descriptors kept free for listeners, control socket, trials, idle backend connections, the log, [`CHECKS_MAX`] checks and
/// [`PIPES_MAX`] pipes.
pub(crate) const DESCRIPTORS_RESERVED: u64 = 64 + CHECKS_MAX as u64 + 2 * PIPES_MAX as u64;

/// How many clients may be connected, with the descriptors that we may have: each may need a second one for its backend.
pub(crate) fn clients_max() -> usize {
    (descriptors() * 2 / 5).clamp(1, CLIENTS_MAX)
}

/// How many of [`STREAMS_MAX`] there may be beside them.
pub(crate) fn streams_max() -> usize {
    (descriptors() / 5).clamp(1, STREAMS_MAX)
}

/// Those that are left for clients and their backends.
fn descriptors() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let free = limit.map_or(u64::MAX, |limit| limit.saturating_sub(DESCRIPTORS_RESERVED));
    // Not more than the largest numbers above want, so that nothing can overflow.
    usize::try_from(free).unwrap_or(usize::MAX).min(5 * CLIENTS_MAX)
}

/// Clients that may wait in the kernel to be accepted; the kernel lowers it to `net.core.somaxconn` (4096).
pub(crate) const BACKLOG: i32 = 4096;

/// Requests at once over one connection of HTTP/2. Browsers and gRPC use up to about 100; RFC 9113, 5.1.2 recommends no fewer.
pub(crate) const STREAMS_PER_CLIENT: u32 = 100;

/// Requests at once beyond the first of each client that speaks HTTP/2, over all of them. Each may cost a descriptor, two blocks of
/// `buffer` and [`STREAM_SEND_BYTES`]. Further ones wait for [`STREAM_PLACE_WAIT`], then are refused, which says that they may
/// be repeated.
pub(crate) const STREAMS_MAX: usize = CLIENTS_MAX / 2;
/// See [`STREAMS_MAX`].
pub(crate) const STREAM_PLACE_WAIT: Duration = Duration::from_secs(5);

/// What a client of HTTP/2 may send of one body before some of it was taken: what HTTP/1.1 has in a block of `buffer`. Over a
/// round trip of 50 ms it is 1.3 MB/s for each request.
pub(crate) const STREAM_WINDOW: u32 = 64 * 1024;

/// The same of all bodies on one connection together.
pub(crate) const CONNECTION_WINDOW: u32 = 256 * 1024;

/// What of one answer waits in a connection of HTTP/2 for its client to take it.
pub(crate) const STREAM_SEND_BYTES: usize = 64 * 1024;

/// How much of a body is put into the words of HTTP/1.1 ahead of its backend; it is over by one frame at most.
pub(crate) const UPLOAD_BYTES: usize = 16 * 1024;

/// Frames of HTTP/2 that serve nothing, and how fast a client may go on sending such (`front::http2::meter`). A page that is left takes
/// back some 100 requests at once; keepalives are one a second at most.
pub(crate) const FRAMES_SPARE: u32 = 1000;
/// See [`FRAMES_SPARE`].
pub(crate) const FRAMES_REFILL_PER_SECOND: u32 = 100;

/// Requests at once on one connection to a backend that speaks HTTP/2; fewer if it says so.
pub(crate) const STREAMS_PER_BACKEND: usize = 100;

/// Connections to one such backend. Beyond 6400 requests at once they wait in a connection.
pub(crate) const CONNECTIONS_PER_BACKEND: usize = 64;

/// What such a backend may send on one connection before some of it was taken: clients that are slow hold up their own requests
/// ([`STREAM_WINDOW`]), and the others only when there are 64 of them on the same connection.
pub(crate) const BACKEND_WINDOW: u32 = 4 * 1024 * 1024;

/// How often a request is sent to the same backend again that refused it unread, as one does that is about to end a connection.
pub(crate) const REFUSALS_MAX: u32 = 2;

/// How much of a request's body is kept to be sent again in that case, until its answer begins.
pub(crate) const REPLAY_BYTES: usize = 64 * 1024;

/// Longest request or response head, and so the least room that a connection's bytes need.
pub(crate) const HEAD_BYTES_MAX: usize = muster_http1::HEAD_BYTES_MAX;

/// How long a request goes on whose client has closed its side. One that has only said that nothing follows reads its answer;
/// one that is gone looks the same until something is written to it.
pub(crate) const HALF_CLOSED: Duration = Duration::from_secs(5);

/// How long after a stop a new connection may take for its first request. Its client sent that as soon as it was connected, or
/// connects ahead and has nothing to send; a second is enough for a lost packet.
pub(crate) const FIRST_REQUEST_WAIT: Duration = Duration::from_secs(1);

/// TLS handshakes under way. Each takes about 20 KiB; the time of an honest one is a few round trips, so that even at a second
/// each this is a thousand new clients a second, more than one thread can sign for with RSA.
pub(crate) const HANDSHAKES_MAX: usize = 1024;

/// How often certificates are looked at for changes. They are renewed days before they expire, so this is for whoever waits at a terminal.
pub(crate) const CERTIFICATES_LOOK: Duration = Duration::from_secs(2);

/// How often the files are looked for by which services are closed: whoever makes one waits for it.
pub(crate) const MAINTENANCE_LOOK: Duration = Duration::from_secs(1);

/// How long a listener that is to go waits for clients on their way, whose connections the kernel has taken already.
pub(crate) const LAST_CLIENTS_WAIT: Duration = Duration::from_millis(100);

/// Pipes by which the kernel carries streams in TCP mode, two descriptors each.
pub(crate) const PIPES_MAX: usize = 64;

/// Pause after a failed `accept`, so that a process out of descriptors does not spin.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long requests wait after the start for the first picture, rather than fail because the proxy was faster than
/// its agent.
pub(crate) const FIRST_PICTURE_WAIT: Duration = Duration::from_secs(1);

/// How long a repeatable request waits for a backend that has never answered, while others do. Longer than most answers;
/// an honest but slow newcomer only misses the requests that could be made elsewhere, until it answers one.
pub(crate) const FIRST_ANSWER_MAX: Duration = Duration::from_secs(1);

/// How long an idle connection is believed to be alive when the request on it must not be repeated. Many servers close
/// idle connections after 2 to 5 s; a request that meets such a close on the wire is lost. Within a second that is
/// next to impossible, and a new connection costs one round trip.
pub(crate) const UNREPEATABLE_REUSE_MAX: Duration = Duration::from_secs(1);

/// How long a backend that answered early may go on reading the request before its connection is closed; and how long a client may
/// go on sending whose connection is closed behind an answer.
pub(crate) const LINGER: Duration = Duration::from_secs(5);

/// A connection without traffic is probed after this long and declared dead after [`PROBES`] lost probes, so that
/// tunnels may be quiet for hours and a vanished host is still noticed.
pub(crate) const PROBE_AFTER: Duration = Duration::from_secs(30);
/// See [`PROBE_AFTER`].
pub(crate) const PROBE_INTERVAL: Duration = Duration::from_secs(10);
/// See [`PROBE_AFTER`].
pub(crate) const PROBES: u32 = 3;

/// Least time that a client may take nothing of its response; the idle timeout when that is longer. In a shorter time a
/// lost packet may not have been sent again.
pub(crate) const STUCK_MIN: Duration = Duration::from_secs(2);

/// The agent says something every second; after this much silence its stream is taken for broken.
pub(crate) const AGENT_SILENCE_MAX: Duration = Duration::from_secs(3);

/// First and longest pause before the agent is asked again.
pub(crate) const AGENT_RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// How often a report is sent when nothing urgent happened.
pub(crate) const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// Shortest pause between two reports: a backend that drains ends many requests a second, and each end wants a report.
pub(crate) const REPORT_GAP: Duration = Duration::from_millis(10);

/// Checks of backends at the same time: a descriptor and a KiB each, 16 KiB while its answer is long. Backends that hang hold theirs
/// until the check's timeout.
pub(crate) const CHECKS_MAX: usize = 128;

/// How often idle connections are looked through for those kept too long.
pub(crate) const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// How long the end of the process waits for the access log to be written.
pub(crate) const LOG_FLUSH: Duration = Duration::from_secs(1);
