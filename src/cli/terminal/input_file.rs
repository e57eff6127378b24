//! Input from a file or from standard input. Secrets come in this way: other users of the machine can read the arguments of
//! a process, and a shell keeps them in its history.

use std::io::Read;
use std::path::Path;

use crate::app::AppError;
use crate::private_files;

/// Most bytes of a file with secrets.
const LONGEST_SECRET: u64 = 64 * 1024;

/// Reads a file, or standard input for `-`. `option` is what the user has to correct.
pub(in crate::cli) fn read(option: &str, file: &Path) -> Result<Vec<u8>, AppError> {
    read_up_to(u64::MAX, option, file)
}

/// Reads lines of text that are a secret, without empty lines and without the blanks around each.
pub(in crate::cli) fn read_secret(option: &str, file: &Path) -> Result<Vec<String>, AppError> {
    let refuse = |reason: &str| {
        let file = file.display();
        AppError::Setting(format!("{option}: {file} {reason}"))
    };
    let content = read_up_to(LONGEST_SECRET + 1, option, file)?;
    if content.len() as u64 > LONGEST_SECRET {
        return Err(refuse("is larger than 64 KiB"));
    }
    let text = String::from_utf8(content).map_err(|_| refuse("is not UTF-8 text"))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let lines: Vec<String> = lines.map(str::to_owned).collect();
    if lines.is_empty() {
        return Err(refuse("is empty"));
    }
    Ok(lines)
}

fn read_up_to(most: u64, option: &str, file: &Path) -> Result<Vec<u8>, AppError> {
    let refuse = |error: std::io::Error| {
        AppError::Setting(format!(
            "{option}: {} cannot be read: {}",
            file.display(),
            private_files::reason(&error)
        ))
    };
    let mut content = Vec::new();
    let read = if file == Path::new("-") {
        std::io::stdin().lock().take(most).read_to_end(&mut content)
    } else {
        std::fs::File::open(file)
            .map_err(refuse)?
            .take(most)
            .read_to_end(&mut content)
    };
    read.map_err(refuse)?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_file_is_limited_and_must_have_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        let most = usize::try_from(LONGEST_SECRET).unwrap();
        for (content, expected) in [
            (
                b" a\r\n\n\tb \n".to_vec(),
                Ok(vec!["a".to_owned(), "b".to_owned()]),
            ),
            (b"\n \n".to_vec(), Err("is empty")),
            (vec![0xff], Err("is not UTF-8 text")),
            (vec![b'x'; most - 1], Ok(vec!["x".repeat(most - 1)])),
            (vec![b'x'; most], Ok(vec!["x".repeat(most)])),
            (vec![b'x'; most + 1], Err("is larger than 64 KiB")),
        ] {
            std::fs::write(&file, content).unwrap();
            match (read_secret("--header-file", &file), expected) {
                (Ok(lines), Ok(expected)) => assert_eq!(lines, expected),
                (Err(error), Err(reason)) => {
                    let error = error.to_string();
                    assert!(
                        error.starts_with("--header-file: ") && error.ends_with(reason),
                        "{error}"
                    );
                }
                (found, expected) => panic!("{found:?} instead of {expected:?}"),
            }
        }
        let missing = read_secret("--header-file", Path::new("missing")).unwrap_err();
        assert!(
            missing.to_string().contains("missing cannot be read"),
            "{missing}"
        );
    }
}
