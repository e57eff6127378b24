//! `rollcall ping` and jobs that take long: `--timeout`, signals, and processes that a job leaves.

use std::net::TcpListener;

use serde_json::{Value, json};

use crate::devices::job_pings::Backup;
use crate::harness::other_machine::OtherMachine;
use crate::harness::{Rollcall, wait_for};

#[test]
fn a_job_that_takes_too_long_is_a_failure_until_it_has_ended() {
    let rollcall = Rollcall::new();
    let backup = Backup::add(&rollcall);
    let running = rollcall.run();
    let machine = OtherMachine::new();
    let url = backup.url(&running);
    let job = ["sh", "-c", "printf 'half of it'; read line; echo done"];
    let arguments = [&["ping", "--timeout", "1s", &url, "--"], job.as_slice()].concat();
    let mut program = machine.rollcall(&arguments);
    let late = json!("the job still runs after 1 s");
    wait_for("the failure", || {
        (backup.state(&running) == ("offline".to_owned(), late.clone())).then_some(())
    });
    assert!(!program.has_ended(), "the job is not stopped");
    program.input("\n");
    let ended = program.ended();
    assert_eq!((ended.code, ended.text().as_str()), (0, "half of itdone\n"));
    assert_eq!(ended.err, "rollcall ping: the job still runs after 1 s\n");
    assert_eq!(backup.state(&running), ("online".into(), Value::Null));
    let log = backup.log(&running);
    let kinds: Vec<&str> = log.iter().map(|(kind, _, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["start", "fail", "success"], "{log:?}");
    assert_eq!(log[1].1, "half of it\nthe job still runs after 1 s");
}

#[test]
fn signals_are_forwarded_to_the_job_which_decides() {
    let rollcall = Rollcall::new();
    let backup = Backup::add(&rollcall);
    let running = rollcall.run();
    let machine = OtherMachine::new();
    let url = backup.url(&running);
    for (signal, code) in [("TERM", 7), ("INT", 8)] {
        let job = format!(
            "trap 'echo got {signal}; exit {code}' {signal}; echo ready; while :; do read line || sleep 0.01; done"
        );
        let program = machine.rollcall(&["ping", &url, "--", "sh", "-c", &job]);
        program.wait_for_output("ready");
        program.signal(signal);
        let ended = program.ended();
        let printed = format!("ready\ngot {signal}\n");
        assert_eq!((ended.code, ended.text()), (code, printed), "{ended:?}");
        let failure = json!(format!("exit status {code}: got {signal}"));
        assert_eq!(backup.state(&running), ("offline".into(), failure));
    }
    let program = machine.rollcall(&["ping", &url, "--", "sh", "-c", "echo ready; exec sleep 60"]);
    program.wait_for_output("ready");
    program.signal("TERM");
    let ended = program.ended();
    assert_eq!((ended.code, ended.err.as_str()), (143, ""), "{ended:?}");
}

#[test]
fn the_end_of_a_job_is_reported_while_a_process_of_it_keeps_its_output() {
    let rollcall = Rollcall::new();
    let backup = Backup::add(&rollcall);
    let running = rollcall.run();
    let machine = OtherMachine::new();
    let url = backup.url(&running);
    // It waits until the file is there.
    let job = "(until [ -e go ]; do sleep 0.01; done; echo late) & echo early";
    let mut program = machine.rollcall(&["ping", &url, "--", "sh", "-c", job]);
    wait_for("the end to be reported", || {
        (backup.log(&running).len() == 2).then_some(())
    });
    assert!(!program.has_ended());
    std::fs::write(machine.path("go"), "").unwrap();
    let ended = program.ended();
    assert_eq!((ended.code, ended.text().as_str()), (0, "early\nlate\n"));
    assert_eq!(backup.log(&running)[1].1, "early\n");
}

#[test]
fn a_rollcall_that_does_not_answer_does_not_delay_the_job() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let machine = OtherMachine::new();
    let url = format!("http://{address}/ping/7f9c24e5-3b1a-4c0e-9d2f-8a6b5c4d3e2f");
    let program = machine.rollcall(&["ping", &url, "--", "sh", "-c", "echo out; exit 3"]);
    program.wait_for_output("out");
    // The pings at the start and at the end: the first one is given up.
    let _connections = [listener.accept().unwrap(), listener.accept().unwrap()];
    program.signal("TERM");
    let ended = program.ended();
    assert_eq!((ended.code, ended.text().as_str()), (3, "out\n"));
    let note = "rollcall ping: the end of the job was not reported: stopped by a signal\n";
    assert_eq!(ended.err, note);
}
