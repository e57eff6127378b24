//! Every form of a range, with the days and hours that it stands for, and every refusal.

use super::*;
use crate::silences::maintenance::parse_zone;
use crate::text;

/// A Tuesday.
const NOW: &str = "2026-12-01T12:00:00Z";

fn at(rfc: &str) -> Timestamp {
    text::parse_timestamp(rfc).unwrap()
}

fn parsed(typed: &str, zone: &str, now: &str) -> Result<HistoryRange, String> {
    parse_range(typed, parse_zone(zone).unwrap(), at(now)).map_err(|error| error.to_string())
}

fn shown(range: HistoryRange) -> String {
    format!(
        "{} {}",
        text::timestamp(range.from),
        text::timestamp(range.to)
    )
}

fn cells(table: &str) -> impl Iterator<Item = Vec<&str>> {
    let lines = table.lines().filter(|line| line.contains('|'));
    lines.map(|line| line.split('|').map(str::trim).collect())
}

/// Berlin is one hour ahead of UTC in winter and two in summer; its clocks go forward on 2026-03-29 at 02:00 and back on
/// 2026-10-25 at 03:00. Apia skipped 2011-12-30.
const RANGES: &str = "
    24h                      | 2026-11-30T12:00:00Z | 2026-12-01T12:00:00Z
    1h                       | 2026-12-01T11:00:00Z | 2026-12-01T12:00:00Z
    7d                       | 2026-11-24T12:00:00Z | 2026-12-01T12:00:00Z
    30d                      | 2026-11-01T12:00:00Z | 2026-12-01T12:00:00Z
    90D                      | 2026-09-02T12:00:00Z | 2026-12-01T12:00:00Z
    2w                       | 2026-11-17T12:00:00Z | 2026-12-01T12:00:00Z
    1y                       | 2025-12-01T12:00:00Z | 2026-12-01T12:00:00Z
    365d                     | 2025-12-01T12:00:00Z | 2026-12-01T12:00:00Z
    5y                       | 2021-12-02T12:00:00Z | 2026-12-01T12:00:00Z
    1826d                    | 2021-12-01T12:00:00Z | 2026-12-01T12:00:00Z
    last 7 days              | 2026-11-24T12:00:00Z | 2026-12-01T12:00:00Z
    24 Hours                 | 2026-11-30T12:00:00Z | 2026-12-01T12:00:00Z
    today                    | 2026-11-30T23:00:00Z | 2026-12-01T12:00:00Z
    Yesterday                | 2026-11-29T23:00:00Z | 2026-11-30T23:00:00Z
    this week                | 2026-11-29T23:00:00Z | 2026-12-01T12:00:00Z
    last week                | 2026-11-22T23:00:00Z | 2026-11-29T23:00:00Z
    this month               | 2026-11-30T23:00:00Z | 2026-12-01T12:00:00Z
    this_month               | 2026-11-30T23:00:00Z | 2026-12-01T12:00:00Z
    THIS-MONTH               | 2026-11-30T23:00:00Z | 2026-12-01T12:00:00Z
    last   month             | 2026-10-31T23:00:00Z | 2026-11-30T23:00:00Z
    this quarter             | 2026-09-30T22:00:00Z | 2026-12-01T12:00:00Z
    last quarter             | 2026-06-30T22:00:00Z | 2026-09-30T22:00:00Z
    this year                | 2025-12-31T23:00:00Z | 2026-12-01T12:00:00Z
    last year                | 2024-12-31T23:00:00Z | 2025-12-31T23:00:00Z
    2026                     | 2025-12-31T23:00:00Z | 2026-12-01T12:00:00Z
    2025                     | 2024-12-31T23:00:00Z | 2025-12-31T23:00:00Z
    2026-10                  | 2026-09-30T22:00:00Z | 2026-10-31T23:00:00Z
    2026-9                   | 2026-08-31T22:00:00Z | 2026-09-30T22:00:00Z
    2026-Q3                  | 2026-06-30T22:00:00Z | 2026-09-30T22:00:00Z
    2026-q1                  | 2025-12-31T23:00:00Z | 2026-03-31T22:00:00Z
    2026Q4                   | 2026-09-30T22:00:00Z | 2026-12-01T12:00:00Z
    Q3 2026                  | 2026-06-30T22:00:00Z | 2026-09-30T22:00:00Z
    2026-W48                 | 2026-11-22T23:00:00Z | 2026-11-29T23:00:00Z
    2026w48                  | 2026-11-22T23:00:00Z | 2026-11-29T23:00:00Z
    2026-W01                 | 2025-12-28T23:00:00Z | 2026-01-04T23:00:00Z
    2020-W53                 | 2020-12-27T23:00:00Z | 2021-01-03T23:00:00Z
    2026-10-03               | 2026-10-02T22:00:00Z | 2026-10-03T22:00:00Z
    2026-12-01               | 2026-11-30T23:00:00Z | 2026-12-01T12:00:00Z
    2026-10-03..2026-10-17   | 2026-10-02T22:00:00Z | 2026-10-17T22:00:00Z
    2026-10-03 .. 2026-10-17 | 2026-10-02T22:00:00Z | 2026-10-17T22:00:00Z
    2026-10-03 to 2026-10-17 | 2026-10-02T22:00:00Z | 2026-10-17T22:00:00Z
    2026-10-03 - 2026-10-17  | 2026-10-02T22:00:00Z | 2026-10-17T22:00:00Z
    2026-10-03–2026-10-17    | 2026-10-02T22:00:00Z | 2026-10-17T22:00:00Z
    2026-10-03 – 2026-10-17  | 2026-10-02T22:00:00Z | 2026-10-17T22:00:00Z
    2026-10-03..2026-10-03   | 2026-10-02T22:00:00Z | 2026-10-03T22:00:00Z
    2026-10-03..2027-12-31   | 2026-10-02T22:00:00Z | 2026-12-01T12:00:00Z
    2026-08..2026-10         | 2026-07-31T22:00:00Z | 2026-10-31T23:00:00Z
    2025..today              | 2024-12-31T23:00:00Z | 2026-12-01T12:00:00Z
    last month..this month   | 2026-10-31T23:00:00Z | 2026-12-01T12:00:00Z
    2024-02-29               | 2024-02-28T23:00:00Z | 2024-02-29T23:00:00Z
    2024-02                  | 2024-01-31T23:00:00Z | 2024-02-29T23:00:00Z
    2021-12-02..2030-01-01   | 2021-12-01T23:00:00Z | 2026-12-01T12:00:00Z
    2020-01-01..2024-12-30   | 2019-12-31T23:00:00Z | 2024-12-30T23:00:00Z
