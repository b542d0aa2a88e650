//! The reference adapter: the documented SMTP send adapter, made runnable.

pub mod config;
pub mod twin;

pub use config::Config;
pub use twin::Twin;
