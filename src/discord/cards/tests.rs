//! Cards as snapshots.
