//! Who reads the last lines, and those that follow: `muster logs`, over a Unix socket.
//!
//! Nobody waits for a reader. What each is behind stands in the [`Tail`], not in a queue of its own; one that is slower than the flood is
//! told how many lines it missed.

use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use muster_logs::{ASKING_BYTES_MAX, Asking, Form, Instant, Next, Place, Record, Tail, Wanted};
use rustix::event::{PollFd, PollFlags};

/// Readers at a time; one more is told so.
const READERS_MAX: usize = 16;
/// Bytes that are made ready for one.
const CHUNK_BYTES_MAX: usize = 64 << 10;
/// All lines that are kept.
const TAIL_BYTES_MAX: usize = 1 << 20;
/// Who has not said what it wants by then is nobody.
const ASKS_WITHIN: Duration = Duration::from_secs(5);

/// Everybody who reads, and what there is to read.
#[derive(Debug)]
pub(crate) struct Readers {
    listener: UnixListener,
    path: PathBuf,
    readers: Vec<Reader>,
    tail: Tail,
}

#[derive(Debug)]
struct Reader {
    stream: UnixStream,
    since: Instant,
    state: State,
    /// What it was not yet given.
    chunk: Vec<u8>,
}

#[derive(Debug)]
enum State {
    Asking(Vec<u8>),
    Reads {
        wanted: Wanted,
        place: Place,
        follows: bool,
    },
    /// It gets what is in its chunk.
    Ends,
    Gone,
}

impl Readers {
    /// Listens at `path`, for this user only; a socket that a former life left there is replaced.
    pub(crate) fn open(path: &Path, services: impl IntoIterator<Item = String>) -> io::Result<Self> {
        match UnixStream::connect(path) {
            Ok(_) => return Err(ErrorKind::AddrInUse.into()),
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path)?,
            Err(_) => {}
        }
        let listener = UnixListener::bind(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        listener.set_nonblocking(true)?;
        let tail = Tail::new(services, TAIL_BYTES_MAX);
        Ok(Self { listener, path: path.to_owned(), readers: Vec::new(), tail })
    }

    pub(crate) fn keep(&mut self, record: &Record<'_>) {
        self.tail.push(record);
    }

    /// Lets newcomers in, hears what they want, and gives to everybody what it takes now.
    pub(crate) fn serve(&mut self, now: Instant) {
        loop {
            match self.listener.accept() {
                Ok((stream, _)) if stream.set_nonblocking(true).is_ok() => {
                    self.readers.push(Reader::new(stream, now, self.readers.len() >= READERS_MAX));
                }
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => {
                    // Out of descriptors, as a rule: without one that is given back, this would be told again and again.
                    self.readers.pop();
                    break;
                }
            }
        }
        for reader in &mut self.readers {
            reader.serve(&self.tail, now);
        }
        self.readers.retain(|reader| !matches!(reader.state, State::Gone));
    }

    /// When somebody is to be given up.
    pub(crate) fn due(&self) -> Option<Instant> {
        let asking = self.readers.iter().filter(|reader| matches!(reader.state, State::Asking(_)));
        asking.map(|reader| reader.since + ASKS_WITHIN).min()
    }

    pub(crate) fn poll_fds(&self) -> impl Iterator<Item = PollFd<'_>> {
        let readers = self.readers.iter().map(|reader| {
            let flags = if reader.chunk.is_empty() { PollFlags::IN } else { PollFlags::IN | PollFlags::OUT };
            PollFd::new(&reader.stream, flags)
        });
        [PollFd::new(&self.listener, PollFlags::IN)].into_iter().chain(readers)
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        // The next life makes its own.
        let _ = fs::remove_file(&self.path);
    }
}

impl Reader {
    fn new(stream: UnixStream, since: Instant, is_too_many: bool) -> Self {
        let mut reader = Self { stream, since, state: State::Asking(Vec::new()), chunk: Vec::new() };
        if is_too_many {
            reader.refuse(&format!("{READERS_MAX} read already; end one of them"));
        }
        reader
    }

    fn refuse(&mut self, why: &str) {
        self.chunk.extend_from_slice(&object("error", why));
        self.state = State::Ends;
    }

    fn serve(&mut self, tail: &Tail, now: Instant) {
        self.hear(tail, now);
        loop {
            self.fill(tail);
            if self.chunk.is_empty() {
                if matches!(self.state, State::Ends) {
                    self.state = State::Gone;
                }
                return;
            }
            match self.stream.write(&self.chunk) {
                Ok(bytes) if bytes > 0 => _ = self.chunk.drain(..bytes),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                _ => return self.state = State::Gone,
            }
        }
    }

    /// What it says. Who says more after that is not heard, but that it is gone is.
    fn hear(&mut self, tail: &Tail, now: Instant) {
        let mut buffer = [0; 1024];
        loop {
            match self.stream.read(&mut buffer) {
                // Whoever has only ended what it says (`nc -N`) reads on; writing tells the rest.
                Ok(0) if matches!(self.state, State::Ends) => return,
                Ok(0) => return self.state = State::Gone,
                Ok(bytes) => {
                    let State::Asking(said) = &mut self.state else { continue };
                    said.extend_from_slice(&buffer[..bytes]);
                    let line = said.iter().position(|byte| *byte == b'\n').map(|end| &said[..end]);
                    match line.map(|line| str::from_utf8(line).map(str::parse::<Asking>)) {
                        Some(Ok(Ok(asking))) => self.begin(tail, asking),
                        Some(Ok(Err(why))) => self.refuse(&why),
                        Some(Err(_)) => self.refuse("that is no text"),
                        None if said.len() > ASKING_BYTES_MAX => self.refuse("that is too long"),
                        None => {}
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => return self.state = State::Gone,
            }
        }
        if matches!(self.state, State::Asking(_)) && now - self.since >= ASKS_WITHIN {
            self.state = State::Gone;
        }
    }

    fn begin(&mut self, tail: &Tail, asking: Asking) {
        let Asking { count, follows, wanted } = asking;
        if let Some(name) =
            wanted.services.iter().find(|name| !tail.services().any(|service| service == *name))
        {
            let known: Vec<&str> = tail.services().collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return self.refuse(&format!("no service called {name} is logged here; there are: {known}"));
        }
        let place = tail.before_last(&wanted, count);
        self.state = State::Reads { wanted, place, follows };
    }

    fn fill(&mut self, tail: &Tail) {
        let State::Reads { wanted, place, follows } = &mut self.state else { return };
        while self.chunk.len() < CHUNK_BYTES_MAX {
            match tail.next(wanted, place) {
                Some(Next::Line(record)) => Form::Json.write(&record, true, &mut self.chunk),
                Some(Next::Missed(service, lines)) => {
                    self.chunk.extend_from_slice(&object("missed", &format!("{lines} lines of {service}")));
                }
                None if *follows => return,
                None => return self.state = State::Ends,
            }
        }
    }
}

/// `{"KEY":"TEXT"}`, on a line.
fn object(key: &str, text: &str) -> Vec<u8> {
    let mut line = format!("{{\"{key}\":").into_bytes();
    muster_logs::json_string(text.as_bytes(), &mut line);
    line.extend_from_slice(b"}\n");
    line
}