";

#[test]
fn every_form_of_a_range_is_read() {
    for line in cells(RANGES) {
        let [typed, from, to] = line[..] else {
            panic!("{line:?}")
        };
        let range = parsed(typed, "Europe/Berlin", NOW).map(shown);
        assert_eq!(range, Ok(format!("{from} {to}")), "{typed}");
    }
}

const DAYS: &str = "
    Europe/Berlin     | 2026-03-28             | 24 | the day before summer time begins
    Europe/Berlin     | 2026-03-29             | 23 | summer time begins
    Europe/Berlin     | 2026-10-25             | 25 | summer time ends
    Europe/Berlin     | 2026-03                | 743 | 31 days and summer time begins
    Europe/Berlin     | 2026-W43               | 169 | the week in which summer time ends
    Europe/Berlin     | 2025                   | 8760 | both
    UTC               | 2026-10-25             | 24 | no summer time
    America/Sao_Paulo | 2018-11-04             | 23 | midnight is skipped
    America/Havana    | 2026-11-01             | 25 | midnight occurs twice
    Pacific/Apia      | 2011-12-29             | 24 | the day before the one that does not exist
    Pacific/Apia      | 2011-12-29..2011-12-31 | 48 | three dates, two days
    Pacific/Apia      | 2011-12                | 720 | 30 days
    Pacific/Apia      | 2011-12-30..2011-12-31 | 24 | from a day that does not exist
    Asia/Kathmandu    | 2026-10-25             | 24 | 5:45 ahead of UTC
";

#[test]
fn days_are_as_long_as_the_clocks_of_the_zone_make_them() {
    for line in cells(DAYS) {
        let [zone, typed, hours, why] = line[..] else {
            panic!("{line:?}")
        };
        let range = parsed(typed, zone, NOW).unwrap();
        let hours: u64 = hours.parse().unwrap();
        assert_eq!(
            range.length(),
            Duration::from_secs(hours * 3600),
            "{zone} {typed}: {why}"
        );
    }
}

