use api::dynamodb::AttributeValue;
use proptest::prelude::*;

use super::*;
use crate::key_condition::KeyTest;
use crate::value::{Attributes, Value};

fn text(text: &str) -> AttributeValue {
    AttributeValue { s: Some(text.into()), ..AttributeValue::default() }
}

fn number(text: &str) -> AttributeValue {
    AttributeValue { n: Some(text.into()), ..AttributeValue::default() }
}

fn placeholders() -> Placeholders {
    let names = [("#n", "n"), ("#and", "and"), ("#dot", "a.b")].map(|(key, name)| (key.into(), name.into()));
    let list = AttributeValue { l: Some(vec![number("1")]), ..AttributeValue::default() };
    let set = AttributeValue { ss: Some(vec!["x".into(), "y".into()]), ..AttributeValue::default() };
    let values = [
        (":one", number("1")),
        (":five", number("5")),
        (":x", text("x")),
        (":kind", text("N")),
        (":list", list),
        (":set", set),
    ];
    Placeholders::new(Some(names.into()), Some(values.map(|(key, value)| (key.into(), value)).into())).expect("valid")
}

/// `{n: 5, s: "xyz", l: [1, {k: "v"}], ss: {x, y}, and: "x", "a.b": true}`
fn item() -> Attributes {
    let map = Value::M([("k".into(), Value::S("v".into()))].into());
    [
        ("n".into(), Value::N(5_i64.into())),
        ("s".into(), Value::S("xyz".into())),
        ("l".into(), Value::L(vec![Value::N(1_i64.into()), map])),
        ("ss".into(), Value::Ss(["x".into(), "y".into()].into())),
        ("and".into(), Value::S("x".into())),
        ("a.b".into(), Value::Bool(true)),
    ]
    .into()
}

fn holds(expression: &str) -> bool {
    let condition = condition(Parameter::Condition, expression, &mut placeholders());
    condition.unwrap_or_else(|error| panic!("{expression}: {error}")).holds(&item())
}

fn refused(expression: &str, fault: &str) {
    let error = condition(Parameter::Filter, expression, &mut placeholders()).expect_err(expression);
    assert_eq!(error.to_string(), format!("Invalid FilterExpression: {fault}"), "{expression}");
}

#[test]
fn conditions_that_hold() {
    for expression in [
        "n = :five",
        "#n=:five",
        "n<>:one",
        "absent <> :one",
        ":one < n",
        "n >= :five",
        "n BETWEEN :one AND :five",
        "n between :one and :five AND n = :five",
        "n IN (:one, :five)",
        "s IN (s2, s)",
        "attribute_exists (n)",
        "attribute_exists(l[1].k)",
        "attribute_not_exists(l[1].z)",
        "attribute_not_exists(n.z)",
        "attribute_type(n, :kind)",
        "begins_with(s, :x)",
        "contains(s, :x) AND contains(ss, :x) AND contains(l, :one)",
        "size(s) > :one and size(l) > size(absent) OR n = :five",
        "NOT n = :one",
        "not not n = :five",
        "n = :one OR n = :five AND s <> :x",
        "(n = :one OR n = :five) AND (NOT (n = :one))",
        "(n) = (:five)",
        "(size(s)) > (:one)",
        "#and = :x",
        "#dot <> :x",
        "NOT (#n = :one) AND n=:five",
        "\t\r\nn\n=\n:five ",
    ] {
        assert!(holds(expression), "{expression}");
    }
}

#[test]
fn conditions_that_do_not_hold() {
    for expression in [
        "n = :one",
        "n = :x",
        "n < :x",
        "absent = :one",
        "absent < :one",
        "absent BETWEEN :one AND :five",
        "absent IN (:one)",
        "n = :five AND n = :one OR n = :one",
        "attribute_not_exists(n)",
        "attribute_type(s, :kind)",
        "begins_with(n, :x)",
        "contains(n, :one)",
        "size(n) > :one",
        "l[7] = :one",
        "l[99999999999999999999999999] = :one",
    ] {
        assert!(!holds(expression), "{expression}");
    }
}

