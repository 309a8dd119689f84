//! The twin's page: each answer comes at once, and what is no place of a slider is refused.

use std::time::{Duration, Instant};

use crate::harness::{Browser, Kind, course_form, on};

/// What the issue promises of each answer. An optimised twin on an idle machine takes a third of it.
const AT_ONCE: Duration = Duration::from_millis(100);

/// How long an answer takes where nothing else runs: the least of several tries, since tests run beside each other.
async fn takes(browser: &mut Browser, address: &str) -> Duration {
    let mut least = Duration::MAX;
    for _ in 0..12 {
        let begun = Instant::now();
        browser.get(address).await.is(200);
        least = least.min(begun.elapsed());
        if least < AT_ONCE {
            break;
        }
    }
    least
}

#[test]
fn every_answer_comes_within_a_tenth_of_a_second() {
    on(Kind::Sqlite, |clinic| async move {
        let mut marie = clinic.physician("marie").await;
        let mut addresses = vec!["/twin".to_owned()];
        for (at, query) in [
            ("neuron", "current=0.5&window=1000"),
            ("neuron", "current=3&window=1000"),
            ("axon", "myelin=1&temperature=30&diameter=2"),
            ("axon", "myelin=0.02&temperature=42&diameter=16"),
            ("axon", "myelin=0.04&temperature=30&diameter=16"),
            ("axon", "myelin=0.06&temperature=30&diameter=16"),
            ("network", "wiring=chain&drive=3&length=40&delay=20&jitter=5&failure=0"),
            ("network", "wiring=random&drive=3&connections=100&delay=20&jitter=5&failure=0"),
            ("network", "wiring=random&drive=3&connections=0&delay=0&jitter=0&failure=0"),
        ] {
            addresses.push(format!("/twin?part={at}&{query}"));
            addresses.push(format!("/twin/{at}?{query}"));
            if at == "axon" {
                addresses.push(format!("/twin/velocity?{query}"));
            }
        }
        let patient = marie.patient("Curie", "Marie", "1967-11-07").await;
        let course = format!("/patients/{patient}/course");
        // Every field that the form has, over many years.
        let mut form = course_form("2001-03-10");
        form.extend([("lesion_on_2", "2010-01-01"), ("lesion_length_2", "20"), ("lesion_myelin_2", "5")]);
        form.extend([("lesion_on_3", "2024-01-01"), ("lesion_length_3", "30"), ("lesion_myelin_3", "10")]);
        form.extend([("treatment_on", "2011-01-01"), ("efficacy", "50")]);
        let measured: Vec<[String; 2]> =
            (1..=6).map(|i| [format!("measured_on_{i}"), format!("measured_ms_{i}")]).collect();
        for [on, ms] in &measured {
            form.extend([(on.as_str(), "2012-01-01"), (ms.as_str(), "120")]);
        }
        marie.post(&course, &form).await.is(303);
        addresses.push(course);
        for address in addresses {
            let took = takes(&mut marie, &address).await;
            assert!(took < AT_ONCE, "{address}: {took:?}");
        }
    });
}

#[test]
fn what_is_no_place_of_a_slider_is_refused_with_its_ends() {
    on(Kind::Sqlite, |clinic| async move {
        let mut marie = clinic.physician("marie").await;
        // Every slider of the page, by its own word.
        let page = marie.get("/twin?wiring=random").await.is(200).text()
            + &marie.get("/twin?part=network&wiring=chain").await.is(200).text();
        let attribute = |tag: &str, name: &str| {
            tag.split(&format!(" {name}=\"")).nth(1).and_then(|rest| rest.split('"').next()).map(str::to_owned)
        };
        let mut found = std::collections::BTreeMap::new();
        for tag in page.split("<input type=\"range\"").skip(1).map(|rest| rest.split('>').next().unwrap()) {
            let [name, low, high] = ["name", "min", "max"].map(|key| attribute(tag, key).unwrap());
            found.insert(name, (low.parse::<f64>().unwrap(), high.parse::<f64>().unwrap()));
        }
        let names: Vec<&str> = found.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "connections",
                "current",
                "delay",
                "diameter",
                "drive",
                "failure",
                "jitter",
                "length",
                "myelin",
                "temperature",
                "window"
            ]
        );
        for (name, (low, high)) in &found {
            let part = match name.as_str() {
                "current" | "window" => "neuron",
                "diameter" | "myelin" | "temperature" => "axon",
                _ => "network",
            };
            for end in [low, high] {
                marie.get(&format!("/twin/{part}?{name}={end}")).await.is(200);
            }
            let outside = [(low - 0.01).to_string(), (high + 0.01).to_string()];
            for value in outside.iter().map(String::as_str).chain(["NaN", "inf", "-1e300", "", "x", "%3Cscript%3E"]) {
                let mut addresses = vec![format!("/twin?{name}={value}"), format!("/twin/{part}?{name}={value}")];
                if part == "axon" {
                    addresses.push(format!("/twin/velocity?{name}={value}"));
                }
                for address in addresses {
                    let page = marie.get(&address).await.is(422);
                    assert!(page.has("this takes values from") && !page.has("<script>"), "{address}: {}", page.text());
                }
            }
        }
        marie.get("/twin?wiring=ring").await.is(422);
        // In the visitor's language.
        marie.post("/language", &[("language", "fr"), ("back", "/")]).await.is(303);
        let page = marie.get("/twin?myelin=2").await.is(422);
        assert!(page.has("Myéline restant dans la lésion\u{a0}: les valeurs vont de 2"), "{}", page.text());
    });
}

