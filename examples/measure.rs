//! Measures how the code is laid out, as a table with one row per layer and per crate. `contrib/measure` runs it.

#[path = "../tests/tidy/circles.rs"]
#[expect(dead_code, reason = "the test uses the list of crates, too")]
mod circles;
#[path = "../tests/tidy/files.rs"]
mod files;
#[path = "../tests/tidy/functions.rs"]
mod functions;

use std::fs;
use std::path::{Path, PathBuf};

use functions::Functions;

/// What was counted below one folder.
#[derive(Default)]
struct Figures {
    files: usize,
    longest_file: usize,
    code: usize,
    tests: usize,
    functions: Functions,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    std::env::set_current_dir(root)?;
    println!(
        "{:<32} {:>5} {:>7} {:>7} {:>7} {:>6} {:>6} {:>7} {:>7} {:>6} {:>6}",
        "folder",
        "files",
        "longest",
        "code",
        "tests",
        "ratio",
        "fns",
        "longest",
        "over 40",
        "args",
        "tuples"
    );
    let mut all = Figures::default();
    for folder in parts()? {
        let figures = measure(&files::rust_files(&folder))?;
        print(&folder.display().to_string(), &figures);
        all.add(&figures);
    }
    // The scenarios test all of it.
    let scenarios = measure(&files::rust_files(Path::new("tests")))?;
    all.tests += scenarios.code + scenarios.tests;
    print("all, with tests/", &all);
    println!(
        "\nlongest: lines of the longest file and function, without tests; args: most arguments; tuples: arguments that are \
         tuples"
    );
    for folder in crate_folders()? {
        let circles = circles::of(&folder);
        println!("circles in {}: {}", folder.display(), circles.len());
        for circle in circles {
            println!("  {circle}");
        }
    }
    Ok(())
}

/// The folders and files below `src`, and the other crates.
fn parts() -> Result<Vec<PathBuf>, std::io::Error> {
    let mut parts = Vec::new();
    for entry in fs::read_dir("src")? {
        let path = entry?.path();
        if path.is_dir() {
            parts.push(path);
        }
    }
    parts.sort();
    parts.extend(
        crate_folders()?
            .into_iter()
            .filter(|folder| !folder.starts_with("src")),
    );
    Ok(parts)
}

fn crate_folders() -> Result<Vec<PathBuf>, std::io::Error> {
    let mut folders = vec![PathBuf::from("src"), PathBuf::from("src/domain")];
    for entry in fs::read_dir("crates").into_iter().flatten() {
        folders.push(entry?.path().join("src"));
    }
    folders.sort();
    Ok(folders)
}

fn measure(files: &[PathBuf]) -> Result<Figures, Box<dyn std::error::Error>> {
    let mut figures = Figures::default();
    for file in files {
        let text = fs::read_to_string(file)?;
        let lines = text.lines().count();
        let code = match circles::is_unit_test(file) {
            true => 0,
            false => text
                .lines()
                .take_while(|line| *line != "mod tests {")
                .count(),
        };
        figures.files += 1;
        figures.code += code;
        figures.tests += lines - code;
        figures.longest_file = figures.longest_file.max(code);
        if code > 0 {
            figures.functions.count(&syn::parse_file(&text)?);
        }
    }
    Ok(figures)
}

impl Figures {
    fn add(&mut self, other: &Self) {
        self.files += other.files;
        self.longest_file = self.longest_file.max(other.longest_file);
        self.code += other.code;
        self.tests += other.tests;
        self.functions.add(&other.functions);
    }
}

fn print(name: &str, figures: &Figures) {
    let hundredths = figures.tests * 100 / figures.code.max(1);
    let functions = &figures.functions;
    println!(
        "{name:<32} {:>5} {:>7} {:>7} {:>7} {:>6} {:>6} {:>7} {:>7} {:>6} {:>6}",
        figures.files,
        figures.longest_file,
        figures.code,
        figures.tests,
        format!("{}.{:02}", hundredths / 100, hundredths % 100),
        functions.number,
        functions.longest,
        functions.long,
        functions.most_arguments,
        functions.tuple_arguments,
    );
}
