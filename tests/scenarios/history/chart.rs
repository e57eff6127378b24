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