#[test]
fn what_is_no_condition() {
    refused("", "The expression can not be empty;");
    refused("n", "Syntax error; token: \"<EOF>\", near: \"n\"");
    refused("n = ", "Syntax error; token: \"<EOF>\", near: \"=\"");
    refused("n :one s", "Syntax error; token: \":one\", near: \"n :one s\"");
    refused("n = :one s", "Syntax error; token: \"s\", near: \":one s\"");
    refused("n ! :one", "Syntax error; token: \"!\", near: \"n ! :one\"");
    refused("and = :one", "Syntax error; token: \"and\", near: \"and =\"");
    refused("n = :one AND", "Syntax error; token: \"<EOF>\", near: \"AND\"");
    refused("(n = :one", "Syntax error; token: \"=\", near: \"n = :one\"");
    refused("n = #", "Syntax error; token: \"#\", near: \"= #\"");
    refused("l[x] = :one", "Syntax error; token: \"x\", near: \"[x]\"");
    refused("n = :one é", "Syntax error; token: \"é\", near: \":one é\"");
    refused("((n = :one))", "The expression has redundant parentheses;");
    refused("((n)) = :one", "The expression has redundant parentheses;");
    refused("#z = :one", &Fault::UnknownName("#z".to_owned()).to_string());
    refused("n = :z", &Fault::UnknownValue(":z".to_owned()).to_string());
    refused("foo(n)", "Invalid function name; function: foo");
    refused("size(n)", "The function is not allowed to be used this way in an expression; function: size");
    refused(
        "attribute_exists(n) = :one",
        "The function is not allowed to be used this way in an expression; function: attribute_exists",
    );
    refused("attribute_exists(n, s)", &Fault::OperandCount { operator: "attribute_exists", count: 2 }.to_string());
    refused("attribute_exists(:one)", &Fault::NotAPath("attribute_exists").to_string());
    refused("begins_with(n, :one)", &Fault::OperandType { operator: "begins_with", kind: "N" }.to_string());
    refused("size(:one) > :one", &Fault::OperandType { operator: "size", kind: "N" }.to_string());
    refused("attribute_type(n, :x)", &Fault::UnknownType("x".to_owned()).to_string());
    refused("n = n", &Fault::SameOperands { operator: "=", operand: "[n]".to_owned() }.to_string());
    refused("n BETWEEN :five AND :one", &Fault::Bounds { low: "N:5".to_owned(), high: "N:1".to_owned() }.to_string());
    refused("n BETWEEN :one AND :x", &Fault::BoundTypes { low: "N:1".to_owned(), high: "S:x".to_owned() }.to_string());
    refused(&format!("n = :{}", "x".repeat(5000)), &Fault::TooLong(5005).to_string());
    let many = vec![":one"; 101].join(",");
    refused(&format!("n IN ({many})"), &Fault::OperandCount { operator: "IN", count: 102 }.to_string());
}

#[test]
fn nesting_has_an_end() {
    for expression in [
        format!("{}n = :one", "NOT ".repeat(1000)),
        format!("{}n = :one{}", "(NOT ".repeat(600), ")".repeat(600)),
        format!("{}n{}", "(".repeat(2000), ")".repeat(2000)),
        format!("{}n{} > :one", "size(".repeat(600), ")".repeat(600)),
    ] {
        refused(&expression, "The expression is nested too deeply;");
    }
}

