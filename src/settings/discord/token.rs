//! The bot's token, from the environment or from a file. A mistake in it is reported without the token.

use std::io::{ErrorKind, Read};
use std::path::Path;

use crate::private_files;
use crate::settings::read::Variables;
use crate::settings::secret::Secret;

const TOKEN: &str = "DISCORD_TOKEN";
const TOKEN_FILE: &str = "DISCORD_TOKEN_FILE";

/// The maximum size of the file, in bytes. Tokens have about 70 characters.
const LONGEST_FILE: u64 = 4 * 1024;

/// Where Docker mounts secrets. Every user of the container can read them, and there are no others.
const DOCKER_SECRETS: &str = "/run/secrets";

/// The length of an OAuth2 client secret, which has no dots.
const CLIENT_SECRET: usize = 32;

/// The length of an application's public key, in hexadecimal digits.
const PUBLIC_KEY: usize = 64;

/// Shorter texts are no tokens unless they have a token's three parts, in bytes.
const SHORTEST_TOKEN: usize = 50;

/// Where the right token is.
const SOURCE: &str = "Copy the token from https://discord.com/developers/applications, page Bot";

impl Variables {
    /// Reads the token. Set and empty counts as absent.
    pub(super) fn token(&mut self) -> Option<Secret> {
        self.secrets.insert(TOKEN.to_owned());
        let token = self.optional(TOKEN);
        let file = self.optional(TOKEN_FILE);
        // Somebody may have set the token in place of the file.
        if file.as_deref().is_some_and(is_probably_a_token) {
            self.secrets.insert(TOKEN_FILE.to_owned());
        }
        let (name, token) = match (token, file) {
            (None, None) => return None,
            (Some(token), None) => (TOKEN.to_owned(), Ok(token)),
            (None, Some(file)) => {
                if is_probably_a_token(&file) {
                    // Read as a path, it would appear in the answer.
                    self.mistakes.push(format!(
                        "{TOKEN_FILE} must be the path of a file, and not the token. Example: {TOKEN_FILE}=/run/secrets/discord_token"
                    ));
                    return None;
                }
                let file = Path::new(&file);
                let content = read(file);
                if content.is_ok() {
                    self.warn_if_exposed(file);
                }
                (format!("{TOKEN_FILE}: {}", file.display()), content)
            }
            (Some(_), Some(_)) => {
                self.mistakes.push(format!(
                    "{TOKEN} and {TOKEN_FILE} are both set. Remove one of them"
                ));
                return None;
            }
        };
        let checked = token.and_then(|token| match mistake(&token) {
            Some(mistake) => Err(mistake),
            None => Ok(token),
        });
        match checked {
            Ok(token) => Some(Secret(token)),
            Err(mistake) => {
                self.mistakes.push(format!("{name} {mistake}"));
                None
            }
        }
    }

    fn warn_if_exposed(&mut self, file: &Path) {
        let place = file.canonicalize();
        let place = place.as_deref().unwrap_or(file);
        // Nobody can change the mode of a file there. Kubernetes mounts secrets read-only, and with mode 644.
        if place.starts_with(DOCKER_SECRETS) || private_files::is_read_only(place) {
            return;
        }
        if let Some(mode) = private_files::mode_to_tighten(file) {
            let file = file.display();
            self.warnings.push(format!(
                "{TOKEN_FILE}: other users of this machine can read {file}. Make it private with `chmod {mode} {file}`"
            ));
        }
    }
}

/// Whether a path is more likely a token: three parts of a form that no ordinary name of a file has.
fn is_probably_a_token(path: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    path.len() >= SHORTEST_TOKEN && path.split('.').count() == 3 && path.split('.').all(is_part)
}

