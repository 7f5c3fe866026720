//! x
mod power_cut;
