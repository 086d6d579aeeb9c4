//! What is different between two JSON values, and the way from one to the other.
//!
//! Of objects: an object of the fields that differ, `null` where one is gone, differences again where both are objects or
//! lists. Of lists: `{"~": {index: difference}, "#": length}` where elements at the same place can be told apart by it, so
//! that one real server of a thousand costs one line. A value that begins to be what a difference looks like, or that is
//! `null`, is written as `{"=": value}`.

use super::TIMER_SLACK_MS;
use serde_json::{Map, Value, json};

/// Marks of a difference.
const ITEMS: &str = "~";
const LENGTH: &str = "#";
const WHOLE: &str = "=";

/// Fields that run down by themselves, in milliseconds.
const TIMERS: [&str; 2] = ["in_ms", "next_in_ms"];

/// Lets every timer in a value run down.
pub(super) fn age(value: &mut Value, ms: u64) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                match field.as_u64() {
                    Some(left) if TIMERS.contains(&name.as_str()) => *field = left.saturating_sub(ms).into(),
                    Some(_) | None => age(field, ms),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| age(item, ms)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What makes `new` of `old`; none where nothing does.
pub(super) fn between(old: &Value, new: &Value) -> Option<Value> {
    match (old, new) {
        _ if old == new => None,
        (Value::Object(old), Value::Object(new)) => {
            let mut change = Map::new();
            for (name, value) in new {
                let difference = match old.get(name) {
                    Some(before) if is_same_timer(name, before, value) => None,
                    Some(before) => between(before, value),
                    None => Some(whole(value)),
                };
                if let Some(difference) = difference {
                    change.insert(name.clone(), difference);
                }
            }
            for name in old.keys().filter(|name| !new.contains_key(*name)) {
                change.insert(name.clone(), Value::Null);
            }
            (!change.is_empty()).then_some(Value::Object(change))
        }
        (Value::Array(old), Value::Array(new)) => {
            let mut items = Map::new();
            for (index, value) in new.iter().enumerate() {
                let difference = match old.get(index) {
                    Some(before) => between(before, value),
                    None => Some(whole(value)),
                };
                if let Some(difference) = difference {
                    items.insert(index.to_string(), difference);
                }
            }
            let mut change = Map::new();
            if old.len() != new.len() {
                change.insert(LENGTH.to_owned(), json!(new.len()));
            }
            if !items.is_empty() {
                change.insert(ITEMS.to_owned(), Value::Object(items));
            }
            (!change.is_empty()).then_some(Value::Object(change))
        }
        (_, new) => Some(whole(new)),
    }
}

fn is_same_timer(name: &str, old: &Value, new: &Value) -> bool {
    let both = old.as_u64().zip(new.as_u64()).filter(|_| TIMERS.contains(&name));
    both.is_some_and(|(old, new)| old.abs_diff(new) <= TIMER_SLACK_MS)
}

/// A value as a difference: what could be taken for something else is wrapped.
fn whole(value: &Value) -> Value {
    match value {
        Value::Object(_) | Value::Null => json!({ WHOLE: value }),
        Value::Array(_) | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// Makes the new value of the old one; what does not fit together is left as it is.
pub(super) fn apply(value: &mut Value, change: &Value) {
    let Value::Object(change) = change else {
        if !change.is_null() {
            *value = change.clone();
        }
        return;
    };
    if let Some(new) = change.get(WHOLE).filter(|_| change.len() == 1) {
        *value = new.clone();
        return;
    }
    match value {
        Value::Object(fields) => {
            for (name, difference) in change {
                if difference.is_null() {
                    fields.remove(name);
                } else {
                    apply(fields.entry(name.clone()).or_insert(Value::Null), difference);
                }
            }
        }
        Value::Array(items) => apply_items(items, change),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn apply_items(items: &mut Vec<Value>, change: &Map<String, Value>) {
    if let Some(length) = change.get(LENGTH).and_then(Value::as_u64) {
        // No list becomes longer than what is written of it.
        let written = change.get(ITEMS).and_then(Value::as_object).map_or(0, Map::len);
        let length = usize::try_from(length).unwrap_or(usize::MAX).min(items.len() + written);
        items.resize(length, Value::Null);
    }
    for (index, difference) in change.get(ITEMS).and_then(Value::as_object).into_iter().flatten() {
        if let Some(item) = index.parse::<usize>().ok().and_then(|index| items.get_mut(index)) {
            apply(item, difference);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_value() -> impl Strategy<Value = Value> {
        let names = prop_oneof![Just("a"), Just("b"), Just("~"), Just("#"), Just("="), Just("in_s")];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (0u8..4).prop_map(Value::from),
            "[a-c]{0,2}".prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 32, 4, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map(names.clone(), inner, 0..4)
                    .prop_map(|fields| fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
            ]
        })
    }

    proptest! {
        #[test]
        fn a_difference_leads_from_the_old_to_the_new(old in any_value(), new in any_value()) {
            // no status has a field with one of the marks as its name
            prop_assume!(!old.to_string().contains("\"=\":") && !new.to_string().contains("\"=\":"));
            let mut reached = old.clone();
            if let Some(change) = between(&old, &new) {
                apply(&mut reached, &change);
            }
            prop_assert_eq!(reached, new);
        }
    }

    #[test]
    fn a_timer_that_runs_down_is_no_difference_and_one_that_jumps_is() {
        let mut old = json!({"checks": [{"next_in_ms": 5000, "error": null}]});
        age(&mut old, 1000);
        assert_eq!(between(&old, &json!({"checks": [{"next_in_ms": 4100, "error": null}]})), None);
        let change = between(&old, &json!({"checks": [{"next_in_ms": 6000, "error": null}]}));
        assert_eq!(change, Some(json!({"checks": {"~": {"0": {"next_in_ms": 6000}}}})));
    }
}
