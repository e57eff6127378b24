//! The shell blocks that build, install, start or test Rollcall are marked `sh setup`. They are not run, because they change
//! the machine; instead, everything that they name is compared with the files and the program.

use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::Rollcall;

/// Every other shell block sends requests, and `documentation.rs` runs those of these pages.
const PAGES_THAT_ARE_RUN: [&str; 4] = [
    "docs/compatibility.md",
    "docs/devices.md",
    "docs/migrating.md",
    "docs/servers.md",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// The pages for people who install or develop Rollcall, relative to the root.
fn pages() -> Vec<PathBuf> {
    let docs = fs::read_dir(root().join("docs")).unwrap();
    // Its folder has pictures.
    let docs = docs
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_file());
    let docs = docs.map(|entry| Path::new("docs").join(entry.file_name()));
    let top = ["README.md", "CONTRIBUTING.md"].map(PathBuf::from);
    top.into_iter().chain(docs).collect()
}

/// The fences and bodies of a page's blocks whose language is `sh`.
fn shell_blocks(page: &Path) -> Vec<(String, String)> {
    let text = fs::read_to_string(root().join(page)).unwrap();
    let pieces = text.split("\n```sh").skip(1).map(|rest| {
        let (mark, body) = rest.split_once('\n').unwrap();
        let body = body.split("\n```").next().unwrap().replace("\\\n", " ");
        (mark.trim().to_owned(), body)
    });
    pieces.collect()
}

/// The lines of all blocks that are marked, without comments.
fn setup_lines() -> Vec<String> {
    let blocks = pages().into_iter().flat_map(|page| shell_blocks(&page));
    let marked = blocks.filter(|(mark, _)| mark == "setup");
    let bodies = marked.flat_map(|(_, body)| body.lines().map(str::to_owned).collect::<Vec<_>>());
    let code = |line: String| line.split(" #").next().unwrap().trim().to_owned();
    bodies.map(code).filter(|line| !line.is_empty()).collect()
}

#[test]
fn every_shell_block_is_run_or_marked_as_setup() {
    let mut marked = 0;
    for page in pages() {
        for (mark, body) in shell_blocks(&page) {
            let is_run = PAGES_THAT_ARE_RUN.iter().any(|run| page == Path::new(run));
            let sends_requests = body.contains("http://127.0.0.1:8080");
            match mark.as_str() {
                "" => assert!(is_run && sends_requests, "{}: {body}", page.display()),
                "setup" => assert!(!sends_requests, "{}: {body}", page.display()),
                other => panic!("{}: unknown mark `{other}`", page.display()),
            }
            marked += usize::from(mark == "setup");
        }
    }
    assert!(marked >= 5, "{marked}");
}

#[test]
fn files_and_cargo_commands_of_setup_blocks_exist() {
    let ci = read(".ci/run");
    let known = [
        "cargo build --release --locked",
        "cargo run --example demo",
        // `.ci/run` has the options in a variable.
        "cargo test --manifest-path browser-tests/Cargo.toml --target-dir target --locked",
    ];
    let mut files = 0;
    for line in setup_lines() {
        if let Some(at) = line.find("cargo ") {
            // `.ci/run` takes the test command from the README.
            let is_test = line == "cargo test --workspace";
            let command = &line[at..];
            assert!(
                is_test || known.contains(&command) || ci.contains(command),
                "{line}"
            );
        }
        for word in line.split_whitespace() {
            if word.starts_with("contrib/") || word.starts_with(".env") {
                assert!(root().join(word).is_file(), "{word}");
                files += 1;
            }
        }
    }
    assert!(files >= 2, "{files}");
    assert!(root().join("examples/demo/demo.rs").is_file());
    assert!(read("Cargo.toml").contains("default-run = \"rollcall\""));
}

#[test]
fn commands_and_flags_of_setup_blocks_exist() {
    let rollcall = Rollcall::new();
    let mut checked = 0;
    for line in setup_lines() {
        // The last `rollcall` before a command: `docker exec rollcall rollcall endpoint list`.
        let Some(at) = line.rfind("rollcall ") else {
            continue;
        };
        let words: Vec<&str> = line[at..].split([' ', '\'']).skip(1).collect();
        let is_name = |word: &&&str| word.bytes().all(|byte| byte.is_ascii_lowercase());
        let names: Vec<&str> = words.iter().take_while(is_name).copied().collect();
        let command = match names.as_slice() {
            ["endpoint" | "device" | "server" | "key", sub, ..] => vec![names[0], sub],
            [command, ..] => vec![*command],
            [] => continue,
        };
        let commands = [
            "endpoint", "device", "server", "key", "backup", "check", "recheck", "agent", "ping",
        ];
        if !commands.contains(&command[0]) {
            continue;
        }
        let help = rollcall
            .done(&[command.as_slice(), &["--help"]].concat())
            .out;
        for flag in words.iter().filter(|word| word.starts_with("--")) {
            assert!(help.contains(flag), "{line}: {help}");
        }
        checked += 1;
    }
    assert!(checked >= 4, "{checked}");
}

