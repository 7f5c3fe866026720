//! `leadgate bench` on a small scale: every workload comes to its end without an error. What it measures is not looked at.

use super::Place;

const WORKLOADS: &str =
    "health,match-exact,upsert-existing,upsert-hot,upsert-hot-target,upsert-new,mixed,batch-new,stream-new";

fn bench(place: &Place, arguments: &[&str]) -> serde_json::Value {
    let usual = ["bench", "--output=json", "--connections=4", "--warmup=0", "--batch-size=10", "--hot-keys=3"];
    let ended = place.run(&[&usual, arguments].concat()).expect(0);
    serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {}", ended.out))
}

#[test]
fn every_workload_ends_without_an_error() {
    let place = Place::new();
    let results = bench(&place, &["--leads=300", "--seconds=0.2", "--reopen", "--workloads", WORKLOADS]);
    let workloads = results["workloads"].as_array().expect("workloads");
    assert_eq!(workloads.len(), WORKLOADS.split(',').count());
    for workload in workloads {
        assert!(workload["rate_per_second"].as_f64().expect("a rate") > 0.0, "{workload}");
        assert_eq!(workload["errors"], serde_json::json!({}), "{workload}");
    }
    let left: Vec<_> = std::fs::read_dir(place.path(".")).expect("a folder").collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_number_of_requests_or_a_rate_can_be_asked_for() {
    let place = Place::new();
    let requests = |results: &serde_json::Value| results["workloads"][0]["requests"].as_u64().expect("a count");
    let counted = bench(&place, &["--leads=0", "--requests=200", "--workload=stream-new"]);
    assert_eq!(requests(&counted), 200);
    let paced = bench(&place, &["--leads=0", "--seconds=1", "--rate=100", "--workload=upsert-new"]);
    assert!(requests(&paced) <= 110, "{paced}");
}
