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
#[expect(clippy::too_many_lines, reason = "most of it is the snapshot")]
fn help_of_every_command() {
    let mut command = Arguments::command().term_width(100).version("0.0.0");
    command.build();
    let mut pages = Vec::new();
    help(&mut command, "rollcall", &mut pages);
    insta::assert_snapshot!(pages.join("\n"), @r#"
    $ rollcall --help
    Rollcall, a monitoring bot for Discord.

    Checks endpoints, receives heartbeats and reports, and sends alerts to Discord when something goes
    offline or recovers. Settings come from the environment or from a `.env` file; `.env.example` lists
    them all.

    Usage: rollcall [COMMAND]

    Commands:
      run          Run the bot until SIGTERM or Ctrl-C (default)
      check        Check endpoints once and record the results
      recheck      Recheck inactive endpoints that are due (for cron)
      endpoint     Add, list, remove, import and export endpoints
      key          Create, list, rotate and revoke API keys
      device       Add devices that send heartbeats
      server       Add and list servers whose agents send reports
      guild        List the Discord servers, delete the data of one, or let a new bot take over
      backup       Back up the database to a file, even while the bot runs
      healthcheck  Check whether a running bot is healthy; exit code 0 if so, 1 if not (for Docker and
                   systemd)
      completions  Print completions for a shell
      help         Print this message or the help of the given subcommand(s)

    Options:
      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

    Examples:
      rollcall run
      rollcall endpoint add https://example.org/health --name shop
      rollcall check --inactive --json
      rollcall recheck --hours 1 --batch 100

    $ rollcall run --help
    Run the bot until SIGTERM or Ctrl-C (default)

    Usage: rollcall run

    Options:
      -h, --help
              Print help

    $ rollcall check --help
    Check endpoints once and record the results

    Usage: rollcall check [OPTIONS]

    Options:
          --all
              Check active and inactive endpoints (default)

          --active
              Check active endpoints only

          --inactive
              Check inactive endpoints only

          --older-than <TIME>
              Check only endpoints whose last check is at least this old, such as 4m; a plain number is
              in seconds

          --limit <N>
              Check at most this many, oldest check first

          --concurrent <N>
              Concurrent checks
              
              [default: 50]

          --timeout <TIME>
              Timeout of one check [default: PROBE_TIMEOUT]

          --dry-run
              Only list the endpoints that would be checked

          --json
              Print the summary as JSON

      -h, --help
              Print help

    $ rollcall recheck --help
    Recheck inactive endpoints that are due (for cron)

    Usage: rollcall recheck [OPTIONS]

    Options:
          --hours <N>
              Check only endpoints whose last check is at least this many hours old [default:
              RECHECK_MIN_AGE]

          --batch <N>
              Endpoints loaded at once [default: RECHECK_BATCH]

          --concurrent <N>
              Concurrent checks [default: RECHECK_CONCURRENCY]

          --timeout <TIME>
              Timeout of one check [default: PROBE_TIMEOUT]

      -v, --verbose
              Print a line for every check

          --json
              Print the summary as JSON

      -h, --help
              Print help

    $ rollcall endpoint --help
    Add, list, remove, import and export endpoints

    Usage: rollcall endpoint <COMMAND>

    Commands:
      add     Add an endpoint
      list    List endpoints
      remove  Remove an endpoint
      import  Add endpoints from a file: one target per line, CSV or JSON
      export  Print endpoints in a format that `endpoint import` reads
      help    Print this message or the help of the given subcommand(s)

    Options:
      -h, --help
              Print help

    $ rollcall endpoint add --help
    Add an endpoint

    Usage: rollcall endpoint add [OPTIONS] <TARGET>

    Arguments:
      <TARGET>
              Address, such as example.org or tcp://203.0.113.7:25565

    Options:
          --name <NAME>
              Name [default: host and port]

          --interval <INTERVAL>
              Check interval, such as 30s or 5m [default: PROBE_INTERVAL]

          --status <STATUS>
              HTTP: expected status, such as 200 or 200-399

          --keyword <TEXT>
              HTTP: text that the response must contain

          --method <METHOD>
              HTTP: method: GET, HEAD or OPTIONS

          --header <HEADER>
              HTTP: header to send, such as "Accept: text/plain" (up to eight times)

          --header-file <FILE>
              HTTP: file with headers to send, one per line, or - for standard input; for headers with
              secrets

          --redirects <N>
              HTTP: number of redirects to follow, at most 10 (default: 5)

          --insecure
              HTTPS: accept any certificate

          --guild <ID>
              Discord server, by id [default: DISCORD_GUILD_ID]

          --json
              Print the new endpoint as JSON

      -h, --help
              Print help

    $ rollcall endpoint list --help
    List endpoints

    Usage: rollcall endpoint list [OPTIONS]

    Options:
          --guild <ID>
              Only this Discord server, by id [default: all]

          --json
              Print a JSON array

      -h, --help
              Print help

    $ rollcall endpoint remove --help
    Remove an endpoint

    Usage: rollcall endpoint remove [OPTIONS] <ENDPOINT>

    Arguments:
      <ENDPOINT>
              Id, target or ip:port of the endpoint

    Options:
          --guild <ID>
              Discord server, by id [default: DISCORD_GUILD_ID]

      -h, --help
              Print help

    $ rollcall endpoint import --help
    Add endpoints from a file: one target per line, CSV or JSON

    Usage: rollcall endpoint import [OPTIONS] <FILE>

    Arguments:
      <FILE>
              File, or - for standard input

    Options:
          --guild <ID>
              Discord server, by id [default: DISCORD_GUILD_ID]

          --json
              Print the summary as JSON

      -h, --help
              Print help

    $ rollcall endpoint export --help
    Print endpoints in a format that `endpoint import` reads

    Usage: rollcall endpoint export [OPTIONS]

    Options:
          --format <FORMAT>
              File format
              
              [default: csv]
              [possible values: txt, csv, json]

          --guild <ID>
              Discord server, by id [default: DISCORD_GUILD_ID]

      -h, --help
              Print help

    $ rollcall key --help
    Create, list, rotate and revoke API keys

    Usage: rollcall key <COMMAND>

    Commands:
      create  Create a key and print it; it cannot be shown again
      list    List keys, without their secrets
      rotate  Replace a key; the old key stays valid for 24 hours
      revoke  Revoke a key now
      help    Print this message or the help of the given subcommand(s)

    Options:
      -h, --help
              Print help

    $ rollcall key create --help
    Create a key and print it; it cannot be shown again

    Usage: rollcall key create [OPTIONS] --kind <KIND>

    Options:
          --kind <KIND>
              Kind: fleet (register devices, send heartbeats), read, admin (read and change), or ping
              (send pings by slug)
              
              [possible values: fleet, read, admin, ping]

          --guild <ID>
              Discord server, by id [default: DISCORD_GUILD_ID]

          --json
              Print {"id","key"}

      -h, --help
              Print help

    $ rollcall key list --help
    List keys, without their secrets

    Usage: rollcall key list [OPTIONS]

    Options:
          --guild <ID>
              Only this Discord server, by id [default: all]

          --json
              Print a JSON array

      -h, --help
              Print help

    $ rollcall key rotate --help
    Replace a key; the old key stays valid for 24 hours

    Usage: rollcall key rotate [OPTIONS] <ID>

    Arguments:
      <ID>
              The key's id, as shown by `key list`

    Options:
          --guild <ID>
              Discord server, by id [default: DISCORD_GUILD_ID]

          --json
              Print {"id","key"}

      -h, --help
              Print help

    $ rollcall key revoke --help
    Revoke a key now

    Usage: rollcall key revoke [OPTIONS] <ID>

    Arguments:
      <ID>
              The key's id, as shown by `key list`

    Options:
          --guild <ID>
              Discord server, by id [default: DISCORD_GUILD_ID]

      -h, --help
              Print help

    $ rollcall device --help
    Add devices that send heartbeats

    Usage: rollcall device <COMMAND>

    Commands:
      add   Add a device and print its uuid and its key, which cannot be shown again
      help  Print this message or the help of the given subcommand(s)

    Options:
      -h, --help
              Print help

    $ rollcall device add --help
    Add a device and print its uuid and its key, which cannot be shown again

    Usage: rollcall device add [OPTIONS] <NAME>

    Arguments:
      <NAME>
              Name of the device

    Options:
          --uuid <UUID>
              The uuid that its jobs already send pings to [default: a new one]

          --uuid-file <FILE>
              File with that uuid, or - for standard input; a uuid alone is enough to send pings

          --slug <SLUG>
              Its name in the URLs of pings [default: derived from the name]

          --push-token <TOKEN>
              The token that its jobs already push to in Uptime Kuma, with 32 letters and digits

          --push-token-file <FILE>
              File with that token, or - for standard input

          --threshold <TIME>
              Time without a heartbeat after which it is offline, such as 90s or 26h [default:
              HEARTBEAT_OFFLINE_THRESHOLD]

          --guild <ID>
              Discord server, by id [default: DISCORD_GUILD_ID]

          --json
              Print {"uuid","key"}

      -h, --help
              Print help

    $ rollcall server --help
    Add and list servers whose agents send reports

    Usage: rollcall server <COMMAND>

    Commands:
      add   Add a server and print the key for its agent; it cannot be shown again
      list  List servers with their status
      help  Print this message or the help of the given subcommand(s)

    Options:
      -h, --help
              Print help

    $ rollcall server add --help
    Add a server and print the key for its agent; it cannot be shown again

    Usage: rollcall server add [OPTIONS] <NAME>

    Arguments:
      <NAME>
              Name of the server

    Options:
          --guild <ID>
              Discord server, by id [default: DISCORD_GUILD_ID]

          --json
              Print {"id","key"}

      -h, --help
              Print help

    $ rollcall server list --help
    List servers with their status

    Usage: rollcall server list [OPTIONS]

    Options:
          --guild <ID>
              Only this Discord server, by id [default: all]

          --json
              Print a JSON array

      -h, --help
              Print help

    $ rollcall guild --help
    List the Discord servers, delete the data of one, or let a new bot take over

    Usage: rollcall guild <COMMAND>

    Commands:
      list    List the Discord servers with data, and those that the bot is in
      forget  Delete everything that is stored about a Discord server
      adopt   Let the bot of DISCORD_TOKEN take over the data of the bot before it
      help    Print this message or the help of the given subcommand(s)

    Options:
      -h, --help
              Print help

    $ rollcall guild list --help
    List the Discord servers with data, and those that the bot is in

    Usage: rollcall guild list [OPTIONS]

    Options:
          --json
              Print a JSON array

      -h, --help
              Print help

    $ rollcall guild forget --help
    Delete everything that is stored about a Discord server

    Usage: rollcall guild forget [OPTIONS] <ID>

    Arguments:
      <ID>
              The id of the Discord server, as shown by `guild list`

    Options:
          --yes
              Do not ask for confirmation

          --even-if-joined
              Also if the bot is still in the Discord server; its keys are revoked

      -h, --help
              Print help

    $ rollcall guild adopt --help
    Let the bot of DISCORD_TOKEN take over the data of the bot before it

    Usage: rollcall guild adopt

    Options:
      -h, --help
              Print help

    $ rollcall backup --help
    Back up the database to a file, even while the bot runs

    Usage: rollcall backup <FILE>

    Arguments:
      <FILE>
              The file to write; it must not exist yet

    Options:
      -h, --help
              Print help

    $ rollcall healthcheck --help
    Check whether a running bot is healthy; exit code 0 if so, 1 if not (for Docker and systemd)

    Usage: rollcall healthcheck

    Options:
      -h, --help
              Print help

    $ rollcall completions --help
    Print completions for a shell

    Usage: rollcall completions <SHELL>

    Arguments:
      <SHELL>
              The shell
              
              [possible values: bash, elvish, fish, powershell, zsh]

    Options:
      -h, --help
              Print help
    "#);
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
