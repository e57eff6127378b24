//! How long checks took, or runs of devices: buckets, counts of them, and series of counts.

pub mod bucket;
pub mod series;
pub mod sketch;
