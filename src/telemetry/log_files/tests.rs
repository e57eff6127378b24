//! Log files on a real disk: when another one starts, and which ones are deleted.

use std::os::unix::fs::PermissionsExt;

use super::*;

/// 2026-01-31, 12:00 UTC.
const NOON: Clock = Clock(|| Timestamp::from_millis(1_769_860_800_000));
const NEXT_DAY: Clock = Clock(|| Timestamp::from_millis(1_769_947_200_000));

const LIMITS: LogLimits = LogLimits {
    file_size: 100,
    files: 1000,
    days: 1000,
};

/// The files with their sizes, oldest first.
fn files(log: &LogFiles) -> Vec<(String, u64)> {
    let names = log.names().unwrap().into_iter();
    names
        .map(|name| {
            let size = std::fs::metadata(log.dir.join(name.to_string()))
                .unwrap()
                .len();
            (name.to_string(), size)
        })
        .collect()
}

fn sizes(log: &LogFiles) -> Vec<u64> {
    files(log).into_iter().map(|(_, size)| size).collect()
}

fn line(length: usize) -> Vec<u8> {
    let mut line = vec![b'x'; length - 1];
    line.push(b'\n');
    line
}

#[test]
fn a_line_that_does_not_fit_starts_another_file() {
    for (second, expected) in [(39, &[99][..]), (40, &[100]), (41, &[60, 41])] {
        let folder = tempfile::tempdir().unwrap();
        let mut log = LogFiles::open(folder.path(), LIMITS, NOON).unwrap();
        log.write_all(&line(60)).unwrap();
        log.write_all(&line(second)).unwrap();
        assert_eq!(sizes(&log), expected, "{second}");
    }
}

#[test]
fn a_line_longer_than_a_file_is_not_split() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = LogFiles::open(folder.path(), LIMITS, NOON).unwrap();
    for length in [101, 1, 500, 100, 1] {
        log.write_all(&line(length)).unwrap();
    }
    assert_eq!(sizes(&log), [101, 1, 500, 100, 1]);
}

#[test]
fn a_restart_continues_the_newest_file_of_the_day_unless_it_is_full() {
    for (size, expected) in [(98, &[98 + 2][..]), (99, &[99, 2]), (100, &[100, 2])] {
        let folder = tempfile::tempdir().unwrap();
        let mut log = LogFiles::open(folder.path(), LIMITS, NOON).unwrap();
        log.write_all(&line(size)).unwrap();
        let mut log = LogFiles::open(folder.path(), LIMITS, NOON).unwrap();
        log.write_all(&line(2)).unwrap();
        assert_eq!(sizes(&log), expected, "{size}");
    }
}

#[test]
fn a_new_day_starts_another_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = LogFiles::open(folder.path(), LIMITS, NOON).unwrap();
    log.write_all(&line(10)).unwrap();
    log.clock = NEXT_DAY;
    log.write_all(&line(20)).unwrap();
    let expected = [
        ("bot.2026-01-31.log".to_owned(), 10),
        ("bot.2026-02-01.log".to_owned(), 20),
    ];
    assert_eq!(files(&log), expected);
    let link = std::fs::read_link(folder.path().join(LINK)).unwrap();
    assert_eq!(link.to_str(), Some("bot.2026-02-01.log"));
    // The clock is set back: the file in use is the oldest one, and is kept.
    log.limits.files = 1;
    log.clock = NOON;
    log.write_all(&line(30)).unwrap();
    assert_eq!(files(&log), [("bot.2026-01-31.log".to_owned(), 40)]);
}

#[test]
fn an_error_that_repeats_for_ever_uses_limited_space() {
    let folder = tempfile::tempdir().unwrap();
    let limits = LogLimits { files: 3, ..LIMITS };
    let mut log = LogFiles::open(folder.path(), limits, NOON).unwrap();
    for repeated in 1..=1000 {
        log.write_all(&line(50)).unwrap();
        let total: u64 = sizes(&log).iter().sum();
        assert!(total <= 300, "{total} bytes after {repeated} lines");
    }
    // Numbers sort by their value: 499 is newer than 99.
    let names: Vec<String> = files(&log).into_iter().map(|(name, _)| name).collect();
    let expected = ["497", "498", "499"].map(|number| format!("bot.2026-01-31.{number}.log"));
    assert_eq!(names, expected);
    let link = std::fs::read_to_string(folder.path().join(LINK)).unwrap();
    assert_eq!(link.len(), 100, "the link leads to the newest file");
}

#[test]
fn the_oldest_files_are_deleted_beyond_either_limit() {
    let old = [
        "bot.2026-01-27.log",
        "bot.2026-01-28.log",
        "bot.2026-01-28.9.log",
        "bot.2026-01-28.10.log",
        "bot.2026-01-30.log",
    ];
    for (limit, kept) in [
        (LogLimits { files: 6, ..LIMITS }, 6),
        (LogLimits { files: 5, ..LIMITS }, 5),
        (LogLimits { files: 3, ..LIMITS }, 3),
        (LogLimits { files: 1, ..LIMITS }, 1),
        (LogLimits { days: 4, ..LIMITS }, 6),
        (LogLimits { days: 3, ..LIMITS }, 5),
        (LogLimits { days: 2, ..LIMITS }, 2),
        (LogLimits { days: 1, ..LIMITS }, 1),
        (
            LogLimits {
                files: 4,
                days: 2,
                ..LIMITS
            },
            2,
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let others = [
            "notes.log",
            "bot.txt",
            "bot.2026-01-01.x.log",
            "bot.2026-01-01.01.log",
            "bot.2026-13-01.log",
        ];
        for name in old.iter().chain(&others) {
            std::fs::write(folder.path().join(name), "old\n").unwrap();
        }
        let log = LogFiles::open(folder.path(), limit, NOON).unwrap();
        let mut expected = old.to_vec();
        expected.push("bot.2026-01-31.log");
        let names: Vec<String> = files(&log).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, expected[expected.len() - kept..], "{limit:?}");
        for name in others {
            assert!(folder.path().join(name).exists(), "{name}");
        }
    }
}

#[test]
fn files_and_folder_are_private_also_those_of_an_earlier_version() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("logs");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    drop(LogFiles::open(&dir, LIMITS, NOON).unwrap());
    assert_eq!(
        (mode(&dir), mode(&dir.join("bot.2026-01-31.log"))),
        (0o700, 0o600)
    );
    let old = dir.join("bot.2026-01-30.log");
    std::fs::write(&old, "old\n").unwrap();
    std::fs::set_permissions(&old, std::fs::Permissions::from_mode(0o644)).unwrap();
    drop(LogFiles::open(&dir, LIMITS, NOON).unwrap());
    assert_eq!(mode(&old), 0o600);
}

#[test]
fn a_deleted_folder_is_created_again_with_the_next_file() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("logs");
    let mut log = LogFiles::open(&dir, LIMITS, NOON).unwrap();
    std::fs::remove_dir_all(&dir).unwrap();
    log.clock = NEXT_DAY;
    log.write_all(&line(10)).unwrap();
    assert_eq!(sizes(&log), [10]);
}

#[test]
fn a_file_in_the_place_of_the_link_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join(LINK);
    std::fs::write(&link, "mine").unwrap();
    LogFiles::open(folder.path(), LIMITS, NOON).unwrap();
    assert_eq!(std::fs::read_to_string(link).unwrap(), "mine");
}
