//! How much anyone may ask of the proxy. Each number with its reason, so that one can argue with it.

use std::time::Duration;

/// Clients connected at once, however many descriptors we may have. Each costs up to two descriptors and, while a
/// request streams, up to two blocks of 80 KiB (`buffer`). Further clients wait in the listen queue.
pub(crate) const CLIENTS_MAX: usize = 16_384;

/// Descriptors kept free for listeners, control socket, trials, idle backend connections, the log, and [`PIPES_MAX`] pipes.
pub(crate) const DESCRIPTORS_RESERVED: u64 = 64 + 2 * PIPES_MAX as u64;

/// Clients that may wait in the kernel to be accepted; the kernel lowers it to `net.core.somaxconn` (4096).
pub(crate) const BACKLOG: i32 = 4096;

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
/// streams may be quiet for hours and a vanished host is still noticed.
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

/// How often idle connections are looked through for those kept too long.
pub(crate) const SWEEP_INTERVAL: Duration = Duration::from_secs(1);
