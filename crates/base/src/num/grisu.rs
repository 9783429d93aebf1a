//! Doubles to text: the digits of Grisu2, laid out as Redis lays them out.
//!
//! Redis does not print the shortest digits. It prints what Grisu2 finds (Florian Loitsch, "Printing
//! Floating-Point Numbers Quickly and Accurately with Integers", 2010): always digits that read back as the same
//! double, but for about one random double in seven hundred one digit longer, or less close, than possible.
//! To be equal byte for byte we must run the same algorithm, not a better one.
//!
//! How it works. A double `w` stands for every real number between its two boundaries, half way to its
//! neighbours. All three are multiplied by a cached power of ten so that the product's binary exponent falls into
//! `-60..=-32`; then the digits of the upper boundary are generated, first from the integral part by division,
//! then from the fraction by multiplication, until what is left is smaller than the distance between the
//! boundaries: everything with these leading digits lies inside. As the products are rounded, one unit is
//! taken off both ends. Last, the final digit is stepped down while that brings the number closer to `w`.

use super::float::write_plain;

/// Appends a double as Redis prints scores and RESP3 doubles.
pub fn write_f64(out: &mut Vec<u8>, value: f64) {
    if value != 0.0 && value.abs() <= INTEGER_LIMIT && value as i64 as f64 == value {
        return super::write_i64(out, value as i64);
    }
    write_f64_digits(out, value);
}

/// The same, but a large round number has an exponent although it is an integer (`1e+17`): so scores are in digests.
pub fn write_f64_digits(out: &mut Vec<u8>, value: f64) {
    if value.is_nan() {
        return out.extend_from_slice(b"nan");
    }
    if value.is_infinite() {
        return out.extend_from_slice(if value > 0.0 { b"inf" } else { b"-inf" });
    }
    if value == 0.0 {
        return out.extend_from_slice(if value.is_sign_negative() { b"-0" } else { b"0" });
    }
    if value < 0.0 {
        out.push(b'-');
    }
    let mut buffer = [0; DIGITS_MAX];
    let (len, exponent) = shortest_digits(value.abs(), &mut buffer);
    lay_out(out, &buffer[..len], exponent);
}

/// Integers up to half the range of `i64` are printed as integers, digit for digit: 2^62.
const INTEGER_LIMIT: f64 = 4_611_686_018_427_387_904.0;

/// Grisu2 never needs more than 17 digits.
const DIGITS_MAX: usize = 18;

/// Writes `digits * 10^exponent`, choosing between the plain and the exponent form as Redis does.
///
/// What counts is where the *last* digit stands: from the sixth decimal up to the eighth place before the point the
/// form is plain. Long fractions are plain too while the first digit is within three places of the units.
fn lay_out(out: &mut Vec<u8>, digits: &[u8], exponent: i32) {
    let leading = exponent + digits.len() as i32 - 1;
    let plain = (-6..=7).contains(&exponent) || (exponent < 0 && leading.abs() <= 3);
    if plain {
        return write_plain(out, digits, leading);
    }
    out.push(digits[0]);
    if digits.len() > 1 {
        out.push(b'.');
        out.extend_from_slice(&digits[1..]);
    }
    out.extend_from_slice(if leading < 0 { b"e-" } else { b"e+" });
    super::write_i64(out, i64::from(leading.abs()));
}

/// A "do-it-yourself" floating-point number of the paper: `f * 2^e`.
#[derive(Clone, Copy)]
struct Diy {
    f: u64,
    e: i32,
}

impl Diy {
    fn normalized(self) -> Diy {
        let shift = self.f.leading_zeros();
        Diy { f: self.f << shift, e: self.e - shift as i32 }
    }

    /// The upper half of the product, rounded.
    fn times(self, other: Diy) -> Diy {
        let product = u128::from(self.f) * u128::from(other.f) + (1 << 63);
        Diy { f: (product >> 64) as u64, e: self.e + other.e + 64 }
    }
}

