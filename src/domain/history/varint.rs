//! Whole numbers in as few bytes as they need: seven bits in each byte, the lowest first (LEB128). Signed numbers alternate, 0,
//! -1, 1, -2 and so on (zigzag), so that those near zero take one byte.

/// Appends a number: 1 byte up to 127, 10 bytes at most.
pub(super) fn write(bytes: &mut Vec<u8>, number: u64) {
    let mut rest = number;
    while rest >= 0x80 {
        bytes.push(low_bits(rest) | 0x80);
        rest >>= 7;
    }
    bytes.push(low_bits(rest));
}

/// Appends a signed number: 1 byte from -64 to 63, 10 bytes at most.
pub(super) fn write_signed(bytes: &mut Vec<u8>, number: i64) {
    write(bytes, ((number << 1) ^ (number >> 63)).cast_unsigned());
}

fn low_bits(number: u64) -> u8 {
    number.to_le_bytes()[0] & 0x7f
}

/// Reads numbers from bytes. `None` if they end before the number does, or if it has more than 64 bits.
#[derive(Debug)]
pub(super) struct VarintReader<'a> {
    rest: &'a [u8],
}

impl<'a> VarintReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What has not been read.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*byte)
    }

    /// Reads this many bytes as they are.
    pub(super) fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(bytes)
    }

    pub(super) fn unsigned(&mut self) -> Option<u64> {
        let first = self.byte()?;
        if first < 0x80 {
            return Some(u64::from(first));
        }
        let mut number = u64::from(first & 0x7f);
        for shift in (7..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits.leading_zeros() < shift {
                return None;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    pub(super) fn signed(&mut self) -> Option<i64> {
        let number = self.unsigned()?;
        Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_near_zero_take_one_byte() {
        for (number, length) in [
            (0, 1),
            (127, 1),
            (128, 2),
            (16_383, 2),
            (16_384, 3),
            (u64::MAX, 10),
        ] {
            let mut bytes = Vec::new();
            write(&mut bytes, number);
            assert_eq!(bytes.len(), length, "{number}");
        }
        for (number, written) in [
            (0, vec![0]),
            (-1, vec![1]),
            (1, vec![2]),
            (63, vec![126]),
            (-64, vec![127]),
            (64, vec![0x80, 1]),
        ] {
            let mut bytes = Vec::new();
            write_signed(&mut bytes, number);
            assert_eq!(bytes, written, "{number}");
        }
    }

    #[test]
    fn numbers_that_end_early_or_overflow_are_rejected() {
        let largest = [255, 255, 255, 255, 255, 255, 255, 255, 255, 1];
        let mut too_large = largest;
        too_large[9] = 2;
        let mut too_long = [0x80; 11];
        too_long[10] = 0;
        for (bytes, number) in [
            (&largest[..], Some(u64::MAX)),
            (&largest[..9], None),
            (&too_large, None),
            (&too_long, None),
            (&[], None),
        ] {
            assert_eq!(VarintReader::new(bytes).unsigned(), number, "{bytes:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn numbers_round_trip(unsigned: u64, signed: i64) {
            let mut bytes = Vec::new();
            write(&mut bytes, unsigned);
            write_signed(&mut bytes, signed);
            let mut reader = VarintReader::new(&bytes);
            proptest::prop_assert_eq!(reader.unsigned(), Some(unsigned));
            proptest::prop_assert_eq!(reader.signed(), Some(signed));
            proptest::prop_assert!(reader.rest().is_empty());
        }
    }
}
