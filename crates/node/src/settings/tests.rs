use super::*;

fn resolve(toml: &str) -> Result<Settings, String> {
    Layer::parse(toml)?.resolve().map_err(|e| e.to_string())
}

#[test]
fn an_upper_layer_wins_where_it_speaks() {
    let upper = Layer::parse("region = \"eu-west-1\"").expect("valid");
    let lower = Layer::parse("region = \"us-east-1\"\nlimits = \"off\"").expect("valid");
    let settings = upper.over(lower).resolve().expect("valid");
    assert_eq!(settings.region.expect("region").as_str(), "eu-west-1");
    assert_eq!(settings.limits, Switch::Off);
    assert_eq!(settings.auth, Switch::On);
    assert_eq!(settings.durability, Durability::Sync);
}

#[test]
fn every_setting_can_be_written() {
    let text = r#"
        data = "/var/lib/anabranch"
        listen = "0.0.0.0:4567"
        tls = "auto"
        tls-listen = "[::1]:4568"
        region = "us-east-1"
        account = "123456789012"
        auth = "on"
        access-key-id = "AKIAIOSFODNN7EXAMPLE"
        secret-access-key = "wJalrXUtnFEMI"
        limits = "off"
        durability = "interval=100ms"
        dev = false
        transition-delay = "2s"
        root-key-file = "/etc/anabranch/root.key"
        tail-memory = "1GiB"
        append-memory = "128MiB"
        journal-file = "32MiB"
        body-memory = "64MiB"
        connections-max = 100
        worker-threads = 2
        drain = "5s"
        log-level = "debug"
        log-format = "json"
    "#;
    let layer = Layer::parse(text).expect("valid");
    let settings = layer.clone().resolve().expect("valid");
    assert_eq!(settings.durability, Durability::Interval(Duration::from_millis(100)));
    assert_eq!(settings.transition_delay, Duration::from_secs(2));
    assert_eq!(settings.tail_memory, ByteSize::mib(1024));
    let shown = toml::to_string(&layer).expect("TOML");
    assert!(shown.contains("secret-access-key = \"***\""), "{shown}");
    assert_eq!(shown.lines().count(), 23, "every setting is in this test");
}

#[test]
fn what_does_not_go_together_is_refused_with_the_reason() {
    for (toml, words) in [
        ("auth = \"off\"\nlisten = \"0.0.0.0:4567\"", "listens on loopback addresses only"),
        ("dev = true\nlisten = \"192.168.0.1:80\"", "dev with listen 192.168.0.1:80"),
        ("auth = \"off\"\ntls = \"auto\"\ntls-listen = \"0.0.0.0:1\"", "tls-listen 0.0.0.0:1"),
        ("dev = true\nauth = \"on\"", "dev and auth on"),
        ("dev = true\ndurability = \"sync\"", "durability can only be none"),
        ("tls = \"auto\"\ntls-listen = \"127.0.0.1:4567\"", "a port each"),
        ("body-memory = \"1MiB\"", "must be at least 16MiB"),
        ("body-memory = \"99999999GiB\"", "must be at most 16384GiB"),
        ("append-memory = \"9999999999GiB\"", "must be at most 16384GiB"),
        ("connections-max = 0", "must be from 1"),
        ("worker-threads = 0", "must be from 1 to 1024"),
        ("worker-threads = 1000000", "must be from 1 to 1024"),
        ("log-level = \"loud\"", "is not one of off, error"),
        ("log-level = \"info,gateway=loud\"", "is not one of off, error"),
        ("auth = 2", "on or off (or true"),
        ("auth = \"maybe\"", "is not on or off (or true"),
        ("dev = \"maybe\"", "is not on or off (or true"),
        ("listen = \"4567\"", "such as 127.0.0.1:4567"),
        ("tls-listen = \"nowhere\"", "such as 127.0.0.1:4567"),
        ("drain = \"99999999999h\"", "24h at most"),
        ("region = \"US\"", "not a valid region"),
        ("account = \"1\"", "not a valid account id"),
        ("access-key-id = \"AKIAIOSFODNN7EXAMPLE\"", "go together"),
        ("acces-key = 1", "unknown field"),
        ("durability = \"maybe\"", "interval=DURATION"),
    ] {
        let error = resolve(toml).expect_err(toml);
        assert!(error.contains(words), "{toml}: {error}");
    }
    assert!(resolve("dev = true").is_ok());
    assert!(resolve("dev = \"on\"").expect("valid").dev && !resolve("dev = 0").expect("valid").dev);
    assert_eq!(resolve("auth = false").expect("valid").auth, Switch::Off);
    assert_eq!(resolve("limits = 1").expect("valid").limits, Switch::On);
    let listen = resolve("listen = \"localhost:0\"").expect("valid").listen;
    assert_eq!(listen.to_string(), "127.0.0.1:0");
    assert!(resolve("auth = \"off\"\nlisten = \"[::1]:0\"").is_ok());
}