#[test]
fn the_words_follow_the_clocks_of_the_zone() {
    for (typed, zone, now, range) in [
        // It is Wednesday already.
        (
            "today",
            "Pacific/Apia",
            "2026-12-01T12:00:00Z",
            "2026-12-01T11:00:00Z 2026-12-01T12:00:00Z",
        ),
        // It is still 2026.
        (
            "this year",
            "America/New_York",
            "2027-01-01T03:00:00Z",
            "2026-01-01T05:00:00Z 2027-01-01T03:00:00Z",
        ),
        // Sunday belongs to the week of the Monday before.
        (
            "this week",
            "UTC",
            "2026-11-29T23:59:59Z",
            "2026-11-23T00:00:00Z 2026-11-29T23:59:59Z",
        ),
        // 24 hours are elapsed time, and the day before had 25.
        (
            "24h",
            "Europe/Berlin",
            "2026-10-25T12:00:00Z",
            "2026-10-24T12:00:00Z 2026-10-25T12:00:00Z",
        ),
        (
            "last month",
            "UTC",
            "2027-01-31T12:00:00Z",
            "2026-12-01T00:00:00Z 2027-01-01T00:00:00Z",
        ),
        // A day has passed when the next one starts.
        (
            "2026-12-01",
            "UTC",
            "2026-12-02T00:00:00Z",
            "2026-12-01T00:00:00Z 2026-12-02T00:00:00Z",
        ),
        (
            "today",
            "UTC",
            "2026-12-01T00:00:00.001Z",
            "2026-12-01T00:00:00Z 2026-12-01T00:00:00.001Z",
        ),
    ] {
        let found = parsed(typed, zone, now).map(shown);
        assert_eq!(found.as_deref(), Ok(range), "{typed} {zone} {now}");
    }
}

const GENERAL: &str =
    "Examples: `24h`, `this month`, `2026-10`, `2026-Q3` or `2026-10-03..2026-10-17`";

/// What stands for the sentence above is `…`.
const REFUSALS: &str = "
                       | an empty text is not a range. …
    30                 | `30` is not a range. Did you mean `30d`?
    12345              | `12345` is not a range. …
    7 fortnights       | `7 fortnights` is not a range. …
    1.5d               | `1.5d` is not a range. …
    03.10.2026         | `03.10.2026` is not a range. …
    20261003           | `20261003` is not a range. …
    2026-10-03-04      | `2026-10-03-04` is not a range. …
    2026-x             | `2026-x` is not a range. …
    2026-              | `2026-` is not a range. …
    2026--10           | `2026--10` is not a range. …
    202610             | `202610` is not a range. …
    2026Q3-01          | `2026q3-01` is not a range. …
    2026-100           | `2026-100` is not a range. …
    2026-Q             | `2026-q` is not a range. …
    ２０２６           | `２０２６` is not a range. …
    -7d                | `-7d` is not a range. Did you mean `7d`?
    d                  | `d` is not a range. …
    yesturday          | `yesturday` is not a range. Did you mean `yesterday`?
    Thismonth          | `thismonth` is not a range. Did you mean `this month`?
    month              | `month` is not a range. Did you mean `last month` or `this month`?
    next week          | `next week` is not a range. Did you mean `last week`?
    yesturday..today   | `yesturday` is not a range. Did you mean `yesterday`?
    2026-10..2026-11..x | `2026-11..x` is not a range. …
    0d                 | a range has at least 1 hour. Example: `24h`
    00h                | a range has at least 1 hour. Example: `24h`
    6y                 | a range has at most 1826 days (5 years). Example: `5y`
    1827d              | a range has at most 1826 days (5 years). Example: `5y`
    43825h             | a range has at most 1826 days (5 years). Example: `5y`
    99999999999999999999999d | a range has at most 1826 days (5 years). Example: `5y`
    2021-12-01..2026-12-01 | a range has at most 1826 days (5 years). Example: `2021-12-01..2026-11-30`
    2021-12-01..2030-12-01 | a range has at most 1826 days (5 years). Example: `2021-12-01..2026-11-30`
    2019..2024         | a range has at most 1826 days (5 years). Example: `2019-01-01..2023-12-31`
    2026-13            | a year has the months 01 to 12. Example: `2026-12`
    2026-00            | a year has the months 01 to 12. Example: `2026-12`
    2026-13-01         | a year has the months 01 to 12. Example: `2026-12`
    2026-02-30         | 2026-02 has the days 01 to 28. Example: `2026-02-28`
    2024-02-30         | 2024-02 has the days 01 to 29. Example: `2024-02-29`
    2026-11-31         | 2026-11 has the days 01 to 30. Example: `2026-11-30`
    2026-11-00         | 2026-11 has the days 01 to 30. Example: `2026-11-30`
    2026-11-31..today  | 2026-11 has the days 01 to 30. Example: `2026-11-30`
    2026-Q5            | a year has the quarters Q1 to Q4. Example: `2026-Q4`
    2026-Q0            | a year has the quarters Q1 to Q4. Example: `2026-Q4`
    2026-W54           | 2026 has the weeks W01 to W53. Example: `2026-W49`
    2025-W53           | 2025 has the weeks W01 to W52. Example: `2026-W49`
    2026-W00           | 2026 has the weeks W01 to W53. Example: `2026-W49`
    2026-10-17..2026-10-03 | the range ends before it starts. Did you mean `2026-10-03..2026-10-17`?
    today..yesterday   | the range ends before it starts. Did you mean `2026-11-30..2026-12-01`?
    2026-10-03..       | a range with `..` needs a first and a last day. Example: `2026-12-01..2026-12-01`
    ..2026-10-03       | a range with `..` needs a first and a last day. Example: `2026-12-01..2026-12-01`
    7d..today          | a range with `..` needs a first and a last day. Example: `2026-12-01..2026-12-01`
    2026-12-02         | this range has not begun yet. Today is 2026-12-01. Example: `this month`
    2027               | this range has not begun yet. Today is 2026-12-01. Example: `this month`
    2026-12-02..2026-12-05 | this range has not begun yet. Today is 2026-12-01. Example: `this month`
