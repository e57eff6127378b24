//! Pictures from the command line.

use crate::harness::{Rollcall, Web, wait_for};

#[test]
fn a_chart_is_written_as_png_and_as_svg_and_mistakes_lead_on() {
    let rollcall = Rollcall::new();
    let web = Web::up();
    let target = web.target();
    let add = ["endpoint", "add", &target, "--name", "Магазин 店", "--json"];
    let id = rollcall.done(&add).json()["id"].to_string();
    let running = rollcall.run();
    wait_for("some checks", || {
        let checks = rollcall.sql("SELECT CAST(COUNT(*) AS TEXT) FROM check_results");
        (checks[0].parse::<u32>().unwrap() >= 2).then_some(())
    });
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let drawn = rollcall.done(&["chart", &id, &file("shop.png")]);
    assert!(
        drawn.err.contains("Latency of Магазин 店, 24h. Median "),
        "{drawn:?}"
    );
    assert!(
        drawn.err.contains("In the picture, #1 stands for 店"),
        "{drawn:?}"
    );
    let png = std::fs::read(file("shop.png")).unwrap();
    let size = minipng::decode_png_header(&png).unwrap();
    assert_eq!((size.width(), size.height()), (1_000, 340));

    let light = [
        "chart",
        &id,
        &file("shop.SVG"),
        "--range",
        "today",
        "--theme",
        "light",
    ];
    rollcall.done(&light);
    let svg = std::fs::read_to_string(file("shop.SVG")).unwrap();
    assert!(
        svg.starts_with("<svg ") && svg.contains("Магазин 店 · latency · today"),
        "{svg}"
    );
    assert_eq!(running.stop().0, 0);

    for (arguments, code, sentence) in [
        (
            &["chart", &id, "shop.jpg"][..],
            2,
            "ends with .png or .svg, such as `shop.png`",
        ),
        (
            &["chart", &id, &file("a.png"), "--range", "yesterdy"],
            2,
            "Did you mean `yesterday`?",
        ),
        (&["chart", &id, &file("no/such/a.png")], 1, "cannot write "),
        (&["chart", "nothing", &file("a.png")], 1, "nothing"),
        (&["chart", &id], 2, "<FILE>"),
    ] {
        let refused = rollcall.execute(arguments);
        assert_eq!(refused.code, code, "{refused:?}");
        assert!(refused.err.contains(sentence), "{refused:?}");
    }
}

/// A server that reported, and an endpoint that was offline and recovered.
fn with_history<'a>(rollcall: &'a Rollcall, web: &mut Web) -> crate::harness::Running<'a> {
    let target = web.target();
    rollcall.done(&["endpoint", "add", &target, "--name", "shop"]);
    web.goes_down();
    let running = rollcall.run();
    let has_outage = |condition: &'static str| {
        let sql = format!("SELECT CAST(COUNT(*) AS TEXT) FROM outages WHERE {condition}");
        wait_for("the outage", || {
            (rollcall.sql(&sql)[0] == "1").then_some(())
        });
    };
    has_outage("ended_at IS NULL");
    web.recovers();
    has_outage("ended_at IS NOT NULL");
    let key = rollcall.done(&["server", "add", "mail", "--json"]).json()["key"]
        .as_str()
        .unwrap()
        .to_owned();
    let report = r#"{"cpu":12,"memory":{"used_percent":61},"disk":{"/":{"used_percent":70}},"load":[0.5,0.4,0.3]}"#;
    let sent = running.call("POST", "/api/v1/server-stats", &key, report);
    assert_eq!(sent.status, 200, "{sent:?}");
    running
}

#[test]
fn charts_show_all_monitors_and_what_a_server_reports() {
    let rollcall = Rollcall::new();
    let mut web = Web::up();
    let running = with_history(&rollcall, &mut web);
    assert_eq!(running.stop().0, 0);
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    for (subject, range, sentence) in [
        (
            "uptime",
            "90d",
            "Uptime of 2 monitors on each day, 90d. shop: not enough data, downtime on ",
        ),
        (
            "downtime",
            "today",
            "Downtime of 2 monitors on each day, today. shop: ",
        ),
        (
            "hours",
            "30d",
            "Downtime of 2 monitors by weekday and hour, 30d, in the time zone UTC. ",
        ),
        (
            "inactive",
            "24h",
            "Inactive endpoints, 24h. At most 1 at once, 0 at the end. 1 outage: connection refused 1.",
        ),
        (
            "mail",
            "24h",
            "Metrics of mail, 24h. CPU: mean 12 %, at most 12 %, last 12 %.",
        ),
        ("shop", "24h", "Latency of shop, 24h. "),
    ] {
        let picture = file(&format!("{subject}.png"));
        let drawn = rollcall.done(&["chart", subject, &picture, "--range", range]);
        assert!(drawn.err.contains(sentence), "{drawn:?}");
        let png = std::fs::read(&picture).unwrap();
        let size = minipng::decode_png_header(&png).unwrap();
        assert_eq!((size.width(), size.height()), (1_000, 340), "{subject}");
    }
    let drawn = rollcall.done(&["chart", "uptime", &file("group.png"), "--group", "mail"]);
    assert!(
        drawn.err.contains("Uptime of 0 monitors on each day, 30d."),
        "{drawn:?}"
    );
}

#[test]
fn charts_of_all_monitors_refuse_what_they_cannot_show() {
    let rollcall = Rollcall::new();
    let web = Web::up();
    rollcall.done(&["endpoint", "add", &web.target(), "--name", "shop"]);
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("refused.png").display().to_string();
    for (arguments, sentence) in [
        (
            &["chart", "uptime", &picture, "--range", "93d"][..],
            "--range: figures of each day are shown for at most 92 days. Example: `90d`",
        ),
        (
            &["chart", "hours", &picture, "--range", "1y"],
            "at most 92 days",
        ),
        (
            &["chart", "inactive", &picture, "--range", "1y"],
            "at most 92 days",
        ),
        (
            &["chart", "shop", &picture, "--group", "web"],
            "`--group` is for pictures of all monitors",
        ),
        (
            &["chart", "inactive", &picture, "--group", "web"],
            "`--group` is for uptime, downtime and hours",
        ),
    ] {
        let refused = rollcall.execute(arguments);
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(refused.err.contains(sentence), "{refused:?}");
    }
    assert!(!std::path::Path::new(&picture).exists());
}
