//! The evidence folder of a server that a deployment is pointed at: one room for each purpose.

pub mod durability;
