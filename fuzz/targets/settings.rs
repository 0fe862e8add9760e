//! Settings of a node: the TOML file, and single values as flags and variables have them.

#![no_main]

use std::fmt::{Debug, Display};
use std::str::FromStr;

use node::settings::{ByteSize, DurabilityMode, Layer, LogFormat, Span, Switch, TlsMode};

libfuzzer_sys::fuzz_target!(|text: &str| {
    check::<ByteSize>(text);
    check::<DurabilityMode>(text);
    check::<Span>(text);
    check::<Switch>(text);
    check::<TlsMode>(text);
    let _ = text.parse::<LogFormat>();
    let Ok(mut layer) = Layer::parse(text) else { return };
    // A secret is not written.
    layer.secret_access_key = None;
    assert_eq!(layer.clone().over(Layer::default()), layer);
    let written = toml::to_string(&layer).expect("a layer is TOML");
    assert_eq!(Layer::parse(&written).as_ref(), Ok(&layer), "{written}");
    if let Err(error) = layer.resolve() {
        assert!(!error.to_string().is_empty());
    }
});

fn check<T: FromStr + Display + Debug + PartialEq>(text: &str) {
    let Ok(read) = text.parse::<T>() else { return };
    let written = read.to_string();
    assert!(written.parse().is_ok_and(|again: T| again == read), "{written:?} is not {read:?}");
}