#[test]
fn updates() {
    let applied = |expression: &str| {
        let mut item = item();
        update(expression, &mut placeholders())
            .unwrap_or_else(|error| panic!("{expression}: {error}"))
            .apply(&mut item)
            .unwrap_or_else(|error| panic!("{expression}: {error}"));
        item
    };
    let changed = applied(
        "SET n = n + :one, new = if_not_exists(new, :five), s=:x, l = list_append(l, :list) \
         remove #and add counter :one delete ss :set",
    );
    assert_eq!(changed["n"], Value::N(6_i64.into()));
    assert_eq!(changed["new"], Value::N(5_i64.into()));
    assert_eq!(changed["s"], Value::S("x".into()));
    assert!(matches!(&changed["l"], Value::L(list) if list.len() == 3));
    assert_eq!(changed["counter"], Value::N(1_i64.into()));
    assert!(!changed.contains_key("and") && !changed.contains_key("ss"));
    // As the lock client and the enhanced client write them.
    assert_eq!(applied("SET #n=:one,s=:x REMOVE #and ")["n"], Value::N(1_i64.into()));
    assert_eq!(applied("SET n = (n - (:one + :one))")["n"], Value::N(3_i64.into()));
    assert_eq!(applied("SET n = if_not_exists(z, if_not_exists(n, :one)) + :one")["n"], Value::N(6_i64.into()));
    assert_eq!(applied("SET l[1].k = :x")["l"], {
        Value::L(vec![Value::N(1_i64.into()), Value::M([("k".into(), Value::S("x".into()))].into())])
    });
}

#[test]
fn what_is_no_update() {
    for (expression, fault) in [
        ("", "The expression can not be empty;"),
        ("n = :one", "Syntax error; token: \"n\", near: \"n =\""),
        ("SET n", "Syntax error; token: \"<EOF>\", near: \"n\""),
        ("SET n = :one SET s = :x", "The \"SET\" section can only be used once in an update expression;"),
        ("SET n = foo(:one)", "Invalid function name; function: foo"),
        ("SET n = :x + :one", &Fault::OperandType { operator: "+", kind: "S" }.to_string()),
        ("SET n = list_append(:one, l)", &Fault::OperandType { operator: "list_append", kind: "N" }.to_string()),
        ("SET n = if_not_exists(:one, :one)", &Fault::NotAPath("if_not_exists").to_string()),
        ("SET n = if_not_exists(n)", &Fault::OperandCount { operator: "if_not_exists", count: 1 }.to_string()),
        ("ADD n :x", &Fault::ActionType { operator: "ADD", kind: "STRING" }.to_string()),
        ("DELETE n :one", &Fault::ActionType { operator: "DELETE", kind: "NUMBER" }.to_string()),
        ("ADD n n", "Syntax error; token: \"n\", near: \"n n\""),
        ("SET n = :one REMOVE n", &Fault::Overlap("[n]".to_owned(), "[n]".to_owned()).to_string()),
        ("SET l.k = :one, l[0] = :one", &Fault::Conflict("[l, k]".to_owned(), "[l, [0]]".to_owned()).to_string()),
    ] {
        let error = update(expression, &mut placeholders()).expect_err(expression);
        assert_eq!(error.to_string(), format!("Invalid UpdateExpression: {fault}"), "{expression}");
    }
}

#[test]
fn projections() {
    let paths = projection("n, #dot.x , l[0], l[1].k", &mut placeholders()).expect("valid");
    let shown: Vec<String> = paths.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["[n]", "[a.b, x]", "[l, [0]]", "[l, [1], k]"]);
    let error = projection("n, n", &mut placeholders()).expect_err("twice");
    assert_eq!(error.fault, Fault::Overlap("[n]".to_owned(), "[n]".to_owned()));
    assert!(projection("n,", &mut placeholders()).is_err());
}

