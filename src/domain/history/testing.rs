//! Latencies as endpoints have them, the same ones in every run.

use std::time::Duration;

/// A fixed sequence of random numbers (SplitMix64: Steele, Lea, Flood 2014).
#[derive(Debug)]
pub(super) struct Generator(u64);

impl Generator {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A whole number below `limit`.
    pub(super) fn below(&mut self, limit: u32) -> u32 {
        u32::try_from(self.next() % u64::from(limit)).unwrap()
    }

    /// A number from 0 to 1, without 0.
    pub(super) fn share(&mut self) -> f64 {
        (f64::from(self.below(1_000_000)) + 1.0) / 1e6
    }

    /// A log-normal latency around 40 ms, with this standard deviation of its logarithm.
    pub(super) fn latency(&mut self, deviation: f64) -> Duration {
        let (one, other) = (self.share(), self.share());
        // Box and Muller 1958.
        let normal = (-2.0 * one.ln()).sqrt() * (std::f64::consts::TAU * other).cos();
        Duration::from_secs_f64(0.04 * (normal * deviation).exp())
    }
}