/// Splits a positive finite double, and gives its lower and upper boundary at one common exponent.
fn boundaries(value: f64) -> (Diy, Diy, Diy) {
    let bits = value.to_bits();
    let (field, fraction) = ((bits >> 52) as i32, bits & ((1 << 52) - 1));
    let w = if field == 0 { Diy { f: fraction, e: -1074 } } else { Diy { f: fraction | 1 << 52, e: field - 1075 } };
    let upper = Diy { f: (w.f << 1) + 1, e: w.e - 1 }.normalized();
    // Below a power of two the neighbours are twice as close, so that boundary is nearer. (Not at the
    // smallest normal number, whose lower neighbour is a subnormal at the same distance.)
    let lower = if fraction == 0 && field > 1 {
        Diy { f: (w.f << 2) - 1, e: w.e - 2 }
    } else {
        Diy { f: (w.f << 1) - 1, e: w.e - 1 }
    };
    let lower = Diy { f: lower.f << (lower.e - upper.e), e: upper.e };
    (w.normalized(), lower, upper)
}

/// Finds the digits; returns how many, and the power of ten the last one is worth.
fn shortest_digits(value: f64, buffer: &mut [u8; DIGITS_MAX]) -> (usize, i32) {
    let (w, lower, upper) = boundaries(value);
    let (power, exponent10) = cached_power(upper.e);
    let w = w.times(power);
    let high = upper.times(power).f - 1;
    let low = lower.times(power).f + 1;
    let (len, kappa) = generate(high, w, high - low, buffer);
    (len, kappa - exponent10)
}

/// Generates the digits of `high`, which shares the exponent of `w`, until the rest fits in `delta`.
fn generate(high: u64, w: Diy, mut delta: u64, buffer: &mut [u8; DIGITS_MAX]) -> (usize, i32) {
    let shift = -w.e as u32;
    let mask = (1u64 << shift) - 1;
    let mut to_w = high - w.f;
    let mut whole = high >> shift;
    let mut fraction = high & mask;
    let mut kappa = super::digits10(whole) as i32;
    let mut unit = 10u64.pow(kappa as u32 - 1);
    let mut len = 0;
    while kappa > 0 {
        push_digit(buffer, &mut len, whole / unit);
        whole %= unit;
        kappa -= 1;
        let rest = (whole << shift) + fraction;
        if rest <= delta {
            step_towards_w(&mut buffer[len - 1], delta, rest, unit << shift, to_w);
            return (len, kappa);
        }
        unit /= 10;
    }
    loop {
        fraction *= 10;
        delta *= 10;
        to_w = to_w.wrapping_mul(10);
        kappa -= 1;
        push_digit(buffer, &mut len, fraction >> shift);
        fraction &= mask;
        if fraction < delta {
            step_towards_w(&mut buffer[len - 1], delta, fraction, 1 << shift, to_w);
            return (len, kappa);
        }
    }
}

/// Appends a digit, unless it would be a leading zero.
fn push_digit(buffer: &mut [u8; DIGITS_MAX], len: &mut usize, digit: u64) {
    if digit != 0 || *len != 0 {
        buffer[*len] = b'0' + digit as u8;
        *len += 1;
    }
}

/// Lowers the last digit (worth `unit`) while the number stays inside and comes closer to `w`.
fn step_towards_w(digit: &mut u8, delta: u64, mut rest: u64, unit: u64, to_w: u64) {
    while rest < to_w && delta - rest >= unit && (rest + unit < to_w || to_w - rest > rest + unit - to_w) {
        *digit -= 1;
        rest += unit;
    }
}

/// The smallest cached power that brings a product with a number of binary exponent `e` to at least 2^-60.
fn cached_power(e: i32) -> (Diy, i32) {
    // 1292913986 / 2^32 is log10(2), rounded down; the table's step of eight leaves room for the estimate.
    let exponent10 = ((i64::from(-60 - e - 1) * 1_292_913_986) >> 32) as i32;
    let mut index = ((exponent10 - POWERS_FIRST) / POWERS_STEP).clamp(0, POWERS.len() as i32 - 1) as usize;
    while e + POWERS[index].1 + 64 < -60 {
        index += 1;
    }
    while e + POWERS[index].1 + 64 > -32 {
        index -= 1;
    }
    let (f, power_e) = POWERS[index];
    (Diy { f, e: power_e }, POWERS_FIRST + POWERS_STEP * index as i32)
}

const POWERS_FIRST: i32 = -348;
const POWERS_STEP: i32 = 8;

