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
    if value.is_nan() {
        return out.extend_from_slice(b"nan");
    }
    if value.is_infinite() {
        return out.extend_from_slice(if value > 0.0 { b"inf" } else { b"-inf" });
    }
    if value == 0.0 {
        return out.extend_from_slice(if value.is_sign_negative() { b"-0" } else { b"0" });
    }
    if value.abs() < INTEGER_LIMIT && value as i64 as f64 == value {
        return super::write_i64(out, value as i64);
    }
    if value < 0.0 {
        out.push(b'-');
    }
    let mut buffer = [0; DIGITS_MAX];
    let (len, exponent) = shortest_digits(value.abs(), &mut buffer);
    lay_out(out, &buffer[..len], exponent);
}

/// Integers below this are printed as integers, digit for digit: 2^63.
const INTEGER_LIMIT: f64 = 9_223_372_036_854_775_808.0;

/// Grisu2 never needs more than 17 digits.
const DIGITS_MAX: usize = 18;

/// Writes `digits * 10^exponent`, choosing between the plain and the exponent form as Redis does.
fn lay_out(out: &mut Vec<u8>, digits: &[u8], exponent: i32) {
    let len = digits.len() as i32;
    let leading = exponent + len - 1;
    let plain = if exponent >= 0 { leading < len + 7 } else { exponent > -7 || leading.abs() < 4 };
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
