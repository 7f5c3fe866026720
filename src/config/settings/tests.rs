//! Rows of flags, variables and files: what they set, and what is wrong with them.

use super::*;

/// Settings from (flags, variables, text of the file).
fn load(flags: &[(&str, &str)], variables: &[(&str, &str)], file: Option<&str>) -> Result<Settings, Vec<String>> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = file.map(|text| {
        let path = folder.path().join("config.yaml");
        std::fs::write(&path, text).expect("written");
        path
    });
    let flags = RawSettings::from_flags(flags.iter().map(|(key, text)| (*key, Some((*text).to_owned()))));
    let variables = variables.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    let shown = |mistake: &Mistake| mistake.to_string().replace(&*folder.path().to_string_lossy(), "");
    Settings::load(flags, variables, path.as_deref()).map_err(|mistakes| mistakes.iter().map(shown).collect())
}

#[test]
fn without_anything_the_defaults_hold() {
    let settings = load(&[], &[("PATH", "/bin")], None).expect("settings");
    assert_eq!(format!("{settings:?}"), format!("{:?}", Settings::default()));
    assert_eq!(settings.listen.to_string(), "127.0.0.1:50051");
    assert_eq!(settings.health_listen.map(|address| address.to_string()), Some("127.0.0.1:50052".into()));
    assert_eq!((settings.metrics_listen, settings.engine.data_dir), (None, "./leadgate-data".into()));
}

#[test]
fn flags_win_over_variables_over_the_file() {
    let file = Some("listen: 1.1.1.1:1\ndata_dir: /file\ndrain_deadline_ms: 5\n");
    let variables = [("LEADGATE_LISTEN", "2.2.2.2:2"), ("LEADGATE_DATA_DIR", "/variable"), ("LEADGATE_LOG", "")];
    let settings = load(&[("listen", "[::]:3")], &variables, file).expect("settings");
    assert_eq!(settings.listen.to_string(), "[::]:3");
    assert_eq!(
        (settings.engine.data_dir, settings.server.drain_deadline),
        ("/variable".into(), Duration::from_millis(5))
    );
    assert_eq!(settings.log.filter, "info");
}

#[test]
fn off_and_on_are_understood() {
    for (flag, value, health, metrics) in [
        ("health_listen", "off", None, None),
        ("metrics_listen", "on", Some("127.0.0.1:50052"), Some("127.0.0.1:9464")),
        ("metrics_listen", "off", Some("127.0.0.1:50052"), None),
    ] {
        let settings = load(&[(flag, value)], &[], None).expect(value);
        let shown = |address: Option<SocketAddr>| address.map(|address| address.to_string());
        assert_eq!(
            (shown(settings.health_listen).as_deref(), shown(settings.metrics_listen).as_deref()),
            (health, metrics)
        );
    }
}

#[test]
fn each_mistake_names_its_place_and_what_is_allowed() {
    for (flags, variables, file, expected) in [
        (
            &[("listen", "localhost")][..],
            &[][..],
            None,
            "--listen: `localhost` is not allowed; allowed: an IP address and a port",
        ),
        (
            &[("drain_deadline_ms", "-1")],
            &[],
            None,
            "--drain-deadline-ms: `-1` is not allowed; allowed: a whole number from 0 to 3600000",
        ),
        (&[("log_format", "xml")], &[], None, "--log-format: `xml` is not allowed; allowed: text, json"),
        (&[("log", "a=b=c")], &[], None, "--log: `a=b=c` is not allowed; allowed: off, error"),
        (&[("listen", "127.0.0.1:50052")], &[], None, "--listen: health_listen and listen are both 127.0.0.1:50052"),
        (&[("policy", "/no/such/policy")], &[], None, "/no/such/policy: cannot be read: "),
        (&[], &[("LEADGATE_LISTN", "x")], None, "LEADGATE_LISTN: unknown setting; allowed: LEADGATE_LISTEN, "),
        (&[], &[("LEADGATE_LISTEN", "x")], None, "LEADGATE_LISTEN: `x` is not allowed"),
        (&[], &[], Some("\nlisten: 1\n"), "/config.yaml:2: listen: `1` is not allowed"),
        (&[], &[], Some("colour: red\n"), "/config.yaml:1: colour: unknown key; allowed: listen, "),
        (&[], &[], Some("log: info\nlog: warn\n"), "/config.yaml:2: log: is set a second time"),
        (&[], &[], Some("listen: [a]\n"), "/config.yaml:1: listen: a list is not allowed; allowed: a single value"),
        (&[], &[], Some("- a\n"), "/config.yaml:1: a list is not allowed; allowed: a map of settings"),
        (&[], &[], Some("a: b: c"), "/config.yaml:1: is not YAML: "),
    ] {
        let found = load(flags, variables, file).expect_err(expected);
        assert!(found.len() == 1 && found[0].contains(expected), "{expected}: {found:#?}");
    }
}

#[test]
fn the_variables_of_a_service_called_leadgate_are_no_settings() {
    let variables =
        [("LEADGATE_PORT", "tcp://10.0.0.1:50051"), ("LEADGATE_SERVICE_HOST", "10.0.0.1"), ("LEADGATE_SERVER", "x")];
    assert!(load(&[], &variables, None).is_ok());
}

#[test]
fn mistakes_of_all_layers_and_of_the_policy_are_told_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let policy = folder.path().join("policy.yaml");
    std::fs::write(&policy, "format: 1\nversion: \"1\"\ncolour: red\nmatch_threshold: 7\n").expect("written");
    let found = load(
        &[("listen", "x"), ("policy", &policy.to_string_lossy())],
        &[("LEADGATE_DATA_DIR", "\0"), ("LEADGATE_X", "")],
        Some("health_listen: x\n"),
    );
    assert_eq!(found.expect_err("mistakes").len(), 6);
}

#[test]
fn every_setting_is_taken() {
    for key in KEYS {
        let found = load(&[(key, "\0")], &[], None).expect_err(key);
        assert!(found.len() == 1 && found[0].starts_with("--"), "{key}: {found:?}");
    }
    let flags = [
        ("max_request_bytes", "2048"),
        ("max_reply_bytes", "4096"),
        ("max_concurrent_streams", "3"),
        ("max_pending_reset_streams", "4"),
        ("max_connection_age_ms", "5000"),
        ("stream_in_flight", "6"),
        ("key_queue_limit", "7"),
        ("rate_per_second", "8"),
        ("disk_reserve_mib", "9"),
        ("store_cache_mib", "10"),
        ("row_cache_mib", "11"),
        ("preview_memory_mib", "12"),
        ("index_memory_mib", "16"),
    ];
    let settings = load(&flags, &[], None).expect("settings");
    let server = &settings.server;
    assert_eq!((server.max_request_bytes, server.max_reply_bytes, server.max_concurrent_streams), (2048, 4096, 3));
    assert_eq!((server.max_pending_reset_streams, server.stream_in_flight), (4, 6));
    assert_eq!(server.max_connection_age, Some(Duration::from_secs(5)));
    let engine = &settings.engine;
    assert_eq!((engine.key_queue_limit, engine.limits.rate_per_second), (7, Some(8)));
    assert_eq!((engine.limits.disk_reserve_bytes, engine.store.cache_bytes), (9 << 20, 10 << 20));
    assert_eq!((engine.row_cache_bytes, engine.index.writer_memory_bytes), (11 << 20, 16 << 20));
    assert_eq!(engine.preview_memory_bytes, 12 << 20);
    assert_eq!(load(&[("rate_per_second", "off")], &[], None).expect("off").engine.limits.rate_per_second, None);
}
