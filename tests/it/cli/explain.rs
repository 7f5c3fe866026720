//! `leadgate explain` against a running server.

use super::{Ended, Place, Server, distinct_leads, exists};

/// A server that holds the leads `distinct_leads(3)`.
fn with_server() -> (Place, Server) {
    let place = Place::new();
    place.write("crm.csv", distinct_leads(3));
    place.run(&["import", "crm.csv", "--data-dir", "data"]).expect(0);
    let server = place.serve(&["--data-dir=data"]);
    (place, server)
}

fn explain(place: &Place, server: &Server, arguments: &[&str]) -> Ended {
    place.run(&[&["explain", "--server", &format!("http://{}", server.address), "--source", "web"], arguments].concat())
}

#[test]
fn the_key_that_decided_is_drawn() {
    let (place, server) = with_server();
    let email = ["--email", "p1@company1.example", "--phone", "+12121000002"];
    let ended = explain(&place, &server, &[&email[..], &["--svg", "why.svg"]].concat()).expect(0);
    let line =
        |start: &str| ended.out.lines().find(|line| line.contains(start)).unwrap_or_else(|| panic!("{ended:#?}"));
    assert!(line("EMAIL  ").starts_with("*  EMAIL") && line("EMAIL  ").ends_with("it decided"), "{ended:#?}");
    assert!(line("PHONE  ").contains("+12121000002"), "{ended:#?}");
    assert!(
        ended.out.contains("MATCH by EMAIL, score 1.000")
            && ended.out.contains("An exact key decided")
            && line("email  ").contains("exact")
            && ended.out.contains(" bits, probability 0."),
        "{ended:#?}"
    );
    assert!(ended.out.is_ascii(), "no colours for a file: {ended:#?}");
    let svg = place.read("why.svg");
    assert!(svg.starts_with("<svg ") && svg.contains("p1@company1.example") && !svg.contains("http://127"), "{svg}");
    assert!(!exists(&place.path("why.svg.part")));
}

#[test]
fn another_candidate_is_drawn_when_it_is_asked_for_and_a_stranger_is_refused() {
    let (place, server) = with_server();
    let two = ["--email", "p1@company1.example", "--phone", "+12121000002", "--full-name", "Person2 Family2"];
    let best = explain(&place, &server, &two).expect(0);
    let others: Vec<&str> = best.out.lines().skip_while(|line| !line.starts_with("other candidates")).skip(1).collect();
    let other = others.first().and_then(|line| line.split(' ').next()).unwrap_or_else(|| panic!("{best:#?}"));
    let asked = explain(&place, &server, &[&two[..], &["--candidate", other]].concat()).expect(0);
    assert!(asked.out.starts_with(&format!("lead {other}: ")), "{asked:#?}");
    let refused = explain(&place, &server, &[&two[..], &["--candidate", "nobody"]].concat()).expect(2);
    assert!(refused.err.contains("nobody is no candidate") && refused.err.contains(other), "{refused:#?}");
}

#[test]
fn a_lead_that_nobody_knows_is_told_and_not_drawn() {
    let (place, server) = with_server();
    let ended = explain(&place, &server, &["--email", "nobody@elsewhere.example", "--svg", "why.svg"]).expect(0);
    assert!(ended.out.starts_with("no stored lead comes into question"), "{ended:#?}");
    assert!(ended.err.contains("why.svg is not written") && !exists(&place.path("why.svg")), "{ended:#?}");
}

#[test]
fn where_no_key_agrees_the_weights_that_decided_are_drawn_and_add_up() {
    let place = Place::new();
    place.write(
        "crm.csv",
        "external_id,first_name,last_name,company,title\n\
         1,Robert,Oberschmidt,Acme Logistics GmbH,Head of Sales\n\
         2,Jane,Oberschmidt,Acme Logistics GmbH,\n",
    );
    place.run(&["import", "crm.csv", "--data-dir", "data"]).expect(0);
    let server = place.serve(&["--data-dir=data"]);
    let lead = ["--full-name", "Bob Oberschmidt", "--company", "ACME Logistics", "--title", "Head of Sales"];
    let ended = explain(&place, &server, &[&lead[..], &["--svg", "why.svg"]].concat()).expect(0);
    assert!(ended.out.contains("MATCH by FUZZY, score "), "{ended:#?}");
    for comparison in
        ["Bob Oberschmidt / Robert", "ACME Logistics / Acme Logistics GmbH", "Head of Sales / Head of Sales"]
    {
        assert!(ended.out.contains(comparison), "{comparison}: {ended:#?}");
    }
    let bits = |text: &str| text.parse::<f64>().ok().filter(|_| text.starts_with(['+', '-']));
    // Each line: the field, its weight and the sum so far.
    let steps: Vec<[f64; 2]> = ended
        .out
        .lines()
        .filter_map(|line| line.split_whitespace().filter_map(bits).collect::<Vec<_>>().try_into().ok())
        .collect();
    assert_eq!(steps.len(), 5, "{ended:#?}");
    let mut sum = 0.0;
    for [weight, told] in &steps {
        sum += weight;
        assert_eq!(format!("{sum:.2}"), format!("{told:.2}"), "{ended:#?}");
    }
    let probability = 1.0 / (1.0 + (-sum).exp2());
    assert!(ended.out.contains(&format!("{sum:+.2} bits, probability {probability:.4}: match")), "{ended:#?}");
    assert!(place.read("why.svg").contains("Bob Oberschmidt"));
}
