//! The evidence folder of a server that a deployment is pointed at: one room for each purpose.

pub mod captures;
mod commit;
pub mod digest;
pub mod durability;
pub mod forward;
pub mod health;
pub mod index;
pub mod journal;
mod private;
pub mod queue;
pub mod store;
#[cfg(test)]
mod testing;
pub mod verify;
