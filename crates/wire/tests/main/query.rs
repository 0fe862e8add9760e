use anabranch_wire::DEPTH_MAX;
use anabranch_wire::query::{QueryReader, QueryReply};
use base::codec::{Decode, DecodeError, Reader};
use base::time::Timestamp;
use base::violations::Violations;
use bytes::Bytes;
use bytestring::ByteString;
use proptest::prelude::*;

use crate::shapes::{Everything, Nothing, PutRecords, strategy};

fn decode<T: Decode>(form: impl Into<Bytes>) -> Result<T, DecodeError> {
    let mut reader = QueryReader::new(&form.into())?;
    let shape = T::decode(&mut reader, &mut Violations::new())?;
    reader.finish()?;
    Ok(shape)
}

#[track_caller]
fn check(form: &'static str, expected: &Everything) {
    assert_eq!(decode::<Everything>(form).as_ref(), Ok(expected), "{form}");
}

#[track_caller]
fn refused(form: &'static str, message: Option<&str>) {
    let error = decode::<Everything>(form).expect_err("refused");
    assert_eq!(error.message.as_deref(), message, "{form}");
}

fn texts(texts: &[&str]) -> Option<Vec<ByteString>> {
    Some(texts.iter().map(|text| ByteString::from(*text)).collect())
}

#[test]
fn values_of_every_type() {
    check("Action=X&Version=Y", &Everything::default());
    check(
        "Text=a+b%26c%3Dd%C3%A9&Blob=aGVsbG8%3D&Flag=true&Small=-7&Large=9007199254740993&Real=1.5e3",
        &Everything {
            text: Some("a b&c=dé".into()),
            blob: Some(Bytes::from_static(b"hello")),
            flag: Some(true),
            small: Some(-7),
            large: Some(9_007_199_254_740_993),
            real: Some(1500.0),
            ..Everything::default()
        },
    );
    for form in ["Time=2023-11-14T22%3A13%3A20.123Z", "Time=2023-11-14T23:13:20.123%2B01:00"] {
        check(form, &Everything { time: Some(Timestamp::from_millis(1_700_000_000_123)), ..Everything::default() });
    }
    check("Small=%2B0900&Text=", &Everything { small: Some(900), text: Some("".into()), ..Everything::default() });
    check("Real=-Infinity", &Everything { real: Some(f64::NEG_INFINITY), ..Everything::default() });
    assert!(decode::<Everything>("Real=NaN").expect("a number").real.expect("is there").is_nan());
}

#[test]
fn containers() {
    let list = |list| Everything { list, ..Everything::default() };
    check("List.member.10=c&List.member.2=b&List.member.1=a", &list(texts(&["a", "b", "c"])));
    check("List=", &list(texts(&[])));
    check("List.member.1=a&List=", &list(texts(&["a"])));
    // Nothing else below a list means anything.
    check("List.1=a&List.members.1=b", &list(texts(&[])));
    let map = |entries: &[(&str, &str)]| {
        let entries = entries.iter().map(|(key, value)| (ByteString::from(*key), ByteString::from(*value)));
        Everything { map: Some(entries.collect()), ..Everything::default() }
    };
    check(
        "Map.entry.2.key=b&Map.entry.2.value=2&Map.entry.1.value=1&Map.entry.1.key=a",
        &map(&[("a", "1"), ("b", "2")]),
    );
    check("Map.entry.1.key=a&Map.entry.2.key=b&Map.entry.2.value=", &map(&[("b", "")]));
    check("Map=", &map(&[]));
    let inner = Everything { text: Some("x".into()), list: texts(&["y"]), ..Everything::default() };
    let outer = Everything { nested: Some(Box::new(inner)), ..Everything::default() };
    check("Nested.List.member.1=y&Other.1=&Nested.Text=x&Nestedness.Text=z", &outer);
    check("Nested=", &Everything { nested: Some(Box::default()), ..Everything::default() });
}

#[test]
fn structures_in_lists() {
    let form = "Action=Put&Records.member.2.PartitionKey=k2&Records.member.1.Data=YQ%3D%3D&StreamName=s\
                &Records.member.2.Data=Yg%3D%3D&Records.member.1.PartitionKey=k1&Records.member.1.Other.entry.1.key=x";
    let records = vec![(Bytes::from_static(b"a"), "k1".into()), (Bytes::from_static(b"b"), "k2".into())];
    assert_eq!(decode::<PutRecords>(form), Ok(PutRecords { stream: "s".into(), records }));
}

#[test]
fn values_are_slices_of_one_buffer() {
    let mut reader = QueryReader::new(&Bytes::from_static(b"Text=hello&Small=1")).expect("a form");
    reader.begin_struct().expect("a form is a structure");
    assert_eq!(reader.next_field(&["Text", "Small"]), Ok(Some(1)));
    assert_eq!(reader.integer(), Ok(1));
    assert_eq!(reader.next_field(&["Text", "Small"]), Ok(Some(0)));
    let (once, again) = (reader.string().expect("text"), reader.string().expect("text"));
    assert_eq!(once.as_bytes().as_ptr(), again.as_bytes().as_ptr());
    assert_eq!(reader.next_field(&["Text", "Small"]), Ok(None));
}