#[test]
fn the_systemd_instructions_agree_with_the_unit() {
    let unit = read("contrib/rollcall.service");
    let lines = setup_lines().join("\n");
    for (instruction, of_unit) in [
        (
            "target/release/rollcall /usr/local/bin/",
            "ExecStart=/usr/local/bin/rollcall run",
        ),
        (
            "useradd --system --home-dir /var/lib/rollcall",
            "WorkingDirectory=/var/lib/rollcall",
        ),
        (
            "install -d -o rollcall -g rollcall -m 750",
            "StateDirectoryMode=0750",
        ),
        ("sudo -u rollcall", "User=rollcall"),
        ("-g rollcall", "Group=rollcall"),
        (
            "systemctl enable --now rollcall",
            "WantedBy=multi-user.target",
        ),
    ] {
        assert!(lines.contains(instruction), "{instruction}");
        assert!(unit.contains(of_unit), "{of_unit}");
    }
}

#[test]
fn the_instructions_for_the_agent_agree_with_its_unit() {
    let unit = read("contrib/rollcall-agent.service");
    let lines = setup_lines().join("\n");
    for (instruction, of_unit) in [
        (
            "rollcall /usr/local/bin/",
            "ExecStart=/usr/local/bin/rollcall agent --url ${ROLLCALL_URL} --key-file ${CREDENTIALS_DIRECTORY}/rollcall.header",
        ),
        (
            "/etc/rollcall/rollcall.header",
            "LoadCredential=rollcall.header:/etc/rollcall/rollcall.header",
        ),
        (
            "systemctl edit rollcall-agent",
            "Environment=ROLLCALL_URL=https://rollcall.example.org",
        ),
        (
            "systemctl enable --now rollcall-agent",
            "WantedBy=multi-user.target",
        ),
    ] {
        assert!(lines.contains(instruction), "{instruction}");
        assert!(unit.contains(&format!("{of_unit}\n")), "{of_unit}");
    }
    // The agent writes nothing, and a refused key (2) is final.
    for (name, is_forbidden) in [
        ("DynamicUser=yes", false),
        ("ProtectSystem=strict", false),
        ("NoNewPrivileges=yes", false),
        ("RestartPreventExitStatus=2", false),
        ("Directory=", true),
        ("ReadWritePaths=", true),
        ("ProcSubset=", true),
        ("ProtectHome=yes", true),
    ] {
        assert_eq!(unit.contains(name), !is_forbidden, "{name}");
    }
}

/// Where `systemd-analyze` is installed. `rollcall.service` has settings that only newer versions of systemd know.
#[test]
fn systemd_reads_the_unit_of_the_agent_without_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rollcall-agent.service");
    // The program need not be installed.
    let unit = read("contrib/rollcall-agent.service");
    fs::write(&file, unit.replace("/usr/local/bin/rollcall", "/bin/sh")).unwrap();
    let mut analyze = std::process::Command::new("systemd-analyze");
    let Ok(output) = analyze.arg("verify").arg(&file).output() else {
        eprintln!("systemd-analyze is not installed, so the unit is not verified");
        return;
    };
    let printed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}");
    assert_eq!(printed.trim(), "");
}

#[test]
fn the_docker_instructions_agree_with_the_image_and_with_compose() {
    let (image, compose) = (read("Dockerfile"), read("compose.yaml"));
    let lines = setup_lines().join("\n");
    for (flag, in_image, in_compose) in [
        ("docker build -t rollcall .", "WORKDIR /build", "build: ."),
        ("--restart on-failure", "", "restart: on-failure"),
        ("--read-only", "", "read_only: true"),
        ("--tmpfs /tmp", "", "tmpfs: [/tmp]"),
        ("--cap-drop ALL", "", "cap_drop: [ALL]"),
        (
            "-v rollcall-data:/data",
            "VOLUME /data",
            "- rollcall-data:/data",
        ),
        (
            "-p 127.0.0.1:8080:8080",
            "EXPOSE 8080",
            "- \"127.0.0.1:8080:8080\"",
        ),
        ("{{.State.Health.Status}}", "HEALTHCHECK", ""),
        ("-e DISCORD_TOKEN -e DISCORD_GUILD_ID", "", "env_file: .env"),
    ] {
        assert!(lines.contains(flag), "{flag}");
        assert!(image.contains(in_image), "{in_image}");
        assert!(compose.contains(in_compose), "{in_compose}");
    }
    for setting in [
        "DATABASE_URL",
        "HTTP_BIND",
        "LOG_DIR",
        "DISCORD_TOKEN",
        "DISCORD_GUILD_ID",
    ] {
        assert!(read(".env.example").contains(setting), "{setting}");
    }
}
