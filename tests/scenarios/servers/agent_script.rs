//! `contrib/agent.sh` works with every shell that is installed, and reports what `docs/servers.md` says.

use std::path::Path;

use serde_json::{Value, json};

use crate::devices::http_devices_servers::key;
use crate::harness::Rollcall;
use crate::harness::other_machine::{Ended, OtherMachine};
use crate::servers::server_agent::{add_server, latest};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/contrib/agent.sh");

fn path() -> String {
    std::env::var("PATH").unwrap()
}

/// The file of a program in `PATH`.
fn installed(name: &str) -> Option<String> {
    let path = path();
    let files = path.split(':').map(|folder| Path::new(folder).join(name));
    let mut found = files.filter(|file| file.is_file());
    found.next().map(|file| file.display().to_string())
}

/// Runs the script with a shell, and finds programs in these folders.
fn run(machine: &OtherMachine, shell: &str, path: &str, arguments: &[&str]) -> Ended {
    let (program, applet) = match shell {
        "busybox" => ("busybox", &["sh"][..]),
        shell => (shell, &[][..]),
    };
    let program = installed(program).unwrap();
    let arguments = [applet, &[SCRIPT], arguments].concat();
    machine.start(&program, &arguments, path).ended()
}

fn shells() -> Vec<&'static str> {
    let known = ["sh", "dash", "bash", "busybox"];
    known
        .into_iter()
        .filter(|shell| installed(shell).is_some())
        .collect()
}

#[test]
fn the_script_prints_a_report_in_every_shell() {
    let machine = OtherMachine::new();
    for shell in shells() {
        let ended = run(&machine, shell, &path(), &["--print"]);
        assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{shell}");
        let report: Value = serde_json::from_slice(&ended.out).unwrap();
        for name in [
            "/cpu",
            "/memory/used_percent",
            "/load/2",
            "/uptime",
            "/network/in_bytes_per_second",
        ] {
            let number = report.pointer(name);
            assert!(number.is_some_and(Value::is_number), "{name}: {report}");
        }
    }
    assert_eq!(machine.files(), Vec::<String>::new());
}

#[test]
fn the_script_reports_with_curl_and_keeps_its_key_to_itself() {
    if installed("curl").is_none() {
        eprintln!("curl is not installed, so the script does not send reports");
        return;
    }
    let rollcall = Rollcall::new();
    let (id, server) = add_server(&rollcall);
    let read = key(&rollcall, "read", "42");
    let running = rollcall.run();
    let url = format!("http://{}", running.address());
    let machine = OtherMachine::new();
    let header = machine.secret_file("header", &format!("Authorization: Bearer {server}\n"));
    let bare = machine.secret_file("bare", &server);
    let other = machine.secret_file("other", &read);
    for shell in shells() {
        for file in [&header, &bare] {
            let arguments = ["--once", "--url", &url, "--key-file", file];
            let ended = run(&machine, shell, &path(), &arguments);
            assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{shell}");
        }
        let arguments = ["--url", &url, "--key-file", &other];
        let ended = run(&machine, shell, &path(), &arguments);
        let refused = "error: Rollcall refuses the key: 403: ";
        assert_eq!(ended.code, 2, "{shell}: {ended:?}");
        assert!(ended.err.contains(refused), "{shell}: {ended:?}");
        assert!(!ended.err.contains(&read), "{shell}: {ended:?}");
    }
    let values = latest(&running, &id, &server);
    assert!(
        values["memory.used_percent"]["mean"].is_number(),
        "{values}"
    );
}

#[test]
fn the_script_reports_with_wget_if_there_is_no_curl() {
    if installed("wget").is_none() {
        eprintln!("wget is not installed, so the script does not send reports with it");
        return;
    }
    let rollcall = Rollcall::new();
    let (id, server) = add_server(&rollcall);
    let running = rollcall.run();
    let url = format!("http://{}", running.address());
    let machine = OtherMachine::new();
    std::fs::create_dir(machine.path("bin")).unwrap();
    for name in [
        "awk", "cat", "cut", "date", "df", "grep", "ls", "mktemp", "rm", "sed", "sh", "sleep",
        "sort", "tail", "tr", "uname", "wget",
    ] {
        let link = machine.path(&format!("bin/{name}"));
        std::os::unix::fs::symlink(installed(name).unwrap(), link).unwrap();
    }
    let file = machine.secret_file("key", &server);
    let arguments = ["--once", "--url", &url, "--key-file", &file];
    let ended = run(&machine, "sh", &machine.path("bin"), &arguments);
    assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{ended:?}");
    let values = latest(&running, &id, &server);
    assert!(values["load.2"]["mean"].is_number(), "{values}");
    let file = machine.secret_file("key", "rc_server_canary");
    let arguments = ["--url", &url, "--key-file", &file];
    let ended = run(&machine, "sh", &machine.path("bin"), &arguments);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.err.contains("401"), "{ended:?}");
    assert!(!ended.err.contains("canary"), "{ended:?}");
}