";

#[test]
fn every_refusal_leads_to_a_range_that_is_possible() {
    for line in cells(REFUSALS) {
        let [typed, sentence] = line[..] else {
            panic!("{line:?}")
        };
        let sentence = sentence.replace('…', GENERAL);
        let error = parsed(typed, "UTC", NOW).unwrap_err();
        assert_eq!(error, sentence, "{typed}");
        for suggested in error
            .split_once(". ")
            .unwrap()
            .1
            .split('`')
            .skip(1)
            .step_by(2)
        {
            let range = parsed(suggested, "UTC", NOW);
            assert!(range.is_ok(), "{typed}: {suggested}: {range:?}");
        }
    }
}

#[test]
fn a_day_that_the_clocks_skip_is_refused() {
    assert_eq!(
        parsed("2011-12-30", "Pacific/Apia", NOW),
        Err(
            "2011-12-30 does not exist in the time zone Pacific/Apia. Example: `2011-12-31`"
                .to_owned()
        )
    );
}

#[test]
fn a_day_has_begun_a_millisecond_after_its_start() {
    let not_begun =
        "this range has not begun yet. Today is 2026-12-01. Example: `this month`".to_owned();
    for (typed, now, refused) in [
        (
            "2026-12-01",
            "2026-11-30T23:59:59.999Z",
            Some(not_begun.replace("12-01", "11-30")),
        ),
        ("2026-12-01", "2026-12-01T00:00:00Z", Some(not_begun)),
        ("2026-12-01", "2026-12-01T00:00:00.001Z", None),
    ] {
        let range = parsed(typed, "UTC", now);
        assert_eq!(range.err(), refused, "{now}");
    }
}

#[test]
fn long_texts_are_cut_in_the_refusal() {
    for (length, quoted) in [(32, "x".repeat(32)), (33, format!("{}…", "x".repeat(31)))] {
        let error = parsed(&"x".repeat(length), "UTC", NOW).unwrap_err();
        assert_eq!(error, format!("`{quoted}` is not a range. {GENERAL}"));
    }
}

#[test]
fn every_suggestion_is_a_range() {
    for suggestion in SUGGESTIONS {
        assert!(
            parsed(suggestion, "Europe/Berlin", NOW).is_ok(),
            "{suggestion}"
        );
    }
}

const PARTS: &str = "
    Europe/Berlin  | 2026-03-28..2026-03-30 | 24 23 24 | summer time begins
    Europe/Berlin  | 2026-10-24..2026-10-26 | 24 25 24 | summer time ends
    Europe/Berlin  | 2026-11-30..today      | 24 13    | the last day is partial
    UTC            | 24h                    | 12 12    | two partial days
    UTC            | 1h                     | 1        | part of a day
    UTC            | yesterday              | 24       | one day
    Pacific/Apia   | 2011-12-28..2012-01-01 | 24 24 24 24 | a day was skipped
    America/Havana | 2026-10-31..2026-11-02 | 24 25 24 | midnight occurs twice
";

#[test]
fn a_range_is_divided_at_the_starts_of_local_days() {
    for line in cells(PARTS) {
        let [zone, typed, hours, why] = line[..] else {
            panic!("{line:?}")
        };
        let range = parsed(typed, zone, NOW).unwrap();
        let parts: Vec<HistoryRange> = range.local_days(parse_zone(zone).unwrap()).collect();
        let lengths: Vec<String> = parts
            .iter()
            .map(|part| (part.length().as_secs() / 3600).to_string())
            .collect();
        assert_eq!(lengths.join(" "), hours, "{zone} {typed}: {why}");
        assert_eq!(parts.first().map(|part| part.from), Some(range.from));
        assert_eq!(parts.last().map(|part| part.to), Some(range.to));
        assert!(parts.windows(2).all(|pair| pair[0].to == pair[1].from));
    }
}