/// Reads the only line of a file. The error follows the name of the file.
fn read(file: &Path) -> Result<String, String> {
    let refuse = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => {
            "does not exist. Write the token to that file, or set another one".to_owned()
        }
        ErrorKind::PermissionDenied => {
            "cannot be read: Rollcall has no permission. Give it to the user that runs Rollcall"
                .to_owned()
        }
        _ => format!("cannot be read: {}", private_files::reason(&error)),
    };
    if file.is_dir() {
        return Err("is a folder. Set the file in it that has the token".to_owned());
    }
    let mut content = Vec::new();
    std::fs::File::open(file)
        .and_then(|opened| opened.take(LONGEST_FILE + 1).read_to_end(&mut content))
        .map_err(refuse)?;
    if content.len() as u64 > LONGEST_FILE {
        return Err("is larger than 4 KiB. It must have the token and nothing else".to_owned());
    }
    let content = String::from_utf8(content)
        .map_err(|_| "is not UTF-8 text. It must have the token and nothing else".to_owned())?;
    let token = content.trim_start_matches('\u{feff}').trim();
    if token.is_empty() {
        return Err(format!("is empty. {SOURCE}"));
    }
    if token.contains(['\n', '\r']) {
        return Err("has more than one line. It must have the token and nothing else".to_owned());
    }
    Ok(token.to_owned())
}

