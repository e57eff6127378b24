//! The definition of the command line: its help, and the page that lists it.

use super::*;

#[test]
fn the_command_line_definition_is_valid() {
    Arguments::command().debug_assert();
}

#[test]
fn no_command_means_run() {
    assert!(
        Arguments::try_parse_from(["rollcall"])
            .unwrap()
            .command
            .is_none()
    );
}

/// The help of a command and of the commands below it, each behind its own heading.
fn help(command: &mut clap::Command, path: &str, pages: &mut Vec<String>) {
    pages.push(format!("$ {path} --help\n{}", command.render_long_help()));
    for below in command.get_subcommands_mut() {
        if below.get_name() != "help" {
            let path = format!("{path} {}", below.get_name());
            help(below, &path, pages);
        }
    }
}

#[test]
fn help_of_every_command() {
    let mut command = Arguments::command().term_width(100).version("0.0.0");
    command.build();
    let mut pages = Vec::new();
    help(&mut command, "rollcall", &mut pages);
    insta::assert_snapshot!("help", pages.join("\n"));
}

/// Checks a command and the commands below it against the page, row by row.
fn compare(page: &str, path: &str, command: &clap::Command) {
    let below: Vec<_> = command
        .get_subcommands()
        .filter(|below| below.get_name() != "help")
        .collect();
    for below in &below {
        compare(page, &format!("{path} {}", below.get_name()), below);
    }
    if !below.is_empty() {
        return;
    }
    let row = page
        .lines()
        .find(|line| line.starts_with("| `rollcall") && line.contains(path))
        .unwrap_or_else(|| panic!("{path} is missing"));
    for flag in command.get_arguments().filter_map(clap::Arg::get_long) {
        let is_common = flag == "help" || flag == "version";
        assert!(
            is_common || row.contains(&format!("--{flag}")),
            "{path} --{flag}: {row}"
        );
    }
}

#[test]
fn the_page_of_the_command_line_lists_every_command_and_flag() {
    let page = std::fs::read_to_string("docs/command-line.md").unwrap();
    let mut command = Arguments::command();
    command.build();
    compare(&page, "rollcall", &command);
}