/// 10^-348, 10^-340 and so on to 10^340: the 64-bit significand, rounded to nearest, and its binary exponent.
#[rustfmt::skip]
static POWERS: [(u64, i32); 87] = [
    (0xfa8fd5a0081c0288, -1220),
    (0xbaaee17fa23ebf76, -1193),
    (0x8b16fb203055ac76, -1166),
    (0xcf42894a5dce35ea, -1140),
    (0x9a6bb0aa55653b2d, -1113),
    (0xe61acf033d1a45df, -1087),
    (0xab70fe17c79ac6ca, -1060),
    (0xff77b1fcbebcdc4f, -1034),
    (0xbe5691ef416bd60c, -1007),
    (0x8dd01fad907ffc3c, -980),
    (0xd3515c2831559a83, -954),
    (0x9d71ac8fada6c9b5, -927),
    (0xea9c227723ee8bcb, -901),
    (0xaecc49914078536d, -874),
    (0x823c12795db6ce57, -847),
    (0xc21094364dfb5637, -821),
    (0x9096ea6f3848984f, -794),
    (0xd77485cb25823ac7, -768),
    (0xa086cfcd97bf97f4, -741),
    (0xef340a98172aace5, -715),
    (0xb23867fb2a35b28e, -688),
    (0x84c8d4dfd2c63f3b, -661),
    (0xc5dd44271ad3cdba, -635),
    (0x936b9fcebb25c996, -608),
    (0xdbac6c247d62a584, -582),
    (0xa3ab66580d5fdaf6, -555),
    (0xf3e2f893dec3f126, -529),
    (0xb5b5ada8aaff80b8, -502),
    (0x87625f056c7c4a8b, -475),
    (0xc9bcff6034c13053, -449),
    (0x964e858c91ba2655, -422),
    (0xdff9772470297ebd, -396),
    (0xa6dfbd9fb8e5b88f, -369),
    (0xf8a95fcf88747d94, -343),
    (0xb94470938fa89bcf, -316),
    (0x8a08f0f8bf0f156b, -289),
    (0xcdb02555653131b6, -263),
    (0x993fe2c6d07b7fac, -236),
    (0xe45c10c42a2b3b06, -210),
    (0xaa242499697392d3, -183),
    (0xfd87b5f28300ca0e, -157),
    (0xbce5086492111aeb, -130),
    (0x8cbccc096f5088cc, -103),
    (0xd1b71758e219652c, -77),
    (0x9c40000000000000, -50),
    (0xe8d4a51000000000, -24),
    (0xad78ebc5ac620000, 3),
    (0x813f3978f8940984, 30),
    (0xc097ce7bc90715b3, 56),
    (0x8f7e32ce7bea5c70, 83),
    (0xd5d238a4abe98068, 109),
    (0x9f4f2726179a2245, 136),
    (0xed63a231d4c4fb27, 162),
    (0xb0de65388cc8ada8, 189),
    (0x83c7088e1aab65db, 216),
    (0xc45d1df942711d9a, 242),
    (0x924d692ca61be758, 269),
    (0xda01ee641a708dea, 295),
    (0xa26da3999aef774a, 322),
    (0xf209787bb47d6b85, 348),
    (0xb454e4a179dd1877, 375),
    (0x865b86925b9bc5c2, 402),
    (0xc83553c5c8965d3d, 428),
    (0x952ab45cfa97a0b3, 455),
    (0xde469fbd99a05fe3, 481),
    (0xa59bc234db398c25, 508),
    (0xf6c69a72a3989f5c, 534),
    (0xb7dcbf5354e9bece, 561),
    (0x88fcf317f22241e2, 588),
    (0xcc20ce9bd35c78a5, 614),
    (0x98165af37b2153df, 641),
    (0xe2a0b5dc971f303a, 667),
    (0xa8d9d1535ce3b396, 694),
    (0xfb9b7cd9a4a7443c, 720),
    (0xbb764c4ca7a44410, 747),
    (0x8bab8eefb6409c1a, 774),
    (0xd01fef10a657842c, 800),
    (0x9b10a4e5e9913129, 827),
    (0xe7109bfba19c0c9d, 853),
    (0xac2820d9623bf429, 880),
    (0x80444b5e7aa7cf85, 907),
    (0xbf21e44003acdd2d, 933),
    (0x8e679c2f5e44ff8f, 960),
    (0xd433179d9c8cb841, 986),
    (0x9e19db92b4e31ba9, 1013),
    (0xeb96bf6ebadf77d9, 1039),
    (0xaf87023b9bf0ee6b, 1066),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: f64) -> String {
        let mut out = Vec::new();
        write_f64(&mut out, value);
        String::from_utf8(out).unwrap()
    }

    /// Bits and text captured from Redis 8.2.3; the first sixteen are not the shortest or closest digits.
    const CAPTURED: &[(u64, &str)] = &[
        (0x43a67b7b7bddf79d, "810012131452505728"),
        (0x4398f6e2ee4b90db, "449718653569742528"),
        (0x43cf2986739c833d, "4490947440652220928"),
        (0x4393aa9d87bbfe7a, "354279559765401216"),
        (0x43980943e5549ac0, "432997545986666496"),
        (0x4370fb00e838d07b, "76473295071676336"),
        (0x436cc83461a1446c, "64811413197693792"),
        (0x43aa70525d86e190, "952556602013042688"),
        (0xc3b4adeacd95fddc, "-1490105220435139584"),
        (0x42df2ca825141b58, "137106640097389.37"),
        (0xc3aa0ee36e308816, "-938844078530104064"),
        (0x43a6831b90fbbf47, "811085300148183936"),
        (0xc3bedba2564f00fc, "-2223549332613823488"),
        (0xc382d5cad898c7ba, "-169651736793380672"),
        (0x4393c473686d626b, "356097568626219712"),
        (0xc3c0b2fbd569a4d3, "-2406601888960718336"),
        (0x4023e084d2165f57, "9.938513341170319"),
        (0x28a97e65c7d17842, "8.281808732916242e-113"),
        (0x25f13647e92caccb, "6.356733960851942e-126"),
        (0x5db7a0f9f66418a4, "2.8813756343328466e+143"),
        (0x402c7db830d3e88f, "14.245545888774613"),
        (0x446948cbbff631b1, "3731312792782867300000"),
        (0x3fd3007c79e97600, "0.29690467744316607"),
        (0x404643a9362a5c2b, "44.52860142773019"),
        (0x40536722aa0fa4ff, "77.61149074104104"),
        (0x3f13c9227ec751ba, "7.54763893334236e-5"),
        (0xc6b24de91b0eee39, "-3.712560840981215e+32"),
        (0x3f4f003f79b52294, "9.460744799208603e-4"),
        (0x4548ab9fdc2fc1de, "5.96493864754854e+25"),
        (0xf1792aa689949d45, "-4.0969549909081394e+238"),
        (0x235ee557c8db0158, "2.594432898045936e-138"),
        (0x9ea90005aa1f8452, "-5.556916085921899e-161"),
        (0x626f12e00ad85563, "1.4315319046343099e+166"),
        (0x404f5ec7327f1d46, "62.740454017703584"),
        (0x63caf05ebad64103, "5.205328278521336e+172"),
        (0xb51745918a757c03, "-6.074210699252028e-53"),
        (0x3d70d4948a883d2e, "9.56696996919552e-13"),
        (0x42d79d576aea2c58, "103858175715505.37"),
        (0x3ffd36840b85d922, "1.8258095216857062"),
        (0x4184110505088f7e, "4.208246462917994e+7"),
    ];

    #[test]
    fn digits_are_those_of_redis() {
        for &(bits, expected) in CAPTURED {
            assert_eq!(text(f64::from_bits(bits)), expected, "{bits:#x}");
        }
    }

    #[test]
    fn layout_is_that_of_redis() {
        for (value, expected) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (3.0, "3"),
            (-2.5, "-2.5"),
            (0.1, "0.1"),
            (0.0001234, "1.234e-4"),
            (0.000123, "0.000123"),
            (0.000001, "0.000001"),
            (0.0000015, "1.5e-6"),
            (0.0000001, "1e-7"),
            (1e17, "100000000000000000"),
            (1e20, "1e+20"),
            (-1e20, "-1e+20"),
            (12345678901234567890.0, "12345678901234567000"),
            (4611686018427387904.0, "4611686018427387904"),
            (1.5e300, "1.5e+300"),
            (f64::MAX, "1.7976931348623157e+308"),
            (5e-324, "5e-324"),
            (2.2250738585072014e-308, "2.2250738585072014e-308"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
        ] {
            assert_eq!(text(value), expected);
        }
    }

    #[test]
    fn every_double_reads_back() {
        let mut rng = crate::rng::Rng::seed(5);
        for _ in 0..20_000 {
            let value = f64::from_bits(rng.next_u64());
            if value.is_finite() {
                let text = text(value);
                assert_eq!(crate::num::parse_f64(text.as_bytes()), Some(value), "{text}");
                assert!(text.len() <= 25, "{text}");
            }
        }
    }
}
