use super::*;
use proptest::prelude::*;

fn lines(text: &str) -> Result<Vec<String>, DefinitionError> {
    let mut definitions = Definitions::new("main", 1);
    let mut all = Vec::new();
    for line in text.lines() {
        let expanded = expand(&mut definitions, line)?.unwrap_or_else(|| line.to_owned());
        all.extend(expanded.lines().map(str::to_owned));
    }
    Ok(all)
}

#[test]
fn a_definition_is_resolved_at_its_use_and_may_use_others() {
    let text = "$BASE=10.2.${SUB}\n$SUB=0\n${BASE}.100/32\n$SUB=10\n${BASE}.100/32";
    assert_eq!(lines(text).unwrap(), ["10.2.0.100/32", "10.2.10.100/32"]);
    assert_eq!(lines("$IF=@main\n$IF priority 240\n$NO=@other\n$NO x").unwrap(), ["priority 240"]);
    assert_eq!(lines("@main $P=240\n@backup $P=200\npriority $P").unwrap(), ["priority 240"]);
}

#[test]
fn each_line_of_a_value_is_read_anew() {
    let mut definitions = Definitions::new("main", 1);
    definitions.define("$RS=\\\nreal ${N} {\\\n}");
    definitions.define("$VS=\\\nvirtual {\\\n$N=1\\\n$RS\\\n$N=2\\\n$RS\\\n}");
    assert_eq!(expand(&mut definitions, "$VS").unwrap().unwrap(), "virtual {\nreal 1 {\n}\nreal 2 {\n}\n}\n");
    definitions.define("$EMPTY=");
    assert_eq!(expand(&mut definitions, "$EMPTY").unwrap().unwrap(), "");
}

#[test]
fn sequences_count_up_and_down_and_in_hexadecimal() {
    for (line, want) in [
        ("~SEQ(S, 0, 3) ${S}.1", "0.1 1.1 2.1 3.1"),
        ("~SEQ(S,3) $S", "1 2 3"),
        ("~SEQ(S,-2) $S", "-1 -2"),
        ("~SEQ(S,3,1) $S", "3 2 1"),
        ("~SEQ (S,1,2) $S", "1 2"),
        ("~SEQx  (S,10,11) $S", "a b"),
        ("~SEQ(S,0) $S", "1 0"),
        ("~SEQ(S, 3,) $S", "3 2 1 0"),
        ("~SEQ(S, ) $S", "1 0"),
        ("~SEQ(S,,2) $S", "0 1 2"),
        ("~LST(S, 1,2,) x$S", "x1 x2 x"),
        ("~LST(S,) x$S", "x"),
        ("~SEQ(S,+1,+2) $S", "1 2"),
        ("~SEQ(S,010,012) $S", "8 9 10"),
        ("~SEQ(S,-010,-7) $S", "-8 -7"),
        ("~SEQ(S,1,2,6) $S", "1 3 5"),
        ("~SEQx(S,144,16,192) $S", "90 a0 b0 c0"),
        ("~SEQx(S, 0x90, 0x10, 0xa0) ~SEQx(T, 0xb, -1, 0xa) ${S}:${T}", "90:b 90:a a0:b a0:a"),
    ] {
        assert_eq!(lines(line).unwrap().join(" "), want, "{line}");
    }
    for (line, why) in [("~SEQ(S,1,-1,2) $S", "lead away from the end"), ("~LST(S) $S", "no values")] {
        assert!(lines(line).unwrap_err().to_string().contains(why), "{line}");
    }
}

#[test]
fn lists_set_one_variable_or_several() {
    let text = "~LST({A,   B},  {10,1},{20,4})  ~SEQ(C,168,2,170)  192.${C}.${A}.${B}";
    assert_eq!(lines(text).unwrap(), ["192.168.10.1", "192.170.10.1", "192.168.20.4", "192.170.20.4"]);
    assert_eq!(lines("$V=a\n~LST(V, b, c) $V\n$V").unwrap(), ["b", "c", "c"], "as in keepalived");
    assert_eq!(lines("$A=1\n~LST (V, $A, $B) x${V}y").unwrap(), ["x$Ay", "x$By"], "as they stand");
    assert_eq!(lines("$MANY=2\n~SEQ(I,1,$MANY) x${I}").unwrap(), ["x1", "x2"]);
}

#[test]
fn what_never_ends_or_grows_too_large_is_refused() {
    assert_eq!(lines("$A=$B\n$B=$A\n$A").unwrap_err().to_string(), "$A uses itself");
    let mut definitions = Definitions::new("main", 1);
    for i in 0..30 {
        definitions.define(&format!("$A{i}=${{A{n}}}${{A{n}}}${{A{n}}}xx", n = i + 1));
    }
    assert_eq!(expand(&mut definitions, "$A0"), Err(DefinitionError::LineTooLong));
    for endless in ["@other x", "some words"] {
        let mut definitions = Definitions::new("main", 1);
        definitions.spent = (LARGEST - 100_000, MOST_LINES - 10_000);
        let line = format!("~SEQ(A,1,4000000000) ~SEQ(B,1,4000000000) {endless}");
        assert_eq!(expand(&mut definitions, &line), Err(DefinitionError::TooLarge));
    }
}

