//! Exact numbers: decimals of 38 digits, with 256-bit products so that no digit is lost on the way.

/// Powers of ten that fit.
pub fn pow10(n: u32) -> u128 {
    10u128.pow(n.min(38))
}

/// A signed magnitude over 10^scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    /// Below zero.
    pub negative: bool,
    /// The digits.
    pub magnitude: u128,
    /// How many of them follow the point.
    pub scale: u8,
}

/// 256 bits, high and low.
type Wide = (u128, u128);

fn mul_wide(a: u128, b: u128) -> Wide {
    const LOW: u128 = u64::MAX as u128;
    let (a1, a0) = (a >> 64, a & LOW);
    let (b1, b0) = (b >> 64, b & LOW);
    let p00 = a0 * b0;
    let p01 = a0 * b1;
    let p10 = a1 * b0;
    let p11 = a1 * b1;
    let mid = (p00 >> 64) + (p01 & LOW) + (p10 & LOW);
    (p11 + (p01 >> 64) + (p10 >> 64) + (mid >> 64), (mid << 64) | (p00 & LOW))
}

fn div_wide(n: Wide, d: u128) -> (Wide, u128) {
    if n.0 == 0 {
        return ((0, n.1 / d), n.1 % d);
    }
    let (mut high, mut low, mut rest) = (0u128, 0u128, 0u128);
    for i in (0..256).rev() {
        let bit = if i >= 128 { (n.0 >> (i - 128)) & 1 } else { (n.1 >> i) & 1 };
        let carry = rest >> 127;
        rest = (rest << 1) | bit;
        if carry == 1 || rest >= d {
            rest = rest.wrapping_sub(d);
            if i >= 128 { high |= 1 << (i - 128) } else { low |= 1 << i }
        }
    }
    ((high, low), rest)
}

fn round_half_up(quotient: u128, rest: u128, divisor: u128) -> u128 {
    if rest >= divisor - rest { quotient.saturating_add(1) } else { quotient }
}

impl Decimal {
    /// From an integer.
    pub fn from_i128(n: i128) -> Self {
        Decimal { negative: n < 0, magnitude: n.unsigned_abs(), scale: 0 }
    }

    /// From a signed count of 10^-scale.
    pub fn scaled(n: i128, scale: u8) -> Self {
        Decimal { negative: n < 0, magnitude: n.unsigned_abs(), scale }
    }

    /// The same value with another scale, rounded half away from zero. `None` if it needs more than 38 digits.
    pub fn rescale(self, scale: u8) -> Option<Self> {
        let magnitude = match scale.cmp(&self.scale) {
            std::cmp::Ordering::Equal => self.magnitude,
            std::cmp::Ordering::Greater => {
                let by = u32::from(scale - self.scale);
                if by > 38 && self.magnitude != 0 {
                    return None;
                }
                self.magnitude.checked_mul(pow10(by))?
            }
            std::cmp::Ordering::Less => {
                let by = u32::from(self.scale - scale);
                if by > 38 {
                    0
                } else {
                    let d = pow10(by);
                    round_half_up(self.magnitude / d, self.magnitude % d, d)
                }
            }
        };
        if magnitude > pow10(38) - 1 {
            return None;
        }
        Some(Decimal { negative: self.negative && magnitude != 0, magnitude, scale })
    }

    /// The same value cut (not rounded) to a scale.
    pub fn truncate(self, scale: u8) -> Option<Self> {
        if scale >= self.scale {
            return self.rescale(scale);
        }
        let magnitude = self.magnitude / pow10(u32::from(self.scale - scale));
        Some(Decimal { negative: self.negative && magnitude != 0, magnitude, scale })
    }

    /// Whether it fits `precision` digits.
    pub fn fits(self, precision: u8) -> bool {
        precision >= 38 || self.magnitude < pow10(u32::from(precision))
    }

    /// Sum, at the larger scale.
    pub fn plus(self, other: Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        let (a, b) = (self.rescale(scale)?, other.rescale(scale)?);
        let (negative, magnitude) = if a.negative == b.negative {
            (a.negative, a.magnitude.checked_add(b.magnitude)?)
        } else if a.magnitude >= b.magnitude {
            (a.negative, a.magnitude - b.magnitude)
        } else {
            (b.negative, b.magnitude - a.magnitude)
        };
        if magnitude > pow10(38) - 1 {
            return None;
        }
        Some(Decimal { negative: negative && magnitude != 0, magnitude, scale })
    }

    /// The same with the sign turned.
    pub fn negate(self) -> Self {
        Decimal { negative: !self.negative && self.magnitude != 0, ..self }
    }

    /// Product at a scale.
    pub fn multiply(self, other: Self, scale: u8) -> Option<Self> {
        let product = mul_wide(self.magnitude, other.magnitude);
        let have = u32::from(self.scale) + u32::from(other.scale);
        let want = u32::from(scale);
        let magnitude = if have > want {
            let by = have - want;
            let (mut q, mut rest_nonzero_half) = (product, None);
            // At most 76 digits go: in two steps, the last one rounds.
            let (first, last) = if by > 38 { (by - 38, 38) } else { (0, by) };
            if first > 0 {
                q = div_wide(q, pow10(first)).0;
            }
            if last > 0 {
                let d = pow10(last);
                let (q2, rest) = div_wide(q, d);
                q = q2;
                rest_nonzero_half = Some((rest, d));
            }
            if q.0 != 0 {
                return None;
            }
            match rest_nonzero_half {
                Some((rest, d)) => round_half_up(q.1, rest, d),
                None => q.1,
            }
        } else {
            if product.0 != 0 {
                return None;
            }
            product.1.checked_mul(pow10(want - have))?
        };
        if magnitude > pow10(38) - 1 {
            return None;
        }
        Some(Decimal { negative: self.negative != other.negative && magnitude != 0, magnitude, scale })
    }

