//! Numbers in 15 bits: exact below 1,024, with an error of at most 0.1 % above.
//!
//! Nine bits of mantissa and an exponent, so that neighbours in size are neighbours in code: what hardly changes has small
//! differences, which pack well.

/// Bits of the mantissa.
const MANTISSA: u32 = 9;
const HALF: u64 = 1 << MANTISSA;

/// The code of a number; greater numbers never have smaller codes.
pub fn encode(value: u64) -> u16 {
    let exponent = (64 - value.leading_zeros()).saturating_sub(MANTISSA + 1);
    // below 2 * HALF + 54 * HALF, which fits
    u16::try_from(u64::from(exponent) * HALF + (value >> exponent)).unwrap_or(u16::MAX)
}

/// The middle of the numbers that have this code.
pub fn decode(code: u16) -> u64 {
    let code = u64::from(code);
    if code < 2 * HALF {
        return code;
    }
    let exponent = (code / HALF - 1).min(54);
    let mantissa = code - exponent * HALF;
    (mantissa << exponent).saturating_add((1 << exponent) / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_number_comes_back_within_a_thousandth(value in any::<u64>(), shift in 0u32..64) {
            let value = value >> shift;
            let back = decode(encode(value));
            prop_assert!(back.abs_diff(value) <= value / 1000, "{value} {back}");
            prop_assert_eq!(encode(back), encode(value));
            prop_assert!(encode(value.saturating_add(1)) >= encode(value));
        }
    }

    #[test]
    fn small_numbers_are_exact() {
        for value in 0..1024 {
            assert_eq!(decode(encode(value)), value);
        }
        assert_eq!(decode(encode(1_000_000)).abs_diff(1_000_000), 64);
    }
}
