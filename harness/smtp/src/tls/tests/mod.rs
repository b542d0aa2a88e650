//! Both streams of a connection, followed.
