//! Files and folders that only their owner may look into, and their syncing.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Makes a folder (mode 0700), where there is none, with those above it.
pub(crate) fn folder(path: &Path) -> io::Result<()> {
    builder(true).create(path)
}

/// Makes a folder (mode 0700), where there is none, in one that is there.
pub(crate) fn one_folder(path: &Path) -> io::Result<()> {
    match builder(false).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        made => made,
    }
}

fn builder(recursive: bool) -> fs::DirBuilder {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(recursive);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// Writes a folder's entries to the disk, where the system can do that.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(path)?.sync_all()?;
    }
    Ok(())
}

/// Whether `file` is no longer what `path` leads to.
pub(crate) fn is_gone(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let (Ok(here), Ok(there)) = (file.metadata(), fs::metadata(path)) else {
            return true;
        };
        (here.dev(), here.ino()) != (there.dev(), there.ino())
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        !path.exists()
    }
}

/// Opens a file (mode 0600) to write behind what it has; makes it where there is none.
pub(crate) fn append(path: &Path) -> io::Result<File> {
    let mut options = fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
