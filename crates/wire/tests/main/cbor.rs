use anabranch_wire::Protocol;
use anabranch_wire::cbor::{CborReader, CborWriter, Dialect};
use base::codec::{Encode, Reader};
use base::time::Timestamp;
use base::violations::Violations;
use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

use crate::shapes::{Everything, Nothing, PutRecords, strategy};
use crate::{unhex, vectors};

fn decode<T: base::codec::Decode>(body: &[u8]) -> Result<T, Option<String>> {
    Protocol::Cbor.decode(Bytes::copy_from_slice(body), &mut Violations::new()).map_err(|error| error.message)
}

fn vector(name: &str) -> Bytes {
    let all = vectors("cbor_bodies.json");
    let found = all.as_array().expect("a list").iter().find(|v| v["name"] == name).expect("the vector exists");
    unhex(found["hex"].as_str().expect("text")).into()
}

#[test]
fn put_record() {
    let body = vector("PutRecord.request");
    let mut reader = CborReader::new(body.clone(), Dialect::Kinesis);
    reader.begin_struct().expect("a map");
    let names = &["Data", "PartitionKey", "StreamName"];
    assert_eq!(reader.next_field(names), Ok(Some(2)));
    assert_eq!(reader.string().expect("text"), "s1");
    assert_eq!(reader.next_field(names), Ok(Some(0)));
    let blob = reader.blob().expect("bytes");
    assert_eq!(blob, "hello");
    assert!(body.as_ptr_range().contains(&blob.as_ptr()), "the blob is a slice of the body");
    assert_eq!(reader.next_field(names), Ok(Some(1)));
    assert_eq!(reader.string().expect("text"), "pk");
    assert_eq!(reader.next_field(names), Ok(None));
    assert_eq!(reader.finish(), Ok(()));
}

#[test]
fn timestamps_of_kinesis_are_milliseconds() {
    let mut reader = CborReader::new(vector("GetShardIterator.request"), Dialect::Kinesis);
    reader.begin_struct().expect("a map");
    assert_eq!(reader.next_field(&["Timestamp"]), Ok(Some(0)));
    assert_eq!(reader.timestamp(), Ok(Timestamp::from_millis(1_700_000_000_123)));
    assert_eq!(reader.next_field(&["Timestamp"]), Ok(None));
}

#[test]
fn timestamps_of_rpcv2_are_seconds() {
    let body = vector("rpcv2.PutMetricData.request");
    let mut reader = CborReader::new(body.clone(), Dialect::RpcV2);
    reader.begin_struct().expect("a map");
    assert_eq!(reader.next_field(&["MetricData"]), Ok(Some(0)));
    reader.begin_list().expect("a list");
    assert_eq!(reader.next_element(), Ok(true));
    reader.begin_struct().expect("a map");
    assert_eq!(reader.next_field(&["Timestamp", "Value"]), Ok(Some(0)));
    assert_eq!(reader.timestamp(), Ok(Timestamp::from_millis(1_700_000_000_123)));
    assert_eq!(reader.next_field(&["Timestamp", "Value"]), Ok(Some(1)));
    assert_eq!(reader.double(), Ok(1.5));
    assert_eq!(reader.next_field(&[]), Ok(None));
    assert_eq!(reader.next_element(), Ok(false));
    assert_eq!(reader.next_field(&[]), Ok(None));
    assert_eq!(reader.finish(), Ok(()));

    let mut out = Vec::new();
    let shape = Everything { time: Some(Timestamp::from_millis(1_700_000_000_123)), ..Everything::default() };
    shape.encode(&mut CborWriter::new(&mut out, Dialect::RpcV2));
    let tagged = &unhex("c1fb41d954fc4007df3b")[..];
    assert!(out.windows(tagged.len()).any(|w| w == tagged) && body.windows(tagged.len()).any(|w| w == tagged));
}

#[test]
fn timestamps_are_written_as_java_reads_them() {
    let mut out = Vec::new();
    let shape = Everything { time: Some(Timestamp::from_millis(1_700_000_000_123)), ..Everything::default() };
    Protocol::Cbor.encode(&shape, &mut out);
    assert_eq!(out[..], unhex("bf6454696d65c11b0000018bcfe5687bff")[..]);
}

