//! `/proc/PID/smaps` (proc(5)): a line for each mapping, and lines of what is known of it.

/// A mapping, as far as it matters here.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mapping<'t> {
    pub(crate) start: usize,
    /// In bytes.
    pub(crate) length: usize,
    /// The file; empty for none.
    pub(crate) path: &'t str,
    permissions: &'t str,
    /// Pages that are copies of our own, in KiB: those that were written before the mapping became read-only (relocations).
    /// `None`: not said.
    own_kib: Option<u64>,
    /// The same, moved out to swap; the kernel no longer counts them as `Anonymous` then. Without swap in the kernel: not said.
    swapped_kib: Option<u64>,
}

impl Mapping<'_> {
    /// Nothing in it is, or can become, anything else than the file's bytes.
    pub(crate) fn holds_only_the_file(&self) -> bool {
        let cannot_be_written = matches!(self.permissions, "r--p" | "r-xp");
        let has_no_copies = self.own_kib == Some(0) && self.swapped_kib.is_none_or(|kib| kib == 0);
        cannot_be_written && has_no_copies && !self.path.is_empty()
    }
}

/// All of them. What is not understood is no mapping.
pub(crate) fn mappings(text: &str) -> impl Iterator<Item = Mapping<'_>> {
    let mut lines = text.lines().peekable();
    std::iter::from_fn(move || {
        loop {
            let Some(mut mapping) = head(lines.next()?) else { continue };
            while let Some(line) = lines.next_if(|line| head(line).is_none()) {
                match line.split_once(':') {
                    Some(("Anonymous", value)) => mapping.own_kib = kib(value),
                    // What cannot be read is no reason to drop it.
                    Some(("Swap", value)) => mapping.swapped_kib = Some(kib(value).unwrap_or(u64::MAX)),
                    _ => {}
                }
            }
            return Some(mapping);
        }
    })
}

fn kib(value: &str) -> Option<u64> {
    value.trim().strip_suffix(" kB").and_then(|kib| kib.trim().parse().ok())
}

/// `START-END PERMISSIONS OFFSET DEVICE INODE PATH`.
fn head(line: &str) -> Option<Mapping<'_>> {
    let (range, rest) = line.split_once(' ')?;
    let (start, end) = range.split_once('-')?;
    let [start, end] = [start, end].map(|number| usize::from_str_radix(number, 16).ok());
    let (permissions, rest) = rest.split_once(' ')?;
    let mut rest = rest.splitn(4, ' ');
    let path = rest.nth(3).unwrap_or_default().trim_start();
    Some(Mapping {
        start: start?,
        length: end?.checked_sub(start?)?,
        path,
        permissions,
        own_kib: None,
        swapped_kib: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
00200000-00f1d000 r--p 00000000 fd:00 131 /usr/bin/my muster
Size:              13428 kB
Rss:                1372 kB
Anonymous:             0 kB
Swap:                  0 kB
VmFlags: rd mr mw me
00f1e000-013b2000 r-xp 00d1d000 fd:00 131 /usr/bin/my muster
Anonymous:             0 kB
013b3000-01447000 r--p 011b1000 fd:00 131 /usr/bin/my muster
Anonymous:           592 kB
01447000-01448000 r--p 01244000 fd:00 131 /usr/bin/my muster
Anonymous:             0 kB
Swap:                  4 kB
SwapPss:               4 kB
01448000-0144e000 rw-p 01245000 fd:00 131 /usr/bin/my muster
Anonymous:             0 kB
0144e000-01460000 rw-p 00000000 00:00 0\u{20}
Anonymous:            12 kB
7f0000000000-7f0000001000 r--p 00000000 fd:00 9   /lib/old kernel says nothing
";

    #[test]
    fn only_what_was_never_written_is_the_files() {
        let all: Vec<_> = mappings(TEXT).collect();
        let files: Vec<_> = all.iter().map(Mapping::holds_only_the_file).collect();
        assert_eq!(files, [true, true, false, false, false, false, false]);
        assert_eq!(all[0].path, "/usr/bin/my muster");
        assert_eq!((all[1].start, all[1].length), (0xf1_e000, 0x49_4000));
    }

    #[test]
    fn nonsense_is_no_mapping() {
        assert_eq!(mappings("Size: 4 kB\n\nx-y r--p\n2-1 r--p 0 0 0 x\n").count(), 0);
    }
}
