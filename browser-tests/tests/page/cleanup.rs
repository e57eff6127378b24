//! What is left when a test has ended, also when it has failed: nothing.

use std::fs;
use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use browser_tests::{Browser, Page, Window};

use crate::world::page;

#[test]
fn a_failed_test_leaves_no_process_and_no_folder() {
    let (mut folder, mut address) = (None, String::new());
    let failed = catch_unwind(AssertUnwindSafe(|| {
        let page: Page = page(Window::WIDE);
        folder = Some(page.browser.folder().to_owned());
        address = page
            .url()
            .trim_start_matches("http://")
            .trim_end_matches('/')
            .to_owned();
        let names = processes_with(page.browser.folder());
        for name in ["chromium", "demo", "rollcall"] {
            assert!(
                names.iter().any(|one| one.contains(name)),
                "{name}: {names:?}"
            );
        }
        TcpStream::connect(&address).unwrap();
        panic!("as intended");
    }));
    let failure = failed.unwrap_err();
    assert_eq!(failure.downcast_ref(), Some(&"as intended"));
    let folder = folder.unwrap();
    assert!(!folder.exists());
    assert_eq!(processes_with(&folder), [] as [String; 0]);
    assert!(TcpStream::connect(&address).is_err());
}

#[test]
fn a_browser_alone_leaves_nothing_either() {
    let browser = Browser::open(Window::NARROW).unwrap();
    let folder = browser.folder().to_owned();
    assert!(folder.join("profile").is_dir());
    drop(browser);
    assert!(!folder.exists());
    assert_eq!(processes_with(&folder), [] as [String; 0]);
}

/// The command lines of the processes that name the folder in their arguments or their environment.
fn processes_with(folder: &Path) -> Vec<String> {
    let folder = folder.to_str().unwrap();
    let read = |process: &Path, file: &str| {
        let bytes = fs::read(process.join(file)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).replace('\0', " ")
    };
    let processes = fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .map(|entry| entry.path());
    let lines = processes.filter_map(|process| {
        let line = read(&process, "cmdline");
        (line.contains(folder) || read(&process, "environ").contains(folder)).then_some(line)
    });
    // A process that has ended has no command line.
    lines.filter(|line| !line.is_empty()).collect()
}