#[test]
fn indefinite_map() {
    let shape: PutRecords = decode(&vector("indefinite.map")).expect("a map");
    assert_eq!(shape.stream, "s1");
}

#[test]
fn error() {
    let mut reader = CborReader::new(vector("error.response"), Dialect::Kinesis);
    let names = &["__type", "message"];
    reader.begin_struct().expect("a map");
    assert_eq!(reader.next_field(names), Ok(Some(0)));
    assert_eq!(reader.string().expect("text"), "ResourceNotFoundException");
    assert_eq!(reader.next_field(names), Ok(Some(1)));
    assert_eq!(reader.string().expect("text"), "Stream missing under account 123456789012 not found.");
    assert_eq!(reader.next_field(names), Ok(None));
    assert_eq!(reader.finish(), Ok(()));
}

#[test]
fn get_records() {
    let mut reader = CborReader::new(vector("GetRecords.response"), Dialect::Kinesis);
    reader.begin_struct().expect("a map");
    assert_eq!(reader.next_field(&["Records"]), Ok(Some(0)));
    reader.begin_list().expect("a list");
    assert_eq!(reader.next_element(), Ok(true));
    reader.begin_struct().expect("a map");
    assert_eq!(reader.next_field(&["ApproximateArrivalTimestamp"]), Ok(Some(0)));
    assert_eq!(reader.timestamp(), Ok(Timestamp::from_millis(1_700_000_000_123)));
    assert_eq!(reader.next_field(&["ApproximateArrivalTimestamp"]), Ok(None));
    assert_eq!(reader.next_element(), Ok(false));
    assert_eq!(reader.next_field(&["Records"]), Ok(None));
    assert_eq!(reader.finish(), Ok(()));
}

#[track_caller]
fn check(hex: &str, expected: Everything) {
    assert_eq!(decode::<Everything>(&unhex(hex)), Ok(expected), "{hex}");
}

#[test]
fn indefinite_forms_and_tolerated_kinds() {
    let none = Everything::default;
    check(
        "bf6454657874 7f6161626263ff ff".replace(' ', "").as_str(),
        Everything { text: Some("abc".into()), ..none() },
    );
    check("a164426c6f625f42010241ffff", Everything { blob: Some(Bytes::from_static(b"\x01\x02\xff")), ..none() });
    check("a1644c6973749f61616162ff", Everything { list: Some(vec!["a".into(), "b".into()]), ..none() });
    check("a1634d6170bf61616162ff", Everything { map: Some(vec![("a".into(), "b".into())]), ..none() });
    check("a17f63546578 6174ff 6178".replace(' ', "").as_str(), Everything { text: Some("x".into()), ..none() });
    // Bare numbers as timestamps, floats as integers, null as absent.
    check("a16454696d651903e8", Everything { time: Some(Timestamp::from_millis(1000)), ..none() });
    check("a16454696d65fb408f400000000000", Everything { time: Some(Timestamp::from_millis(1000)), ..none() });
    check("a165536d616c6cf93e00", Everything { small: Some(1), ..none() });
    check("a165536d616c6c1bffffffffffffffff", Everything { small: Some(i32::MAX), ..none() });
    check("a1654c617267653bffffffffffffffff", Everything { large: Some(i64::MIN), ..none() });
    check("a26454657874f664466c6167f7", none());
    check("a164466c616763796573", Everything { flag: Some(true), ..none() });
}

