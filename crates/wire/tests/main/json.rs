use anabranch_wire::Protocol;
use anabranch_wire::json::JsonReader;
use base::codec::Reader;
use base::time::Timestamp;
use base::violations::Violations;
use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use serde_json::Value;

use crate::shapes::{Everything, Nothing, PutRecords, strategy};

fn decode<T: base::codec::Decode>(body: &str) -> Result<T, Option<String>> {
    Protocol::Json11
        .decode(Bytes::copy_from_slice(body.as_bytes()), &mut Violations::new())
        .map_err(|error| error.message)
}

fn encode(shape: &Everything) -> String {
    let mut out = Vec::new();
    Protocol::Json11.encode(shape, &mut out);
    String::from_utf8(out).expect("JSON is text")
}

#[track_caller]
fn check_error(body: &str, message: &str) {
    assert_eq!(decode::<Everything>(body), Err(Some(message.to_owned())), "{body}");
}

#[test]
fn values_of_the_wrong_type_are_worded_as_the_service_does() {
    let number = "class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to";
    check_error(r#"{"Text":1}"#, &format!("{number} an String"));
    check_error(r#"{"Text":true}"#, "class java.lang.Boolean can not be converted to an String");
    check_error(r#"{"Small":"1"}"#, "class java.lang.String can not be converted to an Integer");
    check_error(r#"{"Large":false}"#, "class java.lang.Boolean can not be converted to an Long");
    check_error(r#"{"Real":"1"}"#, "class java.lang.String can not be converted to an Double");
    check_error(r#"{"Flag":0}"#, &format!("{number} an Boolean"));
    check_error(r#"{"Flag":"yess"}"#, "'YESS' can not be converted to an Boolean");
    check_error(r#"{"Blob":1}"#, &format!("{number} a Blob"));
    check_error(r#"{"Time":"2020"}"#, "class java.lang.String can not be converted to milliseconds since epoch");
    check_error(r#"{"Text":[]}"#, "Start of list found where not expected");
    check_error(r#"{"Text":{}}"#, "Start of structure or map found where not expected.");
    check_error(r#"{"List":"x"}"#, "Expected list or null");
    check_error(r#"{"List":{}}"#, "Start of structure or map found where not expected.");
    check_error(r#"{"Map":1}"#, "Expected map or null");
    check_error(r#"{"Map":[]}"#, "Start of list found where not expected");
    check_error(r#"{"Nested":1}"#, "Expected null");
    check_error(r#"{"Nested":[]}"#, "Start of list found where not expected");
}

#[test]
fn broken_base64_is_worded_as_the_service_does() {
    check_error(
        r#"{"Blob":"A"}"#,
        "'A' can not be converted to a Blob: Base64 encoded length is expected a multiple of 4 bytes but found: 1",
    );
    check_error(r#"{"Blob":"AA*A"}"#, "'AA*A' can not be converted to a Blob: Invalid Base64 character: '*'");
    check_error(r#"{"Blob":"A=AA"}"#, "'A=AA' can not be converted to a Blob: Invalid Base64 character: '='");
    check_error(
        r#"{"Blob":"AB=="}"#,
        "'AB==' can not be converted to a Blob: Invalid last non-pad Base64 character dectected",
    );
    check_error(r#"{"Blob":"=+/="}"#, "'=+/=' can not be converted to a Blob: Invalid Base64 character: '='");
    check_error(r#"{"Blob":"AAA\n"}"#, "'AAA\n' can not be converted to a Blob: Invalid Base64 character: '\n'");
    check_error(r#"{"Blob":"AA A"}"#, "'AA A' can not be converted to a Blob: Invalid Base64 character: ' '");
    check_error(r#"{"Blob":"===="}"#, "'====' can not be converted to a Blob: Invalid Base64 character: '='");
    check_error(r#"{"Blob":"__--"}"#, "'__--' can not be converted to a Blob: Invalid Base64 character: '_'");
}

#[test]
fn malformed_bodies_have_no_text() {
    for body in [
        "",
        " ",
        "1",
        "[]",
        "null",
        "\"x\"",
        "{",
        "{}x",
        "{}{}",
        "{\"Text\"}",
        "{\"Text\":}",
        "{\"Text\":\"a}",
        "{,}",
        "{\"Text\":\"a\",}",
        "{\"Text\":\"a\" \"Flag\":true}",
        "{\"List\":[\"a\",]}",
        "{\"List\":[,\"a\"]}",
        "{\"List\":[\"a\" \"b\"]}",
        "{\"List\":[null]}",
        "{\"Small\":01}",
        "{\"Small\":-}",
        "{\"Small\":1.}",
        "{\"Small\":1e}",
        "{\"Small\":+1}",
        "{\"Text\":\"\\x\"}",
        "{\"Text\":\"\\ud800\"}",
        "{\"Text\":\"\\udc00x\"}",
        "{\"Text\":\"\\ud800\\u0041\"}",
        "{\"Text\":\"\\u12\"}",
        "{\"Text\":\"\n\"}",
        "{\"Flag\":tru}",
        "{\"x\":[}}",
        "{\"x\":{\"a\":1]}",
        "{\"Text\":nul}",
        "{Text:1}",
        "\u{feff}{}",
    ] {
        assert_eq!(decode::<Everything>(body), Err(None), "{body:?}");
    }
    assert!(
        Protocol::Json11.decode::<Nothing>(Bytes::from_static(b"{\"a\":\"\xff\"}"), &mut Violations::new()).is_err()
    );
}

#[test]
fn nulls_unknown_members_and_repeats() {
    let shape: Everything = decode(
        r#" { "Other" : [ { "a" : [ ] , "b" : {} } , 1e5, -0.5, true, null, "\ud83d\ude00" ] , "Text" : null,
           "Small": 1, "Sm\u0061ll": 2, "Nested": { "Text": "in", "zzz": {} }, "Map": {"a": "1", "b": null} } "#,
    )
    .expect("well formed");
    let expected = Everything {
        small: Some(2),
        nested: Some(Box::new(Everything { text: Some("in".into()), ..Everything::default() })),
        map: Some(vec![("a".into(), "1".into())]),
        ..Everything::default()
    };
    assert_eq!(shape, expected);
}

#[test]
fn numbers_are_floored_and_saturate() {
    for (text, small, large) in [
        ("0", 0, 0),
        ("-0", 0, 0),
        ("1.9", 1, 1),
        ("-1.1", -2, -2),
        ("1e3", 1000, 1000),
        ("2147483648", i32::MAX, 2_147_483_648),
        ("-3000000000", i32::MIN, -3_000_000_000),
        ("99999999999999999999", i32::MAX, i64::MAX),
        ("-99999999999999999999", i32::MIN, i64::MIN),
        ("1e400", i32::MAX, i64::MAX),
        ("-1e400", i32::MIN, i64::MIN),
    ] {
        let shape: Everything = decode(&format!(r#"{{"Small":{text},"Large":{text}}}"#)).expect("a number");
        assert_eq!((shape.small, shape.large), (Some(small), Some(large)), "{text}");
    }
    let shape: Everything = decode(r#"{"Real":1e400}"#).expect("a number");
    assert_eq!(shape.real, Some(f64::MAX));
}

#[test]
fn timestamps_are_seconds_with_a_fraction() {
    for (text, millis) in [
        ("1700000000", 1_700_000_000_000),
        ("1700000000.123", 1_700_000_000_123),
        ("1.7e9", 1_700_000_000_000),
        ("-1.5", -1500),
        ("0", 0),
    ] {
        let shape: Everything = decode(&format!(r#"{{"Time":{text}}}"#)).expect("a number");
        assert_eq!(shape.time, Some(Timestamp::from_millis(millis)), "{text}");
    }
    for (millis, text) in [
        (1_700_000_000_000, "1700000000"),
        (1_700_000_000_120, "1700000000.120"),
        (1_700_000_000_007, "1700000000.007"),
        (-1500, "-1.500"),
        (-7, "-0.007"),
    ] {
        let shape = Everything { time: Some(Timestamp::from_millis(millis)), ..Everything::default() };
        assert_eq!(encode(&shape), format!(r#"{{"Time":{text}}}"#));
    }
}

#[test]
fn some_words_are_booleans() {
    for (word, flag) in [("true", true), ("YES", true), ("1", true), ("False", false), ("no", false), ("0", false)] {
        let shape: Everything = decode(&format!(r#"{{"Flag":"{word}"}}"#)).expect("a boolean");
        assert_eq!(shape.flag, Some(flag), "{word}");
    }
}

#[test]
fn blobs_with_escaped_slashes_are_read() {
    let shape: Everything = decode(r#"{"Blob":"\/\/\/\/","Text":"\/"}"#).expect("a blob");
    assert_eq!((shape.blob, shape.text), (Some(Bytes::from_static(b"\xff\xff\xff")), Some("/".into())));
}

#[test]
fn values_are_appended_as_they_are_read() {
    let body = r#"["plain","\u00e9\n","","YWJj","\/\/\/\/","",1,"a"]"#;
    let mut reader = JsonReader::new(Bytes::from_static(body.as_bytes())).expect("text");
    let (mut text, mut blobs) = (String::from("-"), BytesMut::from("-"));
    reader.begin_list().expect("a list");
    for element in 0..6 {
        assert_eq!(reader.next_element(), Ok(true));
        let taken = if element < 3 { reader.string_into(&mut text) } else { reader.blob_into(&mut blobs) };
        assert_eq!(taken, Ok(()), "{element}");
    }
    assert_eq!((&*text, &blobs[..]), ("-plain\u{e9}\n", &b"-abc\xff\xff\xff"[..]));
    assert_eq!(reader.next_element(), Ok(true));
    assert!(reader.string_into(&mut text).is_err_and(|error| error.message.is_some()));
    reader.integer().expect("a number");
    assert_eq!(reader.next_element(), Ok(true));
    assert!(reader.blob_into(&mut blobs).is_err(), "not base64");
    assert_eq!((text.len(), blobs.len()), (9, 7), "what is refused leaves nothing");
}

#[test]
fn names_are_known_however_they_are_spelled() {
    let shape = |body: &str| decode::<Everything>(body).expect("a structure").text.map(|text| text.to_string());
    assert_eq!(shape(r#"{"T\u0065xt" : "a"}"#).as_deref(), Some("a"));
    assert_eq!(shape(r#"{"Tex":"a","Texts":"b","text":"c"}"#), None);
    assert!(decode::<Everything>(r#"{"Text" "a"}"#).is_err());
    assert!(decode::<Everything>(r#"{"Text"#).is_err());
}

#[test]
fn structures_are_counted() {
    let body = |count: usize| format!("{{\"StreamName\":\"s\",\"Records\":[{}]}}", vec!["{}"; count].join(","));
    let text = "The body has more than 262144 structures".to_owned();
    assert_eq!(decode::<PutRecords>(&body(1 << 18)).map(drop), Err(Some(text.clone())));
    assert_ne!(decode::<PutRecords>(&body((1 << 18) - 1)).map(drop), Err(Some(text)));
}

#[test]
fn depth_is_limited() {
    let lists = |depth: usize| format!("{{\"x\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    assert!(decode::<Nothing>(&lists(anabranch_wire::DEPTH_MAX - 1)).is_ok());
    assert!(decode::<Nothing>(&lists(anabranch_wire::DEPTH_MAX)).is_err());
    let shapes = |depth: usize| format!("{}{{}}{}", "{\"Nested\":".repeat(depth), "}".repeat(depth));
    assert!(decode::<Everything>(&shapes(anabranch_wire::DEPTH_MAX - 1)).is_ok());
    assert!(decode::<Everything>(&shapes(anabranch_wire::DEPTH_MAX)).is_err());
    assert!(decode::<Nothing>(&format!("{{\"x\":{}", "[".repeat(1_000_000))).is_err());
}

#[test]
fn output_is_compact() {
    let shape = Everything {
        text: Some("a\"b\\c\n\u{1}é".into()),
        blob: Some(Bytes::from_static(b"hello")),
        flag: Some(false),
        small: Some(0),
        real: Some(f64::NAN),
        list: Some(vec!["x".into(), "y".into()]),
        map: Some(vec![("k".into(), "v".into()), ("l".into(), "w".into())]),
        nested: Some(Box::default()),
        ..Everything::default()
    };
    assert_eq!(
        encode(&shape),
        "{\"Text\":\"a\\\"b\\\\c\\n\\u0001é\",\"Blob\":\"aGVsbG8=\",\"Flag\":false,\"Small\":0,\"Real\":\"NaN\",\
         \"List\":[\"x\",\"y\"],\"Map\":{\"k\":\"v\",\"l\":\"w\"},\"Nested\":{}}"
    );
}

/// Any JSON value, four levels deep.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Whether serde_json reads the body as an object; what it cannot hold in a double is still JSON.
fn oracle(body: &[u8]) -> bool {
    match serde_json::from_slice::<serde_json::Map<String, Value>>(body) {
        Ok(_) => true,
        Err(error) => error.to_string().contains("number out of range"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_value_is_passed_over(value in value(), pretty in any::<bool>()) {
        let body = serde_json::json!({ "x": value });
        let text = if pretty { serde_json::to_string_pretty(&body) } else { serde_json::to_string(&body) };
        prop_assert!(decode::<Nothing>(&text.expect("a value is JSON")).is_ok());
    }

    #[test]
    fn damaged_bodies_are_judged_as_serde_json_does(
        value in value(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(b"{}[]\",:\\u0e-. tn\x00\xff".to_vec())), 1..3),
    ) {
        let mut body = serde_json::to_vec(&serde_json::json!({ "x": value })).expect("a value is JSON");
        for (index, byte) in damage {
            let at = index.index(body.len());
            body[at] = byte;
        }
        let result = Protocol::Json11.decode::<Nothing>(Bytes::from(body.clone()), &mut Violations::new());
        // A number too large for serde_json may hide damage behind it.
        if oracle(&body) == result.is_ok() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&body).into_owned();
        let error = serde_json::from_slice::<serde_json::Map<String, Value>>(&body).map(drop).err().map(|e| e.to_string());
        prop_assert!(error.as_deref().is_some_and(|e| e.contains("number out of range")), "{text} {error:?}");
    }

    #[test]
    fn strings_are_read_as_serde_json_does(text in "([a-z\"é]|\\\\[\"\\\\/bfnrtux]|\\\\u[0-9a-fA-F]{4}|\\\\ud83d\\\\ude00){0,12}") {
        let body = format!("{{\"Text\":\"{text}\"}}");
        let ours = decode::<Everything>(&body).ok().and_then(|shape| shape.text.map(|t| t.to_string()));
        let theirs: Option<Value> = serde_json::from_str(&body).ok();
        let theirs = theirs.and_then(|v| v["Text"].as_str().map(str::to_owned));
        prop_assert_eq!(ours, theirs, "{}", body);
    }

    #[test]
    fn shapes_come_back(shape in strategy::everything()) {
        let text = encode(&shape);
        let parsed: Value = serde_json::from_str(&text).expect("what is written is JSON");
        if let Some(value) = &shape.text {
            prop_assert_eq!(parsed["Text"].as_str(), Some(&**value));
        }
        prop_assert_eq!(decode::<Everything>(&text), Ok(shape.clone()));
        // The same through another writer, which escapes, spaces and sorts differently and rounds doubles.
        let again = serde_json::to_string_pretty(&parsed).expect("a value is JSON");
        if shape.map.is_none() && shape.nested.is_none() && shape.real.is_none() {
            prop_assert_eq!(decode::<Everything>(&again), Ok(shape));
        }
    }
}

pub fn put_records_body(count: usize, bytes: usize) -> String {
    let data = base64_simd::STANDARD.encode_to_string(vec![b'x'; bytes]);
    let records: Vec<String> =
        (0..count).map(|i| format!(r#"{{"Data":"{data}","PartitionKey":"partition-key-{i}"}}"#)).collect();
    format!(r#"{{"StreamName":"stream","Records":[{}]}}"#, records.join(","))
}

#[test]
fn put_records_shares_the_body() {
    let body = Bytes::from(put_records_body(500, 100));
    let range = body.as_ptr_range();
    let shape: PutRecords = Protocol::Json11.decode(body.clone(), &mut Violations::new()).expect("well formed");
    assert_eq!(shape.stream, "stream");
    assert_eq!(shape.records.len(), 500);
    for (i, (data, key)) in shape.records.iter().enumerate() {
        assert_eq!(data, &vec![b'x'; 100]);
        assert_eq!(*key, format!("partition-key-{i}"));
        assert!(range.contains(&key.as_ptr()), "the key is a slice of the body");
    }
    let distance = shape.records[499].0.as_ptr() as usize - shape.records[0].0.as_ptr() as usize;
    assert_eq!(distance, 499 * 100, "blobs lie one after the other in one buffer");
}
