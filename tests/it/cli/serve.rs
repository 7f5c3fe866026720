//! `leadgate serve` and `leadgate healthcheck`: starting, refusing to start, and stopping.

use super::Place;

#[test]
fn a_server_serves_until_it_is_told_to_stop() {
    let place = Place::new();
    for signal in ["TERM", "INT"] {
        let mut server = place.serve(&[]);
        for service in ["leadgate.startup", "leadgate.readiness", "leadgate.liveness"] {
            place.run(&["healthcheck", "--address", &server.health, "--service", service]).expect(0);
        }
        place.run(&["healthcheck", "--address", &server.address, "--service", "leadgate.v1.DedupService"]).expect(0);
        place.run(&["healthcheck", "--address", &server.address, "--service", "nobody"]).expect(2);
        server.signal(signal);
        assert_eq!(server.wait(), 0, "{signal}");
        place.run(&["healthcheck", "--address", &server.health]).expect(3);
    }
    assert!(super::exists(&place.path("leadgate-data/store")), "the default data folder");
}

#[test]
fn a_port_or_folder_in_use_is_told() {
    let place = Place::new();
    let server = place.serve(&["--data-dir=data"]);
    let port =
        place.run(&["serve", "--listen", &server.address, "--health-listen=off", "--data-dir", "other"]).expect(6);
    assert!(port.err.contains(&format!("cannot listen on {}", server.address)), "{port:#?}");
    let folder = place.run(&["serve", "--listen=127.0.0.1:0", "--health-listen=off", "--data-dir", "data"]).expect(6);
    assert!(folder.err.contains("is in use by another process"), "{folder:#?}");
    let verify = place.run(&["verify", "--data-dir", "data"]).expect(6);
    assert!(verify.err.contains("is in use by another process"), "{verify:#?}");
    place.write("leads.csv", "id\n1\n");
    let import = place.run(&["import", "leads.csv", "--data-dir", "data"]).expect(6);
    assert!(import.err.contains("is in use by another process"), "{import:#?}");
}

#[test]
fn every_wrong_setting_is_told_before_anything_starts() {
    let place = Place::new();
    place.write("config.yaml", "listen: nowhere\ncolour: red\npolicy: policy.yaml\n");
    place.write("policy.yaml", "format: 1\n");
    let mut command = place.command(&["serve", "--config", "config.yaml", "--drain-deadline-ms", "soon"]);
    let ended = super::ended(command.env("LEADGATE_METRICS_LISTEN", "x").output().expect("run")).expect(2);
    for expected in [
        "config.yaml:1: listen: `nowhere` is not allowed",
        "config.yaml:2: colour: unknown key",
        "policy.yaml:1: version: is missing",
        "LEADGATE_METRICS_LISTEN: `x` is not allowed",
        "--drain-deadline-ms: `soon` is not allowed",
    ] {
        assert!(ended.err.contains(expected), "{expected}: {ended:#?}");
    }
    assert!(!super::exists(&place.path("leadgate-data")));
}

#[test]
fn metrics_are_served_where_they_are_wanted() {
    use std::io::{Read as _, Write as _};
    let place = Place::new();
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address");
    let _server = place.serve(&[&format!("--metrics-listen={free}")]);
    let mut stream = std::net::TcpStream::connect(free).expect("metrics");
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").expect("asked");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