#[test]
fn a_range_is_divided_at_the_starts_of_local_months() {
    let range = parsed("2026-08-15..today", "Europe/Berlin", NOW).unwrap();
    let parts = range.local_months(parse_zone("Europe/Berlin").unwrap());
    assert_eq!(
        parts.map(shown).collect::<Vec<_>>(),
        [
            "2026-08-14T22:00:00Z 2026-08-31T22:00:00Z",
            "2026-08-31T22:00:00Z 2026-09-30T22:00:00Z",
            "2026-09-30T22:00:00Z 2026-10-31T23:00:00Z",
            "2026-10-31T23:00:00Z 2026-11-30T23:00:00Z",
            "2026-11-30T23:00:00Z 2026-12-01T12:00:00Z",
        ]
    );
}

#[test]
fn an_hour_that_occurs_twice_around_midnight_is_in_one_day() {
    // Until 2011, the clocks of St. John's went back at 00:01, to 23:01 of the day before.
    let zone = parse_zone("America/St_Johns").unwrap();
    let range = HistoryRange {
        from: at("2010-11-07T03:00:00Z"),
        to: at("2010-11-08T12:00:00Z"),
    };
    let parts: Vec<String> = range.local_days(zone).map(shown).collect();
    assert_eq!(
        parts,
        [
            "2010-11-07T03:00:00Z 2010-11-08T03:30:00Z",
            "2010-11-08T03:30:00Z 2010-11-08T12:00:00Z",
        ]
    );
}

#[test]
fn an_empty_range_and_times_beyond_the_calendar_have_an_end() {
    let part = |from, to| {
        let range = HistoryRange {
            from: Timestamp::from_millis(from),
            to: Timestamp::from_millis(to),
        };
        (
            range.local_days(Tz::UTC).count(),
            range.local_months(Tz::UTC).count(),
        )
    };
    assert_eq!(part(5, 5), (0, 0));
    assert_eq!(part(5, 4), (0, 0));
    assert_eq!(part(i64::MAX - 1, i64::MAX), (1, 1));
    assert!(parse_range("7d", Tz::UTC, Timestamp::from_millis(i64::MAX)).is_err());
}

proptest::proptest! {
    #[test]
    fn any_text_is_a_range_or_refused(text: String, digits in "[0-9qwdhyto. _-]{0,20}") {
        for text in [text, digits] {
            let now = at(NOW);
            if let Ok(range) = parse_range(&text, Tz::Europe__Berlin, now) {
                proptest::prop_assert!(range.from < range.to && range.to <= now, "{}", text);
                proptest::prop_assert!(range.length() <= MAX_RANGE + Duration::from_secs(3600), "{}", text);
            }
        }
    }

    #[test]
    fn the_parts_of_a_range_are_that_range(from in 0_i64..1_900_000_000_000, length in 1_i64..10_000_000_000, zone in 0_usize..chrono_tz::TZ_VARIANTS.len()) {
        let range = HistoryRange {
            from: Timestamp::from_millis(from),
            to: Timestamp::from_millis(from + length),
        };
        let zone = chrono_tz::TZ_VARIANTS[zone];
        for parts in [range.local_days(zone).collect::<Vec<_>>(), range.local_months(zone).collect()] {
            proptest::prop_assert_eq!(parts.first().map(|part| part.from), Some(range.from));
            proptest::prop_assert_eq!(parts.last().map(|part| part.to), Some(range.to));
            proptest::prop_assert!(parts.iter().all(|part| part.from < part.to));
            proptest::prop_assert!(parts.windows(2).all(|pair| pair[0].to == pair[1].from));
        }
    }
}

#[test]
fn the_last_days_are_whole_local_days_and_the_current_one_so_far() {
    for (zone, now, days, from) in [
        ("UTC", NOW, 1, "2026-12-01T00:00:00Z"),
        ("UTC", NOW, 90, "2026-09-03T00:00:00Z"),
        ("Europe/Berlin", NOW, 90, "2026-09-02T22:00:00Z"),
        (
            "Asia/Tokyo",
            "2026-12-01T16:00:00Z",
            1,
            "2026-12-01T15:00:00Z",
        ),
    ] {
        let zone = parse_zone(zone).unwrap();
        let range = HistoryRange::last_days(days, zone, at(now));
        assert_eq!((range.from, range.to), (at(from), at(now)), "{zone} {days}");
        assert_eq!(range.local_days(zone).count(), days as usize);
    }
}