#[test]
fn wrong_types_are_refused_in_the_words_of_aws() {
    let map = Some("Start of structure or map found where not expected.");
    for form in ["Text.a=1", "Blob.member.1=x", "Small.a=1", "Flag.x=", "List.member.1.x=a", "Time.a="] {
        refused(form, map);
    }
    refused("List=a", Some("Expected list or null"));
    refused("Map=a", Some("Expected map or null"));
    refused("Nested=a", Some("Expected null"));
    refused("Time=1700000000", Some("timestamp must follow ISO8601"));
    refused("Small=", Some("missing value for decimal type"));
    for form in ["Small=abc", "Small=900.0", "Small=2147483648", "Large=9223372036854775808", "Real=x", "Real=inf"] {
        refused(form, None);
    }
    refused("Flag=maybe", Some("'MAYBE' can not be converted to an Boolean"));
    for form in ["List.member.x=a", "Map.entry.1.value=a", "Map.entry.x.key=a"] {
        refused(form, None);
    }
}

#[test]
fn depth_is_limited() {
    let nested = |levels: usize| format!("{}Text=x", "Nested.".repeat(levels));
    assert!(decode::<Everything>(nested(DEPTH_MAX - 1)).is_ok());
    assert_eq!(decode::<Everything>(nested(DEPTH_MAX)), Err(DecodeError::malformed()));
    assert!(decode::<Nothing>(nested(10_000)).is_ok(), "what nobody asks for is passed over");
}

#[test]
fn replies_are_laid_out_as_aws_does() {
    let shape = Everything {
        text: Some("<&>".into()),
        blob: Some(Bytes::from_static(b"hello")),
        flag: Some(false),
        real: Some(1.0),
        time: Some(Timestamp::from_millis(1_700_000_000_000)),
        list: texts(&["a", "b"]),
        map: Some(vec![("k".into(), "v".into())]),
        nested: Some(Box::new(Everything { list: texts(&[]), ..Everything::default() })),
        ..Everything::default()
    };
    let mut out = Vec::new();
    QueryReply { operation: "Do", namespace: "urn:x", request_id: "r" }.encode(Some(&shape), &mut out);
    let expected = r#"<DoResponse xmlns="urn:x">
  <DoResult>
    <Text>&lt;&amp;&gt;</Text>
    <Blob>aGVsbG8=</Blob>
    <Flag>false</Flag>
    <Real>1.0</Real>
    <Time>2023-11-14T22:13:20Z</Time>
    <List>
      <member>a</member>
      <member>b</member>
    </List>
    <Map>
      <entry>
        <key>k</key>
        <value>v</value>
      </entry>
    </Map>
    <Nested>
      <List/>
    </Nested>
  </DoResult>
  <ResponseMetadata>
    <RequestId>r</RequestId>
  </ResponseMetadata>
</DoResponse>
"#;
    assert_eq!(String::from_utf8_lossy(&out), expected);
}

/// A form with the same members as an answer, made of nothing but the answer's text.
fn form_of(xml: &str) -> String {
    let (mut form, mut path, mut counts) = (String::new(), Vec::<String>::new(), vec![0_usize]);
    let mut rest = xml;
    let mut text = "";
    let mut is_leaf = false;
    while let Some(open) = rest.find('<') {
        text = if is_leaf { &rest[..open] } else { text };
        let end = open + rest[open..].find('>').expect("tags end");
        let tag = &rest[open + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_suffix('/') {
            form.push_str(&format!("{}{name}=&", path.concat()));
            is_leaf = false;
        } else if tag.starts_with('/') {
            let name = path.concat();
            if is_leaf {
                form.push_str(&format!("{}={}&", name.trim_end_matches('.'), percent(&unescape(text))));
            }
            path.pop();
            counts.pop();
            is_leaf = false;
        } else {
            let name = tag.split(' ').next().expect("a name");
            let count = counts.last_mut().expect("the root is open");
            *count += 1;
            path.push(if matches!(name, "member" | "entry") { format!("{name}.{count}.") } else { format!("{name}.") });
            counts.push(0);
            is_leaf = true;
        }
    }
    form
}

fn unescape(text: &str) -> String {
    let pairs = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#xD;", "\r"), ("&amp;", "&")];
    pairs.iter().fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
}

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

/// As XML can carry it.
fn representable(mut shape: Everything) -> Everything {
    fn clean(text: &ByteString) -> ByteString {
        let is_strange =
            |c: char| matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
        text.replace(is_strange, "\u{fffd}").into()
    }
    shape.text = shape.text.as_ref().map(clean);
    shape.list = shape.list.map(|list| list.iter().map(clean).collect());
    shape.map = shape.map.map(|map| map.iter().map(|(key, value)| (clean(key), clean(value))).collect());
    shape.nested = shape.nested.map(|nested| Box::new(representable(*nested)));
    shape
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn answers_hold_what_was_written(shape in strategy::everything()) {
        let mut out = Vec::new();
        QueryReply { operation: "Do", namespace: "urn:x", request_id: "r" }.encode(Some(&shape), &mut out);
        let xml = String::from_utf8(out).expect("XML is text");
        let form = form_of(&xml).replace("DoResponse.DoResult.", "").replace("DoResponse.DoResult=", "");
        prop_assert_eq!(decode::<Everything>(form), Ok(representable(shape)));
    }
}