#[test]
fn the_script_says_what_is_wrong_with_its_command() {
    let machine = OtherMachine::new();
    let file = machine.secret_file("key", "two words");
    let missing = machine.path("missing");
    let url = "https://rollcall.example.org";
    for (arguments, expected) in [
        (vec!["--url", url], "--key-file is missing"),
        (vec!["--key-file", &file], "Example: --url https://"),
        (
            vec!["--url", url, "--key-file", &file],
            "one line with a key",
        ),
        (vec!["--url", url, "--key-file", &missing], "cannot be read"),
        (vec!["--every", "4"], "at least 5. Example: --every 60"),
        (vec!["--every", "1m"], "at least 5. Example: --every 60"),
        (vec!["--every"], "--every needs a value"),
        (vec!["--loud"], "unknown option"),
    ] {
        let ended = run(&machine, "sh", &path(), &arguments);
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(ended.err.contains(expected), "{expected}: {ended:?}");
    }
}

/// A machine with programs in place of others, and the folders in which a script finds them.
fn with_programs(programs: &[(&str, &str)]) -> (OtherMachine, String) {
    let machine = OtherMachine::new();
    for (name, script) in programs {
        machine.program(&format!("bin/{name}"), &format!("#!/bin/sh\n{script}\n"));
    }
    let path = format!("{}:{}", machine.path("bin"), path());
    (machine, path)
}

#[test]
fn the_key_is_in_no_argument_of_a_program() {
    let curl = r#"printf '%s\n' "$@" > arguments; cat > input; printf 200"#;
    let (machine, path) = with_programs(&[("curl", curl)]);
    let file = machine.secret_file("key", "Authorization: Bearer rc_server_canary");
    let url = "https://rollcall.example.org/";
    let arguments = ["--once", "--url", url, "--key-file", &file];
    let ended = run(&machine, "sh", &path, &arguments);
    assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{ended:?}");
    let read = |name: &str| std::fs::read_to_string(machine.path(name)).unwrap();
    let header = "header = \"Authorization: Bearer rc_server_canary\"\n";
    assert_eq!(read("input"), header);
    assert!(!read("arguments").contains("canary"));
    let reported_to = "https://rollcall.example.org/api/v1/server-stats\n";
    assert!(read("arguments").contains(reported_to));
}

#[test]
fn the_script_reports_until_its_key_is_refused() {
    // No answer, then each of these.
    let curl = r#"
        count=$(cat count 2> /dev/null || echo 0); echo $((count + 1)) > count
        for argument; do case $previous in -o) answer=$argument ;; esac; previous=$argument; done
        set -- 000 403 200 200 401
        shift "$count"
        # A proxy has a page of its own.
        if [ "$1" = 403 ]; then echo '<h1>Forbidden</h1>' > "$answer"; fi
        printf "$1"
        [ "$1" != 000 ] || echo 'curl: (7) Failed to connect' >&2"#;
    let sleep = "echo \"$1\" >> pauses";
    let (machine, path) = with_programs(&[("curl", curl), ("sleep", sleep)]);
    let file = machine.secret_file("key", "rc_server_canary");
    let url = "http://203.0.113.7";
    let arguments = ["--url", url, "--key-file", &file, "--every", "7"];
    let ended = run(&machine, "sh", &path, &arguments);
    assert_eq!(ended.code, 2, "{ended:?}");
    let lines: Vec<&str> = ended.err.lines().collect();
    assert_eq!(
        lines,
        [
            "warning: the key is sent unencrypted to http://203.0.113.7. Use an https:// address",
            "Reporting to http://203.0.113.7 every 7 s.",
            "Rollcall does not accept reports: curl: (7) Failed to connect. Trying again, with growing pauses.",
            "Rollcall accepts reports again.",
            "error: Rollcall refuses the key: 401. Create a new one with `/server rotate_key` in Discord and save it to the key file",
        ]
    );
    let pauses = std::fs::read_to_string(machine.path("pauses")).unwrap();
    let pauses: Vec<u32> = pauses.lines().map(|line| line.parse().unwrap()).collect();
    let [1, first, second, 7, 7] = pauses.as_slice() else {
        panic!("{pauses:?}");
    };
    assert!(
        (2..=5).contains(first) && (5..=10).contains(second),
        "{pauses:?}"
    );
}

