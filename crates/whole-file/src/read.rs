//! Small files as text, no longer than they may be. What is no file is refused by what it is: a pipe would be waited for until somebody
//! writes into it, and a device may have no end.

use rustix::fs::OFlags;
use std::fs::{File, FileType, Metadata};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

/// The file as text in UTF-8.
///
/// # Errors
/// It cannot be read, is longer than `bytes_max`, is no text, or is no file.
pub fn text(path: &Path, bytes_max: usize) -> io::Result<String> {
    text_of(open(path)?.0, bytes_max)
}

/// All of a source as text in UTF-8.
///
/// # Errors
/// It cannot be read, is longer than `bytes_max`, or is no text.
pub fn text_of(source: impl Read, bytes_max: usize) -> io::Result<String> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    source.take(limit).read_to_end(&mut bytes)?;
    if bytes.len() > bytes_max {
        return Err(io::Error::new(ErrorKind::FileTooLarge, format!("it is longer than {bytes_max} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| io::Error::new(ErrorKind::InvalidData, "it is no text in UTF-8"))
}

/// Opens what is a file, and waits for nobody.
pub(crate) fn open(path: &Path) -> io::Result<(File, Metadata)> {
    // A device may do something when it is opened.
    must_be_file(std::fs::metadata(path)?.file_type())?;
    let file = File::options().read(true).custom_flags(NO_WAIT).open(path)?;
    // It may be another one by now.
    let metadata = file.metadata()?;
    must_be_file(metadata.file_type())?;
    Ok((file, metadata))
}

/// Neither for the other end of a pipe, nor to become the terminal of this process.
#[expect(clippy::cast_possible_wrap, reason = "bits, and none of them is the first")]
pub(crate) const NO_WAIT: i32 = OFlags::NONBLOCK.union(OFlags::NOCTTY).bits() as i32;

/// Refuses what is none, by what it is.
pub(crate) fn must_be_file(found: FileType) -> io::Result<()> {
    let what = match found {
        _ if found.is_file() => return Ok(()),
        _ if found.is_dir() => "a folder",
        _ if found.is_fifo() => "a pipe",
        _ if found.is_socket() => "a socket",
        _ if found.is_char_device() || found.is_block_device() => "a device",
        _ => "something else",
    };
    Err(io::Error::new(ErrorKind::InvalidInput, format!("it is {what}, and no file")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_text_is_read_whole_or_refused_with_a_reason() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("f");
        fs::write(&path, "héllo").unwrap();
        assert_eq!(text(&path, 6).unwrap(), "héllo");
        assert_eq!(text(&path, 5).unwrap_err().to_string(), "it is longer than 5 bytes");
        fs::write(&path, b"\xff").unwrap();
        assert_eq!(text(&path, 5).unwrap_err().to_string(), "it is no text in UTF-8");
        assert_eq!(text(directory.path(), 5).unwrap_err().to_string(), "it is a folder, and no file");
        assert_eq!(text(&directory.path().join("none"), 5).unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(text(Path::new("/dev/zero"), 5).unwrap_err().to_string(), "it is a device, and no file");
    }
}