/// Lines that use and change a few definitions, in any order.
fn definition_lines() -> impl Strategy<Value = Vec<String>> {
    let piece = prop::sample::select(vec!["${A}", "${B}", "${C}", "$A", "x", " ", "yyyyyyyy", "@lb1 "]);
    let head = prop::sample::select(vec![
        "$A=",
        "$B=",
        "$C=",
        "",
        "~SEQ(A, 1, 900) ",
        "~SEQ(I, 1, 900) $B=",
        "~LST({A,B}, {1,2}, {3,4}) ",
        "~LST(C, ",
    ]);
    let line =
        (head, prop::collection::vec(piece, 0..6)).prop_map(|(head, pieces)| format!("{head}{}", pieces.concat()));
    prop::collection::vec(line, 1..6)
}

proptest! {
    /// Work is counted, not timed; the repeats make what is not linear large.
    #[test]
    fn whatever_definitions_say_the_work_on_them_is_bounded(lines in definition_lines(), repeats in 1_usize..100) {
        let budget = 1 << 16;
        let mut definitions = Definitions::new("lb1", 1);
        definitions.work_left = budget;
        let (mut made, mut calls) = (0, 0);
        'text: for _ in 0..repeats {
            for line in &lines {
                calls += 1;
                match expand(&mut definitions, line) {
                    Ok(text) => made += text.unwrap_or_default().len(),
                    Err(DefinitionError::TooMuch { name }) => {
                        prop_assert!(definitions.work_left == 0 && !name.is_empty(), "{name:?}");
                        break 'text;
                    }
                    Err(_) => {}
                }
            }
        }
        prop_assert!(made <= 2 * budget, "{made} bytes were made with a budget of {budget}");
        prop_assert!(definitions.spent.1 <= budget + calls, "{} lines were read", definitions.spent.1);
    }
}

#[test]
fn a_definition_that_grows_by_itself_again_and_again_ends_with_its_name() {
    let mut definitions = Definitions::new("main", 1);
    let mut refused = 0;
    let error = loop {
        definitions.define("$A=${A}${A}x");
        match expand(&mut definitions, "$A") {
            Err(DefinitionError::LineTooLong) => refused += 1,
            other => break other.unwrap_err(),
        }
    };
    assert!((30..300).contains(&refused), "{refused} lines of 128 KiB with 15,000 uses, each counted 16 times");
    assert!(error.to_string().ends_with("$A is where it ended"), "{error}");
}

#[test]
fn the_last_value_of_a_sequence_stays_and_one_without_values_changes_nothing() {
    let mut definitions = Definitions::new("main", 1);
    definitions.set("A", &"v".repeat(100_000));
    assert_eq!(expand(&mut definitions, "~SEQ(A,1,2) ~LST({A,A},{5,6}) ${A}").unwrap().unwrap(), "6\n6\n");
    assert_eq!(definitions.get("A"), Some("6"));
    definitions.set("A", &"v".repeat(100_000));
    assert!(expand(&mut definitions, "~SEQ(A,1,0,2) x").is_err());
    assert_eq!(definitions.get("A").map(str::len), Some(100_000));
}

#[test]
fn a_sequence_that_is_none_says_what_is_missing() {
    for (line, what) in [
        ("~SEQ(I,1,$X) y", "start, step and end are not whole numbers"),
        ("~SEQ(I,1,0,3) y", "a step of 0 never comes to the end"),
        ("~SEQ I 1 3", "its ( is missing"),
        ("~SEQ(I,1,3 y", "the ) of the sequence is missing"),
        ("~SEQ(I,08,12) y", "not whole numbers"),
        ("~SEQ(I,++1,2) y", "not whole numbers"),
        ("~SEQ(I,0x,2) y", "not whole numbers"),
        ("~LST(I, ${X}, 2) y", "${…} is none of them"),
        ("~SEQ() y", "names no variable"),
        ("~SEQ(a b,3) y", "the variable's name"),
        ("~LST({A,B},{1}) y", "not as many values"),
        ("~LST({A,B y) ", "not closed"),
        ("~SEQy(I,3) y", "neither ~SEQ, ~SEQx nor ~LST"),
        ("~SEQ(I) y", "start, step and end"),
    ] {
        let told = lines(line).unwrap_err().to_string();
        assert!(told.contains(what), "{line}: {told}");
    }
}
