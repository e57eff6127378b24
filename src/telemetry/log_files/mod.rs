//! The log on disk: a new file each day and whenever one is full, and a limited number of them. So an error that repeats for
//! ever cannot fill the disk.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::clock::Clock;
use crate::domain::Timestamp;
use crate::private_files;

/// The link to the file that is being written.
const LINK: &str = "bot.log";

/// How large a file may become, and how many files and days are kept.
#[derive(Clone, Copy, Debug)]
pub struct LogLimits {
    /// Bytes of one file. Only a single line that is longer makes a file larger.
    pub file_size: u64,
    pub files: usize,
    /// Days with at least one file.
    pub days: usize,
}

/// The name of a file: `bot.2026-01-31.log`, then `bot.2026-01-31.1.log`, and so on. They sort by age.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Name {
    date: String,
    number: u32,
}

impl Name {
    /// The first file of a day.
    fn first(now: Timestamp) -> Self {
        let date = chrono::DateTime::from_timestamp(now.seconds(), 0).unwrap_or_default();
        Self {
            date: date.format("%Y-%m-%d").to_string(),
            number: 0,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let inner = text.strip_prefix("bot.")?.strip_suffix(".log")?;
        let (date, number) = inner.split_once('.').unwrap_or((inner, "0"));
        date.parse::<chrono::NaiveDate>().ok()?;
        let name = Self {
            date: date.to_owned(),
            number: number.parse().ok()?,
        };
        // Another spelling of the same name is not a file of this log.
        (name.to_string() == text).then_some(name)
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.number {
            0 => write!(out, "bot.{}.log", self.date),
            number => write!(out, "bot.{}.{number}.log", self.date),
        }
    }
}

struct Open {
    name: Name,
    file: File,
    size: u64,
}

/// Writes lines to the newest file of the log.
pub struct LogFiles {
    dir: PathBuf,
    limits: LogLimits,
    clock: Clock,
    current: Option<Open>,
}

impl LogFiles {
    /// Opens the newest file of today and deletes what the limits do not allow. Files of an earlier version become private.
    pub fn open(dir: &Path, limits: LogLimits, clock: Clock) -> io::Result<Self> {
        let mut files = Self {
            dir: dir.to_path_buf(),
            limits,
            clock,
            current: None,
        };
        private_files::create_folder(dir)?;
        for name in files.names()? {
            if let Ok(file) = File::open(dir.join(name.to_string())) {
                private_files::tighten(&file);
            }
        }
        files.make_room(1, clock.now())?;
        Ok(files)
    }

    /// The files of the log, oldest first.
    fn names(&self) -> io::Result<BTreeSet<Name>> {
        let mut names = BTreeSet::new();
        for entry in std::fs::read_dir(&self.dir)? {
            let entry = entry?;
            let name = entry.file_name().to_str().and_then(Name::parse);
            // Rollcall creates no folders and no links with such a name, so it deletes none.
            if entry.file_type()?.is_file() {
                names.extend(name);
            }
        }
        Ok(names)
    }

    /// Starts another file if the day is over, or if a line of this length does not fit.
    fn make_room(&mut self, line: u64, now: Timestamp) -> io::Result<()> {
        let first = Name::first(now);
        let has_room = |open: &Open| open.size == 0 || open.size + line <= self.limits.file_size;
        if let Some(open) = &self.current
            && open.name.date == first.date
            && has_room(open)
        {
            return Ok(());
        }
        self.current = None;
        private_files::create_folder(&self.dir)?;
        let mut of_today = self.names()?.into_iter().rev();
        let newest = of_today.find(|name| name.date == first.date);
        let mut open = self.open_file(newest.unwrap_or(first))?;
        if !has_room(&open) {
            let next = Name {
                number: open.name.number + 1,
                ..open.name
            };
            open = self.open_file(next)?;
        }
        self.delete_old(&open.name)?;
        self.link(&open.name)?;
        self.current = Some(open);
        Ok(())
    }

    fn open_file(&self, name: Name) -> io::Result<Open> {
        let path = self.dir.join(name.to_string());
        let file = private_files::options()
            .append(true)
            .create(true)
            .open(path)?;
        let size = file.metadata()?.len();
        Ok(Open { name, file, size })
    }

    fn delete_old(&self, current: &Name) -> io::Result<()> {
        let mut days = BTreeSet::from([current.date.clone()]);
        let mut kept = 1;
        for name in self.names()?.into_iter().rev() {
            if name == *current {
                continue;
            }
            let is_kept_day = days.contains(&name.date) || days.len() < self.limits.days;
            if is_kept_day && kept < self.limits.files {
                days.insert(name.date);
                kept += 1;
            } else {
                std::fs::remove_file(self.dir.join(name.to_string()))?;
            }
        }
        Ok(())
    }

    /// Points the link to a file. A file of that name is left alone.
    fn link(&self, name: &Name) -> io::Result<()> {
        #[cfg(unix)]
        {
            let link = self.dir.join(LINK);
            match std::fs::symlink_metadata(&link) {
                Ok(known) if !known.is_symlink() => return Ok(()),
                Ok(_) => std::fs::remove_file(&link)?,
                Err(_) => {}
            }
            std::os::unix::fs::symlink(name.to_string(), link)?;
        }
        Ok(())
    }
}

impl Write for LogFiles {
    /// Writes one line.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let length = u64::try_from(line.len()).unwrap_or(u64::MAX);
        self.make_room(length, self.clock.now())?;
        if let Some(open) = &mut self.current {
            open.file.write_all(line)?;
            open.size += length;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.current
            .as_mut()
            .map_or(Ok(()), |open| open.file.flush())
    }
}

#[cfg(test)]
mod tests;