#[test]
fn values_are_appended_as_they_are_read() {
    // ["abc", (_ "d", "e"), h'0102', (_ h'03', h'04'), 1]
    let body = unhex("8563616263 7f61646165ff 420102 5f41034104ff 01".replace(' ', "").as_str());
    let mut reader = CborReader::new(body.into(), Dialect::Kinesis);
    let (mut text, mut blobs) = (String::from("-"), BytesMut::from("-"));
    reader.begin_list().expect("a list");
    for element in 0..4 {
        assert_eq!(reader.next_element(), Ok(true));
        let taken = if element < 2 { reader.string_into(&mut text) } else { reader.blob_into(&mut blobs) };
        assert_eq!(taken, Ok(()), "{element}");
    }
    assert_eq!((&*text, &blobs[..]), ("-abcde", &b"-\x01\x02\x03\x04"[..]));
    assert_eq!(reader.next_element(), Ok(true));
    assert!(reader.string_into(&mut text).is_err_and(|error| error.message.is_some()));
    assert!(reader.blob_into(&mut blobs).is_err_and(|error| error.message.is_some()));
    let mut reader = CborReader::new(Bytes::from_static(b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff"), Dialect::Kinesis);
    assert!(reader.blob_into(&mut blobs).is_err(), "longer than the body");
}

#[test]
fn malformed_bodies_have_no_text() {
    for hex in [
        "",
        "00",
        "80",
        "f6",
        "a1",
        "a16454657874",
        "a16454657874616161",
        "a0a0",
        "bf6454657874ff",
        "a100 00",
        "a1645465787462ffff",
        "a16454696d65c200",
        "ff",
        "9f",
        "a1644c69737481f6",
        "a1617861fc",
        // Declared lengths far beyond the body.
        "bbffffffffffffffff",
        "a1644c6973749bffffffffffffffff",
        "a164426c6f625bffffffffffffffff",
        "a16454657874 7bffffffffffffffff",
        "a161789bffffffffffffffff",
        "a161785bffffffffffffffff",
        "a161785f5bffffffffffffffff",
    ] {
        assert_eq!(decode::<Everything>(&unhex(&hex.replace(' ', ""))), Err(None), "{hex}");
    }
}

#[test]
fn values_of_the_wrong_type_have_a_text() {
    for (hex, message) in [
        (
            "a1645465787401",
            "class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to an String",
        ),
        ("a16454657874f5", "class java.lang.Boolean can not be converted to an String"),
        ("a164466c6167626e61", "'NA' can not be converted to an Boolean"),
        ("a165536d616c6c6131", "class java.lang.String can not be converted to an Integer"),
        ("a164426c6f6280", "Start of list found where not expected"),
        ("a164426c6f62a0", "Start of structure or map found where not expected."),
        ("a1644c69737401", "Expected list or null"),
        ("a1634d617001", "Expected map or null"),
        ("a1664e657374656401", "Expected null"),
    ] {
        assert_eq!(decode::<Everything>(&unhex(hex)), Err(Some(message.to_owned())), "{hex}");
    }
}

#[test]
fn structures_are_counted() {
    let body = |count: u32| {
        let mut body = unhex("a1675265636f7264739a");
        body.extend(count.to_be_bytes());
        body.extend(vec![0xa0; count as usize]);
        decode::<PutRecords>(&body).map(drop)
    };
    let text = "The body has more than 262144 structures".to_owned();
    assert_eq!(body(1 << 18), Err(Some(text.clone())));
    assert_ne!(body((1 << 18) - 1), Err(Some(text)));
}

#[test]
fn depth_is_limited() {
    let nested = |depth: usize| [unhex("a16178"), vec![0x81; depth - 1], vec![0x80]].concat();
    assert!(decode::<Nothing>(&nested(anabranch_wire::DEPTH_MAX - 1)).is_ok());
    assert!(decode::<Nothing>(&nested(anabranch_wire::DEPTH_MAX)).is_err());
    for byte in [0x81, 0x9f, 0xbf, 0xc1] {
        assert!(decode::<Nothing>(&[unhex("a16178"), vec![byte; 1_000_000]].concat()).is_err());
    }
    let shapes = |depth: usize| [unhex("a1664e6573746564").repeat(depth), vec![0xa0]].concat();
    assert!(decode::<Everything>(&shapes(anabranch_wire::DEPTH_MAX - 1)).is_ok());
    assert!(decode::<Everything>(&shapes(anabranch_wire::DEPTH_MAX)).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn shapes_come_back(shape in strategy::everything()) {
        let mut out = Vec::new();
        Protocol::Cbor.encode(&shape, &mut out);
        prop_assert!(decode::<Nothing>(&out).is_ok());
        prop_assert_eq!(decode::<Everything>(&out), Ok(shape));
    }
}