/// What shows that a text is not a token of a bot. The sentence follows the name of the setting.
fn mistake(token: &str) -> Option<String> {
    let is_in_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let starts_with = |word: &str| {
        let start = token.get(..word.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    if starts_with("Bot ") || starts_with("Bearer ") {
        return Some("must not begin with `Bot` or `Bearer`. Set the token alone".to_owned());
    }
    if token.starts_with(['"', '\'']) || token.ends_with(['"', '\'']) {
        return Some("must not have quotes around it. Set the token alone".to_owned());
    }
    if token.contains(['\n', '\r']) {
        return Some("has a line break in it. Set the token in one line".to_owned());
    }
    let problem = if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        "has a space or another character that no token has"
    } else if token.bytes().all(|byte| byte.is_ascii_digit()) {
        "is a number, such as an application id, and not a token"
    } else if token.len() == CLIENT_SECRET && token.bytes().all(is_in_base64) {
        "looks like the client secret of the application, and not like a token"
    } else if token.len() == PUBLIC_KEY && token.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        "looks like the public key of the application, and not like a token"
    } else if token.len() < SHORTEST_TOKEN && token.split('.').count() != 3 {
        "is not a token, which has three parts with dots between them"
    } else {
        return None;
    };
    Some(format!("{problem}. {SOURCE}"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> Variables {
        let pairs = pairs.iter();
        let variables: HashMap<String, String> = pairs
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Variables {
            variables,
            ..Variables::default()
        }
    }

    #[test]
    fn what_is_no_token_is_refused_without_showing_it() {
        let client_secret = format!("canary{}", "x".repeat(26));
        let cases = [
            ("Bot canary.a.b", "`Bot`"),
            ("bearer canary.a.b", "`Bearer`"),
            ("\"canary.a.b\"", "quotes"),
            ("canary.a.b'", "quotes"),
            ("canary.\na.b", "line break"),
            ("canary.\r\na.b", "line break"),
            ("canary. a.b", "space"),
            ("canary.\u{200b}a.b", "character"),
            ("123456789012345678", "number"),
            (client_secret.as_str(), "client secret"),
            (&"0123456789abcdef".repeat(4), "public key"),
            ("canary", "three parts"),
            ("canary.a", "three parts"),
            ("canary.a.b.c", "three parts"),
            (&"x".repeat(SHORTEST_TOKEN - 1), "three parts"),
        ];
        for (token, words) in cases {
            let mut read = variables(&[(TOKEN, token)]);
            assert_eq!(read.token(), None, "{token}");
            let [mistake] = read.mistakes.as_slice() else {
                panic!("{token}: {:?}", read.mistakes);
            };
            assert!(mistake.starts_with("DISCORD_TOKEN "), "{mistake}");
            assert!(mistake.contains(words), "{token}: {mistake}");
            assert!(!mistake.contains("canary"), "{mistake}");
        }
    }

    #[test]
    fn a_token_may_have_blanks_and_a_line_break_around_it() {
        for (token, expected) in [
            ("canary.a.b", "canary.a.b"),
            (" canary.a.b\n", "canary.a.b"),
            ("a.b.c", "a.b.c"),
            // Long enough for a token in a form that is not known today.
            (&"x".repeat(SHORTEST_TOKEN), &"x".repeat(SHORTEST_TOKEN)),
        ] {
            let mut read = variables(&[(TOKEN, token)]);
            let found = read.token();
            assert_eq!(found.as_ref().map(Secret::reveal), Some(expected));
            assert!(read.mistakes.is_empty() && read.warnings.is_empty());
        }
    }

    #[test]
    fn the_file_must_have_one_line_of_at_most_4_kib() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        let padded = |length: usize| {
            let mut content = b"canary.a.b".to_vec();
            content.resize(length, b'\n');
            content
        };
        let limit = usize::try_from(LONGEST_FILE).unwrap();
        for (content, expected) in [
            (b"canary.a.b".to_vec(), Ok(())),
            (b"canary.a.b\n".to_vec(), Ok(())),
            ("\u{feff}canary.a.b\r\n\n".into(), Ok(())),
            (padded(limit - 1), Ok(())),
            (padded(limit), Ok(())),
            (padded(limit + 1), Err("is larger than 4 KiB")),
            (b"".to_vec(), Err("is empty")),
            (b" \n\n".to_vec(), Err("is empty")),
            (b"canary.a.b\nother".to_vec(), Err("has more than one line")),
            (vec![0xff, 0xfe], Err("is not UTF-8 text")),
            (b"Bot canary.a.b".to_vec(), Err("must not begin with `Bot`")),
        ] {
            std::fs::write(&file, content).unwrap();
            let path = file.display().to_string();
            let mut read = variables(&[(TOKEN_FILE, path.as_str())]);
            match (read.token(), expected) {
                (Some(token), Ok(())) => assert_eq!(token.reveal(), "canary.a.b"),
                (None, Err(reason)) => {
                    let start = format!("DISCORD_TOKEN_FILE: {path} {reason}");
                    assert!(read.mistakes[0].starts_with(&start), "{:?}", read.mistakes);
                    assert!(!read.mistakes[0].contains("canary"));
                }
                (found, expected) => panic!("{found:?} instead of {expected:?}"),
            }
        }
    }

    #[test]
    fn a_file_that_is_none_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing").display().to_string();
        let below_a_file = format!("{}/Cargo.toml/token", env!("CARGO_MANIFEST_DIR"));
        let folder = folder.path().display().to_string();
        for (path, reason) in [
            (&missing, "does not exist"),
            (&folder, "is a folder"),
            (&below_a_file, "cannot be read: "),
        ] {
            let mut read = variables(&[(TOKEN_FILE, path.as_str())]);
            assert_eq!(read.token(), None);
            let start = format!("DISCORD_TOKEN_FILE: {path} {reason}");
            assert!(read.mistakes[0].starts_with(&start), "{:?}", read.mistakes);
        }
    }

    #[test]
    fn the_token_comes_from_one_place() {
        let both = [(TOKEN, "canary.a.b"), (TOKEN_FILE, "token")];
        let mut read = variables(&both);
        assert_eq!(read.token(), None);
        assert_eq!(
            read.mistakes,
            ["DISCORD_TOKEN and DISCORD_TOKEN_FILE are both set. Remove one of them"]
        );
        for (token, file) in [("", ""), (" ", " ")] {
            let mut read = variables(&[(TOKEN, token), (TOKEN_FILE, file)]);
            assert_eq!((read.token(), read.mistakes.len()), (None, 0));
        }
    }

    #[test]
    fn a_token_file_that_others_can_read_is_a_warning() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "canary.a.b\n").unwrap();
        let path = file.display().to_string();
        for (mode, warnings) in [(0o600, 0), (0o640, 1), (0o644, 1)] {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            let mut read = variables(&[(TOKEN_FILE, path.as_str())]);
            assert!(read.token().is_some());
            assert_eq!(
                read.warnings.len(),
                warnings,
                "{mode:o}: {:?}",
                read.warnings
            );
        }
        let mut read = variables(&[(TOKEN_FILE, path.as_str())]);
        read.token();
        let end = format!("can read {path}. Make it private with `chmod go-rwx {path}`");
        assert!(read.warnings[0].ends_with(&end), "{:?}", read.warnings);
    }
}