#[test]
fn key_conditions() {
    let tests = |text: &str| key_condition(text, &mut placeholders()).expect("parses");
    let found = tests("n= :five AND (begins_with(s, :x))").expect("tests of keys");
    assert_eq!(found[0].0, "n");
    assert_eq!(found[1], ("s".into(), KeyTest::BeginsWith(Value::S("x".into()))));
    let mirrored = tests(":one < n").expect("a test");
    assert_eq!(mirrored, tests("n > :one").expect("a test"));
    for (text, message) in [
        ("n = :one OR s = :x", "Invalid operator used in KeyConditionExpression: OR"),
        ("n <> :one", "Invalid operator used in KeyConditionExpression: <>"),
        ("attribute_not_exists(n)", "Invalid operator used in KeyConditionExpression: attribute_not_exists"),
        ("n = :one AND n = :five", "KeyConditionExpressions must only contain one condition per key"),
        ("n.x = :one", "KeyConditionExpressions cannot have conditions on nested attributes"),
        ("size(n) = :one", "KeyConditionExpressions cannot contain nested operations"),
        ("n = s", "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition"),
    ] {
        assert_eq!(tests(text).expect_err(text).to_string(), message);
    }
}

#[test]
fn every_placeholder_must_be_right_and_used() {
    let names = |key: &str| Placeholders::new(Some([(key.into(), "n".into())].into()), None);
    let values = |key: &str, value| Placeholders::new(None, Some([(key.into(), value)].into()));
    for (made, message) in [
        (Placeholders::new(Some([].into()), None), "ExpressionAttributeNames must not be empty"),
        (Placeholders::new(None, Some([].into())), "ExpressionAttributeValues must not be empty"),
        (names("n"), "ExpressionAttributeNames contains invalid key: Syntax error; key: \"n\""),
        (names("#a-b"), "ExpressionAttributeNames contains invalid key: Syntax error; key: \"#a-b\""),
        (values(":", number("1")), "ExpressionAttributeValues contains invalid key: Syntax error; key: \":\""),
        (
            values(":v", number("x")),
            "ExpressionAttributeValues contains invalid value: The parameter cannot be converted to a numeric value: x \
             for key :v",
        ),
    ] {
        assert_eq!(made.expect_err(message).to_string(), message);
    }
    let mut placeholders = placeholders();
    condition(Parameter::Condition, "#n = :one", &mut placeholders).expect("valid");
    assert_eq!(
        placeholders.finish().expect_err("others").to_string(),
        "Value provided in ExpressionAttributeNames unused in expressions: keys: {#and, #dot}"
    );
    let mut used = values(":v", number("1")).expect("valid");
    assert_eq!(used.value(":v").map(|_| used.finish()), Ok(Ok(())));
}

/// Texts made of the words of the grammar.
fn nearly_expressions() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("n"),
        Just("#n"),
        Just(":one"),
        Just(":x"),
        Just(":list"),
        Just("l"),
        Just("("),
        Just(")"),
        Just("["),
        Just("]"),
        Just("0"),
        Just("."),
        Just(","),
        Just("="),
        Just("<>"),
        Just("<"),
        Just(">="),
        Just("+"),
        Just("-"),
        Just("AND"),
        Just("OR"),
        Just("NOT"),
        Just("BETWEEN"),
        Just("IN"),
        Just("SET"),
        Just("REMOVE"),
        Just("ADD"),
        Just("DELETE"),
        Just("size"),
        Just("contains"),
        Just("begins_with"),
        Just("attribute_exists"),
        Just("if_not_exists"),
        Just("list_append"),
        Just("é"),
    ];
    proptest::collection::vec(word, 0..40).prop_map(|words| words.join(" "))
}

/// Parses a text as everything; what is taken is used.
fn parse_all(text: &str) {
    if let Ok(condition) = condition(Parameter::Condition, text, &mut placeholders()) {
        let _ = condition.holds(&item());
    }
    if let Ok(update) = update(text, &mut placeholders()) {
        let _ = update.apply(&mut item());
    }
    let _ = projection(text, &mut placeholders());
    let _ = key_condition(text, &mut placeholders());
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,80}") {
        parse_all(&text);
    }

    #[test]
    fn no_order_of_words_makes_it_panic(text in nearly_expressions()) {
        parse_all(&text);
        parse_all(&text.replace(' ', ""));
    }

    #[test]
    fn brackets_do_not_make_it_slow(text in "[(n=:o)]{0,200}") {
        parse_all(&text);
    }
}
