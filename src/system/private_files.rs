//! Files and folders that only their owner can read. What Rollcall writes contains addresses, names and secrets, so nobody
//! else may read a file for even a moment, and nobody else may lock one.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::path::Path;

/// Mode of every file.
#[cfg(unix)]
const FILE_MODE: u32 = 0o600;

/// Mode of every folder.
#[cfg(unix)]
const FOLDER_MODE: u32 = 0o700;

/// Takes the permissions of the group and of others from every file that this process creates from now on. It covers files
/// that libraries create; Rollcall's own files have an explicit mode in addition.
pub fn restrict_new_files() {
    #[cfg(unix)]
    {
        use rustix::fs::Mode;
        let known = rustix::process::umask(Mode::RWXG | Mode::RWXO);
        rustix::process::umask(known | Mode::RWXG | Mode::RWXO);
    }
}

/// Options to write a file. If they create it, only its owner can read it.
pub fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, FILE_MODE);
    options
}

/// Makes a file that exists already private. Only its owner can do that, so a failure is not an error.
pub fn tighten(file: &File) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if let Err(error) = file.set_permissions(std::fs::Permissions::from_mode(FILE_MODE)) {
            tracing::debug!(%error, "cannot change the permissions of a file");
        }
    }
}

/// Whether a file can be created in a folder, or in the next one above it that exists.
///
/// # Errors
/// Why not, in words.
pub fn can_create_in(folder: &Path) -> Result<(), String> {
    let existing = folder
        .ancestors()
        .map(|folder| match folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => folder,
        })
        .find(|folder| folder.exists());
    let existing = existing.unwrap_or(Path::new("/"));
    if !existing.is_dir() {
        return Err(format!("{} is not a folder", existing.display()));
    }
    #[cfg(unix)]
    {
        use rustix::fs::{Access, access};
        let mode = Access::WRITE_OK | Access::EXEC_OK;
        if access(existing, mode).is_err() {
            return Err(format!("{} cannot be written", existing.display()));
        }
    }
    Ok(())
}

/// Returns the mode with which `chmod` makes a file private; `None` if it is. The group of a file that belongs to another user
/// may read it: that is how a service reads a file of root.
pub fn mode_to_tighten(file: &Path) -> Option<&'static str> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let metadata = std::fs::metadata(file).ok()?;
        let is_own = metadata.uid() == rustix::process::geteuid().as_raw();
        let (excess, mode) = match is_own {
            true => (0o077, "go-rwx"),
            false => (0o007, "o-rwx"),
        };
        (metadata.mode() & excess != 0).then_some(mode)
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        None
    }
}

/// Whether a file is on a file system that is mounted read-only.
pub fn is_read_only(file: &Path) -> bool {
    #[cfg(unix)]
    {
        use rustix::fs::StatVfsMountFlags;
        rustix::fs::statvfs(file)
            .is_ok_and(|found| found.f_flag.contains(StatVfsMountFlags::RDONLY))
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        false
    }
}

/// Why a file cannot be used, in words; the operating system's own for what is rare.
pub fn reason(error: &io::Error) -> String {
    use io::ErrorKind;
    let reason = match error.kind() {
        ErrorKind::NotFound => "there is no such file or folder",
        ErrorKind::IsADirectory => "it is a folder",
        // A folder that is to be created, or one in the path.
        ErrorKind::AlreadyExists | ErrorKind::NotADirectory => "a part of its path is a file",
        ErrorKind::PermissionDenied => "Rollcall has no permission",
        ErrorKind::ReadOnlyFilesystem => "its file system is read-only",
        ErrorKind::StorageFull => "the disk is full",
        _ => return error.to_string(),
    };
    reason.to_owned()
}

/// Creates a folder and its parents unless they exist. Only their owner can enter the new ones.
pub fn create_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, FOLDER_MODE);
    builder.create(folder)
}

/// Creates the folder of a file unless it exists.
pub fn create_folder_of(file: &Path) -> io::Result<()> {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => create_folder(folder),
        _ => Ok(()),
    }
}

/// Replaces a file, so that a reader sees either the old content or the new one.
pub fn replace(file: &Path, content: &str) -> io::Result<()> {
    let draft = file.with_extension("tmp");
    // The draft of a process that crashed may have another mode.
    match std::fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut opened = options().create_new(true).open(&draft)?;
    io::Write::write_all(&mut opened, content.as_bytes())?;
    std::fs::rename(&draft, file)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn new_files_and_folders_are_private() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("outer/inner/file.txt");
        create_folder_of(&file).unwrap();
        create_folder_of(&file).unwrap();
        create_folder_of(Path::new("file.txt")).unwrap();
        options().create(true).open(&file).unwrap();
        let inner = file.parent().unwrap();
        assert_eq!(mode(&file), FILE_MODE);
        assert_eq!(mode(inner), FOLDER_MODE);
        assert_eq!(mode(inner.parent().unwrap()), FOLDER_MODE);
    }

    #[test]
    fn a_file_is_private_if_only_its_owner_can_use_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        assert_eq!(mode_to_tighten(&file), None, "there is no such file");
        std::fs::write(&file, "x").unwrap();
        for (mode, expected) in [
            (0o600, None),
            (0o400, None),
            (0o700, None),
            (0o640, Some("go-rwx")),
            (0o620, Some("go-rwx")),
            (0o604, Some("go-rwx")),
            (0o601, Some("go-rwx")),
            (0o644, Some("go-rwx")),
        ] {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(mode_to_tighten(&file), expected, "{mode:o}");
        }
    }

    #[test]
    fn the_reason_of_an_error_is_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "x").unwrap();
        let below = file.join("below");
        for (error, expected) in [
            (
                File::open(folder.path().join("missing")).err(),
                "there is no such file or folder",
            ),
            (File::create(folder.path()).err(), "it is a folder"),
            (File::open(&below).err(), "a part of its path is a file"),
            (create_folder(&file).err(), "a part of its path is a file"),
            (create_folder(&below).err(), "a part of its path is a file"),
            (
                Some(io::ErrorKind::PermissionDenied.into()),
                "Rollcall has no permission",
            ),
            (Some(io::ErrorKind::TimedOut.into()), "timed out"),
        ] {
            assert_eq!(reason(&error.unwrap()), expected);
        }
    }

    #[test]
    fn a_replaced_file_is_private_even_if_the_old_one_was_not() {
        let folder = tempfile::tempdir().unwrap();
        let (file, draft) = (folder.path().join("addr"), folder.path().join("addr.tmp"));
        for path in [&file, &draft] {
            std::fs::write(path, "old and longer").unwrap();
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
        }
        replace(&file, "new").unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "new");
        assert_eq!((mode(&file), draft.exists()), (FILE_MODE, false));
    }
}
