//! The words of the field: values that cannot be wrong. Knows no async, IO, clock, randomness or globals.