/// Programs of macOS that the script calls, with what they print there.
const MACOS: [(&str, &str); 8] = [
    (
        "uname",
        "case $1 in -s) echo Darwin ;; *) echo 'Darwin 23.5.0 arm64' ;; esac",
    ),
    (
        "sysctl",
        "case $2 in
            hw.ncpu) echo 8 ;;
            hw.memsize) echo 17179869184 ;;
            vm.swapusage) echo 'total = 2048.00M  used = 512.50M  free = 1535.50M  (encrypted)' ;;
            vm.loadavg) echo '{ 1.50 1.60 1.70 }' ;;
            kern.boottime) echo '{ sec = 1700000000, usec = 123456 } Tue Nov 14 22:13:20 2023' ;;
        esac",
    ),
    (
        "vm_stat",
        "cat <<'END'
Mach Virtual Memory Statistics: (page size of 16384 bytes)
Pages free:                               65536.
Pages active:                            393216.
Pages inactive:                          262144.
Pages speculative:                            0.
Pages throttled:                              0.
Pages wired down:                        131072.
Pages purgeable:                           1000.
\"Translation faults\":                 912345678.
Pages stored in compressor:              123456.
END",
    ),
    ("ps", "printf ' 40.0\\n 0.4\\n 120.0\\n'"),
    // The second reading is two seconds after the first.
    (
        "date",
        "count=$(cat count 2> /dev/null || echo 0); echo $((count + 2)) > count; echo $((1700000100 + count))",
    ),
    ("sleep", ""),
    (
        "netstat",
        "bytes=$(cat bytes 2> /dev/null || echo 0); echo $((bytes + 3000)) > bytes
cat <<END
Name       Mtu   Network       Address            Ipkts Ierrs     Ibytes    Opkts Oerrs     Obytes  Coll
lo0        16384 <Link#1>                        914529     0  990000000   914529     0  990000000     0
lo0        16384 127           127.0.0.1         914529     -  990000000   914529     -  990000000     -
en0        1500  <Link#12>   a4:83:e7:00:00:01 91452900     0 $((5000000 + bytes * 2))  4145290     0 $((7000000 + bytes))     0
en0        1500  192.168.1     192.168.1.5     91452900     - 5000000  4145290     - 7000000     -
utun3      1380  <Link#20>                          100     0  880000000      100     0  880000000     0
END",
    ),
    (
        "df",
        "cat <<'END'
Filesystem     1024-blocks      Used Available Capacity  Mounted on
/dev/disk3s1s1   482797652  10000000 241398826     5%    /
devfs                  202       202         0   100%    /dev
/dev/disk3s6     482797652   2097152 241398826     1%    /System/Volumes/VM
/dev/disk3s5     482797652 220000000 241398826    48%    /System/Volumes/Data
/dev/disk4s1       1000000    400000    600000    40%    /Volumes/My Disk
map auto_home            0         0         0   100%    /System/Volumes/Data/home
END",
    ),
];

#[test]
fn the_script_reads_what_the_programs_of_macos_print() {
    let (machine, path) = with_programs(&MACOS);
    let ended = run(&machine, "sh", &path, &["--print"]);
    assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{ended:?}");
    let report: Value = serde_json::from_slice(&ended.out).unwrap();
    let disk = |total: u64, used: u64, percent: f64| json!({ "total_kib": total, "used_kib": used, "used_percent": percent });
    let expected = json!({
        "agent_version": "agent.sh; Darwin 23.5.0 arm64",
        // 160.4 % of eight processors.
        "cpu": 20.1,
        // Of 1,048,576 pages, 327,680 are free or inactive.
        "memory": {
            "total_kib": 16_777_216, "used_kib": 11_534_336, "used_percent": 68.8,
            "swap_total_kib": 2_097_152, "swap_used_kib": 524_800,
        },
        "disk": {
            "/": disk(482_797_652, 10_000_000, 4.0),
            "/System/Volumes/Data": disk(482_797_652, 220_000_000, 47.7),
            "/Volumes/My Disk": disk(1_000_000, 400_000, 40.0),
        },
        "load": [1.5, 1.6, 1.7],
        "network": { "in_bytes_per_second": 3_000, "out_bytes_per_second": 1_500 },
        "uptime": 104,
    });
    assert_eq!(report, expected);
}
