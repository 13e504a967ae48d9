//! What a client said, as far as it is logged: cut to what a line bears, in memory that is used again for the next request.

use std::ops::Range;

/// Longest first line of a request, as in HAProxy (its `tune.http.logurilen`).
const LINE_BYTES_MAX: usize = 1024;

/// Longest value of a field.
const VALUE_BYTES_MAX: usize = 512;

/// Texts of one request.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    bytes: Vec<u8>,
    line: Option<Range<usize>>,
    host: Option<Range<usize>>,
    user_agent: Option<Range<usize>>,
    referer: Option<Range<usize>>,
    trace: Option<Range<usize>>,
}

impl Heard {
    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        *self = Self { bytes, ..Self::default() };
    }

    /// Remembers a request: its head as it came, or as HTTP/1.1 would say it, and its fields.
    pub(crate) fn hear<'h>(
        &mut self,
        head: &[u8],
        host: Option<&[u8]>,
        fields: impl Iterator<Item = (&'h str, &'h [u8])>,
    ) {
        self.clear();
        let end = head.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(head.len());
        self.line = Some(self.keep(&head[..end], LINE_BYTES_MAX));
        self.host = host.map(|host| self.keep(host, VALUE_BYTES_MAX));
        for (name, value) in fields {
            // Few fields are as long as one of these.
            let (of, place) = match name.len() {
                10 => ("user-agent", 0),
                7 => ("referer", 1),
                11 => ("traceparent", 2),
                _ => continue,
            };
            if name.eq_ignore_ascii_case(of) {
                let kept = Some(self.keep(value, VALUE_BYTES_MAX));
                match place {
                    0 => self.user_agent = kept,
                    1 => self.referer = kept,
                    _ => self.trace = kept,
                }
            }
        }
    }

    fn keep(&mut self, bytes: &[u8], most: usize) -> Range<usize> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(most)]);
        start..self.bytes.len()
    }

    fn of(&self, range: &Option<Range<usize>>) -> Option<&[u8]> {
        self.bytes.get(range.clone()?)
    }

    /// The first line.
    pub(crate) fn line(&self) -> Option<&[u8]> {
        self.of(&self.line)
    }

    /// The host.
    pub(crate) fn host(&self) -> Option<&[u8]> {
        self.of(&self.host)
    }

    /// `User-Agent`.
    pub(crate) fn user_agent(&self) -> Option<&[u8]> {
        self.of(&self.user_agent)
    }

    /// `Referer`.
    pub(crate) fn referer(&self) -> Option<&[u8]> {
        self.of(&self.referer)
    }

    /// `traceparent`.
    pub(crate) fn trace(&self) -> Option<&[u8]> {
        self.of(&self.trace)
    }
}