    /// Quotient at a scale, cut as the server cuts. `None` if it does not fit; the divisor must not be zero.
    pub fn divide(self, other: Self, scale: u8) -> Option<Self> {
        let up = u32::from(scale) + u32::from(other.scale);
        let have = u32::from(self.scale);
        let numerator = if up >= have {
            let by = up - have;
            if by > 38 {
                let first = mul_wide(self.magnitude, pow10(38));
                if first.0 != 0 {
                    return None;
                }
                mul_wide(first.1, pow10(by - 38))
            } else {
                mul_wide(self.magnitude, pow10(by))
            }
        } else {
            (0, self.magnitude / pow10(have - up))
        };
        let (q, _) = div_wide(numerator, other.magnitude);
        if q.0 != 0 || q.1 > pow10(38) - 1 {
            return None;
        }
        Some(Decimal { negative: self.negative != other.negative && q.1 != 0, magnitude: q.1, scale })
    }

    /// Remainder, at the larger scale, with the sign of the dividend.
    pub fn remainder(self, other: Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        let (a, b) = (self.rescale(scale)?, other.rescale(scale)?);
        if b.magnitude == 0 {
            return None;
        }
        let magnitude = a.magnitude % b.magnitude;
        Some(Decimal { negative: a.negative && magnitude != 0, magnitude, scale })
    }

    /// Which is larger.
    pub fn compare(self, other: Self) -> std::cmp::Ordering {
        let zero = |d: &Decimal| d.magnitude == 0;
        let (an, bn) = (self.negative && !zero(&self), other.negative && !zero(&other));
        match (an, bn) {
            (true, false) => return std::cmp::Ordering::Less,
            (false, true) => return std::cmp::Ordering::Greater,
            _ => {}
        }
        let a = mul_wide(self.magnitude, pow10(u32::from(other.scale.saturating_sub(self.scale))));
        let b = mul_wide(other.magnitude, pow10(u32::from(self.scale.saturating_sub(other.scale))));
        if an { b.cmp(&a) } else { a.cmp(&b) }
    }

    /// As a float.
    pub fn to_f64(self) -> f64 {
        // Through text: the nearest double, as a division of two doubles is not.
        self.to_string().parse().unwrap_or(0.0)
    }

    /// From a float at a scale; `None` if it does not fit.
    pub fn from_f64(f: f64, scale: u8) -> Option<Self> {
        if !f.is_finite() || f.abs() >= 1e38 {
            return None;
        }
        // Assumption: 17 significant digits are what the server takes from a float.
        let text = format!("{:.*}", usize::from(scale) + 1, f);
        Self::parse(&text)?.rescale(scale)
    }

    /// The whole part; `None` if beyond i128.
    pub fn to_i128(self) -> Option<i128> {
        let whole = i128::try_from(self.magnitude / pow10(u32::from(self.scale))).ok()?;
        Some(if self.negative { -whole } else { whole })
    }

    /// From digits with an optional sign, point and exponent. Blanks around are allowed.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim_matches(' ');
        let (negative, digits) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (mut magnitude, mut scale, mut point, mut any) = (0u128, 0u32, false, false);
        for b in digits.bytes() {
            match b {
                b'0'..=b'9' => {
                    any = true;
                    if point && scale >= 38 {
                        continue;
                    }
                    magnitude = magnitude.checked_mul(10)?.checked_add(u128::from(b - b'0'))?;
                    if point {
                        scale += 1;
                    }
                }
                b'.' if !point => point = true,
                _ => return None,
            }
        }
        if !any && !point {
            return None;
        }
        if !any || magnitude > pow10(38) - 1 {
            return None;
        }
        Some(Decimal { negative: negative && magnitude != 0, magnitude, scale: scale as u8 })
    }
}

impl std::fmt::Display for Decimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.negative && self.magnitude != 0 {
            f.write_str("-")?;
        }
        if self.scale == 0 {
            return write!(f, "{}", self.magnitude);
        }
        let d = pow10(u32::from(self.scale));
        write!(f, "{}.{:0width$}", self.magnitude / d, self.magnitude % d, width = usize::from(self.scale))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(t: &str) -> Decimal {
        Decimal::parse(t).unwrap()
    }

    #[test]
    fn arithmetic_keeps_every_digit() {
        assert_eq!(d("1.25").plus(d("-3.5")).unwrap().to_string(), "-2.25");
        assert_eq!(d("12345678901234567890.12").multiply(d("3.5"), 3).unwrap().to_string(), "43209876154320987615.420");
        assert_eq!(d("1").divide(d("3"), 6).unwrap().to_string(), "0.333333");
        assert_eq!(d("2").divide(d("3"), 6).unwrap().to_string(), "0.666666");
        assert_eq!(d("-7.5").remainder(d("2")).unwrap().to_string(), "-1.5");
        assert_eq!(d("99999999999999999999999999999999999999").plus(d("1")), None);
        assert_eq!(d("1.005").rescale(2).unwrap().to_string(), "1.01");
        assert_eq!(d("-1.5").rescale(0).unwrap().to_string(), "-2");
        assert!(d("1.10").compare(d("1.1")).is_eq() && d("-2").compare(d("1")).is_lt());
        assert!(
            d("99999999999999999999999999999999999999").compare(d("0.00000000000000000000000000000000000001")).is_gt()
        );
    }
}
