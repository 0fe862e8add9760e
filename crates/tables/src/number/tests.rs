use proptest::prelude::*;

use super::*;

fn number(text: &str) -> Number {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn canonical_texts() {
    for (text, canonical) in [
        ("0", "0"),
        ("-0", "0"),
        ("0e999999999999999999999", "0"),
        ("000", "0"),
        ("1", "1"),
        ("+1", "1"),
        ("-1.50", "-1.5"),
        (".5", "0.5"),
        ("5.", "5"),
        ("1e3", "1000"),
        ("1E+3", "1000"),
        ("12345e-3", "12.345"),
        ("1e-3", "0.001"),
        ("0.00100", "0.001"),
        ("100.0", "100"),
        ("10010.010", "10010.01"),
        ("99999999999999999999999999999999999999", "99999999999999999999999999999999999999"),
        ("34028236692093846346337460743176821145e-20", "340282366920938463.46337460743176821145"),
    ] {
        assert_eq!(number(text).to_string(), canonical, "{text}");
    }
    assert_eq!(number("1e125").to_string(), format!("1{}", "0".repeat(125)));
    assert_eq!(number("-1e-130").to_string(), format!("-0.{}1", "0".repeat(129)));
    assert_eq!(number(&format!("1{}", "0".repeat(125))), number("1e125"));
}

#[test]
fn what_is_no_number_or_out_of_range() {
    for text in
        ["abc", " 1", "1 ", "1e", "1e+", "--1", "1.2.3", ".", "-", "e5", "0x10", "NaN", "Infinity", "１", "1e5x"]
    {
        assert_eq!(text.parse::<Number>(), Err(NumberError::NotANumber(text.to_owned())));
    }
    let empty = "".parse::<Number>().expect_err("nothing");
    assert_eq!(empty.to_string(), "The parameter cannot be converted to a numeric value");
    assert_eq!(
        "x".parse::<Number>().expect_err("a letter").to_string(),
        "The parameter cannot be converted to a numeric value: x"
    );
    for (text, error) in [
        ("1e126", NumberError::Overflow),
        ("-10e125", NumberError::Overflow),
        ("1e99999999999999999999999", NumberError::Overflow),
        ("1e-131", NumberError::Underflow),
        ("0.1e-130", NumberError::Underflow),
        ("1e-99999999999999999999999", NumberError::Underflow),
        ("123456789012345678901234567890123456789", NumberError::TooPrecise),
        ("1.00000000000000000000000000000000000001", NumberError::TooPrecise),
        ("123456789012345678901234567890123456789e200", NumberError::Overflow),
    ] {
        assert_eq!(text.parse::<Number>(), Err(error), "{text}");
    }
}

#[test]
fn sums_are_exact_or_refused() {
    let sum = |a: &str, b: &str| number(a).plus(number(b)).map(|sum| sum.to_string());
    assert_eq!(sum("0.1", "0.2"), Ok("0.3".to_owned()));
    assert_eq!(sum("1e37", "-1e37"), Ok("0".to_owned()));
    assert_eq!(sum("1e38", "-1"), Ok("9".repeat(38)));
    assert_eq!(sum("-1e-130", "0"), Ok(number("-1e-130").to_string()));
    assert_eq!(sum("1e125", "1"), Err(NumberError::TooPrecise));
    assert_eq!(sum("1e38", "1"), Err(NumberError::TooPrecise));
    assert_eq!(sum("9e125", "1e125"), Err(NumberError::Overflow));
    assert_eq!(sum("99999999999999999999999999999999999999", "99999999999999999999999999999999999999"), {
        Err(NumberError::TooPrecise)
    });
    assert_eq!(number("5").minus(number("7.5")).map(|n| n.to_string()), Ok("-2.5".to_owned()));
    assert_eq!(number("1.1e-130").minus(number("1e-130")), Err(NumberError::Underflow));
}

#[test]
fn sizes() {
    for (text, size) in [("0", 1), ("1", 2), ("12", 2), ("123", 3), ("-123", 4), ("100", 2)] {
        assert_eq!(number(text).size(), size, "{text}");
    }
}

/// Numbers of every kind, as texts.
fn texts() -> impl Strategy<Value = String> {
    ("-?[0-9]{1,20}(\\.[0-9]{1,17})?", -80i32..80).prop_map(|(digits, exponent)| format!("{digits}e{exponent}"))
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,60}") {
        let _ = text.parse::<Number>();
    }

    #[test]
    fn nearly_numbers_do_not_make_it_panic(text in "[-+0-9.eE]{0,60}") {
        if let Ok(number) = text.parse::<Number>() {
            prop_assert_eq!(number.to_string().parse::<Number>(), Ok(number));
        }
    }

    #[test]
    fn texts_round_trip(text in texts()) {
        let number = number(&text);
        prop_assert_eq!(number.to_string().parse::<Number>(), Ok(number));
    }

    #[test]
    fn whole_numbers_behave_as_integers(a: i64, b: i64) {
        let (x, y) = (Number::from(a), Number::from(b));
        prop_assert_eq!(x.to_string(), a.to_string());
        prop_assert_eq!(x.cmp(&y), a.cmp(&b));
        prop_assert_eq!(x.sort_bytes().cmp(&y.sort_bytes()), a.cmp(&b));
        let sum = i128::from(a) + i128::from(b);
        prop_assert_eq!(x.plus(y).map(|sum| sum.to_string()), Ok(sum.to_string()));
        let difference = i128::from(a) - i128::from(b);
        prop_assert_eq!(x.minus(y).map(|sum| sum.to_string()), Ok(difference.to_string()));
    }

    #[test]
    fn bytes_sort_as_numbers_do(a in texts(), b in texts()) {
        let (a, b) = (number(&a), number(&b));
        prop_assert_eq!(a.sort_bytes().cmp(&b.sort_bytes()), a.cmp(&b));
        prop_assert_eq!(a.cmp(&b) == Ordering::Equal, a == b);
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
    }

    #[test]
    fn what_is_added_can_be_taken_away(a in texts(), b in texts()) {
        let (a, b) = (number(&a), number(&b));
        if let Ok(sum) = a.plus(b) {
            prop_assert_eq!(sum.minus(b), Ok(a));
            prop_assert_eq!(b.plus(a), Ok(sum));
            prop_assert_eq!(sum.cmp(&a), b.cmp(&Number::ZERO));
        }
    }
}