#[test]
fn a_button_puts_all_sliders_of_the_axons() {
    on(Kind::Sqlite, |clinic| async move {
        let mut marie = clinic.physician("marie").await;
        let page = marie.get("/twin?part=network&choose=severe&drive=2&wiring=random&delay=0.5").await.is(200);
        assert!(page.has("Axons: 5.0 ± 1.5 ms more, 30 % lost."), "{}", page.text());
        assert!(page.has("value=\"severe\" class=\"secondary outline\" aria-pressed=\"true\""));
        assert!(page.has("400 neurons") && page.has("R·I = 2.00"), "the rest stays: {}", page.text());
        let chain = marie.get("/twin?part=network&choose=chain&drive=2&wiring=random&delay=0.5").await.is(200);
        assert!(chain.has("first of 10 neurons") && chain.has("aria-pressed=\"true\" hx-get"), "{}", chain.text());
        // A part alone, and no other section.
        assert!(!chain.has("id=\"axon\"") && marie.get("/twin").await.has("id=\"axon\""));
    });
}

#[test]
fn what_a_course_cannot_hold_is_refused_with_its_range() {
    on(Kind::Sqlite, |clinic| async move {
        let mut marie = clinic.physician("marie").await;
        let patient = marie.patient("Curie", "Marie", "1967-11-07").await;
        let address = format!("/patients/{patient}/course");
        let mut whole = course_form("2025-03-10");
        whole.extend([("treatment_on", "2025-06-01"), ("efficacy", "60")]);
        whole.extend([("measured_on_1", "2025-04-09"), ("measured_ms_1", "131")]);
        for (field, low, high) in [
            ("latency", 20.0, 300.0),
            ("remyelination", 0.0, 100.0),
            ("half_life", 1.0, 3650.0),
            ("lesion_length_1", 0.1, 40.0),
            ("lesion_myelin_1", 0.0, 100.0),
            ("efficacy", 0.0, 100.0),
            ("measured_ms_1", 20.0, 1000.0),
        ] {
            let outside = [(low - 0.01).to_string(), (high + 0.01).to_string()];
            for value in outside.iter().map(String::as_str).chain(["NaN", "inf", "-1e300", "x"]) {
                let wrong: Vec<(&str, &str)> =
                    whole.iter().map(|&(k, v)| if k == field { (k, value) } else { (k, v) }).collect();
                let page = marie.post(&address, &wrong).await.is(422);
                let told = format!("id=\"fault-{field}\">Give a number from {low} to {high}");
                assert!(page.has(&told), "{field} = {value}: {}", page.text());
            }
            for end in [low, high].map(|end| end.to_string()) {
                let right: Vec<(&str, &str)> =
                    whole.iter().map(|&(k, v)| if k == field { (k, end.as_str()) } else { (k, v) }).collect();
                let stored = marie.post(&address, &right).await.is(303).location().to_owned();
                // What is accepted is followed to its end: no figure is without a number.
                let page = marie.get(&stored).await.is(200);
                assert!(page.has("data:image/svg+xml") && !page.has("NaN"), "{field} = {end}");
            }
        }
    });
}
